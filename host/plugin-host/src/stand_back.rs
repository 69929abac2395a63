//! Letting requests go first: what is done for uploads takes of the processors what requests leave. To be polite is not
//! worth failing for, so whatever the system refuses is left as it is.

use std::io;
use std::thread;

use tokio::sync::oneshot;

use crate::PluginError;

/// How far work that somebody waits for stands back, as `nice` counts: it gets a tenth of what a request gets beside it.
#[cfg(target_os = "linux")]
const WAITED_FOR: i32 = 10;

/// The scheduler gives this process, and every thread it starts, only what nobody else wants: whoever wakes up goes
/// first at once. Where there is no such policy, others go first as far as they can.
pub(crate) fn whole_process() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{
            NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
            set_thread_priority_and_policy, thread_native_id,
        };
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
        // Where memory runs out, this goes and not the server.
        let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    }
    let _ = rustix::process::nice(19);
}

/// Does work of tens of milliseconds on a thread of its own, which stands back. Those that the runtime lends for such
/// work are shared, and a thread that stood back once may not come forward again.
///
/// # Errors
/// Where no thread is to be had, or the work panics.
pub(crate) async fn beside_requests<A: Send + 'static>(
    work: impl FnOnce() -> A + Send + 'static,
) -> Result<A, PluginError> {
    let (answer, answered) = oneshot::channel();
    let failed = |error| PluginError::io("work on a plugin", error);
    let started = thread::Builder::new().name("plugin-upload".to_owned()).spawn(move || {
        // Elsewhere this counts for the whole process.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::nice(WAITED_FOR);
        // Whoever asked may have gone.
        let _ = answer.send(work());
    });
    started.map_err(failed)?;
    answered.await.map_err(|_| failed(io::Error::other("the work broke off")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_breaks_off_is_an_error() {
        assert_eq!(beside_requests(|| 7).await.unwrap(), 7);
        let broken = beside_requests(|| -> u8 { std::panic::panic_any("broken") }).await;
        assert!(matches!(broken, Err(PluginError::Io { .. })), "{broken:?}");
    }
}

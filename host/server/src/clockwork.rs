//! Works what time brings, while the server runs.

use std::sync::Arc;
use std::time::Duration;

use planwright_service::worker;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::http::Web;

/// How often it looks whether something is due. Requests do not wait for it: what concerns them they work themselves.
const EVERY: Duration = Duration::from_secs(1);

/// A task that works what is due, until it is told to stop.
pub(crate) struct Clockwork {
    stop: watch::Sender<bool>,
    running: JoinHandle<()>,
}

impl Clockwork {
    pub(crate) fn start(web: Arc<Web>) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let running = tokio::spawn(async move {
            loop {
                let work = worker::work_all(&web.app, web.clock.now());
                // What is cut off is done wholly or not at all.
                let worked = tokio::select! {
                    worked = work => worked,
                    _ = stopped.changed() => return,
                };
                if let Err(error) = worked {
                    tracing::warn!(%error, "what is due is not worked now; it is tried again");
                }
                tokio::select! {
                    () = tokio::time::sleep(EVERY) => {}
                    _ = stopped.changed() => return,
                }
            }
        });
        Self { stop, running }
    }

    /// Ends it at once.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        if let Err(error) = self.running.await {
            tracing::error!(%error, "the worker did not stop cleanly");
        }
    }
}

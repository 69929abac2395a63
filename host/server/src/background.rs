//! What runs beside requests until the server stops.

use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A task that ends when it is told to.
pub(crate) struct Background {
    stop: watch::Sender<()>,
    running: JoinHandle<()>,
}

/// Tells a task to stop.
pub(crate) struct Stopped(watch::Receiver<()>);

impl Stopped {
    /// Returns once it is told.
    pub(crate) async fn told(mut self) {
        // A sender that is gone is what tells it.
        while self.0.changed().await.is_ok() {}
    }
}

impl Background {
    pub(crate) fn start<F>(work: impl FnOnce(Stopped) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = watch::channel(());
        Self { stop, running: tokio::spawn(work(Stopped(stopped))) }
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        if let Err(error) = self.running.await {
            tracing::error!(%error, "a task beside requests did not stop cleanly");
        }
    }
}

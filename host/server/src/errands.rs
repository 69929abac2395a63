//! What is done after a request, so that nobody waits for it.

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use tokio::task::JoinSet;

/// Errands that are under way. A stop waits for them, since they hold the store open.
#[derive(Default)]
pub(crate) struct Errands(Mutex<JoinSet<()>>);

impl Errands {
    /// More are dropped: whatever is sent must not matter much.
    const MOST: usize = 64;

    /// Does it beside the request, or not at all if too many are under way.
    pub(crate) fn send(&self, errand: impl Future<Output = ()> + Send + 'static) {
        let mut errands = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while errands.try_join_next().is_some() {}
        if errands.len() < Self::MOST {
            errands.spawn(errand);
        }
    }

    /// Waits for those under way.
    pub(crate) async fn finish(&self) {
        let errands = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        errands.join_all().await;
    }
}

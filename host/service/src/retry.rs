//! Starting again when what a decision rested on has changed meanwhile.

use std::future::Future;

use planwright_store::CommitError;

use crate::error::Error;

/// Every failed attempt means that another change went through, so this many lost races in a row are
/// a crowd, not bad luck.
const ATTEMPTS: usize = 32;

/// Runs an attempt until it does not conflict. It may run several times, so it has no effects but its
/// one commit.
pub(crate) async fn retrying<T, F>(mut attempt: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    for _ in 0..ATTEMPTS {
        match attempt().await {
            Err(Error::Commit(CommitError::Conflict { .. })) => {}
            done => return done,
        }
    }
    Err(Error::Contended)
}

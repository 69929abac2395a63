//! Starting again when what a decision rested on has changed meanwhile.

use std::future::Future;
use std::time::Duration;

use planwright_store::CommitError;

use crate::edge::Entropy;
use crate::error::Error;

/// Every failed attempt means that another change went through, so this many lost races in a row are
/// a crowd, not bad luck.
const ATTEMPTS: u32 = 64;
/// The longest pause between two attempts, in milliseconds.
const LONGEST_PAUSE: u64 = 64;

/// Runs an attempt until it does not conflict. It may run several times, so it has no effects but its
/// one commit. Whoever loses again and again waits a little, each for another time, so that a crowd thins out.
pub(crate) async fn retrying<T, F>(
    entropy: &dyn Entropy,
    mut attempt: impl FnMut() -> F,
) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    for lost in 0..ATTEMPTS {
        match attempt().await {
            Err(Error::Commit(CommitError::Conflict { .. })) => pause(entropy, lost).await,
            done => return done,
        }
    }
    Err(Error::Contended)
}

async fn pause(entropy: &dyn Entropy, lost: u32) {
    let longest = LONGEST_PAUSE.min(1_u64.checked_shl(lost).unwrap_or(u64::MAX));
    let [chance, ..] = entropy.draw();
    tokio::time::sleep(Duration::from_millis(u64::from(chance) % longest)).await;
}

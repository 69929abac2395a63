//! What holds for a user: a plan, and the window in which quotas count; with what that rests on.

use planwright_domain::period::Window;
use planwright_domain::plan::Plan;
use planwright_domain::subscription::Subscription;
use planwright_store::{ChangeSet, Key, Snapshot, StoreError};

/// What holds for a user at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Governing {
    /// The plan whose quotas hold; without one there is no limit.
    pub plan: Option<Plan>,
    /// What quotas count in.
    pub window: Window,
    /// Usage is counted by this number and the window's start: the same window under another number begins at 0.
    /// It is 0 for whoever has no subscription.
    pub usage_epoch: u64,
    /// The user's live subscription.
    pub subscription: Option<Subscription>,
    /// The instants of which the same holds, as long as what it rests on is as it was.
    pub(crate) span: Window,
    pub(crate) rests_on: RestsOn,
}

/// The records that an answer rests on, each with the version that was read, or none. A subscription stands for
/// its user's pointer to it: nobody has another one before it was changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RestsOn(Vec<(Key, Option<u64>)>);

impl RestsOn {
    pub(crate) fn add(&mut self, key: Key, version: Option<u64>) {
        self.0.push((key, version));
    }

    /// They are still the same when the change is committed.
    pub(crate) fn expect(&self, change: &mut ChangeSet) {
        for (key, version) in &self.0 {
            change.expect_as_read(key, *version);
        }
    }

    /// Whether a snapshot has them as they were.
    pub(crate) async fn holds<N: Snapshot>(&self, snapshot: &N) -> Result<bool, StoreError> {
        for (key, version) in &self.0 {
            if snapshot.record_version(key).await? != *version {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

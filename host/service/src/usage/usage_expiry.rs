//! Forgetting recorded events, when none can come again that would be counted: their number does not grow.

use planwright_domain::time::Timestamp;
use planwright_store::{ChangeSet, CommitError, Key, Record, Scan, Snapshot, Store, StoreError};

use crate::app::App;
use crate::documents::ExpiringUsageEvents;
use crate::error::Error;
use crate::keys::{HostKeys, Keys, Timeline};

/// Lists read at once.
const PIECE: usize = 64;
/// A change set that deletes so many is committed.
const ENOUGH: usize = 500;

/// Forgets all that has expired by a clock.
pub(crate) async fn forget<S: Store>(
    app: &App<S>,
    timeline: &Timeline,
    now: Timestamp,
) -> Result<(), Error> {
    let all = HostKeys::all_expiring_usage_events(timeline);
    loop {
        let snapshot = app.store.snapshot().await?;
        let lists = snapshot.scan(&all, Scan::first(PIECE)).await?;
        let mut forgetting = Forgetting::default();
        for (key, list) in &lists {
            if !forgetting.take(key, list, now)? || forgetting.deleted >= ENOUGH {
                break;
            }
        }
        if forgetting.deleted == 0 {
            return Ok(());
        }
        match app.store.commit(forgetting.change).await {
            Ok(_) => {}
            // Somebody else is at the same.
            Err(CommitError::Conflict { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

#[derive(Default)]
struct Forgetting {
    change: ChangeSet,
    deleted: usize,
}

impl Forgetting {
    /// Deletes a list and its events, if it has expired. It is expected to be there, so that no event is deleted that
    /// was recorded again since.
    fn take(&mut self, key: &Key, list: &Record, now: Timestamp) -> Result<bool, Error> {
        let (at, tenant) = HostKeys::read_expiring_usage_events(key).ok_or_else(|| {
            StoreError::Corrupt { reason: format!("{key} does not say what expires") }
        })?;
        if i64::try_from(at).is_ok_and(|at| at > now.as_second()) {
            return Ok(false);
        }
        let keys = Keys::of(&tenant);
        self.change.expect_version(key, list.version).delete(key);
        for (teller, user_id, event_id) in list.decode::<ExpiringUsageEvents>()?.all() {
            self.change.delete(&keys.usage_event(teller, user_id, event_id));
            self.deleted += 1;
        }
        Ok(true)
    }
}

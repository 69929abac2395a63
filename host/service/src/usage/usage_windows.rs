//! Windows in which something was used: each is listed with the time from which on nobody asks how much that was, and its
//! counters are cleared away then. What a statement rests on is in the statement.

use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_domain::usage::usage_event::COUNTED_SECONDS;
use planwright_store::{ChangeSet, CommitError, Key, Scan, Snapshot, Store, StoreError};

use crate::app::App;
use crate::documents::UsageWindow;
use crate::error::Error;
use crate::keys::{HostKeys, Keys, Timeline, WindowPlace};
use crate::statements::billing_windows;
use crate::usage::quota_thresholds::Total;

/// Windows read at once.
const PIECE: usize = 64;
/// A change set that clears so many counters is committed.
const ENOUGH: usize = 500;
/// How many counters of one window are cleared in one change set.
const MOST: usize = 5_000;
/// A window that is to be billed still is looked at again after so many seconds.
const AGAIN: i64 = 24 * 60 * 60;

/// Lists the windows of totals that nothing was counted in before. In a sandbox all of them: its clock may have been set
/// past their end since the event was taken in, and they are cleared away already.
pub(crate) fn list<'a>(
    change: &mut ChangeSet,
    timeline: &Timeline,
    tenant: &TenantId,
    before: impl Iterator<Item = &'a Total<'a>>,
) {
    let mut last = None;
    for total in before {
        if total.holds.millionths() > 0 && !timeline.is_sandbox() {
            continue;
        }
        let place = total.window_place();
        if last.as_ref() == Some(&place) {
            continue;
        }
        let expires_at = total.window.end.as_second().saturating_add(COUNTED_SECONDS);
        put(change, timeline, tenant, &place, expires_at);
        last = Some(place);
    }
}

fn put(
    change: &mut ChangeSet,
    timeline: &Timeline,
    tenant: &TenantId,
    place: &WindowPlace,
    expires_at: i64,
) {
    let window = UsageWindow { expires_at };
    change
        .put(&Keys::of(tenant).usage_window(place), &window)
        .put(&HostKeys::expiring_usage(timeline, expires_at, tenant, place), &window);
}

/// Clears away what was counted in windows that nobody asks about any more, by a clock. It comes behind whatever forgets
/// events and thresholds of these windows, which go before them.
pub(crate) async fn clear<S: Store>(
    app: &App<S>,
    timeline: &Timeline,
    now: Timestamp,
) -> Result<(), Error> {
    let all = HostKeys::all_expiring_usage(timeline);
    loop {
        let snapshot = app.store.snapshot().await?;
        let mut clearing = Clearing { change: ChangeSet::new(), cleared: 0 };
        for (key, record) in snapshot.scan(&all, Scan::first(PIECE)).await? {
            let (at, tenant, place) = HostKeys::read_expiring_usage(&key).ok_or_else(|| {
                StoreError::Corrupt { reason: format!("{key} does not say which window it is") }
            })?;
            if at > now.as_second() || clearing.cleared >= ENOUGH {
                break;
            }
            clearing.change.expect_version(&key, record.version);
            if is_asked_for(&snapshot, &tenant, &place, &mut clearing.change).await? {
                clearing.change.delete(&key);
                put(&mut clearing.change, timeline, &tenant, &place, now.as_second() + AGAIN);
            } else {
                clearing.take(&snapshot, (&key, &tenant, &place)).await?;
            }
        }
        if clearing.change.is_empty() {
            return Ok(());
        }
        match app.store.commit(clearing.change).await {
            Ok(_) => {}
            // Somebody else is at the same.
            Err(CommitError::Conflict { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether a window is to be billed still, or something that came late into it. What that rests on is expected.
async fn is_asked_for<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
    place: &WindowPlace,
    change: &mut ChangeSet,
) -> Result<bool, StoreError> {
    let keys = Keys::of(tenant);
    let events = keys.metered_events(place);
    let counted = snapshot.counter(&events).await?;
    change.expect_counter(&events, counted);
    if counted == 0 {
        return Ok(false);
    }
    let found = billing_windows::find(snapshot, &keys, place).await?;
    let late = keys.adjustment_due(place);
    let late_version = snapshot.record_version(&late).await?;
    let version = found.as_ref().map(|(version, _)| *version);
    change.expect_as_read(&keys.billing_window(place), version);
    change.expect_as_read(&late, late_version);
    Ok(late_version.is_some() || found.is_some_and(|(_, window)| window.is_open()))
}

struct Clearing {
    change: ChangeSet,
    cleared: usize,
}

impl Clearing {
    /// Clears away the counters of a window, and then the window; those that are too many for one change set wait for the
    /// next one.
    async fn take<N: Snapshot>(
        &mut self,
        snapshot: &N,
        (listed, tenant, place): (&Key, &TenantId, &WindowPlace),
    ) -> Result<(), StoreError> {
        let keys = Keys::of(tenant);
        let mut counters = snapshot.counters(&keys.segments(place), Scan::first(MOST)).await?;
        counters.extend(snapshot.counters(&keys.usage_of(place), Scan::first(MOST)).await?);
        let is_all = counters.len() < MOST;
        for (counter, _) in counters.iter().take(MOST) {
            self.change.reset(counter);
        }
        self.cleared += counters.len().max(1);
        if is_all {
            let change = self.change.reset(&keys.metered_events(place));
            change.delete(&keys.usage_window(place)).delete(listed);
        }
        Ok(())
    }
}

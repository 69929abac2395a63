//! Telling how far quotas are used, once by user, metric, window and threshold: decided from what a commit says that
//! its counters hold, and told in a change set of its own right after it.
//!
//! What was told is remembered, and is expected as it was read, so that of those who race one tells. Where a crash, or a
//! client that goes away, comes between the two commits, the next event of the window makes it good, also one that
//! is repeated or refused because of the quota: whoever sees a total past a threshold looks whether that was told.
//! That a total was looked at is kept in memory, so that events past a threshold cost no look each.
//!
//! Whoever begins to listen is not promised what was reached before.

use planwright_domain::period::Window;
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_domain::usage::metric::Metric;
use planwright_domain::usage::quantity::Quantity;
use planwright_domain::usage::quota_threshold::Threshold;
use planwright_domain::usage::usage_event::REMEMBERED_SECONDS;
use planwright_domain::usage::{Limit, UsageReport};
use planwright_domain::webhook::event::{Event, EventType};
use planwright_store::{ChangeSet, CommitError, Key, Scan, Snapshot, Store, StoreError};

use crate::app::App;
use crate::documents::ToldThreshold;
use crate::error::Error;
use crate::keys::{HostKeys, Keys, ThresholdPlace, Timeline, WindowPlace};
use crate::request::Request;
use crate::retry::retrying;
use crate::tenants;
use crate::webhooks::outbox::Listeners;

/// How many totals are told of in one change set, and how many are cleared away in one.
const PIECE: usize = 100;

/// A counter of usage, and what it holds.
#[derive(Clone, Copy)]
pub(crate) struct Total<'a> {
    pub(crate) user_id: &'a str,
    pub(crate) metric: &'a Metric,
    pub(crate) usage_epoch: u64,
    pub(crate) window: Window,
    pub(crate) limit: Limit,
    pub(crate) holds: Quantity,
}

impl Total<'_> {
    fn counter(&self, keys: &Keys) -> Key {
        keys.usage(self.user_id, self.usage_epoch, self.window.start, self.metric)
    }

    pub(crate) fn window_place(&self) -> WindowPlace {
        let user_id = self.user_id.to_owned();
        WindowPlace { user_id, usage_epoch: self.usage_epoch, start: self.window.start }
    }

    /// What was told of it may go when no event counts into its window any more.
    fn place(&self, tenant: &TenantId) -> ThresholdPlace {
        let expires_at = self.window.end.as_second().saturating_add(REMEMBERED_SECONDS);
        ThresholdPlace {
            expires_at: u64::try_from(expires_at).unwrap_or(0),
            tenant: tenant.clone(),
            user_id: self.user_id.to_owned(),
            usage_epoch: self.usage_epoch,
            start: self.window.start,
            metric: self.metric.clone(),
        }
    }

    fn event(&self, threshold: Threshold) -> Event {
        let (metric, holds) = (self.metric.clone(), self.holds);
        let usage = UsageReport::of(metric, self.limit, holds, self.window);
        Event::of_threshold(self.user_id, threshold, &usage)
    }
}

/// A total that is past a threshold.
struct Passed<'a> {
    total: Total<'a>,
    reached: Threshold,
    counter: Key,
}

/// Tells what totals have reached, if somebody listens. What fails here fails no event, which is counted by now: it is
/// in the log, and the next event of the window tells it.
pub(crate) async fn watch<'a, S: Store>(
    app: &App<S>,
    by: &Request,
    totals: impl IntoIterator<Item = Total<'a>>,
) {
    let tenant = &by.caller.tenant;
    let passed: Vec<Passed<'_>> = totals
        .into_iter()
        .filter_map(|total| {
            let reached = Threshold::reached(total.limit, total.holds)?;
            let counter = total.counter(&Keys::of(tenant));
            let is_new = !app.looked_at.has(&counter, reached);
            is_new.then_some(Passed { total, reached, counter })
        })
        .collect();
    for piece in passed.chunks(PIECE) {
        if let Err(error) = Box::pin(tell(app, tenant, piece, by.now)).await {
            tracing::warn!(%tenant, %error, "a quota's threshold is not told yet");
            return;
        }
        for one in piece {
            app.looked_at.add(&one.counter, one.reached);
        }
    }
}

async fn tell<S: Store>(
    app: &App<S>,
    tenant: &TenantId,
    passed: &[Passed<'_>],
    now: Timestamp,
) -> Result<(), Error> {
    retrying(app.entropy.as_ref(), || async {
        let snapshot = app.store.snapshot().await?;
        let listeners = Listeners::read(&snapshot, tenant).await?;
        if !listeners.hear(EventType::QuotaThreshold) {
            return Ok(());
        }
        let timeline = tenants::timeline(app, tenant).await?;
        let (mut change, mut events) = (ChangeSet::new(), Vec::new());
        for Passed { total, reached, .. } in passed {
            let key = HostKeys::quota_threshold(&timeline, &total.place(tenant));
            let found = snapshot.get(&key).await?;
            let version = found.as_ref().map(|record| record.version);
            let told = found.map(|record| record.decode::<ToldThreshold>()).transpose()?;
            let before = events.len();
            let untold = Threshold::untold(*reached, told.map(|told| told.up_to));
            events.extend(untold.map(|threshold| total.event(threshold)));
            if events.len() > before {
                change.expect_as_read(&key, version).put(&key, &ToldThreshold { up_to: *reached });
            }
        }
        if events.is_empty() {
            return Ok(());
        }
        listeners.tell(app, &mut change, &events, now);
        app.store.commit(change).await?;
        Ok(())
    })
    .await
}

/// Clears away what was told of windows into which nothing counts any more, by a clock.
pub(crate) async fn forget<S: Store>(
    app: &App<S>,
    timeline: &Timeline,
    now: Timestamp,
) -> Result<(), Error> {
    loop {
        let snapshot = app.store.snapshot().await?;
        let all = HostKeys::quota_thresholds(timeline);
        let mut change = ChangeSet::new();
        let mut cleared = 0;
        for (key, record) in snapshot.scan(&all, Scan::first(PIECE)).await? {
            let place = HostKeys::read_quota_threshold(&key).ok_or_else(|| {
                StoreError::Corrupt { reason: format!("{key} does not say of which quota") }
            })?;
            if i64::try_from(place.expires_at).is_ok_and(|at| at > now.as_second()) {
                break;
            }
            change.expect_version(&key, record.version).delete(&key);
            cleared += 1;
        }
        if cleared == 0 {
            return Ok(());
        }
        match app.store.commit(change).await {
            // Somebody else is at the same.
            Err(CommitError::Conflict { .. }) => return Ok(()),
            done => drop(done?),
        }
        if cleared < PIECE {
            return Ok(());
        }
    }
}

//! Recording many events in one change set: all that are good count at once, or none does.

use std::collections::HashMap;
use std::sync::Arc;

use planwright_domain::Refusal;
use planwright_domain::refusal::FieldError;
use planwright_domain::time::Timestamp;
use planwright_domain::usage::usage_event::{BatchOutcome, RejectedEvent, UsageEvent};
use planwright_store::{ChangeSet, CommitError, Store};

use crate::app::App;
use crate::documents::UsageEventRecord;
use crate::error::Error;
use crate::keys::{Keys, Timeline};
use crate::once::once;
use crate::request::Request;
use crate::statements::meter::Meter;
use crate::subscriptions::entitlements;
use crate::subscriptions::governing::Governing;
use crate::tenants;
use crate::usage::metrics::Known;
use crate::usage::usage_counts::Remembering;
use crate::usage::usage_events::remembered;
use crate::usage::usage_sums::Sums;
use crate::usage::{quota_thresholds, usage_windows};

/// After so many events others get their turn.
const PIECE: usize = 256;

/// An event of a batch that could be read.
pub struct BatchEvent {
    /// Where in the batch, from 0.
    pub index: usize,
    /// Who used it.
    pub user_id: String,
    /// What.
    pub event: UsageEvent,
}

/// Counts the events of a batch, each once, and says of each that does not count why. `rejected` are those that could
/// not be read.
///
/// # Errors
/// More than one change set holds.
pub async fn record<S: Store>(
    app: &App<S>,
    by: &Request,
    events: &[BatchEvent],
    rejected: &[RejectedEvent],
) -> Result<BatchOutcome, Error> {
    once(app, by, || Box::pin(try_record(app, by, events, rejected))).await
}

async fn try_record<S: Store>(
    app: &App<S>,
    by: &Request,
    events: &[BatchEvent],
    rejected: &[RejectedEvent],
) -> Result<BatchOutcome, Error> {
    let timeline = tenants::timeline(app, &by.caller.tenant).await?;
    let mut batch = Batch {
        app,
        by,
        keys: Keys::of(&by.caller.tenant),
        snapshot: app.store.snapshot().await?,
        known: Known::default(),
        governing: HashMap::new(),
        seen: HashMap::new(),
        sums: Sums::default(),
        meter: Meter::default(),
        remembering: Remembering::begin(by, timeline.clone()),
        timeline,
        change: ChangeSet::new(),
        outcome: BatchOutcome { rejected: rejected.to_vec(), ..BatchOutcome::default() },
    };
    for (at, one) in events.iter().enumerate() {
        match batch.add(one).await {
            Ok(true) => batch.outcome.accepted += 1,
            Ok(false) => batch.outcome.duplicates += 1,
            Err(Error::Refused(refusal)) => {
                batch.outcome.rejected.push(RejectedEvent::new(one.index, &refusal));
            }
            Err(error) => return Err(error),
        }
        if at % PIECE == PIECE - 1 {
            tokio::task::yield_now().await;
        }
    }
    batch.commit().await
}

/// A batch on its way into a change set.
struct Batch<'a, S: Store> {
    app: &'a App<S>,
    by: &'a Request,
    keys: Keys,
    snapshot: S::Snapshot,
    known: Known,
    /// What governs each user, at each instant that was asked about and as far around it as is known.
    governing: HashMap<&'a str, Vec<Arc<Governing>>>,
    /// What each event id of a user stands for in this batch.
    seen: HashMap<(&'a str, &'a str), &'a UsageEvent>,
    sums: Sums<'a>,
    meter: Meter,
    remembering: Remembering,
    timeline: Timeline,
    change: ChangeSet,
    outcome: BatchOutcome,
}

impl<'a, S: Store> Batch<'a, S> {
    /// Adds an event; false if it was recorded before.
    async fn add(&mut self, one: &'a BatchEvent) -> Result<bool, Error> {
        let BatchEvent { user_id, event, .. } = one;
        let metrics = event.asked.amounts.keys();
        self.known.must_have(self.app, &self.snapshot, &self.by.caller.tenant, metrics).await?;
        if self.is_repeated(user_id, event).await? {
            return Ok(false);
        }
        let governing = self.governing(user_id, event.timestamp).await?;
        let now = self.by.now;
        self.sums.add(&self.snapshot, &self.keys, user_id, event, &governing, now).await?;
        let whose = (&self.by.caller.tenant, user_id.as_str());
        let counting = self.meter.add(self.app, &self.snapshot, whose, event, &governing, now);
        let segments = Box::pin(counting).await?;
        if let Some(event_id) = &event.event_id {
            self.seen.insert((user_id, event_id), event);
            let record = UsageEventRecord::new(event, &governing, segments);
            self.remembering.remember(self.app, &mut self.change, user_id, event_id, record);
        }
        Ok(true)
    }

    async fn is_repeated(&self, user_id: &str, event: &UsageEvent) -> Result<bool, Error> {
        let Some(event_id) = &event.event_id else { return Ok(false) };
        match self.seen.get(&(user_id, event_id.as_str())) {
            Some(first) if first.says_the_same(event) => Ok(true),
            Some(_) => Err(Refusal::EventReused { event_id: event_id.clone() }.into()),
            None => Ok(remembered(&self.snapshot, self.by, user_id, event).await?.is_some()),
        }
    }

    /// What governs a user at an instant; the change set expects what that rests on.
    async fn governing(
        &mut self,
        user_id: &'a str,
        t: Option<Timestamp>,
    ) -> Result<Arc<Governing>, Error> {
        let (tenant, now) = (&self.by.caller.tenant, self.by.now);
        let at = t.unwrap_or(now);
        let known = self.governing.entry(user_id).or_default();
        if let Some(found) = known.iter().find(|found| found.span.holds(at)) {
            return Ok(Arc::clone(found));
        }
        let (_, found) = Box::pin(entitlements::at(self.app, tenant, user_id, now, t)).await?;
        found.rests_on.expect(&mut self.change);
        known.push(Arc::clone(&found));
        Ok(found)
    }

    async fn commit(self) -> Result<BatchOutcome, Error> {
        let Self { app, by, sums, meter, remembering, timeline, mut change, mut outcome, .. } =
            self;
        outcome.rejected.sort_by_key(|rejected| rejected.index);
        if outcome.accepted == 0 {
            quota_thresholds::watch(app, by, sums.totals(&[])).await;
            return Ok(outcome);
        }
        sums.write(&mut change);
        usage_windows::list(&mut change, &timeline, &by.caller.tenant, sums.before());
        meter.write(&by.caller.tenant, &mut change);
        remembering.finish(&mut change);
        // Room for the answer that is kept for a repeat.
        if change.bytes() > ChangeSet::MAX_BYTES / 2 {
            let message = "The events are too large to be recorded at once. Send fewer of them.";
            let error = FieldError::new("events", "too_large", message);
            return Err(Refusal::Invalid(vec![error]).into());
        }
        match app.commit_counting(by, change, &outcome, &[]).await {
            Ok(committed) => {
                quota_thresholds::watch(app, by, sums.totals(&committed.counters)).await;
                Ok(outcome)
            }
            // Others used up a quota meanwhile: which events it reaches for still is decided anew.
            Err(Error::Commit(CommitError::Ceiling { key, .. })) => {
                Err(CommitError::Conflict { key }.into())
            }
            Err(error) => Err(error),
        }
    }
}

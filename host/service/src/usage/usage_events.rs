//! Recording usage: counted in the same commit that remembers the event, and with `enforce` only within the quota,
//! in one step that no race can split.

use planwright_domain::Refusal;
use planwright_domain::period::Window;
use planwright_domain::usage::quantity::Quantity;
use planwright_domain::usage::usage_event::{Asked, Teller, UsageEvent};
use planwright_domain::usage::{Limit, OneOrEach, UsageReport};
use planwright_store::{ChangeSet, CommitError, Key, Snapshot, Store};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::documents::UsageEventRecord;
use crate::error::Error;
use crate::keys::Keys;
use crate::request::Request;
use crate::retry::retrying;
use crate::statements::meter::Meter;
use crate::subscriptions::entitlements;
use crate::usage::metrics::Known;
use crate::usage::usage_counts::Remembering;
use crate::usage::usage_sums::{self, Sums};
use crate::usage::{quota_thresholds, usage_windows};
use crate::{once, tenants, usage};

/// What became of an event.
pub struct Recorded {
    /// How far the quotas are used with it.
    pub usage: OneOrEach<UsageReport>,
    /// False if it was recorded before.
    pub is_new: bool,
}

/// Counts an event of a user, once.
///
/// # Errors
/// A metric that there is not, a quota that does not reach where it must, a total that cannot be counted, or an event
/// id that stands for something else.
pub async fn record<S: Store>(
    app: &App<S>,
    by: &Request,
    user_id: &str,
    event: &UsageEvent,
) -> Result<Recorded, Error> {
    retrying(app.entropy.as_ref(), || try_record(app, by, user_id, event)).await
}

async fn try_record<S: Store>(
    app: &App<S>,
    by: &Request,
    user_id: &str,
    event: &UsageEvent,
) -> Result<Recorded, Error> {
    if let Some((counted, holds)) = once::answered_counting::<S, Counted>(app, by).await? {
        return Ok(counted.recorded(&event.asked, &holds));
    }
    let tenant = &by.caller.tenant;
    let keys = Keys::of(tenant);
    let (snapshot, governing) =
        entitlements::at(app, tenant, user_id, by.now, event.timestamp).await?;
    Known::default().must_have(app, &snapshot, tenant, event.asked.amounts.keys()).await?;
    if let Some(before) = remembered(&snapshot, by, user_id, event).await? {
        return repeated(app, by, &snapshot, user_id, event, &before).await;
    }
    let mut sums = Sums::default();
    if let Err(error) = sums.add(&snapshot, &keys, user_id, event, &governing, by.now).await {
        quota_thresholds::watch(app, by, sums.totals(&[])).await;
        return Err(error);
    }
    let mut meter = Meter::default();
    let whose = (tenant, user_id);
    let segments = meter.add(app, &snapshot, whose, event, &governing, by.now).await?;

    let record = UsageEventRecord::new(event, &governing, segments);
    let (counted, counters) = Counted::of(&record, &keys, user_id, true);
    let mut change = ChangeSet::new();
    governing.rests_on.expect(&mut change);
    sums.write(&mut change);
    let timeline = tenants::timeline(app, tenant).await?;
    usage_windows::list(&mut change, &timeline, tenant, sums.before());
    meter.write(tenant, &mut change);
    if let Some(event_id) = &event.event_id {
        let mut remembering = Remembering::begin(by, timeline);
        remembering.remember(app, &mut change, user_id, event_id, record);
        remembering.finish(&mut change);
    }
    match app.commit_counting(by, change, &counted, &counters).await {
        Ok(committed) => {
            quota_thresholds::watch(app, by, sums.totals(&committed.counters)).await;
            let holds = |key| committed.counter(key).unwrap_or_default();
            let holds: Vec<i64> = counters.iter().map(holds).collect();
            Ok(counted.recorded(&event.asked, &holds))
        }
        Err(Error::Commit(CommitError::Ceiling { key, holds })) => {
            quota_thresholds::watch(app, by, sums.totals(&[(key.clone(), holds)])).await;
            let at = counters.iter().position(|counter| *counter == key).unwrap_or_default();
            let found = event.asked.amounts.keys().zip(counted.limits).nth(at);
            let Some((metric, limit)) = found else {
                return Err(CommitError::Ceiling { key, holds }.into());
            };
            let current = Quantity::from_millionths(holds);
            let window = counted.window;
            let refusal = usage_sums::refusal(event, metric, limit, current, window, by.now);
            Err(refusal.into())
        }
        Err(error) => Err(error),
    }
}

/// What was recorded under an event's id, by whoever tells of events as the caller does.
///
/// # Errors
/// It was something else.
pub(crate) async fn remembered<N: Snapshot>(
    snapshot: &N,
    by: &Request,
    user_id: &str,
    event: &UsageEvent,
) -> Result<Option<UsageEventRecord>, Error> {
    let Some(event_id) = &event.event_id else { return Ok(None) };
    let teller = Teller::of(by.caller.role);
    let key = Keys::of(&by.caller.tenant).usage_event(teller, user_id, event_id);
    let Some(record) = snapshot.get(&key).await? else { return Ok(None) };
    let record = record.decode::<UsageEventRecord>()?;
    if record.is_of(event) {
        return Ok(Some(record));
    }
    Err(Refusal::EventReused { event_id: event_id.clone() }.into())
}

/// How far the quotas are used by now that an event was counted in. That it was told is kept for a repeat.
async fn repeated<S: Store>(
    app: &App<S>,
    by: &Request,
    snapshot: &S::Snapshot,
    user_id: &str,
    event: &UsageEvent,
    before: &UsageEventRecord,
) -> Result<Recorded, Error> {
    let keys = Keys::of(&by.caller.tenant);
    let (counted, counters) = Counted::of(before, &keys, user_id, false);
    if by.claim.is_some() {
        app.commit_counting(by, ChangeSet::new(), &counted, &counters).await?;
    }
    let holds = match once::answered_counting::<S, Counted>(app, by).await? {
        Some((_, holds)) => holds,
        None => {
            let mut holds = Vec::new();
            for key in &counters {
                holds.push(snapshot.counter(key).await?);
            }
            holds
        }
    };
    quota_thresholds::watch(app, by, before.totals(user_id, &holds)).await;
    Ok(counted.recorded(&event.asked, &holds))
}

/// What is kept of an answer, beside what the counters of its metrics held.
#[derive(Serialize, Deserialize)]
struct Counted {
    window: Window,
    /// By metric, in their order.
    limits: Vec<Limit>,
    is_new: bool,
}

impl Counted {
    /// With the counters of its metrics, in their order.
    fn of(record: &UsageEventRecord, keys: &Keys, user_id: &str, is_new: bool) -> (Self, Vec<Key>) {
        let counters = record.counters(keys, user_id);
        let limits = counters.iter().map(|(_, counted)| counted.limit).collect();
        let keys = counters.into_iter().map(|(key, _)| key).collect();
        (Self { window: record.window, limits, is_new }, keys)
    }

    fn recorded(&self, asked: &Asked, holds: &[i64]) -> Recorded {
        let figures = self.limits.iter().zip(holds);
        let reports = asked.amounts.keys().zip(figures).map(|(metric, (limit, holds))| {
            let current = Quantity::from_millionths(*holds);
            UsageReport::of(metric.clone(), *limit, current, self.window)
        });
        Recorded { usage: usage::as_asked(asked, reports.collect()), is_new: self.is_new }
    }
}

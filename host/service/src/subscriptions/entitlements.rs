//! Which plan governs a user, and in which window quotas count: what is asked on every call.

use std::sync::Arc;

use planwright_domain::period::{self, Window};
use planwright_domain::plan::Plan;
use planwright_domain::subscription::history::{History, Stay};
use planwright_domain::subscription::life::{self, Held, PlanKey};
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_store::{Snapshot, Store};

use crate::app::App;
use crate::documents::{HistoryRecord, PlanRecord};
use crate::error::Error;
use crate::keys::Keys;
use crate::subscriptions::governing::{Governing, RestsOn};
use crate::subscriptions::{self, subscription_records};
use crate::tenants::kept_settings::Kept;

/// What holds for a user now, and the snapshot that says so, to read totals from. What is due is worked first. What was
/// found is kept, and found again it costs a look at the versions of what it rests on.
///
/// # Errors
/// When the store does not answer.
pub async fn now<S: Store>(
    app: &App<S>,
    tenant: &TenantId,
    user_id: &str,
    now: Timestamp,
) -> Result<(S::Snapshot, Arc<Governing>), Error> {
    let snapshot = app.store.snapshot().await?;
    if let Some(known) = app.governing.kept(tenant, user_id)
        && known.span.holds(now)
        && known.rests_on.holds(&snapshot).await?
    {
        return Ok((snapshot, known));
    }
    Box::pin(find_now(app, snapshot, tenant, user_id, now)).await
}

async fn find_now<S: Store>(
    app: &App<S>,
    mut snapshot: S::Snapshot,
    tenant: &TenantId,
    user_id: &str,
    now: Timestamp,
) -> Result<(S::Snapshot, Arc<Governing>), Error> {
    let mut live = subscription_records::live(&snapshot, tenant, user_id).await?;
    if live.as_ref().is_some_and(|(_, record)| record.held.is_behind(now)) {
        snapshot = subscriptions::settled(app, tenant, user_id, now).await?;
        live = subscription_records::live(&snapshot, tenant, user_id).await?;
    }
    let governing = match live {
        Some((version, record)) => {
            by_subscription(&snapshot, tenant, version, record.held, now).await?
        }
        None => {
            let mut rests_on = RestsOn::default();
            rests_on.add(Keys::of(tenant).live_subscription(user_id), None);
            without_subscription(&snapshot, tenant, user_id, now, rests_on).await?
        }
    };
    let governing = Arc::new(governing);
    app.governing.keep(tenant, user_id, &governing);
    Ok((snapshot, governing))
}

/// The same, or what held at an instant that somebody names; what is due by now is worked first.
pub(crate) async fn at<S: Store>(
    app: &App<S>,
    tenant: &TenantId,
    user_id: &str,
    now: Timestamp,
    t: Option<Timestamp>,
) -> Result<(S::Snapshot, Arc<Governing>), Error> {
    let (snapshot, governing) = self::now(app, tenant, user_id, now).await?;
    match t {
        Some(t) if !governing.span.holds(t) => {
            let then = then(&snapshot, tenant, user_id, t).await?;
            Ok((snapshot, Arc::new(then)))
        }
        Some(_) | None => Ok((snapshot, governing)),
    }
}

/// What held for a user at an instant that is not long ago: usage that comes late counts where the user was then. The
/// plan is as it is now, if it is there still; `subscription` is the live one, if it was on that plan already.
///
/// # Errors
/// When the store does not answer.
pub async fn then<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
    user_id: &str,
    t: Timestamp,
) -> Result<Governing, Error> {
    let keys = Keys::of(tenant);
    let mut rests_on = RestsOn::default();
    let mut before = None;
    match subscription_records::live(snapshot, tenant, user_id).await? {
        Some((version, record)) if record.held.since <= t => {
            return by_subscription(snapshot, tenant, version, record.held, t).await;
        }
        Some((version, record)) => {
            before = Some(record.held.since);
            rests_on.add(keys.subscription(&record.held.subscription.id), Some(version));
        }
        None => rests_on.add(keys.live_subscription(user_id), None),
    }
    let mut governing = match stay_at(snapshot, &keys, user_id, t, &mut rests_on).await? {
        Some(stay) => {
            let key = PlanKey { id: stay.plan_id, generation: stay.plan_generation };
            let plan = plan(snapshot, &keys, &key, &mut rests_on).await?;
            let window = stay.course.window_at(t)?;
            let span =
                Window { start: window.start.max(stay.since), end: window.end.min(stay.until) };
            let usage_epoch = stay.course.usage_epoch;
            Governing { plan, window, usage_epoch, subscription: None, span, rests_on }
        }
        None => without_subscription(snapshot, tenant, user_id, t, rests_on).await?,
    };
    governing.span.end = before.map_or(governing.span.end, |since| since.min(governing.span.end));
    Ok(governing)
}

async fn stay_at<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    user_id: &str,
    t: Timestamp,
    rests_on: &mut RestsOn,
) -> Result<Option<Stay>, Error> {
    let history = history(snapshot, keys, user_id, rests_on).await?;
    Ok(history.and_then(|history| history.stay_at(t).cloned()))
}

async fn history<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    user_id: &str,
    rests_on: &mut RestsOn,
) -> Result<Option<History>, Error> {
    let key = keys.history(user_id);
    let record = snapshot.get(&key).await?;
    rests_on.add(key, record.as_ref().map(|record| record.version));
    Ok(record.map(|record| record.decode::<HistoryRecord>()).transpose()?.map(|it| it.history))
}

async fn plan<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    meant: &PlanKey,
    rests_on: &mut RestsOn,
) -> Result<Option<Plan>, Error> {
    let key = keys.plan(&meant.id);
    let record = snapshot.get(&key).await?;
    rests_on.add(key, record.as_ref().map(|record| record.version));
    let Some(record) = record else { return Ok(None) };
    let record = record.decode::<PlanRecord>()?;
    Ok(Some(record.plan).filter(|_| record.generation == meant.generation))
}

async fn by_subscription<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
    version: u64,
    held: Held,
    t: Timestamp,
) -> Result<Governing, Error> {
    let keys = Keys::of(tenant);
    let mut rests_on = RestsOn::default();
    rests_on.add(keys.subscription(&held.subscription.id), Some(version));
    let life::Governing { plan: key, course } = held.governing();
    let window = course.window_at(t)?;
    let plan = match plan(snapshot, &keys, &key, &mut rests_on).await? {
        Some(plan) => Some(plan),
        // Only a plan that was left can be gone: whoever did not pay for another one is governed like everybody.
        None => {
            let record = default_plan(snapshot, tenant, &mut rests_on).await?;
            record.map(|record| record.plan)
        }
    };
    // The user was elsewhere before, and is elsewhere, or has another plan, when it is worked next.
    let end = held.next_due().map_or(window.end, |due| due.min(window.end));
    let span = Window { start: window.start.max(held.since), end };
    let usage_epoch = course.usage_epoch;
    Ok(Governing {
        plan,
        window,
        usage_epoch,
        subscription: Some(held.subscription),
        span,
        rests_on,
    })
}

/// The default plan, by the calendar month. Whoever was subscribed to it goes on with the window that was left, and
/// with its usage: cancelling resets nothing.
async fn without_subscription<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
    user_id: &str,
    now: Timestamp,
    mut rests_on: RestsOn,
) -> Result<Governing, Error> {
    let keys = Keys::of(tenant);
    let plan = default_plan(snapshot, tenant, &mut rests_on).await?;
    let history = history(snapshot, &keys, user_id, &mut rests_on).await?;
    let left = match (&plan, &history) {
        (Some(record), Some(history)) => {
            history.open_course(&record.plan.id, record.generation, now).cloned()
        }
        (None, _) | (_, None) => None,
    };
    let is_left = left.is_some();
    let (window, usage_epoch) = match left {
        Some(course) => {
            let course = course.at(now)?;
            (course.window, course.usage_epoch)
        }
        None => (period::calendar_month(now)?, 0),
    };
    let over = |stay: &Stay| match &plan {
        // The calendar month holds once what was left of the default plan is over.
        Some(plan) if !is_left && stay.plan_id == plan.plan.id => {
            stay.until.max(stay.course.open_until())
        }
        Some(_) | None => stay.until,
    };
    let start = history.map_or(window.start, |history| {
        // Before the last time that the user left, it was otherwise.
        let last = history.stays().iter().map(over).max();
        last.map_or(window.start, |last| last.max(window.start))
    });
    let plan = plan.map(|record| record.plan);
    let span = Window { start, end: window.end };
    Ok(Governing { plan, window, usage_epoch, subscription: None, span, rests_on })
}

async fn default_plan<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
    rests_on: &mut RestsOn,
) -> Result<Option<PlanRecord>, Error> {
    let settings = Kept::read(snapshot, tenant).await?;
    rests_on.add(Keys::of(tenant).settings(), settings.version());
    let Some(id) = settings.record.settings.default_plan else { return Ok(None) };
    let key = Keys::of(tenant).plan(&id);
    let record = snapshot.get(&key).await?;
    rests_on.add(key, record.as_ref().map(|record| record.version));
    Ok(record.map(|record| record.decode::<PlanRecord>()).transpose()?)
}

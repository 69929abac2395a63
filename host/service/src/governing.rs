//! Which plan governs a user, and in which window quotas count: what usage and entitlement ask on every call.

use planwright_domain::caller::TenantId;
use planwright_domain::life::{self, Held, PlanKey};
use planwright_domain::period::{self, Window};
use planwright_domain::plan::Plan;
use planwright_domain::subscription::Subscription;
use planwright_domain::time::Timestamp;
use planwright_store::{Snapshot, Store};

use crate::account;
use crate::app::App;
use crate::documents::{HistoryRecord, PlanRecord};
use crate::error::Error;
use crate::keys::Keys;
use crate::settings::Kept;
use crate::subscriptions;

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
}

/// What holds for a user now, and the snapshot that says so, to read totals from. What is due is worked first; where
/// nothing is, it costs three looks.
///
/// # Errors
/// When the store does not answer.
pub async fn now<S: Store>(
    app: &App<S>,
    tenant: &TenantId,
    user_id: &str,
    now: Timestamp,
) -> Result<(S::Snapshot, Governing), Error> {
    let snapshot = app.store.snapshot().await?;
    let Some((_, live)) = account::live(&snapshot, tenant, user_id).await? else {
        let governing = without_subscription(&snapshot, tenant, user_id, now).await?;
        return Ok((snapshot, governing));
    };
    if !live.held.is_behind(now) {
        let governing = by_subscription(&snapshot, tenant, live.held, now).await?;
        return Ok((snapshot, governing));
    }
    let snapshot = subscriptions::settled(app, tenant, user_id, now).await?;
    let governing = match account::live(&snapshot, tenant, user_id).await? {
        Some((_, live)) => by_subscription(&snapshot, tenant, live.held, now).await?,
        None => without_subscription(&snapshot, tenant, user_id, now).await?,
    };
    Ok((snapshot, governing))
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
    let live = account::live(snapshot, tenant, user_id).await?;
    let live = live.map(|(_, record)| record.held).filter(|held| held.since <= t);
    let (key, course, subscription) = match live {
        Some(held) => {
            let life::Governing { plan, course } = held.governing();
            (plan, course, Some(held.subscription))
        }
        None => {
            let history = snapshot.get(&Keys::of(tenant).history(user_id)).await?;
            let history = history.map(|record| record.decode::<HistoryRecord>()).transpose()?;
            let history = history.unwrap_or_default().history;
            let Some(stay) = history.stay_at(t) else {
                return without_subscription(snapshot, tenant, user_id, t).await;
            };
            let key = PlanKey { id: stay.plan_id.clone(), generation: stay.plan_generation };
            (key, stay.course.clone(), None)
        }
    };
    let plan = plan(snapshot, tenant, &key).await?;
    Ok(Governing {
        plan,
        window: course.window_at(t)?,
        usage_epoch: course.usage_epoch,
        subscription,
    })
}

async fn plan<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
    key: &PlanKey,
) -> Result<Option<Plan>, Error> {
    let Some(record) = snapshot.get(&Keys::of(tenant).plan(&key.id)).await? else {
        return Ok(None);
    };
    let record = record.decode::<PlanRecord>()?;
    Ok(Some(record.plan).filter(|_| record.generation == key.generation))
}

async fn by_subscription<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
    held: Held,
    now: Timestamp,
) -> Result<Governing, Error> {
    let life::Governing { plan: key, course } = held.governing();
    let plan = match plan(snapshot, tenant, &key).await? {
        Some(plan) => Some(plan),
        // Only a plan that was left can be gone: whoever did not pay for another one is governed like everybody.
        None => default_plan(snapshot, tenant).await?.map(|record| record.plan),
    };
    let (window, usage_epoch) = (course.window_at(now)?, course.usage_epoch);
    Ok(Governing { plan, window, usage_epoch, subscription: Some(held.subscription) })
}

/// The default plan, by the calendar month. Whoever was subscribed to it goes on with the window that was left, and
/// with its usage: cancelling resets nothing.
async fn without_subscription<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
    user_id: &str,
    now: Timestamp,
) -> Result<Governing, Error> {
    let plan = default_plan(snapshot, tenant).await?;
    let left = match &plan {
        Some(record) => match snapshot.get(&Keys::of(tenant).history(user_id)).await? {
            Some(history) => {
                let history = history.decode::<HistoryRecord>()?.history;
                history.open_course(&record.plan.id, record.generation, now).cloned()
            }
            None => None,
        },
        None => None,
    };
    let (window, usage_epoch) = match left {
        Some(course) => {
            let course = course.at(now)?;
            (course.window, course.usage_epoch)
        }
        None => (period::calendar_month(now)?, 0),
    };
    let plan = plan.map(|record| record.plan);
    Ok(Governing { plan, window, usage_epoch, subscription: None })
}

async fn default_plan<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
) -> Result<Option<PlanRecord>, Error> {
    let settings = Kept::read(snapshot, tenant).await?.record.settings;
    let Some(id) = settings.default_plan else { return Ok(None) };
    let record = snapshot.get(&Keys::of(tenant).plan(&id)).await?;
    Ok(record.map(|record| record.decode::<PlanRecord>()).transpose()?)
}

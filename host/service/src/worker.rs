//! What time brings: everything that is due is found in one index, worked, and committed with its next place in the
//! index, exactly once. A crash leaves each thing worked or not; however long nobody worked, a subscription takes
//! one commit.

use std::collections::BTreeMap;

use planwright_domain::period::Window;
use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::subscription::fee_charge::{AskedFee, ChargeReason, Money, Sale, reckoned};
use planwright_domain::subscription::life::{Held, Offer, PlanKey};
use planwright_domain::subscription::turn::{Bought, Need, Onward, Worked};
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_store::{ChangeSet, CommitError, Key, Scan, Snapshot, Store, StoreError};
use rust_decimal::Decimal;

use crate::app::App;
use crate::documents::{DueRecord, PlanRecord, SubscriptionRecord};
use crate::error::Error;
use crate::keys::{DuePlace, HostKeys, Keys, Timeline};
use crate::retry::retrying;
use crate::subscriptions::account::Account;
use crate::subscriptions::{fee_charges, fees};
use crate::tenants::{self, clocks};
use crate::usage::{quota_thresholds, usage_expiry, usage_windows};
use crate::webhooks::delivery_log;

/// How much is worked in one commit.
const BATCH: usize = 100;

/// Works all that is due, by the real clock and by those of the sandboxes. Gives how much that was.
///
/// # Errors
/// When the store does not answer. What a plugin's fault holds up is in the log and is tried again the next time.
pub async fn work_all<S: Store>(app: &App<S>, real: Timestamp) -> Result<u64, Error> {
    let mut worked = work(app, &Timeline::Real, real).await?;
    for (tenant, now) in clocks::sandboxes(app, real).await? {
        worked += work(app, &Timeline::Sandbox(tenant), now).await?;
    }
    delivery_log::clear(app, real).await?;
    Ok(worked)
}

/// Works all that is due by one clock, and forgets what has expired.
pub(crate) async fn work<S: Store>(
    app: &App<S>,
    timeline: &Timeline,
    now: Timestamp,
) -> Result<u64, Error> {
    let mut after = None;
    let mut worked = 0;
    loop {
        let snapshot = app.store.snapshot().await?;
        let batch = due(&snapshot, timeline, now, after).await?;
        let Some((last, _, _)) = batch.last() else { break };
        after = Some(last.clone());
        let size = batch.len();
        worked += work_batch(app, &snapshot, &batch, now).await?;
        if size == BATCH {
            tracing::info!(worked, "working what is due");
        }
    }
    if worked > 0 {
        tracing::info!(worked, "worked what was due");
    }
    usage_expiry::forget(app, timeline, now).await?;
    quota_thresholds::forget(app, timeline, now).await?;
    usage_windows::clear(app, timeline, now).await?;
    Ok(worked)
}

/// Works what is due on one plan: decisions that rest on its counts begin with it.
pub(crate) async fn work_plan<S: Store>(
    app: &App<S>,
    tenant: &TenantId,
    plan: Option<&str>,
    now: Timestamp,
) -> Result<(), Error> {
    let timeline = tenants::timeline(app, tenant).await?;
    let mut after = None;
    loop {
        let snapshot = app.store.snapshot().await?;
        let mut batch = due(&snapshot, &timeline, now, after).await?;
        let Some((last, _, _)) = batch.last() else { return Ok(()) };
        after = Some(last.clone());
        batch.retain(|(_, place, due)| {
            place.tenant == *tenant && plan.is_none_or(|plan| concerns(due, plan))
        });
        Box::pin(work_batch(app, &snapshot, &batch, now)).await?;
    }
}

/// Whether a plan has to do with what is due: that of a subscription, or the one it goes on with.
fn concerns(due: &DueRecord, plan: &str) -> bool {
    let plans = [Some(&due.plan_id), due.pending_plan_id.as_ref()];
    plans.into_iter().flatten().any(|id| id.as_str() == plan)
}

type Found = (Key, DuePlace, DueRecord);

/// The first things that are due, behind a key.
async fn due<N: Snapshot>(
    snapshot: &N,
    timeline: &Timeline,
    now: Timestamp,
    after: Option<Key>,
) -> Result<Vec<Found>, Error> {
    let scan = Scan { after, ..Scan::first(BATCH) };
    let mut found = Vec::new();
    for (key, record) in snapshot.scan(&HostKeys::dues(timeline), scan).await? {
        let place = HostKeys::read_due(&key).ok_or_else(|| StoreError::Corrupt {
            reason: format!("{key} does not say what is due"),
        })?;
        if i64::try_from(place.at).is_ok_and(|at| at > now.as_second()) {
            break;
        }
        found.push((key, place, record.decode::<DueRecord>()?));
    }
    Ok(found)
}

/// Works a batch in one commit; where somebody else was at the same, one by one. Gives how much was worked.
async fn work_batch<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    batch: &[Found],
    now: Timestamp,
) -> Result<u64, Error> {
    let mut change = ChangeSet::new();
    let mut ready = Vec::new();
    for (_, place, _) in batch {
        match Box::pin(prepare(app, snapshot, &place.tenant, &place.id, now)).await {
            Ok(Some(part)) => {
                part.write(app, &mut change);
                ready.push(place);
            }
            Ok(None) => {}
            Err(error) => tell(place, &error)?,
        }
    }
    if change.is_empty() {
        return Ok(0);
    }
    match app.store.commit(change).await {
        Ok(_) => Ok(u64::try_from(ready.len()).unwrap_or(u64::MAX)),
        Err(CommitError::Conflict { .. } | CommitError::Invalid { .. }) => {
            one_by_one(app, &ready, now).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn one_by_one<S: Store>(
    app: &App<S>,
    places: &[&DuePlace],
    now: Timestamp,
) -> Result<u64, Error> {
    let mut worked = 0;
    for place in places {
        match work_one(app, &place.tenant, &place.id, now).await {
            Ok(()) => worked += 1,
            Err(error) => tell(place, &error)?,
        }
    }
    Ok(worked)
}

/// One that cannot be worked keeps nothing else waiting; a store that fails does.
fn tell(place: &DuePlace, error: &Error) -> Result<(), Error> {
    if let Error::Store(StoreError::Unavailable { .. } | StoreError::Full)
    | Error::Commit(CommitError::Unavailable { .. } | CommitError::Full | CommitError::Busy) =
        error
    {
        let reason = error.to_string();
        return Err(StoreError::Unavailable { reason }.into());
    }
    let DuePlace { tenant, kind, id, .. } = place;
    tracing::error!(%tenant, kind, id, %error, "what is due could not be worked");
    Ok(())
}

/// Works what is due of one subscription; nothing where somebody else was first.
pub(crate) async fn work_one<S: Store>(
    app: &App<S>,
    tenant: &TenantId,
    subscription_id: &str,
    now: Timestamp,
) -> Result<(), Error> {
    retrying(app.entropy.as_ref(), || async {
        let snapshot = app.store.snapshot().await?;
        let mut change = ChangeSet::new();
        let part = Box::pin(prepare(app, &snapshot, tenant, subscription_id, now)).await?;
        if let Some(part) = part {
            part.write(app, &mut change);
            app.store.commit(change).await?;
        }
        Ok(())
    })
    .await
}

/// A subscription that was worked, and what that rests on.
struct Part {
    account: Account,
    after: Held,
    plans: BTreeMap<PlanId, (Key, Option<u64>)>,
    at: Timestamp,
}

impl Part {
    fn write<S: Store>(&self, app: &App<S>, change: &mut ChangeSet) {
        for (key, version) in self.plans.values() {
            change.expect_as_read(key, *version);
        }
        self.account.write(app, change, &self.after, self.at);
    }
}

/// Works one subscription as far as it goes, question by question.
async fn prepare<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    tenant: &TenantId,
    subscription_id: &str,
    now: Timestamp,
) -> Result<Option<Part>, Error> {
    let key = Keys::of(tenant).subscription(subscription_id);
    let Some(record) = snapshot.get(&key).await? else { return Ok(None) };
    let user_id = record.decode::<SubscriptionRecord>()?.held.subscription.user_id;
    let account = Account::read(app, snapshot, tenant, &user_id).await?;
    let Some(mut held) = account.held().cloned().filter(|held| held.is_behind(now)) else {
        return Ok(None);
    };
    let mut part = Part { account, after: held.clone(), plans: BTreeMap::new(), at: now };
    while held.is_behind(now) {
        held = match held.needs(now)? {
            None => part.walk(held, now)?,
            Some(Need::Renewal(window)) => part.renew(app, snapshot, held, window, now).await?,
            Some(Need::Change(at)) => part.change(app, snapshot, held, at, now).await?,
        };
    }
    part.account.open_window(app, snapshot, &held, now).await?;
    part.after = held;
    Ok(Some(part))
}

impl Part {
    /// Goes as far as no answer is needed.
    fn walk(&mut self, held: Held, now: Timestamp) -> Result<Held, Error> {
        Ok(self.keep(held.worked(now, None)?).held)
    }

    /// Goes as far as one answer leads, and keeps account of what that cost.
    fn step<S: Store>(
        &mut self,
        app: &App<S>,
        held: Held,
        now: Timestamp,
        onward: &Onward<'_>,
        (reason, asked): (ChargeReason, Vec<AskedFee>),
    ) -> Result<Held, Error> {
        let worked = self.keep(held.worked(now, Some(onward))?);
        if let Some(Bought { window, windows, .. }) = worked.bought {
            let sale = Sale {
                user_id: &self.account.user_id,
                reason,
                plan: onward.offer.plan,
                subscription_id: &worked.held.subscription.id,
                window,
                asked: fees::times(asked, windows),
                money: Money::default(),
                at: self.at,
            };
            let charge = fee_charges::charge(app.entropy.as_ref(), sale);
            charge.into_iter().for_each(|charge| self.account.charge(charge));
        }
        Ok(worked.held)
    }

    /// Remembers what happened on the way.
    fn keep(&mut self, mut worked: Worked) -> Worked {
        for event in &worked.events {
            let (at, kind, id) = (event.at, event.kind, &worked.held.subscription.id);
            tracing::debug!(tenant = %self.account.tenant, id, %at, ?kind, "worked");
        }
        for stay in worked.stays.drain(..) {
            self.account.history.note_stay(stay);
        }
        worked
    }

    async fn renew<S: Store>(
        &mut self,
        app: &App<S>,
        snapshot: &S::Snapshot,
        held: Held,
        window: Window,
        now: Timestamp,
    ) -> Result<Held, Error> {
        let own =
            PlanKey { id: held.subscription.plan_id.clone(), generation: held.plan_generation };
        let plan = self.plan(snapshot, &own).await?.ok_or_else(|| {
            let reason = format!("the plan '{}' of a live subscription is missing", own.id);
            StoreError::Corrupt { reason }
        })?;
        let grace_days = self.account.settings.record.settings.grace_days;
        let credit = self.account.credit(snapshot, plan.plan.currency).await?;
        let asked = fees::renewal(app, &self.account, &plan.plan, window, window.start).await;
        let asked = match asked {
            // Nobody who has credit is let go because a plugin fails; it is tried again.
            Err(error @ Error::Plugin(_))
                if held.grace_until.is_some() && credit > Decimal::ZERO =>
            {
                return Err(error);
            }
            asked => known(asked)?,
        };
        let offer = Offer { plan: &plan.plan, generation: plan.generation };
        let fee = asked.as_deref().map(fee_of);
        let onward = Onward { offer, course: None, fee, credit, grace_days };
        let asked = asked.unwrap_or_default();
        self.step(app, held, now, &onward, (ChargeReason::Renewal, asked))
    }

    async fn change<S: Store>(
        &mut self,
        app: &App<S>,
        snapshot: &S::Snapshot,
        held: Held,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<Held, Error> {
        let pending = match (&held.subscription.pending_plan_id, held.pending_generation) {
            (Some(id), Some(generation)) => PlanKey { id: id.clone(), generation },
            _ => return Ok(held.without_pending()),
        };
        let Some(plan) = self.plan(snapshot, &pending).await? else {
            // It was deleted meanwhile: the subscription goes on as it is.
            return Ok(held.without_pending());
        };
        let grace_days = self.account.settings.record.settings.grace_days;
        let credit = self.account.credit(snapshot, plan.plan.currency).await?;
        let course = match fees::course_to_buy(&self.account, &plan, at)? {
            Some(course) => course,
            None => {
                let is_alike = plan.plan.interval == held.interval;
                let anchor = if is_alike { held.subscription.anchor } else { at };
                fees::fresh_course(&mut self.account, &plan.plan, anchor, at)?
            }
        };
        let asked =
            fees::change(app, snapshot, &self.account, &held, &plan.plan, &course, at).await;
        // What is left is used up by now: nothing is given back.
        let kept = |asked: Vec<AskedFee>| {
            asked.into_iter().map(|one| AskedFee { gives_back: false, ..one }).collect()
        };
        let asked: Option<Vec<AskedFee>> = known(asked)?.map(kept);
        let fee = asked.as_deref().map(fee_of);
        let offer = Offer { plan: &plan.plan, generation: plan.generation };
        let onward = Onward { offer, course: Some(course), fee, credit, grace_days };
        let asked = asked.unwrap_or_default();
        self.step(app, held, now, &onward, (ChargeReason::Change, asked))
    }

    /// A plan if it is the very one that is meant; what is decided rests on it.
    async fn plan<N: Snapshot>(
        &mut self,
        snapshot: &N,
        meant: &PlanKey,
    ) -> Result<Option<PlanRecord>, Error> {
        let key = Keys::of(&self.account.tenant).plan(&meant.id);
        let found = snapshot.get(&key).await?;
        let version = found.as_ref().map(|record| record.version);
        self.plans.insert(meant.id.clone(), (key, version));
        let record = found.map(|record| record.decode::<PlanRecord>()).transpose()?;
        Ok(record.filter(|record| record.generation == meant.generation))
    }
}

/// A plugin that has no price, or fails, makes nothing free and keeps no period from turning.
fn known(asked: Result<Vec<AskedFee>, Error>) -> Result<Option<Vec<AskedFee>>, Error> {
    match asked {
        Ok(asked) => Ok(Some(asked)),
        Err(error @ (Error::Refused(_) | Error::Plugin(_))) => {
            tracing::warn!(%error, "a renewal has no price; the subscription waits for a payment");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// What answers come to for a window.
fn fee_of(asked: &[AskedFee]) -> Decimal {
    reckoned(asked).0
}

//! Subscriptions: what users do with their own, and what an admin gives them.

pub(crate) mod account;
pub mod entitlements;
pub(crate) mod fee_charges;
pub(crate) mod fees;
pub mod governing;
pub(crate) mod purchases;
pub mod subscription_list;
pub(crate) mod subscription_records;

use planwright_domain::Refusal;
use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::subscription::course::Course;
use planwright_domain::subscription::fee_charge::Money;
use planwright_domain::subscription::grant::Grant;
use planwright_domain::subscription::life::{Held, Offer, When};
use planwright_domain::subscription::{Status, Subscription};
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_store::{ChangeSet, Scan, Snapshot, Store};
use serde::{Deserialize, Serialize};

use self::account::Account;
use self::fees::Bill;
use crate::app::App;
use crate::audit::Deed;
use crate::documents::{PlanRecord, PlanSubscription, SubscriptionRecord};
use crate::error::Error;
use crate::ids;
use crate::keys::Keys;
use crate::once::once;
use crate::plans::plan_lookup;
use crate::request::Request;
use crate::worker;

/// A snapshot in which nothing of a user's is due: reads and decisions begin with it.
///
/// # Errors
/// When the store does not answer.
pub async fn settled<S: Store>(
    app: &App<S>,
    tenant: &TenantId,
    user_id: &str,
    now: Timestamp,
) -> Result<S::Snapshot, Error> {
    let snapshot = app.store.snapshot().await?;
    let live = subscription_records::live(&snapshot, tenant, user_id).await?;
    match live {
        Some((_, record)) if record.held.is_behind(now) => {
            // Rare, and much to carry along where nothing is due.
            Box::pin(worker::work_one(app, tenant, &record.held.subscription.id, now)).await?;
            Ok(app.store.snapshot().await?)
        }
        Some(_) | None => Ok(snapshot),
    }
}

/// The caller's live subscription.
///
/// # Errors
/// When the store does not answer.
pub async fn get<S: Store>(app: &App<S>, by: &Request) -> Result<Option<Subscription>, Error> {
    let (tenant, user_id) = (&by.caller.tenant, &by.caller.user_id);
    let snapshot = settled(app, tenant, user_id, by.now).await?;
    let live = subscription_records::live(&snapshot, tenant, user_id).await?;
    Ok(live.map(|(_, record)| record.held.subscription))
}

/// Subscribes the caller: to what is free, to free days that were not used, or to what was left and is paid still.
///
/// # Errors
/// No such plan, one that is not active, a subscription that there is already, or a fee that is due.
pub async fn start<S: Store>(
    app: &App<S>,
    by: &Request,
    plan_id: &PlanId,
) -> Result<Subscription, Error> {
    once(app, by, || try_start(app, by, plan_id)).await
}

async fn try_start<S: Store>(
    app: &App<S>,
    by: &Request,
    plan_id: &PlanId,
) -> Result<Subscription, Error> {
    let (snapshot, mut account) = settled_account(app, by, &by.caller.user_id).await?;
    if let Some(held) = account.held() {
        let plan = held.subscription.plan_id.to_string();
        return Err(Refusal::AlreadySubscribed { plan }.into());
    }
    let (version, plan) = plan_lookup::load(&snapshot, by, plan_id.as_str()).await?;
    let open = fees::open_course(&account, &plan, by.now)?.filter(|course| course.covers(by.now));
    // What was paid stays paid, also where nobody else may subscribe any more.
    if open.as_ref().is_none_or(|course| course.paid.is_empty()) {
        must_be_active(&plan)?;
    }
    let bill = if open.is_none() && has_free_days(&account, &plan) {
        account.history.note_trial(&plan.plan.id);
        let (days, epoch) = (plan.plan.trial_days, account.history.new_epoch());
        let course = Course::trial(by.now, days, plan.plan.interval, epoch)?;
        Bill::free(course, plan.plan.currency, by.now)
    } else {
        Box::pin(fees::bill(app, &snapshot, &mut account, &plan, by.now)).await?
    };
    bill.must_be_free(&plan.plan)?;
    commit_plan(app, by, &snapshot, account, (version, &plan), bill).await
}

fn has_free_days(account: &Account, plan: &PlanRecord) -> bool {
    let plan = &plan.plan;
    plan.trial_days > 0 && !plan.price.is_zero() && !account.history.has_tried(&plan.id)
}

fn must_be_active(plan: &PlanRecord) -> Result<(), Refusal> {
    let id = || plan.plan.id.to_string();
    if plan.plan.is_active { Ok(()) } else { Err(Refusal::PlanInactive { id: id() }) }
}

/// Takes a plan that needs no payment. It is expected to be as it was read: whoever deletes it sees the subscriber
/// or is seen.
async fn commit_plan<S: Store>(
    app: &App<S>,
    by: &Request,
    snapshot: &S::Snapshot,
    account: Account,
    (version, plan): (u64, &PlanRecord),
    bill: Bill,
) -> Result<Subscription, Error> {
    let mut change = ChangeSet::new();
    change.expect_version(&Keys::of(&by.caller.tenant).plan(&plan.plan.id), version);
    let money = Money::default();
    let taken = purchases::take(app, snapshot, account, (plan, bill), money, by.now, &mut change);
    let held = Box::pin(taken).await?;
    app.commit(by, change, &held.subscription).await?;
    Ok(held.subscription)
}

/// Ends the caller's subscription, now or with what is paid. Twice is the same as once.
///
/// # Errors
/// There is none.
pub async fn cancel<S: Store>(
    app: &App<S>,
    by: &Request,
    immediate: bool,
) -> Result<Subscription, Error> {
    once(app, by, || try_cancel(app, by, immediate)).await
}

async fn try_cancel<S: Store>(
    app: &App<S>,
    by: &Request,
    immediate: bool,
) -> Result<Subscription, Error> {
    let (snapshot, mut account) = settled_account(app, by, &by.caller.user_id).await?;
    let Some(held) = account.held().cloned() else {
        let last = last_of(&snapshot, by).await?.filter(|_| immediate);
        return Ok(last.ok_or(Refusal::NotSubscribed)?);
    };
    let after = if immediate {
        let (after, stay) = held.canceled(by.now);
        account.history.note_stay(stay);
        after
    } else {
        held.ending(true, by.now)
    };
    commit_own(app, by, &account, ChangeSet::new(), &after).await
}

/// The caller's newest subscription, which is over.
async fn last_of<N: Snapshot>(snapshot: &N, by: &Request) -> Result<Option<Subscription>, Error> {
    let keys = Keys::of(&by.caller.tenant);
    let all = keys.user_subscriptions(&by.caller.user_id);
    let Some((_, place)) = snapshot.scan(&all, Scan::first(1)).await?.pop() else {
        return Ok(None);
    };
    let id = place.decode::<PlanSubscription>()?.subscription_id;
    let Some(record) = snapshot.get(&keys.subscription(&id)).await? else { return Ok(None) };
    let last = record.decode::<SubscriptionRecord>()?.held.subscription;
    Ok(Some(last).filter(|last| last.status == Status::Canceled))
}

/// Takes back that the caller's subscription ends. Nothing changes if it does not.
///
/// # Errors
/// There is none.
pub async fn resume<S: Store>(app: &App<S>, by: &Request) -> Result<Subscription, Error> {
    once(app, by, || try_resume(app, by)).await
}

async fn try_resume<S: Store>(app: &App<S>, by: &Request) -> Result<Subscription, Error> {
    let (_, account) = settled_account(app, by, &by.caller.user_id).await?;
    let held = account.held().cloned().ok_or(Refusal::NotSubscribed)?;
    commit_own(app, by, &account, ChangeSet::new(), &held.ending(false, by.now)).await
}

/// Another plan for the caller, now or when what is paid is over. With the plan that the caller has, a change that
/// waits is taken back.
///
/// # Errors
/// No such plan, one that is not active, no subscription, the same plan now, or a difference that is due.
pub async fn change<S: Store>(
    app: &App<S>,
    by: &Request,
    plan_id: &PlanId,
    when: When,
) -> Result<Subscription, Error> {
    once(app, by, || try_change(app, by, plan_id, when)).await
}

async fn try_change<S: Store>(
    app: &App<S>,
    by: &Request,
    plan_id: &PlanId,
    when: When,
) -> Result<Subscription, Error> {
    let (snapshot, mut account) = settled_account(app, by, &by.caller.user_id).await?;
    let held = account.held().cloned().ok_or(Refusal::NotSubscribed)?;
    let (version, plan) = plan_lookup::load(&snapshot, by, plan_id.as_str()).await?;
    let offer = Offer { plan: &plan.plan, generation: plan.generation };
    if !held.is_to(offer) {
        must_be_active(&plan)?;
    }
    match when {
        When::PeriodEnd => {
            let after = held.changing_later(offer, by.now);
            let mut change = ChangeSet::new();
            // Whoever deletes the plan sees who waits for it, or is seen.
            change.expect_version(&Keys::of(&by.caller.tenant).plan(plan_id), version);
            commit_own(app, by, &account, change, &after).await
        }
        When::Now if held.is_to(offer) => {
            Err(Refusal::AlreadySubscribed { plan: plan_id.to_string() }.into())
        }
        When::Now => {
            let bill = Box::pin(fees::bill(app, &snapshot, &mut account, &plan, by.now)).await?;
            bill.must_be_free(&plan.plan)?;
            commit_plan(app, by, &snapshot, account, (version, &plan), bill).await
        }
    }
}

async fn settled_account<S: Store>(
    app: &App<S>,
    by: &Request,
    user_id: &str,
) -> Result<(S::Snapshot, Account), Error> {
    let tenant = &by.caller.tenant;
    let snapshot = settled(app, tenant, user_id, by.now).await?;
    let account = Account::read(app, &snapshot, tenant, user_id).await?;
    Ok((snapshot, account))
}

/// Commits what the caller did with a subscription, with what it rests on else; nothing where nothing changed.
async fn commit_own<S: Store>(
    app: &App<S>,
    by: &Request,
    account: &Account,
    mut change: ChangeSet,
    after: &Held,
) -> Result<Subscription, Error> {
    if account.held() != Some(after) {
        account.write(app, &mut change, after, by.now);
        app.commit(by, change, &after.subscription).await?;
    }
    Ok(after.subscription.clone())
}

/// A subscription that was given, and whether the user had none before.
#[derive(Serialize, Deserialize)]
pub struct Granted {
    /// As it is now.
    pub subscription: Subscription,
    /// False if a live one was changed.
    pub is_new: bool,
}

/// Gives a user a plan, paid for one period: a new subscription, or another plan for the live one, which keeps its id
/// and the day the user subscribed.
///
/// # Errors
/// No such plan, or too many free days.
pub async fn grant<S: Store>(
    app: &App<S>,
    by: &Request,
    user_id: &str,
    grant: &Grant,
) -> Result<Granted, Error> {
    once(app, by, || try_grant(app, by, user_id, grant)).await
}

async fn try_grant<S: Store>(
    app: &App<S>,
    by: &Request,
    user_id: &str,
    grant: &Grant,
) -> Result<Granted, Error> {
    let (snapshot, mut account) = settled_account(app, by, user_id).await?;
    let (plan_version, plan) = plan_lookup::load(&snapshot, by, grant.plan_id.as_str()).await?;
    let offer = Offer { plan: &plan.plan, generation: plan.generation };
    let before = account.held().cloned();
    let own = before.as_ref().filter(|held| held.is_to(offer)).map(Held::course);
    let going = match own {
        Some(course) => Some(course),
        None => fees::open_course(&account, &plan, by.now)?,
    };
    let epoch = account.history.new_epoch();
    let course = grant.course(&plan.plan, going, epoch, by.now)?;
    if grant.trial_days > 0 {
        account.history.note_trial(&plan.plan.id);
    }
    let after = match before.clone() {
        Some(held) => {
            let (after, stay) = held.switched(offer, course, by.now, None)?;
            account.history.note_stay(stay);
            after
        }
        None => {
            let id = ids::fresh(app.entropy.as_ref(), "sub_");
            Held::begin(id, user_id, offer, course, by.now)
        }
    };

    let keys = Keys::of(&by.caller.tenant);
    let mut change = ChangeSet::new();
    // A plan that is changed or deleted meanwhile is looked at again.
    change.expect_version(&keys.plan(&plan.plan.id), plan_version);
    account.write(app, &mut change, &after, by.now);
    let deed = Deed {
        action: "subscription_granted",
        entity_type: "subscription",
        entity_id: &after.subscription.id,
        description: format!("Gave user '{user_id}' the plan '{}'", plan.plan.name),
        before: before.as_ref().map(|held| &held.subscription),
        after: Some(&after.subscription),
        warnings: &[],
    };
    change.append(&keys.audit(), &app.audit_entry(by, deed));
    let granted = Granted { subscription: after.subscription, is_new: before.is_none() };
    app.commit(by, change, &granted).await?;
    Ok(granted)
}

//! Subscriptions: what an admin gives a user.

use planwright_domain::caller::TenantId;
use planwright_domain::subscription::{Grant, Subscription};
use planwright_store::{ChangeSet, Snapshot, Store, StoreError};
use serde::{Deserialize, Serialize};

use crate::app::{App, Request};
use crate::audit::Deed;
use crate::documents::{LiveSubscription, PlanSubscription, SubscriptionRecord};
use crate::error::Error;
use crate::ids;
use crate::keys::Keys;
use crate::once::once;
use crate::plan_lookup;

/// A subscription that was given, and whether the user had none before.
#[derive(Serialize, Deserialize)]
pub struct Granted {
    /// As it is now.
    pub subscription: Subscription,
    /// False if a live one was changed.
    pub is_new: bool,
}

/// Gives a user a plan: a new subscription, or another plan for the live one.
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
    let snapshot = app.store.snapshot().await?;
    let (plan_version, plan) = plan_lookup::load(&snapshot, by, grant.plan_id.as_str()).await?;
    let live = live(&snapshot, &by.caller.tenant, user_id).await?;
    let current = live.as_ref().map(|(_, record)| &record.subscription);
    let id = ids::fresh(app.entropy.as_ref(), "sub_");
    let subscription = grant.subscribe(user_id, &plan.plan, current, &id, by.now)?;
    let record = SubscriptionRecord { plan_generation: plan.generation, subscription };

    let keys = Keys::of(&by.caller.tenant);
    let mut change = ChangeSet::new();
    // A plan that is changed or deleted meanwhile is looked at again.
    change.expect_version(&keys.plan(&plan.plan.id), plan_version);
    if let Some((version, before)) = &live {
        change.expect_version(&keys.subscription(&before.subscription.id), *version);
        take_out(&mut change, &keys, before);
    } else {
        let pointer = LiveSubscription { subscription_id: record.subscription.id.clone() };
        let key = keys.live_subscription(user_id);
        change.expect_absent(&key).put(&key, &pointer);
    }
    put_in(&mut change, &keys, &record);
    let deed = Deed {
        action: "subscription_granted",
        entity_type: "subscription",
        entity_id: &record.subscription.id,
        description: format!("Gave user '{user_id}' the plan '{}'", plan.plan.name),
        before: current,
        after: Some(&record.subscription),
        warnings: &[],
    };
    change.append(&keys.audit(), &app.audit_entry(by, deed));
    let granted = Granted { subscription: record.subscription, is_new: live.is_none() };
    app.commit(by, change, &granted).await?;
    Ok(granted)
}

/// A user's live subscription with the version of its record, if there is one.
pub(crate) async fn live<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
    user_id: &str,
) -> Result<Option<(u64, SubscriptionRecord)>, StoreError> {
    let keys = Keys::of(tenant);
    let Some(pointer) = snapshot.get(&keys.live_subscription(user_id)).await? else {
        return Ok(None);
    };
    let id = pointer.decode::<LiveSubscription>()?.subscription_id;
    let record = snapshot.get(&keys.subscription(&id)).await?.ok_or_else(|| {
        let reason = format!("the live subscription '{id}' of user '{user_id}' is missing");
        StoreError::Corrupt { reason }
    })?;
    Ok(Some((record.version, record.decode()?)))
}

/// Writes a subscription with its place in the plan's list and count.
fn put_in(change: &mut ChangeSet, keys: &Keys, record: &SubscriptionRecord) {
    let subscription = &record.subscription;
    let place =
        PlanSubscription { subscription_id: subscription.id.clone(), status: subscription.status };
    let generation = record.plan_generation;
    change
        .put(&keys.subscription(&subscription.id), record)
        .put(&place_in_plan(keys, record), &place)
        .add(&keys.subscribers(&subscription.plan_id, generation, subscription.status), 1);
}

/// Takes a subscription out of the plan's list and count.
fn take_out(change: &mut ChangeSet, keys: &Keys, record: &SubscriptionRecord) {
    let subscription = &record.subscription;
    let generation = record.plan_generation;
    change
        .delete(&place_in_plan(keys, record))
        .add(&keys.subscribers(&subscription.plan_id, generation, subscription.status), -1);
}

/// Where the plan's list has a subscription.
pub(crate) fn place_in_plan(keys: &Keys, record: &SubscriptionRecord) -> planwright_store::Key {
    let subscription = &record.subscription;
    keys.plan_subscription(
        &subscription.plan_id,
        record.plan_generation,
        subscription.created_at,
        &subscription.id,
    )
}

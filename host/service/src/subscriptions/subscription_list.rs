//! All subscriptions of a tenant, for admins.

use planwright_domain::page::{Page, PageRequest};
use planwright_domain::subscription::{Status, Subscription};
use planwright_store::{Part, Scan, Snapshot, Store, StoreError};

use crate::app::App;
use crate::documents::PlanSubscription;
use crate::error::Error;
use crate::keys::Keys;
use crate::plans::plan_lookup;
use crate::request::Request;
use crate::subscriptions::subscription_records::{self, subscription_counts};
use crate::worker;

/// Which subscriptions an admin wants to see; all of them where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct SubscriptionFilter {
    /// To this plan.
    pub plan_id: Option<String>,
    /// In this status.
    pub status: Option<Status>,
    /// Of this user.
    pub user_id: Option<String>,
}

/// One page of them, newest first.
///
/// # Errors
/// No such plan, where one is named.
pub async fn list<S: Store>(
    app: &App<S>,
    by: &Request,
    filter: &SubscriptionFilter,
    page: PageRequest,
) -> Result<Page<Subscription>, Error> {
    worker::work_plan(app, &by.caller.tenant, filter.plan_id.as_deref(), by.now).await?;
    let snapshot = app.store.snapshot().await?;
    let keys = Keys::of(&by.caller.tenant);
    let plan = match &filter.plan_id {
        Some(id) => Some(plan_lookup::load(&snapshot, by, id).await?.1),
        None => None,
    };
    if let Some(user_id) = &filter.user_id {
        return of_user(&snapshot, &keys, user_id, filter, page).await;
    }
    let (list, total) = match &plan {
        Some(plan) => {
            let counts = subscription_counts(&snapshot, &keys, plan).await?;
            let total = match filter.status {
                Some(status) => counts.of(status),
                None => counts.live() + counts.canceled,
            };
            (keys.plan_subscriptions(&plan.plan.id, plan.generation), total)
        }
        None => (keys.every_subscriptions(), total(&snapshot, &keys, filter.status).await?),
    };
    let ids = subscription_records::page_of_ids(&snapshot, &list, filter.status, page).await?;
    let mut items = Vec::new();
    for id in ids {
        items.push(subscription_records::load(&snapshot, &keys, &id).await?);
    }
    Ok(page.answer(items, total))
}

/// A user's are few.
async fn of_user<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    user_id: &str,
    filter: &SubscriptionFilter,
    page: PageRequest,
) -> Result<Page<Subscription>, Error> {
    let mut found = Vec::new();
    let list = keys.user_subscriptions(user_id);
    for (_, record) in snapshot.scan(&list, Scan::first(usize::MAX)).await? {
        let place = record.decode::<PlanSubscription>()?;
        if filter.status.is_some_and(|status| place.status != status) {
            continue;
        }
        let subscription =
            subscription_records::load(snapshot, keys, &place.subscription_id).await?;
        if filter.plan_id.as_deref().is_none_or(|id| subscription.plan_id.as_str() == id) {
            found.push(subscription);
        }
    }
    Ok(page.of(found))
}

/// How many the tenant has, or has in one status: the sum of what all plans count.
async fn total<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    status: Option<Status>,
) -> Result<u64, StoreError> {
    let counters = snapshot.counters(&keys.all_subscribers(), Scan::first(usize::MAX)).await?;
    let counts = counters.into_iter().filter(|(key, _)| match (status, key.parts().last()) {
        (Some(status), Some(Part::Text(name))) => name == status.as_str(),
        (status, _) => status.is_none(),
    });
    Ok(counts.map(|(_, holds)| u64::try_from(holds).unwrap_or(0)).sum())
}

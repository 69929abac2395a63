//! Who is subscribed to a plan.

use planwright_domain::page::{Page, PageRequest};
use planwright_domain::subscription::{Status, Subscriber};
use planwright_store::{Snapshot, Store, StoreError};

use crate::app::App;
use crate::documents::UserRecord;
use crate::error::Error;
use crate::keys::Keys;
use crate::plans::plan_lookup;
use crate::request::Request;
use crate::subscriptions::subscription_records::subscription_counts;
use crate::subscriptions::subscription_records::{load, page_of_ids};
use crate::worker;

/// One page of a plan's subscribers, newest first, all or those in one status.
///
/// # Errors
/// No such plan.
pub async fn list<S: Store>(
    app: &App<S>,
    by: &Request,
    plan_id: &str,
    status: Option<Status>,
    page: PageRequest,
) -> Result<Page<Subscriber>, Error> {
    worker::work_plan(app, &by.caller.tenant, Some(plan_id), by.now).await?;
    let snapshot = app.store.snapshot().await?;
    let (_, plan) = plan_lookup::load(&snapshot, by, plan_id).await?;
    let keys = Keys::of(&by.caller.tenant);
    let counts = subscription_counts(&snapshot, &keys, &plan).await?;
    let total = match status {
        Some(status) => counts.of(status),
        None => counts.live() + counts.canceled,
    };
    let list = keys.plan_subscriptions(&plan.plan.id, plan.generation);
    let mut items = Vec::new();
    for id in page_of_ids(&snapshot, &list, status, page).await? {
        items.push(subscriber(&snapshot, &keys, &id).await?);
    }
    Ok(page.answer(items, total))
}

async fn subscriber<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    subscription_id: &str,
) -> Result<Subscriber, StoreError> {
    let subscription = load(snapshot, keys, subscription_id).await?;
    let user = match snapshot.get(&keys.user(&subscription.user_id)).await? {
        Some(record) => record.decode()?,
        None => UserRecord::default(),
    }
    .facts;
    Ok(Subscriber {
        user_id: subscription.user_id,
        email: user.email,
        name: user.name,
        subscription_status: subscription.status,
        subscribed_at: subscription.created_at,
        current_period_end: subscription.current_period_end,
    })
}

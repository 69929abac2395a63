//! Who is subscribed to a plan.

use planwright_domain::page::{Page, PageRequest};
use planwright_domain::subscription::{Status, Subscriber};
use planwright_store::{Scan, Snapshot, Store, StoreError};

use crate::app::{App, Request};
use crate::documents::{PlanRecord, PlanSubscription, SubscriptionRecord, UserRecord};
use crate::error::Error;
use crate::keys::Keys;
use crate::plan_commit::subscription_counts;
use crate::plan_lookup;

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
    let snapshot = app.store.snapshot().await?;
    let (_, plan) = plan_lookup::load(&snapshot, by, plan_id).await?;
    let keys = Keys::of(&by.caller.tenant);
    let counts = subscription_counts(&snapshot, &keys, &plan).await?;
    let total = match status {
        Some(status) => counts.of(status),
        None => counts.live() + counts.canceled,
    };
    let mut items = Vec::new();
    for id in page_of_ids(&snapshot, &keys, &plan, status, page).await? {
        items.push(subscriber(&snapshot, &keys, &id).await?);
    }
    Ok(page.answer(items, total))
}

/// The subscriptions on a page. The list is walked in pieces, since with a filter nobody knows how far to
/// look.
async fn page_of_ids<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    plan: &PlanRecord,
    status: Option<Status>,
    page: PageRequest,
) -> Result<Vec<String>, StoreError> {
    const PIECE: usize = 500;
    let prefix = keys.plan_subscriptions(&plan.plan.id, plan.generation);
    let mut scan = Scan::first(PIECE);
    let mut skip = page.skip();
    let mut ids = Vec::new();
    loop {
        let piece = snapshot.scan(&prefix, scan).await?;
        for (_, record) in &piece {
            let entry = record.decode::<PlanSubscription>()?;
            if status.is_some_and(|status| entry.status != status) {
                continue;
            }
            if skip > 0 {
                skip -= 1;
                continue;
            }
            ids.push(entry.subscription_id);
            if ids.len() == page.size() {
                return Ok(ids);
            }
        }
        match piece.into_iter().last() {
            Some((last, _)) => scan = Scan::first(PIECE).after(last),
            None => return Ok(ids),
        }
    }
}

async fn subscriber<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    subscription_id: &str,
) -> Result<Subscriber, StoreError> {
    let record = snapshot.get(&keys.subscription(subscription_id)).await?.ok_or_else(|| {
        let reason = format!("the subscription '{subscription_id}' is listed and missing");
        StoreError::Corrupt { reason }
    })?;
    let subscription = record.decode::<SubscriptionRecord>()?.subscription;
    let user = match snapshot.get(&keys.user(&subscription.user_id)).await? {
        Some(record) => record.decode()?,
        None => UserRecord::default(),
    };
    Ok(Subscriber {
        user_id: subscription.user_id,
        email: user.email,
        name: user.name,
        subscription_status: subscription.status,
        subscribed_at: subscription.created_at,
        current_period_end: subscription.current_period_end,
    })
}

//! Subscriptions as a snapshot holds them: by user, by list, and how many a plan has.

use planwright_domain::page::PageRequest;
use planwright_domain::plan::review::SubscriptionCounts;
use planwright_domain::subscription::{Status, Subscription};
use planwright_domain::tenant::caller::TenantId;
use planwright_store::{Prefix, Scan, Snapshot, StoreError};

use crate::documents::{LiveSubscription, PlanRecord, PlanSubscription, SubscriptionRecord};
use crate::keys::Keys;

/// Rows read at once: with a filter nobody knows how far to look.
const PIECE: usize = 500;

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

/// How many subscriptions to a plan there are, by status.
pub(crate) async fn subscription_counts<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    record: &PlanRecord,
) -> Result<SubscriptionCounts, StoreError> {
    let count = async |status| {
        let key = keys.subscribers(&record.plan.id, record.generation, status);
        // Never below 0: every subscription is counted in before it is counted out.
        Ok::<u64, StoreError>(u64::try_from(snapshot.counter(&key).await?).unwrap_or(0))
    };
    Ok(SubscriptionCounts {
        trialing: count(Status::Trialing).await?,
        active: count(Status::Active).await?,
        past_due: count(Status::PastDue).await?,
        canceled: count(Status::Canceled).await?,
    })
}

/// The subscriptions on a page of a list.
pub(crate) async fn page_of_ids<N: Snapshot>(
    snapshot: &N,
    list: &Prefix,
    status: Option<Status>,
    page: PageRequest,
) -> Result<Vec<String>, StoreError> {
    let mut scan = Scan::first(PIECE);
    let mut skip = page.skip();
    let mut ids = Vec::new();
    loop {
        let piece = snapshot.scan(list, scan).await?;
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

/// A subscription that a list leads to.
pub(crate) async fn load<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    id: &str,
) -> Result<Subscription, StoreError> {
    let record = snapshot.get(&keys.subscription(id)).await?.ok_or_else(|| {
        let reason = format!("the subscription '{id}' is listed and missing");
        StoreError::Corrupt { reason }
    })?;
    Ok(record.decode::<SubscriptionRecord>()?.held.subscription)
}

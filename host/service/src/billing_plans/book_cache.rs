//! Billing plans with what they name, decoded once and kept until the price catalog changes.

use std::sync::Arc;

use planwright_domain::billing_plan::BillingPlan;
use planwright_domain::billing_plan::price_book::Named;
use planwright_domain::billing_plan::product::Product;
use planwright_domain::billing_plan::region::Region;
use planwright_domain::tenant::caller::TenantId;
use planwright_store::{Snapshot, StoreError};
use quick_cache::sync::Cache;

use crate::billing_plans::entry_records::find;
use crate::keys::Keys;

/// A billing plan with what it names.
pub(crate) struct Book {
    pub(crate) plan: BillingPlan,
    pub(crate) named: Named,
}

/// How many billing plans are kept decoded.
const MOST_BOOKS: usize = 1_000;

/// Billing plans that were read, each with how often its tenant's catalog had changed by then. Before one is given
/// again, the snapshot is asked whether the catalog is as it was: none is ever stale.
pub(crate) struct BookCache(Cache<(TenantId, u64), (i64, Arc<Book>)>);

impl Default for BookCache {
    fn default() -> Self {
        Self(Cache::new(MOST_BOOKS))
    }
}

impl BookCache {
    /// A billing plan, if it is there. `changes` is what the counter of changes of the catalog holds in the snapshot.
    pub(crate) async fn read<N: Snapshot>(
        &self,
        snapshot: &N,
        tenant: &TenantId,
        id: u64,
        changes: i64,
    ) -> Result<Option<Arc<Book>>, StoreError> {
        let name = (tenant.clone(), id);
        if let Some((_, book)) = self.0.get(&name).filter(|(then, _)| *then == changes) {
            return Ok(Some(book));
        }
        let keys = Keys::of(tenant);
        let Some((_, plan)) = find::<BillingPlan, _>(snapshot, &keys, id).await? else {
            return Ok(None);
        };
        let named = named(snapshot, &keys, &[&plan]).await?;
        let book = Arc::new(Book { plan, named });
        self.0.insert(name, (changes, Arc::clone(&book)));
        Ok(Some(book))
    }
}

/// The products and regions that billing plans name. What is not there is left out.
pub(crate) async fn named<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    plans: &[&BillingPlan],
) -> Result<Named, StoreError> {
    let mut named = Named::default();
    for uses in plans.iter().map(|plan| plan.uses()) {
        for id in uses.products.into_keys() {
            if let Some((_, product)) = find::<Product, _>(snapshot, keys, id).await? {
                named.products.insert(id, product);
            }
        }
        for id in uses.regions.into_keys() {
            if let Some((_, region)) = find::<Region, _>(snapshot, keys, id).await? {
                named.regions.insert(id, region);
            }
        }
    }
    Ok(named)
}

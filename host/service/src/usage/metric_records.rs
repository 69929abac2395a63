//! Which metrics a tenant has: those of every tenant, and each product's.

use planwright_domain::billing_plan::product::Product;
use planwright_domain::usage::metric::Metric;
use planwright_store::{Snapshot, StoreError};

use crate::billing_plans::entry_records;
use crate::keys::Keys;

/// All metrics of a tenant.
pub(crate) async fn known<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
) -> Result<Vec<Metric>, StoreError> {
    Ok(known_with(&entry_records::all(snapshot, keys).await?))
}

/// Those that there are with these products.
pub(crate) fn known_with(products: &[Product]) -> Vec<Metric> {
    let of_products = products.iter().map(|product| Metric::named(&product.external_id));
    Metric::built_in().chain(of_products.filter(|metric| !metric.is_built_in())).collect()
}

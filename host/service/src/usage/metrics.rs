//! Which metrics a tenant has: those of every tenant, and each product's.

use std::sync::Arc;

use planwright_domain::Refusal;
use planwright_domain::caller::TenantId;
use planwright_domain::metric::Metric;
use planwright_domain::product::Product;
use planwright_store::{Snapshot, Store, StoreError};

use crate::app::App;
use crate::billing_plans::entry_records;
use crate::error::Error;
use crate::keys::Keys;
use crate::usage::metric_cache::Metrics;

/// All of them.
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

/// What a tenant has, looked up when it first matters: those that every tenant has cost nothing to know.
#[derive(Default)]
pub(crate) struct Known(Option<Arc<Metrics>>);

impl Known {
    /// # Errors
    /// Names the first that there is not.
    pub(crate) async fn must_have<'a, S: Store>(
        &mut self,
        app: &App<S>,
        snapshot: &S::Snapshot,
        tenant: &TenantId,
        metrics: impl IntoIterator<Item = &'a Metric>,
    ) -> Result<(), Error> {
        for metric in metrics.into_iter().filter(|metric| !metric.is_built_in()) {
            let known = match &mut self.0 {
                Some(known) => known,
                none => none.insert(app.metrics.read(snapshot, tenant).await?),
            };
            if !known.has(metric) {
                return Err(Refusal::unknown_metric(metric).into());
            }
        }
        Ok(())
    }
}

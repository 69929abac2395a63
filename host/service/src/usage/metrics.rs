//! Which metrics a tenant has: those of every tenant, and each product's.

use planwright_domain::metric::Metric;
use planwright_domain::product::Product;
use planwright_store::{Snapshot, StoreError};

use crate::billing_plans::entry_records;
use crate::error::Error;
use crate::keys::Keys;

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
pub(crate) struct Known(Option<Vec<Metric>>);

impl Known {
    /// # Errors
    /// Names the first that there is not.
    pub(crate) async fn must_have<'a, N: Snapshot>(
        &mut self,
        snapshot: &N,
        keys: &Keys,
        metrics: impl IntoIterator<Item = &'a Metric>,
    ) -> Result<(), Error> {
        for metric in metrics.into_iter().filter(|metric| !metric.is_built_in()) {
            let known = match &mut self.0 {
                Some(known) => known,
                none => none.insert(known(snapshot, keys).await?),
            };
            if !known.contains(metric) {
                return Err(metric.unknown().into());
            }
        }
        Ok(())
    }
}

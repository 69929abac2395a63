//! The metrics of tenants, kept until the price catalog changes: an event of a product's metric reads no product.

use std::collections::HashSet;
use std::sync::Arc;

use planwright_domain::tenant::caller::TenantId;
use planwright_domain::usage::metric::Metric;
use planwright_store::{Snapshot, StoreError};
use quick_cache::sync::Cache;

use crate::keys::Keys;
use crate::usage::metric_records;

/// Of how many tenants they are kept.
const MOST: usize = 1_000;

/// The metrics that a tenant has.
pub(crate) struct Metrics {
    /// Those of every tenant first.
    pub(crate) all: Vec<Metric>,
    has: HashSet<Metric>,
}

impl Metrics {
    pub(crate) fn has(&self, metric: &Metric) -> bool {
        self.has.contains(metric)
    }
}

/// Metrics that were read, each tenant's with how often its catalog had changed by then. Before they are given again, the
/// snapshot is asked whether the catalog is as it was: none are ever stale.
pub(crate) struct MetricCache(Cache<TenantId, (i64, Arc<Metrics>)>);

impl Default for MetricCache {
    fn default() -> Self {
        Self(Cache::new(MOST))
    }
}

impl MetricCache {
    /// All that a tenant has.
    pub(crate) async fn read<N: Snapshot>(
        &self,
        snapshot: &N,
        tenant: &TenantId,
    ) -> Result<Arc<Metrics>, StoreError> {
        let keys = Keys::of(tenant);
        let changes = snapshot.counter(&keys.entry_changes()).await?;
        if let Some((_, metrics)) = self.0.get(tenant).filter(|(then, _)| *then == changes) {
            return Ok(metrics);
        }
        let all = metric_records::known(snapshot, &keys).await?;
        let metrics = Arc::new(Metrics { has: all.iter().cloned().collect(), all });
        self.0.insert(tenant.clone(), (changes, Arc::clone(&metrics)));
        Ok(metrics)
    }
}

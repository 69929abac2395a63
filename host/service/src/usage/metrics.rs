//! Whether a tenant has the metrics that are asked about.

use std::sync::Arc;

use planwright_domain::Refusal;
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::usage::metric::Metric;
use planwright_store::Store;

use crate::app::App;
use crate::error::Error;
use crate::usage::metric_cache::Metrics;

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

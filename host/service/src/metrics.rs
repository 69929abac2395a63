//! Which metrics a tenant has.

use planwright_domain::Refusal;
use planwright_domain::metric::Metric;

/// All of them.
pub(crate) fn known() -> Vec<Metric> {
    Metric::built_in().collect()
}

/// Those that every tenant has cost nothing to know.
///
/// # Errors
/// Names the first that there is not.
pub(crate) fn must_be_known<'a>(
    metrics: impl IntoIterator<Item = &'a Metric>,
) -> Result<(), Refusal> {
    match metrics.into_iter().find(|metric| !metric.is_built_in()) {
        Some(unknown) => Err(unknown.unknown()),
        None => Ok(()),
    }
}

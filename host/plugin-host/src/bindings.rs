//! Which plugins answer where nobody has bound others, and asking several of them at once.

use std::sync::Arc;

use planwright_domain::billing_plan::price_book::PriceBookChange;
use planwright_domain::plan::review::{Finding, PlanChange, ReviewContext};

use crate::PluginError;
use crate::plugin::Plugin;

/// The plugins that decide by the configuration: the default of every tenant.
#[derive(Clone, Debug)]
pub struct Bindings {
    /// Makes ids.
    pub identity: Arc<Plugin>,
    /// The standard rules, whether or not they are among those that the configuration asks.
    pub standard_validation: Arc<Plugin>,
    /// Review changes, all of them, in this order.
    pub validation: Vec<Arc<Plugin>>,
    /// Decides all money.
    pub pricing: Arc<Plugin>,
    /// Packs that can be installed, any number of them. They decide nothing: one that fails is a pack that
    /// is not to be had, and no more.
    pub templates: Vec<Arc<Plugin>>,
}

/// What all of these validation plugins find in a change, in their order. An error among the findings refuses
/// the change.
///
/// # Errors
/// As any call of a plugin: [`PluginError`] names the plugin. No finding counts then: a rule that could not be
/// asked is not a rule that agrees.
pub async fn review_plan(
    plugins: &[Arc<Plugin>],
    context: &ReviewContext,
    change: &PlanChange,
) -> Result<Vec<Finding>, PluginError> {
    let mut findings = Vec::new();
    for plugin in plugins {
        findings.extend(plugin.review_plan(context, change).await?);
    }
    Ok(findings)
}

/// The same of a change of a price book.
///
/// # Errors
/// As [`review_plan`].
pub async fn review_billing_plan(
    plugins: &[Arc<Plugin>],
    context: &ReviewContext,
    change: &PriceBookChange,
) -> Result<Vec<Finding>, PluginError> {
    let mut findings = Vec::new();
    for plugin in plugins {
        findings.extend(plugin.review_billing_plan(context, change).await?);
    }
    Ok(findings)
}

//! Which plugin answers for which hook, and the table of it that is swapped whole.

use std::sync::Arc;

use arc_swap::ArcSwap;
use planwright_domain::fee::{FeeItem, FeeQuestion};
use planwright_domain::review::{Finding, PlanChange, ReviewContext};
use planwright_domain::time::Timestamp;

use crate::plugin::Plugin;
use crate::{Hook, PluginError};

/// The plugins that decide. A table never changes: a new one takes its place.
#[derive(Clone, Debug)]
pub struct Bindings {
    /// Makes ids.
    pub identity: Arc<Plugin>,
    /// Review changes, all of them, in this order.
    pub validation: Vec<Arc<Plugin>>,
    /// Decides all money.
    pub pricing: Arc<Plugin>,
    /// Packs that can be installed, any number of them. They decide nothing: one that fails is a pack that
    /// is not to be had, and no more.
    pub templates: Vec<Arc<Plugin>>,
}

impl Bindings {
    /// An id for what a person called `name`; `kind` is what it is for (`plan`). The same arguments give the
    /// same id, so on a clash draw other entropy. The id is 1 to 128 bytes without control characters; that
    /// it is a valid id of its kind is the caller's to check.
    ///
    /// # Errors
    /// As any call of a plugin: [`PluginError`] names the plugin.
    pub async fn new_id(
        &self,
        kind: &str,
        name: &str,
        entropy: [u8; 32],
        at: Timestamp,
    ) -> Result<String, PluginError> {
        self.identity.new_id(kind, name, entropy, at).await
    }

    /// What all validation plugins find in a change, in the order of the plugins. An error among the findings
    /// refuses the change.
    ///
    /// # Errors
    /// As any call of a plugin: [`PluginError`] names the plugin. No finding counts then: a rule that could
    /// not be asked is not a rule that agrees.
    pub async fn review_plan(
        &self,
        context: &ReviewContext,
        change: &PlanChange,
    ) -> Result<Vec<Finding>, PluginError> {
        let mut findings = Vec::new();
        for plugin in &self.validation {
            findings.extend(plugin.review_plan(context, change).await?);
        }
        Ok(findings)
    }

    /// What a plan costs somebody: at least one fee, and what of a plan that is left was unused.
    ///
    /// # Errors
    /// As any call of a plugin: [`PluginError`] names the plugin.
    pub async fn price_fee(
        &self,
        context: &ReviewContext,
        question: &FeeQuestion,
    ) -> Result<Vec<FeeItem>, PluginError> {
        self.pricing.price_fee(context, question).await
    }

    /// Every plugin in the table with its hook.
    pub fn plugins(&self) -> impl Iterator<Item = (Hook, &Arc<Plugin>)> {
        let validation = self.validation.iter().map(|plugin| (Hook::Validation, plugin));
        std::iter::once((Hook::Identity, &self.identity))
            .chain(validation)
            .chain(std::iter::once((Hook::Pricing, &self.pricing)))
            .chain(self.templates.iter().map(|plugin| (Hook::Templates, plugin)))
    }
}

/// The table in force. Whoever asks pins it once and keeps it to the end of the request: a swap meanwhile
/// changes nothing for them.
#[derive(Debug)]
pub struct LiveBindings(ArcSwap<Bindings>);

impl LiveBindings {
    /// Begins with these.
    #[must_use]
    pub fn new(bindings: Bindings) -> Self {
        Self(ArcSwap::from_pointee(bindings))
    }

    /// The table in force now.
    #[must_use]
    pub fn pin(&self) -> Arc<Bindings> {
        self.0.load_full()
    }

    /// Puts another table in force, whole and at once.
    pub fn publish(&self, bindings: Bindings) {
        self.0.store(Arc::new(bindings));
    }
}

//! What every use case works with.

use std::sync::Arc;

use planwright_domain::payment::payment_settings::Credentials;
use planwright_plugin_host::{Bindings, PluginHost, Tally};

use crate::billing_plans::book_cache::BookCache;
use crate::edge::Entropy;
use crate::payments::provider::PaymentProvider;
use crate::plans::plan_cache::PlanCache;
use crate::plugins::plugin_tables::Tables;
use crate::plugins::workshop::Workshop;
use crate::statements::metering::Metering;
use crate::subscriptions::governing::Governing;
use crate::tenants::seen_tenants::SeenTenants;
use crate::usage::looked_at::LookedAt;
use crate::usage::metric_cache::MetricCache;
use crate::users::user_cache::UserCache;

/// The rooms that a use case connects: where things are kept, who decides, where chance comes from.
pub struct App<S> {
    pub(crate) store: S,
    pub(crate) host: PluginHost,
    /// How many plugins an owner may have.
    pub(crate) most_plugins: u64,
    pub(crate) tables: Tables,
    pub(crate) workshop: Workshop,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) plans: PlanCache,
    pub(crate) tenants: SeenTenants,
    pub(crate) payments: Option<Payments>,
    pub(crate) governing: UserCache<Governing>,
    pub(crate) metering: UserCache<Metering>,
    pub(crate) books: BookCache,
    pub(crate) looked_at: LookedAt,
    pub(crate) metrics: MetricCache,
}

/// Who takes payments.
pub struct Payments {
    /// Asked for every tenant, each with its own shop.
    pub provider: Arc<dyn PaymentProvider>,
    /// The shop of tenants that have none.
    pub shop: Option<Credentials>,
    /// Where users may come back to; anywhere if none is named.
    pub return_hosts: Vec<String>,
}

/// Who decides, as the configuration says.
pub struct Plugins {
    /// Loads and compiles them.
    pub host: PluginHost,
    /// Those that decide where nobody has bound others.
    pub defaults: Bindings,
    /// How many a tenant may upload, and the operator for the host.
    pub most: u64,
}

impl<S> App<S> {
    /// Connects them.
    pub fn new(store: S, plugins: Plugins, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            store,
            host: plugins.host,
            most_plugins: plugins.most,
            tables: Tables::new(plugins.defaults),
            workshop: Workshop::default(),
            entropy,
            plans: PlanCache::default(),
            tenants: SeenTenants::default(),
            payments: None,
            governing: UserCache::default(),
            metering: UserCache::default(),
            books: BookCache::default(),
            looked_at: LookedAt::default(),
            metrics: MetricCache::default(),
        }
    }

    /// With somebody who takes payments.
    #[must_use]
    pub fn with_payments(self, payments: Payments) -> Self {
        Self { payments: Some(payments), ..self }
    }

    /// What plugins did since the start, those of all tenants.
    pub fn plugin_tallies(&self) -> Vec<Tally> {
        self.host.tallies()
    }

    /// Where things are kept.
    pub fn store(&self) -> &S {
        &self.store
    }
}

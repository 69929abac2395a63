//! What every use case works with.

use std::sync::Arc;

use planwright_domain::caller::Caller;
use planwright_domain::payment_settings::Credentials;
use planwright_domain::plugin::Digest;
use planwright_domain::time::Timestamp;
use planwright_plugin_host::{Bindings, PluginHost, Tally};

use crate::catalog::CatalogCache;
use crate::edge::Entropy;
use crate::governing::Governing;
use crate::metering::Metering;
use crate::once::Claim;
use crate::plugin_tables::Tables;
use crate::plugin_work::Workshop;
use crate::price_books::BookCache;
use crate::provider::PaymentProvider;
use crate::quota_thresholds::LookedAt;
use crate::seen_tenants::SeenTenants;
use crate::user_cache::UserCache;

/// The rooms that a use case connects: where things are kept, who decides, where chance comes from.
pub struct App<S> {
    pub(crate) store: S,
    pub(crate) host: PluginHost,
    /// How many plugins an owner may have.
    pub(crate) most_plugins: u64,
    pub(crate) tables: Tables,
    pub(crate) workshop: Workshop,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) catalogs: CatalogCache,
    pub(crate) tenants: SeenTenants,
    pub(crate) payments: Option<Payments>,
    pub(crate) governing: UserCache<Governing>,
    pub(crate) metering: UserCache<Metering>,
    pub(crate) books: BookCache,
    pub(crate) looked_at: LookedAt,
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
            catalogs: CatalogCache::default(),
            tenants: SeenTenants::default(),
            payments: None,
            governing: UserCache::default(),
            metering: UserCache::default(),
            books: BookCache::default(),
            looked_at: LookedAt::default(),
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

/// Who asks, and when: the one instant that everything in a request happens at.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who asks.
    pub caller: Caller,
    /// When the request came, by the tenant's clock: what everything is decided on.
    pub now: Timestamp,
    /// The same by the real clock, for what no sandbox's clock moves: how long answers are kept, when
    /// credentials end.
    pub received_at: Timestamp,
    /// Under which the log keeps it.
    pub request_id: String,
    /// Where it may come again: what makes the repeat give the same answer.
    pub claim: Option<Claim>,
    /// The tags of what the caller has read of the thing it changes, where it says so; `*` is whatever is there.
    pub if_match: Option<Vec<String>>,
}

impl Request {
    /// The same with a body that was read apart from it, known by its digest: a repeat has the same.
    pub(crate) fn with_body(mut self, digest: &Digest) -> Self {
        if let Some(claim) = &mut self.claim {
            claim.fingerprint = format!("{} {digest}", claim.fingerprint);
        }
        self
    }

    /// Whether the caller may change what has this tag: it has read it, or does not say what it has read.
    pub(crate) fn may_change(&self, tag: &str) -> bool {
        let is_it = |read: &String| read == "*" || read == tag;
        self.if_match.as_ref().is_none_or(|tags| tags.iter().any(is_it))
    }
}

//! What every use case works with.

use std::sync::Arc;

use planwright_domain::caller::Caller;
use planwright_domain::time::Timestamp;
use planwright_plugin_host::{Bindings, LiveBindings};

use crate::catalog::CatalogCache;
use crate::edge::Entropy;
use crate::once::Claim;
use crate::seen_tenants::SeenTenants;

/// The rooms that a use case connects: where things are kept, who decides, where chance comes from.
pub struct App<S> {
    pub(crate) store: S,
    pub(crate) plugins: LiveBindings,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) catalogs: CatalogCache,
    pub(crate) tenants: SeenTenants,
}

impl<S> App<S> {
    /// Connects them.
    pub fn new(store: S, plugins: LiveBindings, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            store,
            plugins,
            entropy,
            catalogs: CatalogCache::default(),
            tenants: SeenTenants::default(),
        }
    }

    /// The plugins that decide now.
    pub fn bindings(&self) -> Arc<Bindings> {
        self.plugins.pin()
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
    /// What the caller has read of the thing it changes, where it says so; `*` is whatever is there.
    pub if_match: Option<String>,
}

//! Which plugins price in a run: those that it began with, whatever is bound meanwhile; and for what came late those that
//! priced then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use planwright_domain::plugin::hook::Hook;
use planwright_domain::statement::asked;
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_plugin_host::Plugin;
use planwright_store::{Store, StoreError};

use crate::app::App;
use crate::error::Error;
use crate::plugins::asking_again::{self, Loaded};
use crate::plugins::plugin_tables::Pinned;
use crate::plugins::priced_by::PricedBy;

/// What a run keeps from its beginning to its end: which plugins price for each tenant, and those that priced earlier.
#[derive(Default)]
pub(crate) struct Run {
    pinned: Mutex<HashMap<TenantId, Arc<Pinned>>>,
    of_then: Mutex<Loaded>,
}

/// Who prices in a run.
pub(crate) struct Pricer {
    pub(crate) plugin: Arc<Plugin>,
    pub(crate) priced_by: PricedBy,
}

impl Run {
    /// Who prices for a tenant in this run.
    pub(crate) async fn pricer<S: Store>(
        &self,
        app: &App<S>,
        snapshot: &S::Snapshot,
        tenant: &TenantId,
        at: Timestamp,
    ) -> Result<Pricer, Error> {
        let mut bindings = match self.kept(tenant) {
            Some(kept) => kept,
            None => self.pin(app, snapshot, tenant).await?,
        };
        let mut priced_by = PricedBy::read(snapshot, &bindings).await?;
        if priced_by.is_gone() {
            // Nothing that it priced is kept, so that it could be deleted: others go on.
            bindings = self.pin(app, snapshot, tenant).await?;
            priced_by = PricedBy::read(snapshot, &bindings).await?;
        }
        let plugin = app.only_plugin(&bindings, Hook::Pricing, at).await?;
        Ok(Pricer { plugin, priced_by })
    }

    /// Who priced something earlier, as it is asked again. What priced is never deleted.
    pub(crate) async fn pricer_of_then<S: Store>(
        &self,
        app: &App<S>,
        snapshot: &S::Snapshot,
        pricer: &asked::Pricer,
        at: Timestamp,
    ) -> Result<Arc<Plugin>, Error> {
        let loaded = || self.of_then.lock().unwrap_or_else(PoisonError::into_inner);
        let known = loaded().get(pricer);
        if let Some(known) = known {
            return Ok(known);
        }
        let plugin = asking_again::load(app, snapshot, pricer, at).await?;
        loaded().keep(pricer, &plugin);
        Ok(plugin)
    }

    fn kept(&self, tenant: &TenantId) -> Option<Arc<Pinned>> {
        let pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        pinned.get(tenant).map(Arc::clone)
    }

    async fn pin<S: Store>(
        &self,
        app: &App<S>,
        snapshot: &S::Snapshot,
        tenant: &TenantId,
    ) -> Result<Arc<Pinned>, StoreError> {
        let found = Arc::new(app.bindings(snapshot, tenant).await?);
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        pinned.insert(tenant.clone(), Arc::clone(&found));
        Ok(found)
    }
}

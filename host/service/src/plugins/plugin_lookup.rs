//! Which plugins answer for a tenant.

use std::sync::Arc;

use planwright_domain::plugin::Owner;
use planwright_domain::plugin::hook::Hook;
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_plugin_host::{Plugin, PluginError};
use planwright_store::{Store, StoreError};

use crate::app::App;
use crate::error::Error;
use crate::plugins::plugin_slots::Entry;
use crate::plugins::plugin_tables::{Generations, Pinned, not_one};

impl<S> App<S> {
    /// A plugin of a table, loaded if it was not.
    pub(crate) async fn plugin(
        &self,
        entry: &Entry,
        now: Timestamp,
    ) -> Result<Arc<Plugin>, PluginError> {
        entry.load(&self.host, &self.workshop, now).await
    }

    /// All plugins of a hook. One that cannot be loaded closes the hook.
    pub(crate) async fn plugins_for(
        &self,
        pinned: &Pinned,
        hook: Hook,
        now: Timestamp,
    ) -> Result<Vec<Arc<Plugin>>, PluginError> {
        let mut plugins = Vec::new();
        for entry in pinned.slot(hook).entries() {
            plugins.push(self.plugin(entry, now).await?);
        }
        Ok(plugins)
    }

    /// The plugin of a hook that has just one.
    pub(crate) async fn only_plugin(
        &self,
        pinned: &Pinned,
        hook: Hook,
        now: Timestamp,
    ) -> Result<Arc<Plugin>, Error> {
        let plugins = self.plugins_for(pinned, hook, now).await?;
        let [plugin] = <[_; 1]>::try_from(plugins).map_err(|_| not_one(hook))?;
        Ok(plugin)
    }
}

impl<S: Store> App<S> {
    /// The plugins that decide for a tenant in this snapshot.
    pub(crate) async fn bindings(
        &self,
        snapshot: &S::Snapshot,
        tenant: &TenantId,
    ) -> Result<Pinned, StoreError> {
        self.pin(snapshot, Owner::Tenant(tenant.clone())).await
    }

    /// The same for a tenant, or for those that have bound nothing.
    pub(crate) async fn pin(
        &self,
        snapshot: &S::Snapshot,
        owner: Owner,
    ) -> Result<Pinned, StoreError> {
        let generations = Generations::read(snapshot, &owner).await?;
        let table = self.tables.find(snapshot, &owner, generations).await?;
        Ok(Pinned { owner, generations, table })
    }
}

//! Which plugins priced something that is kept. They are never deleted: whatever they priced can be asked again.

use planwright_domain::plugin::Digest;
use planwright_domain::plugin::hook::Hook;
use planwright_domain::statement::asked::Pricer;
use planwright_plugin_host::Plugin;
use planwright_store::{ChangeSet, Key, Snapshot, StoreError};

use crate::keys::OwnerKeys;
use crate::plugins::plugin_documents::PricedByRecord;
use crate::plugins::plugin_tables::Pinned;

/// The pricing plugin of a tenant, and whether it is marked already.
pub(crate) struct PricedBy {
    mark: Key,
    digest: Digest,
    is_marked: bool,
    /// Whether it comes from the configuration, and is nobody's.
    is_configured: bool,
    /// That the plugin is its owner's, where it does not come from the configuration.
    plugin: Option<(Key, u64)>,
}

impl PricedBy {
    /// Of the plugin that decides by these bindings. The mark lies with the plugin's owner.
    pub(crate) async fn read<N: Snapshot>(
        snapshot: &N,
        bindings: &Pinned,
    ) -> Result<Self, StoreError> {
        let (owner, digest) = bindings.only(Hook::Pricing)?;
        let keys = OwnerKeys::of(&owner);
        let (mark, plugin) = (keys.priced_by(&digest), keys.plugin(&digest));
        let is_marked = snapshot.get(&mark).await?.is_some();
        let plugin = match snapshot.get(&plugin).await? {
            Some(found) if !is_marked => Some((plugin, found.version)),
            _ => None,
        };
        let is_configured = bindings.slot(Hook::Pricing).is_configured();
        Ok(Self { mark, digest, is_marked, is_configured, plugin })
    }

    /// Whether it was deleted since it was bound.
    pub(crate) fn is_gone(&self) -> bool {
        !self.is_configured && !self.is_marked && self.plugin.is_none()
    }

    /// Marks it, in the commit that keeps what it priced. It is expected to be there still: whoever deletes it sees the
    /// mark or is seen.
    pub(crate) fn mark(&self, change: &mut ChangeSet) {
        if self.is_marked {
            return;
        }
        if let Some((plugin, version)) = &self.plugin {
            change.expect_version(plugin, *version);
        }
        change.put(&self.mark, &PricedByRecord { digest: self.digest });
    }
}

/// Who a plugin is, to be kept beside what it said.
pub(crate) fn pricer(plugin: &Plugin) -> Result<Pricer, StoreError> {
    let digest = Digest::new(plugin.digest()).ok_or_else(|| StoreError::Corrupt {
        reason: format!("'{}' is the digest of no plugin", plugin.digest()),
    })?;
    let (name, settings) = (plugin.name().to_owned(), plugin.settings().to_owned());
    Ok(Pricer { name, digest, settings })
}

//! The keys of what a tenant and the host can both have: plugins and bindings.

use planwright_domain::plugin::hook::Hook;
use planwright_domain::plugin::{Digest, Owner};
use planwright_store::{Key, KeyBuilder, Prefix, Space};

use super::Family;

/// Makes them.
pub(crate) struct OwnerKeys(Space);

impl OwnerKeys {
    pub(crate) fn of(owner: &Owner) -> Self {
        Self(match owner {
            Owner::Host => Space::Host,
            Owner::Tenant(tenant) => Space::Tenant(tenant.as_str().to_owned()),
        })
    }

    fn kind(&self, family: Family) -> KeyBuilder {
        Key::in_space(&self.0, family.as_str())
    }

    /// Record: that a plugin is the owner's. What it is lies under its component.
    pub(crate) fn plugin(&self, digest: &Digest) -> Key {
        self.kind(Family::Plugin).text(&digest.to_string()).key()
    }

    /// All plugins of the owner.
    pub(crate) fn plugins(&self) -> Prefix {
        self.kind(Family::Plugin).prefix()
    }

    /// Counter: how many they are.
    pub(crate) fn plugin_count(&self) -> Key {
        self.kind(Family::PluginCount).key()
    }

    /// Counter: how many bindings name one of them. A tenant's binding may name a plugin of the host.
    pub(crate) fn plugin_uses(&self, digest: &Digest) -> Key {
        self.kind(Family::PluginUses).text(&digest.to_string()).key()
    }

    /// Record: that a plugin of the owner's priced something that is kept.
    pub(crate) fn priced_by(&self, digest: &Digest) -> Key {
        self.kind(Family::PricedBy).text(&digest.to_string()).key()
    }

    /// Record: which plugins answer for a hook.
    pub(crate) fn binding(&self, hook: Hook) -> Key {
        self.kind(Family::Binding).text(hook.as_str()).key()
    }

    /// Counter: how often a binding of the owner was changed.
    pub(crate) fn binding_generation(&self) -> Key {
        self.kind(Family::BindingGeneration).key()
    }
}

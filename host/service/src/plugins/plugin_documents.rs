//! What the store holds of plugins. A component's bytes and what they are lie once in the host's space, whoever
//! uploaded them; that it is somebody's, and what it is bound to, lies with its owner.

use std::collections::BTreeSet;

use planwright_domain::plugin::binding::WantedPlugin;
use planwright_domain::plugin::hook::Hook;
use planwright_domain::plugin::{About, Digest, Owner, PluginState, Source};
use planwright_domain::time::{self, Timestamp};
use planwright_store::Document;
use serde::{Deserialize, Serialize};

/// A component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ComponentRecord {
    pub(crate) hook: Hook,
    pub(crate) imports: Vec<String>,
    /// In bytes.
    pub(crate) size: u64,
    /// How many parts it is kept in.
    pub(crate) parts: u64,
    /// Who has it; with the last one it goes.
    pub(crate) owners: BTreeSet<Owner>,
    pub(crate) state: PluginState,
    /// What it says of itself, once it was started.
    pub(crate) about: Option<About>,
}

impl Document for ComponentRecord {
    const SCHEMA: u16 = 1;
}

/// Some of a component's bytes, in the form before theirs as they are (`plugin_parts.rs`).
#[derive(Serialize, Deserialize)]
pub(crate) struct ComponentPart {
    pub(crate) base64: String,
}

impl Document for ComponentPart {
    const SCHEMA: u16 = 1;
}

/// An upload that has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ComponentUpload {
    pub(crate) digest: Digest,
    pub(crate) parts: u64,
    #[serde(with = "time::seconds")]
    pub(crate) began_at: Timestamp,
}

impl Document for ComponentUpload {
    const SCHEMA: u16 = 1;
}

/// Points to a component that is to be compiled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Uncompiled {
    pub(crate) digest: Digest,
}

impl Document for Uncompiled {
    const SCHEMA: u16 = 1;
}

/// That a plugin is its owner's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PluginRecord {
    pub(crate) digest: Digest,
    pub(crate) uploaded_by: String,
    #[serde(with = "time::seconds")]
    pub(crate) created_at: Timestamp,
}

impl Document for PluginRecord {
    const SCHEMA: u16 = 1;
}

/// That a plugin priced something that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PricedByRecord {
    pub(crate) digest: Digest,
}

impl Document for PricedByRecord {
    const SCHEMA: u16 = 1;
}

/// Which plugins answer for a hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BindingRecord {
    pub(crate) hook: Hook,
    pub(crate) plugins: Vec<BoundRecord>,
    pub(crate) standard: bool,
}

/// A plugin in a binding, and whose it is: the owner's of the binding, or the host's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BoundRecord {
    #[serde(flatten)]
    pub(crate) wanted: WantedPlugin,
    pub(crate) of: Source,
}

impl BoundRecord {
    /// Whose plugin it is, in a binding of `owner`.
    pub(crate) fn plugin_owner(&self, owner: &Owner) -> Owner {
        match self.of {
            Source::Host => Owner::Host,
            Source::Tenant | Source::Configuration => owner.clone(),
        }
    }
}

impl Document for BindingRecord {
    const SCHEMA: u16 = 1;
}

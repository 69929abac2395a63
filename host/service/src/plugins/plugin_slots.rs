//! What is asked for one hook: plugins of the configuration, and those that are bound, each loaded when it is first
//! asked.

use std::sync::Arc;

use planwright_domain::plugin::binding::{Binding, BoundPlugin, WantedPlugin};
use planwright_domain::plugin::hook::Hook;
use planwright_domain::plugin::{About, Digest, Owner, PluginState, Source};
use planwright_domain::time::Timestamp;
use planwright_plugin_host::{Bindings, Plugin, PluginError, PluginHost, Prepared, Reuse};
use tokio::sync::OnceCell;

use crate::plugins::plugin_documents::{BindingRecord, ComponentRecord};
use crate::plugins::workshop::Workshop;

/// What is asked for one hook.
pub(crate) struct Slot {
    hook: Hook,
    source: Source,
    standard: bool,
    /// The binding it was made from.
    record: Option<BindingRecord>,
    entries: Vec<Entry>,
}

impl Slot {
    /// By the configuration alone.
    pub(crate) fn configured(hook: Hook, plugins: &[Arc<Plugin>]) -> Self {
        let entries = plugins.iter().map(Entry::configured).collect();
        let standard = !hook.takes_one();
        Self { hook, source: Source::Configuration, standard, record: None, entries }
    }

    /// By a binding. What the configuration has comes first, where the binding says so.
    pub(crate) fn bound(
        defaults: &Bindings,
        source: Source,
        record: BindingRecord,
        bound: Vec<Introduced>,
    ) -> Self {
        let standard: &[Arc<Plugin>] = match record.hook {
            Hook::Validation => std::slice::from_ref(&defaults.standard_validation),
            Hook::Templates => &defaults.templates,
            Hook::Identity | Hook::Pricing => &[],
        };
        let standard = standard.iter().filter(|_| record.standard).map(Entry::configured);
        let bound = bound.into_iter().zip(&record.plugins).map(|(bound, named)| Entry {
            shown: BoundPlugin {
                digest: bound.prepared.digest,
                name: bound.prepared.name.clone(),
                version: bound.version,
                settings: named.wanted.settings.clone(),
                source,
            },
            live: Live::Bound { prepared: bound.prepared, loaded: OnceCell::new() },
        });
        let entries = standard.chain(bound).collect();
        Self { hook: record.hook, source, standard: record.standard, entries, record: Some(record) }
    }

    /// Whether it was made from this very binding.
    pub(crate) fn is_of(&self, source: Source, record: &BindingRecord) -> bool {
        self.source == source && self.record.as_ref() == Some(record)
    }

    /// As answers show it.
    pub(crate) fn shown(&self) -> Binding {
        Binding {
            hook: self.hook,
            source: self.source,
            standard: self.standard,
            plugins: self.entries.iter().map(|entry| entry.shown.clone()).collect(),
        }
    }

    /// Whether nobody has bound anything.
    pub(crate) fn is_configured(&self) -> bool {
        self.source == Source::Configuration
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whose the first plugin is. `owner` is who the slot is for: a tenant's binding may name a plugin of the host, and
    /// what the configuration has is the host's.
    pub(crate) fn plugin_owner(&self, owner: &Owner) -> Owner {
        let bound = self.record.as_ref().and_then(|record| record.plugins.first());
        match (self.source, bound) {
            (Source::Tenant, Some(bound)) => bound.plugin_owner(owner),
            _ => Owner::Host,
        }
    }
}

/// One plugin that is asked.
pub(crate) struct Entry {
    pub(crate) shown: BoundPlugin,
    live: Live,
}

enum Live {
    /// It was loaded at the start.
    Configured(Arc<Plugin>),
    /// It is loaded when it is first asked. What fails then is tried again by the next who asks.
    Bound { prepared: Prepared, loaded: OnceCell<Arc<Plugin>> },
}

/// A plugin that is bound, as far as is known without loading it.
pub(crate) struct Introduced {
    prepared: Prepared,
    version: String,
}

impl Introduced {
    pub(crate) fn new(component: ComponentRecord, wanted: &WantedPlugin) -> Self {
        let about = component.about.unwrap_or_default();
        let prepared = Prepared {
            hook: component.hook,
            digest: wanted.digest,
            name: about.name,
            imports: component.imports,
            settings: wanted.settings_text(),
            // What comes from elsewhere keeps nothing between calls, whatever it would like to.
            reuse: Reuse::Fresh,
        };
        Self { prepared, version: about.version }
    }

    pub(crate) fn prepared(&self) -> &Prepared {
        &self.prepared
    }
}

impl Entry {
    fn configured(plugin: &Arc<Plugin>) -> Self {
        let shown = BoundPlugin {
            // A plugin that was loaded has both.
            digest: Digest::new(plugin.digest()).unwrap_or(Digest::from_bytes([0; 32])),
            settings: serde_json::from_str(plugin.settings()).unwrap_or_default(),
            name: plugin.name().to_owned(),
            version: plugin.version().to_owned(),
            source: Source::Configuration,
        };
        Self { shown, live: Live::Configured(Arc::clone(plugin)) }
    }

    pub(crate) async fn load(
        &self,
        host: &PluginHost,
        workshop: &Workshop,
        now: Timestamp,
    ) -> Result<Arc<Plugin>, PluginError> {
        match &self.live {
            Live::Configured(plugin) => Ok(Arc::clone(plugin)),
            Live::Bound { prepared, loaded } => {
                let plugin =
                    loaded.get_or_try_init(|| host.load_prepared(prepared.clone(), now)).await;
                if let Err(PluginError::NotCompiled { .. }) = &plugin {
                    workshop.want(prepared.digest);
                }
                plugin.map(Arc::clone)
            }
        }
    }
}

/// In place of a component that cannot be read: it is called by its digest, and has no native code for long.
pub(crate) fn lost(hook: Hook, digest: &Digest) -> ComponentRecord {
    ComponentRecord {
        hook,
        imports: Vec::new(),
        size: 0,
        parts: 0,
        owners: [].into(),
        state: PluginState::Ready,
        about: Some(About { name: digest.short(), ..About::default() }),
    }
}

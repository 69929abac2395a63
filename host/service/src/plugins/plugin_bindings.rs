//! Binding plugins to hooks. What is bound was loaded, took its settings and, if it is a pack, was described
//! before the commit: what goes live works.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use planwright_domain::Refusal;
use planwright_domain::plugin::binding::{Binding, BindingDraft, Wanted};
use planwright_domain::plugin::hook::Hook;
use planwright_domain::plugin::{Digest, Owner, PluginState};
use planwright_domain::refusal::FieldError;
use planwright_plugin_host::{Plugin, PluginError};
use planwright_store::{ChangeSet, Key, Snapshot, Store};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::audit::Deed;
use crate::error::Error;
use crate::keys::{Keys, OwnerKeys};
use crate::once::once;
use crate::plugins::plugin_documents::{BindingRecord, BoundRecord, ComponentRecord};
use crate::plugins::plugin_records::component;
use crate::plugins::plugin_slots::{Introduced, Slot};
use crate::plugins::plugin_tables::Generations;
use crate::plugins::{for_whom, seen_by};
use crate::request::Request;

/// What is live for a hook, and the tag of all that is live.
#[derive(Serialize, Deserialize)]
pub struct TaggedBinding {
    /// What is live.
    pub binding: Binding,
    /// Differs whenever a binding that decides here has changed, also of another hook.
    pub tag: String,
}

/// What is live for every hook.
///
/// # Errors
/// When the store does not answer.
pub async fn list<S: Store>(app: &App<S>, owner: &Owner) -> Result<Vec<Binding>, Error> {
    let pinned = app.pin(&app.store.snapshot().await?, owner.clone()).await?;
    Ok(Hook::ALL.map(|hook| pinned.slot(hook).shown()).into())
}

/// What is live for a hook.
///
/// # Errors
/// When the store does not answer.
pub async fn get<S: Store>(
    app: &App<S>,
    owner: &Owner,
    hook: Hook,
) -> Result<TaggedBinding, Error> {
    let pinned = app.pin(&app.store.snapshot().await?, owner.clone()).await?;
    Ok(TaggedBinding { binding: pinned.slot(hook).shown(), tag: pinned.generations().tag() })
}

/// Binds plugins to a hook, in the place of those that the owner has bound before.
///
/// # Errors
/// A draft that does not fit the hook, a plugin that is not there, not ready or for another hook, or settings
/// that it refuses: all by the field.
pub async fn bind<S: Store>(
    app: &App<S>,
    by: &Request,
    owner: &Owner,
    hook: Hook,
    draft: BindingDraft,
) -> Result<TaggedBinding, Error> {
    let wanted = draft.checked(hook)?;
    once(app, by, || try_bind(app, by, owner, hook, &wanted)).await
}

async fn try_bind<S: Store>(
    app: &App<S>,
    by: &Request,
    owner: &Owner,
    hook: Hook,
    wanted: &Wanted,
) -> Result<TaggedBinding, Error> {
    let snapshot = app.store.snapshot().await?;
    let bound = Bound::read(&snapshot, owner, hook).await?;
    bound.check_if_match(by)?;
    let mut change = ChangeSet::new();
    let (mut named, mut introduced) = (Vec::new(), Vec::new());
    for (at, plugin) in wanted.plugins.iter().enumerate() {
        let found = find(&snapshot, owner, hook, at, &plugin.digest).await?;
        change.expect_version(&found.key, found.version);
        introduced.push(Introduced::new(found.component, plugin));
        named.push(BoundRecord { wanted: plugin.clone(), of: found.of.source() });
    }
    // Kept until they are loaded for those who ask, so that their code is not read twice.
    let loaded = load(app, by, &introduced).await?;
    let record = BindingRecord { hook, plugins: named, standard: wanted.standard };
    if hook == Hook::Templates {
        check_pack_names(app, by, &record, &loaded).await?;
    }
    let slot = Slot::bound(app.tables.defaults(), owner.source(), record.clone(), introduced);
    if bound.record.as_ref() == Some(&record) {
        return Ok(TaggedBinding { binding: slot.shown(), tag: bound.generations.tag() });
    }
    change.put(&bound.key, &record);
    let answer = bound.replace(app, by, change, Some(&record), slot.shown()).await?;
    app.warm(owner, hook, by).await;
    drop(loaded);
    Ok(answer)
}

/// Takes the owner's binding of a hook away: what is beneath it decides again. Where there is none, nothing
/// happens.
///
/// # Errors
/// When the store does not answer.
pub async fn unbind<S: Store>(
    app: &App<S>,
    by: &Request,
    owner: &Owner,
    hook: Hook,
) -> Result<TaggedBinding, Error> {
    once(app, by, || try_unbind(app, by, owner, hook)).await
}

async fn try_unbind<S: Store>(
    app: &App<S>,
    by: &Request,
    owner: &Owner,
    hook: Hook,
) -> Result<TaggedBinding, Error> {
    let snapshot = app.store.snapshot().await?;
    let bound = Bound::read(&snapshot, owner, hook).await?;
    bound.check_if_match(by)?;
    let beneath = app.beneath(&snapshot, owner, hook).await?;
    if bound.record.is_none() {
        return Ok(TaggedBinding { binding: beneath, tag: bound.generations.tag() });
    }
    let mut change = ChangeSet::new();
    change.delete(&bound.key);
    bound.replace(app, by, change, None, beneath).await
}

/// A binding as a snapshot holds it.
struct Bound<'a> {
    owner: &'a Owner,
    hook: Hook,
    key: Key,
    generations: Generations,
    record: Option<BindingRecord>,
}

impl<'a> Bound<'a> {
    async fn read<N: Snapshot>(snapshot: &N, owner: &'a Owner, hook: Hook) -> Result<Self, Error> {
        let key = OwnerKeys::of(owner).binding(hook);
        let record = match snapshot.get(&key).await? {
            Some(found) => Some(found.decode()?),
            None => None,
        };
        let generations = Generations::read(snapshot, owner).await?;
        Ok(Self { owner, hook, key, generations, record })
    }

    fn check_if_match(&self, by: &Request) -> Result<(), Refusal> {
        if by.may_change(&self.generations.tag()) {
            return Ok(());
        }
        Err(Refusal::StaleBindings)
    }

    /// Commits a change of the binding, with all that follows from it. Both generations are expected, so that no
    /// other binding of the owner changes in the same instant, and the answer's tag is right.
    async fn replace<S: Store>(
        self,
        app: &App<S>,
        by: &Request,
        mut change: ChangeSet,
        after: Option<&BindingRecord>,
        binding: Binding,
    ) -> Result<TaggedBinding, Error> {
        let Self { owner, hook, generations, record: before, .. } = self;
        generations.expect(owner, &mut change);
        change.add(&OwnerKeys::of(owner).binding_generation(), 1);
        let uses = |record: Option<&BindingRecord>| -> BTreeSet<(Owner, Digest)> {
            let plugins = record.map(|record| record.plugins.as_slice()).unwrap_or_default();
            plugins.iter().map(|one| (one.plugin_owner(owner), one.wanted.digest)).collect()
        };
        let (were, are) = (uses(before.as_ref()), uses(after));
        for (of, digest) in are.difference(&were) {
            change.add(&OwnerKeys::of(of).plugin_uses(digest), 1);
        }
        for (of, digest) in were.difference(&are) {
            change.add(&OwnerKeys::of(of).plugin_uses(digest), -1);
        }
        let after_generations = match owner {
            Owner::Host => Generations { host: generations.host + 1, ..generations },
            Owner::Tenant(_) => Generations { tenant: generations.tenant + 1, ..generations },
        };
        let is_bound = after.is_some();
        let (before, after) = (before.as_ref().map(wanted), after.map(wanted));
        let deed = Deed {
            action: if is_bound { "plugin_bound" } else { "plugin_unbound" },
            entity_type: "plugin_binding",
            entity_id: &match owner {
                Owner::Host => format!("{owner}/{hook}"),
                Owner::Tenant(_) => hook.to_string(),
            },
            description: format!(
                "{} the hook '{hook}'{}",
                if is_bound { "Bound plugins to" } else { "Took away the binding of" },
                for_whom(owner)
            ),
            before: before.as_ref(),
            after: after.as_ref(),
            warnings: &[],
        };
        change.append(&Keys::of(&by.caller.tenant).audit(), &app.audit_entry(by, deed));
        let answer = TaggedBinding { binding, tag: after_generations.tag() };
        app.commit(by, change, &answer).await?;
        Ok(answer)
    }
}

/// What the audit log keeps of a binding.
fn wanted(record: &BindingRecord) -> Wanted {
    let plugins = record.plugins.iter().map(|one| one.wanted.clone()).collect();
    Wanted { plugins, standard: record.standard }
}

/// A plugin that may be bound.
struct Found {
    /// The record that says whose it is: its deletion is seen.
    key: Key,
    version: u64,
    of: Owner,
    component: ComponentRecord,
}

async fn find<N: Snapshot>(
    snapshot: &N,
    owner: &Owner,
    hook: Hook,
    at: usize,
    digest: &Digest,
) -> Result<Found, Error> {
    let field = format!("plugins[{at}].digest");
    let wrong = |code: &str, message: String| -> Error {
        Refusal::Invalid(vec![FieldError::new(&field, code, &message)]).into()
    };
    for of in seen_by(owner) {
        let key = OwnerKeys::of(&of).plugin(digest);
        let Some(found) = snapshot.get(&key).await? else { continue };
        let component = component(snapshot, digest).await?;
        if component.hook != hook {
            let is = component.hook;
            let message = format!(
                "{field} names a plugin for the hook '{is}', which cannot answer for the hook '{hook}'."
            );
            return Err(wrong("wrong_hook", message));
        }
        return match &component.state {
            PluginState::Ready => Ok(Found { key, version: found.version, of, component }),
            PluginState::Compiling { .. } | PluginState::Failed { .. } => {
                let state = component.state.as_str();
                Err(Refusal::PluginNotReady { digest: digest.to_string(), state }.into())
            }
        };
    }
    let message = format!(
        "{field} names a plugin that is not there. POST it to /api/v1/admin/plugins first; GET lists those \
         there are."
    );
    Err(wrong("unknown_plugin", message))
}

/// Loads every plugin with its settings. What is wrong with them is said by the field.
async fn load<S>(
    app: &App<S>,
    by: &Request,
    introduced: &[Introduced],
) -> Result<Vec<Arc<Plugin>>, Error> {
    let (mut loaded, mut errors) = (Vec::new(), Vec::new());
    for (at, one) in introduced.iter().enumerate() {
        match app.host.load_prepared(one.prepared().clone(), by.now).await {
            Ok(plugin) => loaded.push(plugin),
            Err(PluginError::Settings { messages, .. }) => {
                let field = format!("plugins[{at}].settings");
                let error = |message: &String| FieldError::new(&field, "bad_settings", message);
                errors.extend(messages.iter().map(error));
            }
            Err(PluginError::NotCompiled { .. }) => {
                let digest = one.prepared().digest;
                app.workshop.want(digest);
                return Err(Refusal::PluginNotReady {
                    digest: digest.to_string(),
                    state: PluginState::COMPILING,
                }
                .into());
            }
            Err(error @ (PluginError::Busy { .. } | PluginError::Io { .. })) => {
                return Err(error.into());
            }
            // It is not what it must be, with these settings at least.
            Err(error) => {
                let field = format!("plugins[{at}].settings");
                errors.push(FieldError::new(&field, error.code(), &error.to_string()));
            }
        }
    }
    if errors.is_empty() { Ok(loaded) } else { Err(Refusal::Invalid(errors).into()) }
}

/// Packs are installed by their names, so that no two in a table have the same.
async fn check_pack_names<S>(
    app: &App<S>,
    by: &Request,
    record: &BindingRecord,
    loaded: &[Arc<Plugin>],
) -> Result<(), Error> {
    let mut names = BTreeMap::new();
    if record.standard {
        for plugin in &app.tables.defaults().templates {
            // One of the configuration's that fails is no pack, and has no name.
            if let Ok(pack) = plugin.describe(by.now).await {
                names.insert(pack.name, "the configuration's".to_owned());
            }
        }
    }
    let mut errors = Vec::new();
    for (at, plugin) in loaded.iter().enumerate() {
        let field = format!("plugins[{at}].digest");
        match plugin.describe(by.now).await {
            Ok(pack) => {
                let name = pack.name.clone();
                if let Some(other) = names.insert(pack.name, format!("plugins[{at}]")) {
                    let message = format!(
                        "{field} holds a pack called '{name}', and so does {other}. Two packs of one name \
                         cannot both be installed by it."
                    );
                    errors.push(FieldError::new(&field, "pack_name_taken", &message));
                }
            }
            Err(error @ (PluginError::Busy { .. } | PluginError::Io { .. })) => {
                return Err(error.into());
            }
            Err(error) => errors.push(FieldError::new(&field, error.code(), &error.to_string())),
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Refusal::Invalid(errors).into()) }
}

impl<S: Store> App<S> {
    /// Loads what was just bound for those who ask. It was seen to load; if it does not now, they are told.
    async fn warm(&self, owner: &Owner, hook: Hook, by: &Request) {
        let warmed = async {
            let pinned = self.pin(&self.store.snapshot().await?, owner.clone()).await?;
            self.plugins_for(&pinned, hook, by.now).await?;
            Ok::<(), Error>(())
        };
        if let Err(error) = warmed.await {
            tracing::warn!(%error, "what was bound is not loaded yet");
        }
    }

    /// What would decide if the owner had bound nothing to the hook.
    async fn beneath(
        &self,
        snapshot: &S::Snapshot,
        owner: &Owner,
        hook: Hook,
    ) -> Result<Binding, Error> {
        match owner {
            Owner::Tenant(_) => Ok(self.pin(snapshot, Owner::Host).await?.slot(hook).shown()),
            Owner::Host => Ok(self.tables.configured(hook).shown()),
        }
    }
}

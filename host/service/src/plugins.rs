//! Plugins that tenants and the operator have uploaded: showing them, and letting one go.

pub(crate) mod asking_again;
pub mod kept_pricers;
pub mod plugin_bindings;
pub(crate) mod plugin_documents;
mod plugin_lookup;
pub(crate) mod plugin_parts;
pub(crate) mod plugin_records;
pub(crate) mod plugin_slots;
pub(crate) mod plugin_tables;
pub mod plugin_uploads;
pub mod plugin_work;
pub(crate) mod priced_by;
pub(crate) mod workshop;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use planwright_domain::Refusal;
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::plugin::{Digest, Owner, PluginState, UploadedPlugin};
use planwright_plugin_host::PluginError;
use planwright_store::{ChangeSet, Scan, Snapshot, Store};

use self::plugin_documents::{ComponentRecord, PluginRecord};
use self::plugin_records::{component, missing};
use self::plugin_work::AtHand;
use crate::app::App;
use crate::audit::Deed;
use crate::error::Error;
use crate::keys::{HostKeys, Keys, OwnerKeys};
use crate::once::once;
use crate::request::Request;

/// What a deed for the host says beside what one for a tenant says.
pub(crate) fn for_whom(owner: &Owner) -> &'static str {
    match owner {
        Owner::Host => " for the host",
        Owner::Tenant(_) => "",
    }
}

/// One page of the plugins that the owner sees, newest first: a tenant its own and the host's.
///
/// # Errors
/// When the store does not answer.
pub async fn list<S: Store>(
    app: &App<S>,
    owner: &Owner,
    page: PageRequest,
) -> Result<Page<UploadedPlugin>, Error> {
    let snapshot = app.store.snapshot().await?;
    let mut plugins = BTreeMap::new();
    // What is the host's and the tenant's is shown as the tenant's, which comes last.
    for owner in seen_by(owner).into_iter().rev() {
        let prefix = OwnerKeys::of(&owner).plugins();
        for (_, record) in snapshot.scan(&prefix, Scan::first(usize::MAX)).await? {
            let record: PluginRecord = record.decode()?;
            let component = component(&snapshot, &record.digest).await?;
            plugins.insert(record.digest, show(app, &owner, &record, &component).await?);
        }
    }
    let mut plugins: Vec<UploadedPlugin> = plugins.into_values().collect();
    plugins.sort_by_key(|plugin| (Reverse(plugin.created_at), plugin.digest));
    Ok(page.of(plugins))
}

/// Whose plugins an owner sees and can bind, its own first.
pub(crate) fn seen_by(owner: &Owner) -> Vec<Owner> {
    match owner {
        Owner::Host => vec![Owner::Host],
        Owner::Tenant(_) => vec![owner.clone(), Owner::Host],
    }
}

/// One plugin that the owner sees.
///
/// # Errors
/// Not found.
pub async fn get<S: Store>(
    app: &App<S>,
    owner: &Owner,
    digest: &str,
) -> Result<UploadedPlugin, Error> {
    let snapshot = app.store.snapshot().await?;
    let asked = read_digest(digest)?;
    Ok(find(app, &snapshot, owner, &asked).await?.ok_or_else(|| not_found(digest))?)
}

pub(crate) async fn find<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    owner: &Owner,
    digest: &Digest,
) -> Result<Option<UploadedPlugin>, Error> {
    for owner in seen_by(owner) {
        if let Some(found) = snapshot.get(&OwnerKeys::of(&owner).plugin(digest)).await? {
            let component = component(snapshot, digest).await?;
            return Ok(Some(show(app, &owner, &found.decode()?, &component).await?));
        }
    }
    Ok(None)
}

/// Lets a plugin of the owner's go. Its bytes go with the last owner that has them.
///
/// # Errors
/// Not found, the host's where a tenant asks, bound, or one that priced something.
pub async fn delete<S: Store>(
    app: &App<S>,
    by: &Request,
    owner: &Owner,
    digest: &str,
) -> Result<(), Error> {
    let digest = &read_digest(digest)?;
    once(app, by, || try_delete(app, by, owner, digest)).await?;
    if app.store.snapshot().await?.get(&HostKeys::component(digest)).await?.is_none() {
        app.host.forget(digest);
    }
    Ok(())
}

async fn try_delete<S: Store>(
    app: &App<S>,
    by: &Request,
    owner: &Owner,
    digest: &Digest,
) -> Result<(), Error> {
    let snapshot = app.store.snapshot().await?;
    let keys = OwnerKeys::of(owner);
    let key = keys.plugin(digest);
    let Some(found) = snapshot.get(&key).await? else {
        let of_host = OwnerKeys::of(&Owner::Host).plugin(digest);
        return Err(match snapshot.get(&of_host).await? {
            Some(_) => Refusal::NotAllowed { needed: "operator" }.into(),
            None => not_found(&digest.to_string()).into(),
        });
    };
    let component_key = HostKeys::component(digest);
    let known = snapshot.get(&component_key).await?.ok_or_else(|| missing(digest))?;
    let mut component: ComponentRecord = known.decode()?;
    let uses = keys.plugin_uses(digest);
    if snapshot.counter(&uses).await? > 0 {
        let elsewhere = match owner {
            Owner::Host => ", by the host or by a tenant",
            Owner::Tenant(_) => "",
        };
        let hook = component.hook;
        return Err(Refusal::PluginBound { digest: digest.to_string(), hook, elsewhere }.into());
    }
    let mark = keys.priced_by(digest);
    if snapshot.get(&mark).await?.is_some() {
        return Err(Refusal::PluginPriced { digest: digest.to_string() }.into());
    }
    let shown = show(app, owner, &found.decode()?, &component).await?;
    let mut change = ChangeSet::new();
    change.expect_version(&key, found.version).delete(&key);
    change.expect_counter(&uses, 0).expect_absent(&mark).add(&keys.plugin_count(), -1);
    change.expect_version(&component_key, known.version);
    component.owners.remove(owner);
    if component.owners.is_empty() && !plugin_records::is_marked(&snapshot, digest).await? {
        change.delete(&component_key).delete(&HostKeys::uncompiled(digest));
        plugin_parts::delete(&mut change, digest, component.parts);
    } else {
        change.put(&component_key, &component);
    }
    let deed = Deed {
        action: "plugin_deleted",
        entity_type: "plugin",
        entity_id: &digest.to_string(),
        description: format!(
            "Deleted {} plugin {}{}",
            component.hook,
            digest.short(),
            for_whom(owner)
        ),
        before: Some(&shown),
        after: None,
        warnings: &[],
    };
    change.append(&Keys::of(&by.caller.tenant).audit(), &app.audit_entry(by, deed));
    app.commit(by, change, &()).await
}

/// What a component is that somebody has.
pub(crate) async fn show<S>(
    app: &App<S>,
    owner: &Owner,
    record: &PluginRecord,
    component: &ComponentRecord,
) -> Result<UploadedPlugin, PluginError> {
    let PluginRecord { digest, uploaded_by, created_at } = record.clone();
    let about = component.about.clone();
    let (name, version, summary) = match about {
        Some(about) => (Some(about.name), Some(about.version), Some(about.summary)),
        None => (None, None, None),
    };
    let (state, reason, compiling_since) = match &component.state {
        PluginState::Failed { reason } => (PluginState::FAILED, Some(reason.clone()), None),
        PluginState::Compiling { since } => (PluginState::COMPILING, None, Some(*since)),
        PluginState::Ready => match app.at_hand(&digest).await? {
            AtHand::Yes => (PluginState::READY, None, None),
            AtHand::No(since) => (PluginState::COMPILING, None, since),
        },
    };
    Ok(UploadedPlugin {
        digest,
        hook: component.hook,
        name,
        version,
        summary,
        imports: component.imports.clone(),
        size: component.size,
        state: state.to_owned(),
        reason,
        waiting: (state == PluginState::COMPILING).then(|| !app.host.is_compiling(&digest)),
        compiling_since,
        source: owner.source(),
        uploaded_by,
        created_at,
    })
}

fn read_digest(text: &str) -> Result<Digest, Refusal> {
    Digest::new(text).ok_or_else(|| not_found(text))
}

fn not_found(digest: &str) -> Refusal {
    // What was asked for is shown back, but not at any length.
    Refusal::PluginNotFound { digest: digest.chars().take(128).collect() }
}

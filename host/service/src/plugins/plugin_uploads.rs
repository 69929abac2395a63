//! Taking an uploaded component in.

use std::time::Duration;

use bytes::Bytes;
use planwright_domain::Refusal;
use planwright_domain::plugin::{Digest, Owner, PluginState, UploadedPlugin};
use planwright_domain::time::Timestamp;
use planwright_plugin_host::{Inspection, PluginError};
use planwright_store::{ChangeSet, CommitError, Snapshot, Store};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::audit::Deed;
use crate::error::Error;
use crate::keys::{HostKeys, Keys, OwnerKeys};
use crate::once::once;
use crate::plugins::plugin_documents::{ComponentRecord, PluginRecord, Uncompiled};
use crate::plugins::plugin_parts;
use crate::plugins::plugin_work::wait_a_little;
use crate::plugins::{find, for_whom, show};
use crate::request::Request;

/// How long an upload waits for its plugin to be ready: a small one is by then.
const PATIENCE: Duration = Duration::from_secs(2);

/// What became of an upload.
#[derive(Serialize, Deserialize)]
pub struct Uploaded {
    /// As it was when the answer was made.
    pub plugin: UploadedPlugin,
    /// Whether the owner did not have it before.
    pub is_new: bool,
}

/// Takes a component in. It is inspected at once, compiled beside requests, and ready when it has said who it is. One
/// that the owner has already stays what it is, unless it had failed: then it is tried again.
///
/// # Errors
/// What cannot be a plugin, with the reason; one too many.
pub async fn upload<S: Store>(
    app: &App<S>,
    by: &Request,
    owner: &Owner,
    component: Bytes,
) -> Result<Uploaded, Error> {
    let inspection = app.host.inspect(component.clone()).await.map_err(of_the_bytes)?;
    plugin_parts::clear_abandoned(&app.store, by.now).await?;
    let by = &by.clone().with_body(&inspection.digest);
    let done: Result<Uploaded, Error> =
        once(app, by, || try_upload(app, by, owner, &inspection, &component)).await;
    // Giving back so much memory takes a while, and requests share the thread.
    drop(tokio::task::spawn_blocking(move || drop(component)));
    let done = done?;
    if done.plugin.state == PluginState::COMPILING {
        app.workshop.want(inspection.digest);
    }
    Ok(done)
}

/// What has become of an upload once it was waited for a little: a small plugin is ready by then.
///
/// # Errors
/// When the store does not answer.
pub async fn settled<S: Store>(
    app: &App<S>,
    owner: &Owner,
    done: Uploaded,
) -> Result<Uploaded, Error> {
    let digest = &done.plugin.digest;
    if done.plugin.state == PluginState::COMPILING {
        wait_a_little(app, digest, PATIENCE).await?;
    }
    match find(app, &app.store.snapshot().await?, owner, digest).await? {
        Some(plugin) => Ok(Uploaded { plugin, ..done }),
        // It was deleted meanwhile.
        None => Ok(done),
    }
}

/// What is wrong with the bytes is their sender's to mend.
fn of_the_bytes(error: PluginError) -> Error {
    match error {
        PluginError::Io { .. } => error.into(),
        error => Refusal::NotAPlugin { reason: error.to_string() }.into(),
    }
}

async fn try_upload<S: Store>(
    app: &App<S>,
    by: &Request,
    owner: &Owner,
    inspection: &Inspection,
    bytes: &Bytes,
) -> Result<Uploaded, Error> {
    let digest = &inspection.digest;
    let keys = OwnerKeys::of(owner);
    let snapshot = app.store.snapshot().await?;
    let owned = snapshot.get(&keys.plugin(digest)).await?;
    let is_new = owned.is_none();
    let mut change = ChangeSet::new();
    let mut component = taken_in(app, &snapshot, inspection, bytes, by.now, &mut change).await?;
    if matches!(component.state, PluginState::Failed { .. }) {
        component.state = PluginState::Compiling { since: by.now };
        change.put(&HostKeys::uncompiled(digest), &Uncompiled { digest: *digest });
    } else if let Some(owned) = &owned {
        let record: PluginRecord = owned.decode()?;
        let plugin = show(app, owner, &record, &component).await?;
        return Ok(Uploaded { plugin, is_new });
    }
    component.owners.insert(owner.clone());
    change.put(&HostKeys::component(digest), &component);
    let record = match &owned {
        Some(owned) => {
            change.expect_version(&keys.plugin(digest), owned.version);
            owned.decode()?
        }
        None => first_owned(app, by, &keys, digest, &mut change),
    };
    let uploaded = Uploaded { plugin: show(app, owner, &record, &component).await?, is_new };
    let deed = Deed {
        action: "plugin_uploaded",
        entity_type: "plugin",
        entity_id: &digest.to_string(),
        description: format!(
            "Uploaded {} plugin {}{}",
            component.hook,
            digest.short(),
            for_whom(owner)
        ),
        before: None,
        after: Some(&uploaded.plugin),
        warnings: &[],
    };
    change.append(&Keys::of(&by.caller.tenant).audit(), &app.audit_entry(by, deed));
    match app.commit(by, change, &uploaded).await {
        Err(Error::Commit(CommitError::Ceiling { .. })) => {
            Err(Refusal::TooManyPlugins { most: app.most_plugins }.into())
        }
        done => done.map(|()| uploaded),
    }
}

/// The component as it is known, expected to be so still. Of one that nobody has had, the parts are written first: the
/// record that names them comes last, and rests on all of them.
async fn taken_in<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    inspection: &Inspection,
    bytes: &Bytes,
    now: Timestamp,
    change: &mut ChangeSet,
) -> Result<ComponentRecord, Error> {
    let digest = &inspection.digest;
    let key = HostKeys::component(digest);
    if let Some(found) = snapshot.get(&key).await? {
        change.expect_version(&key, found.version);
        return Ok(found.decode()?);
    }
    let written = plugin_parts::write(&app.store, digest, bytes, now).await?;
    change.expect_absent(&key);
    written.settle(change);
    Ok(ComponentRecord {
        hook: inspection.hook,
        imports: inspection.imports.clone(),
        size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        parts: written.count(),
        owners: [].into(),
        state: PluginState::Failed { reason: String::new() },
        about: None,
    })
}

/// A plugin becomes its owner's, if there is room for one more.
fn first_owned<S>(
    app: &App<S>,
    by: &Request,
    keys: &OwnerKeys,
    digest: &Digest,
    change: &mut ChangeSet,
) -> PluginRecord {
    let uploaded_by = by.caller.user_id.clone();
    let record = PluginRecord { digest: *digest, uploaded_by, created_at: by.now };
    let most = i64::try_from(app.most_plugins).unwrap_or(i64::MAX);
    change.expect_absent(&keys.plugin(digest)).put(&keys.plugin(digest), &record);
    change.add_with_ceiling(&keys.plugin_count(), 1, most);
    record
}

//! The component that prices by the configuration. Once it priced something its bytes are kept like those of an uploaded
//! one: a later release carries another, and what this one priced is asked of it all the same.

use bytes::Bytes;
use planwright_domain::plugin::{About, Digest, PluginState};
use planwright_domain::time::Timestamp;
use planwright_plugin_host::Plugin;
use planwright_store::{ChangeSet, CommitError, Snapshot, Store, StoreError};

use crate::app::App;
use crate::error::Error;
use crate::keys::HostKeys;
use crate::plugins::plugin_documents::ComponentRecord;
use crate::plugins::plugin_records;
use crate::plugins::{plugin_parts, priced_by};

/// Whether it priced something, and is not kept.
///
/// # Errors
/// When the store does not answer.
pub async fn is_wanted<S: Store>(app: &App<S>) -> Result<bool, Error> {
    let digest = digest_of(app)?;
    let snapshot = app.store.snapshot().await?;
    if !plugin_records::is_marked(&snapshot, &digest).await? {
        return Ok(false);
    }
    Ok(snapshot.get(&HostKeys::component(&digest)).await?.is_none())
}

/// Keeps its bytes. Gives whether they are its bytes: a file may have been changed since the start.
///
/// # Errors
/// When the store does not answer.
pub async fn keep<S: Store>(app: &App<S>, component: Bytes, now: Timestamp) -> Result<bool, Error> {
    let plugin = &app.tables.defaults().pricing;
    let inspection = app.host.inspect(component.clone()).await?;
    let digest = digest_of(app)?;
    if inspection.digest != digest {
        return Ok(false);
    }
    let written = plugin_parts::write(&app.store, &digest, &component, now).await?;
    let record = ComponentRecord {
        hook: inspection.hook,
        imports: inspection.imports,
        size: u64::try_from(component.len()).unwrap_or(u64::MAX),
        parts: written.count(),
        owners: [].into(),
        state: PluginState::Ready,
        about: Some(about(plugin)),
    };
    let key = HostKeys::component(&digest);
    let mut change = ChangeSet::new();
    change.expect_absent(&key).put(&key, &record);
    written.settle(&mut change);
    match app.store.commit(change).await {
        // Somebody has uploaded the same meanwhile.
        Ok(_) | Err(CommitError::Conflict { .. }) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

fn digest_of<S>(app: &App<S>) -> Result<Digest, StoreError> {
    Ok(priced_by::pricer(&app.tables.defaults().pricing)?.digest)
}

fn about(plugin: &Plugin) -> About {
    About {
        name: plugin.name().to_owned(),
        version: plugin.version().to_owned(),
        summary: plugin.summary().to_owned(),
    }
}

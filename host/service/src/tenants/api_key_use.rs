//! Using an API key: whom it speaks for, and when it was last used.

use planwright_domain::Refusal;
use planwright_domain::tenant::caller::Caller;
use planwright_domain::time::Timestamp;
use planwright_store::{ChangeSet, CommitError, Key, Snapshot, Store, StoreError};

use crate::app::App;
use crate::documents::{ApiKeyPlace, ApiKeyRecord};
use crate::error::Error;
use crate::keys::{HostKeys, Keys};
use crate::tenants::api_key_secret::Secret;

/// Who sent a key, and what is to be kept of that.
pub struct Presented {
    /// Whom the key speaks for.
    pub caller: Caller,
    /// Its use, if the last one that was kept is long ago. For [`note`], which nobody needs to wait for.
    pub use_to_note: Option<KeyUse>,
}

/// A use of a key that is to be kept.
pub struct KeyUse {
    key: Key,
    version: u64,
    record: ApiKeyRecord,
}

/// Finds whom a key speaks for.
///
/// # Errors
/// A key that is not known, or whose time is up.
pub async fn present<S: Store>(
    app: &App<S>,
    text: &str,
    now: Timestamp,
) -> Result<Presented, Error> {
    let secret = Secret::read(text).ok_or(Refusal::KeyUnknown)?;
    let snapshot = app.store.snapshot().await?;
    let place = snapshot.get(&HostKeys::api_key(&secret.hash())).await?;
    let ApiKeyPlace { tenant, id } = place.ok_or(Refusal::KeyUnknown)?.decode()?;
    let key = Keys::of(&tenant).api_key(&id);
    let found = snapshot.get(&key).await?.ok_or_else(|| {
        let reason = format!("the API key '{id}' of tenant '{tenant}' is missing");
        StoreError::Corrupt { reason }
    })?;
    let mut record: ApiKeyRecord = found.decode()?;
    if record.api_key.is_over(now) {
        return Err(Refusal::KeyExpired.into());
    }
    let mut caller = Caller::new(tenant, &record.api_key.user_id, record.api_key.role);
    caller.api_key = Some(id);
    let use_to_note = record.api_key.notes_use_at(now).then(|| {
        record.api_key.last_used_at = Some(now);
        KeyUse { key, version: found.version, record }
    });
    Ok(Presented { caller, use_to_note })
}

/// Keeps a use.
///
/// The commit expects the key as it was found: one that is revoked meanwhile must not come back, and of
/// many uses in the same moment one is enough.
///
/// # Errors
/// When the store does not take it.
pub async fn note<S: Store>(
    app: &App<S>,
    KeyUse { key, version, record }: KeyUse,
) -> Result<(), Error> {
    let mut change = ChangeSet::new();
    change.expect_version(&key, version).put(&key, &record);
    match app.store.commit(change).await {
        Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

//! A component's bytes, in parts: each is a small change set of its own, with a pause behind it, so that nobody's commit
//! waits for more than one of them, and no task is at it for long. What was begun and never finished is cleared away
//! after an hour.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use planwright_domain::plugin::Digest;
use planwright_domain::time::Timestamp;
use planwright_store::{ChangeSet, CommitError, Record, Scan, Snapshot, Store, StoreError};

use crate::error::Error;
use crate::keys::HostKeys;
use crate::plugins::plugin_documents::{ComponentPart, ComponentUpload};

/// Bytes in a part: with what is kept beside them they fill a page of 128 KiB. Much less is dearer, since a commit costs
/// half a millisecond whatever it holds.
const PART_BYTES: usize = 124 << 10;
/// How long others have the store to themselves behind each part.
const PAUSE: Duration = Duration::from_millis(8);
/// The form of a part: its bytes as they are. In the form before it was JSON with base64 in it.
const PART_SCHEMA: u16 = 2;
/// Room that is made for a component at once, whatever its record says.
const MOST_BYTES: usize = 64 << 20;
/// How old an upload is that nobody is at any more.
const ABANDONED_SECONDS: i64 = 60 * 60;
/// How many such are looked for at once.
const LOOKED_AT: usize = 16;

/// Parts that were written, to be named by the component's record.
pub(crate) struct Written {
    digest: Digest,
    /// The version of each.
    versions: Vec<u64>,
}

impl Written {
    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.versions.len()).unwrap_or(u64::MAX)
    }

    /// The parts are still those, and from now on somebody's.
    pub(crate) fn settle(&self, change: &mut ChangeSet) {
        for (number, version) in (0..).zip(&self.versions) {
            change.expect_version(&HostKeys::component_part(&self.digest, number), *version);
        }
        change.delete(&HostKeys::component_upload(&self.digest));
    }
}

/// Writes the parts of a component. Those that are there already stay: the same digest means the same bytes.
pub(crate) async fn write<S: Store>(
    store: &S,
    digest: &Digest,
    component: &Bytes,
    now: Timestamp,
) -> Result<Written, Error> {
    let count = component.len().div_ceil(PART_BYTES);
    let mut begin = ChangeSet::new();
    let parts = u64::try_from(count).unwrap_or(u64::MAX);
    let upload = ComponentUpload { digest: *digest, parts, began_at: now };
    begin.put(&HostKeys::component_upload(digest), &upload);
    store.commit(begin).await?;
    let mut versions = Vec::new();
    for (number, begins) in (0..).zip((0..component.len()).step_by(PART_BYTES)) {
        let key = HostKeys::component_part(digest, number);
        let version = match store.snapshot().await?.record_version(&key).await? {
            Some(version) => version,
            None => {
                let ends = component.len().min(begins + PART_BYTES);
                let mut change = ChangeSet::new();
                let part = component.slice(begins..ends);
                change.expect_absent(&key).put_bytes(&key, PART_SCHEMA, part);
                let committed = store.commit(change).await?;
                tokio::time::sleep(PAUSE).await;
                committed.version
            }
        };
        versions.push(version);
    }
    Ok(Written { digest: *digest, versions })
}

/// Reads a component of this size from its parts.
pub(crate) async fn read<N: Snapshot>(
    snapshot: &N,
    digest: &Digest,
    parts: u64,
    size: u64,
) -> Result<Bytes, StoreError> {
    // All of the room at once, so that nothing is moved as it grows.
    let mut component =
        Vec::with_capacity(usize::try_from(size).unwrap_or_default().min(MOST_BYTES));
    for number in 0..parts {
        let key = HostKeys::component_part(digest, number);
        let record = snapshot.get(&key).await?.ok_or_else(|| StoreError::Corrupt {
            reason: format!("component {digest} cannot be read: a part is missing"),
        })?;
        component.extend_from_slice(&bytes_of(&record)?);
        // Requests share the thread.
        tokio::task::yield_now().await;
    }
    Ok(component.into())
}

/// The bytes in a part.
pub(crate) fn bytes_of(part: &Record) -> Result<Cow<'_, [u8]>, StoreError> {
    if part.schema > PART_SCHEMA {
        return Err(StoreError::Newer {
            what: "a part of a component".to_owned(),
            found: part.schema.into(),
            supported: PART_SCHEMA.into(),
        });
    }
    if part.schema == PART_SCHEMA {
        return Ok(Cow::Borrowed(part.bytes()));
    }
    let ComponentPart { base64 } = part.decode()?;
    let bytes = STANDARD.decode(base64).map_err(|error| StoreError::Corrupt {
        reason: format!("a part of a component is no base64: {error}"),
    })?;
    Ok(Cow::Owned(bytes))
}

/// Deletes all parts of a component with the change.
pub(crate) fn delete(change: &mut ChangeSet, digest: &Digest, parts: u64) {
    for number in 0..parts {
        change.delete(&HostKeys::component_part(digest, number));
    }
}

/// Clears away what uploads left that were given up. Whoever is at one of them still starts again.
pub(crate) async fn clear_abandoned<S: Store>(store: &S, now: Timestamp) -> Result<(), Error> {
    let snapshot = store.snapshot().await?;
    let uploads = snapshot.scan(&HostKeys::component_uploads(), Scan::first(LOOKED_AT)).await?;
    for (key, record) in uploads {
        let upload: ComponentUpload = record.decode()?;
        if now.as_second().saturating_sub(upload.began_at.as_second()) < ABANDONED_SECONDS {
            continue;
        }
        let component = HostKeys::component(&upload.digest);
        let mut change = ChangeSet::new();
        change.expect_version(&key, record.version).delete(&key);
        match snapshot.get(&component).await? {
            // Its parts are somebody's.
            Some(found) => {
                change.expect_version(&component, found.version);
            }
            None => {
                change.expect_absent(&component);
                delete(&mut change, &upload.digest, upload.parts);
            }
        }
        match store.commit(change).await {
            // Somebody goes on with it.
            Ok(_) | Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

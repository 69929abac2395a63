//! A component's bytes, in parts: each is a change set of its own, so that nobody's commit waits for a whole
//! upload. What was begun and never finished is cleared away after an hour.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use planwright_domain::plugin::Digest;
use planwright_domain::time::Timestamp;
use planwright_store::{ChangeSet, CommitError, Scan, Snapshot, Store, StoreError};

use crate::error::Error;
use crate::keys::HostKeys;
use crate::plugins::plugin_documents::{ComponentPart, ComponentUpload};

/// Bytes in a part.
const PART_BYTES: usize = 512 << 10;
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
    component: &[u8],
    now: Timestamp,
) -> Result<Written, Error> {
    let chunks = component.chunks(PART_BYTES);
    let parts = u64::try_from(chunks.len()).unwrap_or(u64::MAX);
    let mut begin = ChangeSet::new();
    let upload = ComponentUpload { digest: *digest, parts, began_at: now };
    begin.put(&HostKeys::component_upload(digest), &upload);
    store.commit(begin).await?;
    let mut versions = Vec::new();
    for (number, chunk) in (0..).zip(chunks) {
        let key = HostKeys::component_part(digest, number);
        let version = match store.snapshot().await?.get(&key).await? {
            Some(there) => there.version,
            None => {
                let mut change = ChangeSet::new();
                let part = ComponentPart { base64: STANDARD.encode(chunk) };
                change.expect_absent(&key).put(&key, &part);
                store.commit(change).await?.version
            }
        };
        versions.push(version);
    }
    Ok(Written { digest: *digest, versions })
}

/// Reads a component from its parts.
pub(crate) async fn read<N: Snapshot>(
    snapshot: &N,
    digest: &Digest,
    parts: u64,
) -> Result<Bytes, StoreError> {
    let corrupt = |reason: &str| StoreError::Corrupt {
        reason: format!("component {digest} cannot be read: {reason}"),
    };
    let mut component = Vec::new();
    for number in 0..parts {
        let key = HostKeys::component_part(digest, number);
        let record = snapshot.get(&key).await?.ok_or_else(|| corrupt("a part is missing"))?;
        let part: ComponentPart = record.decode()?;
        STANDARD
            .decode_vec(part.base64, &mut component)
            .map_err(|_| corrupt("a part is no base64"))?;
        // A part takes a millisecond, and requests share the thread.
        tokio::task::yield_now().await;
    }
    Ok(component.into())
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

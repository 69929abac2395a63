//! Components as a snapshot holds them.

use planwright_domain::plugin::{Digest, Owner};
use planwright_store::{Snapshot, StoreError};

use crate::keys::{HostKeys, OwnerKeys};
use crate::plugins::plugin_documents::ComponentRecord;

pub(crate) async fn component<N: Snapshot>(
    snapshot: &N,
    digest: &Digest,
) -> Result<ComponentRecord, StoreError> {
    let found = snapshot.get(&HostKeys::component(digest)).await?;
    found.ok_or_else(|| missing(digest))?.decode()
}

/// A component that somebody has, and nobody finds.
pub(crate) fn missing(digest: &Digest) -> StoreError {
    StoreError::Corrupt { reason: format!("component {digest} is somebody's and is not there") }
}

/// Whether a component is kept for what it priced, though it is nobody's.
pub(crate) async fn is_marked<N: Snapshot>(
    snapshot: &N,
    digest: &Digest,
) -> Result<bool, StoreError> {
    Ok(snapshot.get(&OwnerKeys::of(&Owner::Host).priced_by(digest)).await?.is_some())
}

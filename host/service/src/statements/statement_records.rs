//! Statements as they are kept: each with its places in lists.

use planwright_domain::statement::Documented;
use planwright_store::{ChangeSet, Snapshot, StoreError};

use crate::keys::Keys;
use crate::statements::statement_documents::{StatementEntry, StatementRecord};

/// A statement and the version of its record, if it is there.
pub(crate) async fn find<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    id: &str,
) -> Result<Option<(u64, Documented)>, StoreError> {
    let Some(record) = snapshot.get(&keys.statement(id)).await? else { return Ok(None) };
    Ok(Some((record.version, record.decode::<StatementRecord>()?.documented)))
}

/// A statement that something leads to.
pub(crate) async fn load<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    id: &str,
) -> Result<(u64, Documented), StoreError> {
    let missing = || StoreError::Corrupt { reason: format!("the statement '{id}' is missing") };
    find(snapshot, keys, id).await?.ok_or_else(missing)
}

/// Writes a statement, or what became of it; `version` is that of the record that was read, if there was one.
pub(crate) fn put(
    change: &mut ChangeSet,
    keys: &Keys,
    version: Option<u64>,
    documented: &Documented,
) {
    let statement = &documented.statement;
    let key = keys.statement(&statement.id);
    change.expect_as_read(&key, version);
    change.put(&key, &StatementRecord { documented: documented.clone() });
    // Neither its time nor its user changes, so that its places are the same.
    for place in keys.statement_places(statement) {
        change.put(&place, &StatementEntry::of(statement));
    }
}

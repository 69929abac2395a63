//! The database file: its tables, and how it is opened.

use std::io;

use redb::{Database, DatabaseError, ReadableTable, StorageBackend, TableDefinition};

use crate::StoreError;
use crate::layout::{self, corrupt};

/// The key's bytes → the record.
pub(super) const RECORDS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records");
/// The key's bytes → what it holds. A counter that holds 0 has no row.
pub(super) const COUNTERS: TableDefinition<'_, &[u8], i64> = TableDefinition::new("counters");
/// The log's key and the sequence number → the entry.
pub(super) const LOG: TableDefinition<'_, (&[u8], u64), &[u8]> = TableDefinition::new("log");
/// The log's key → its head.
pub(super) const HEADS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("heads");
/// [`FORMAT`] and [`VERSION`].
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// Under this name, the number of the layout of tables, keys and values.
const FORMAT: &str = "format";
/// Under this name, the number of the last change set.
pub(super) const VERSION: &str = "version";

/// Opens the database in a storage, repairs it if need be, and makes its tables if it is new.
/// `name` is what is said to be in use if somebody else holds it.
pub(super) fn open(
    backend: impl StorageBackend,
    cache_bytes: usize,
    name: &str,
) -> Result<Database, StoreError> {
    let database = Database::builder()
        .set_cache_size(cache_bytes)
        .create_with_backend(backend)
        .map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => StoreError::InUse { holds: name.to_owned() },
            other => store_error(other),
        })?;
    prepare(&database)?;
    Ok(database)
}

/// Sees to it that the database has our tables, in a format that we know.
fn prepare(database: &Database) -> Result<(), StoreError> {
    let transaction = begin_write(database)?;
    let format = transaction
        .open_table(META)
        .map_err(store_error)?
        .get(FORMAT)
        .map_err(store_error)?
        .map(|format| format.value());
    match format {
        Some(found) => {
            layout::check_format(found, "the database")?;
            transaction.abort().map_err(store_error)
        }
        None => {
            transaction
                .open_table(META)
                .map_err(store_error)?
                .insert(FORMAT, layout::FORMAT)
                .map_err(store_error)?;
            transaction.open_table(RECORDS).map_err(store_error)?;
            transaction.open_table(COUNTERS).map_err(store_error)?;
            transaction.open_table(LOG).map_err(store_error)?;
            transaction.open_table(HEADS).map_err(store_error)?;
            transaction.commit().map_err(store_error)
        }
    }
}

/// Reads every page from the disk and holds it against its checksum. redb does not fall back to an older state here,
/// since every commit of ours has synced what it points to (`begin_write`).
pub(super) fn verify(database: &mut Database) -> Result<(), StoreError> {
    match database.check_integrity() {
        Ok(true) => Ok(()),
        Ok(false) => {
            tracing::warn!("what the database said of its free pages was wrong, and is made anew");
            Ok(())
        }
        Err(error) => match store_error(error) {
            StoreError::Corrupt { reason } => {
                Err(corrupt(&format!("a page of it is not as it was written ({reason})")))
            }
            error => Err(error),
        },
    }
}

/// Begins a write whose commit syncs before it answers, and after which a crash needs no repair
/// (`host/docs/0001-embedded-store.md` says what that costs).
pub(super) fn begin_write(database: &Database) -> Result<redb::WriteTransaction, StoreError> {
    let mut transaction = database.begin_write().map_err(store_error)?;
    transaction.set_quick_repair(true);
    Ok(transaction)
}

/// What a failure of redb means.
pub(super) fn store_error(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Io(error) => match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => StoreError::Full,
            // A page that is said to lie behind the end of the file.
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => corrupt(&error),
            _ => unavailable(&error),
        },
        error @ (redb::Error::PreviousIo | redb::Error::DatabaseClosed) => unavailable(&error),
        // All others are about what the file holds, or would be mistakes of ours about it.
        error => corrupt(&error),
    }
}

fn unavailable(error: &impl ToString) -> StoreError {
    StoreError::Unavailable { reason: error.to_string() }
}

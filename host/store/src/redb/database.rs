//! The database file: its tables, how their bytes are laid out, and how it is opened.

use std::io;

use redb::{Database, DatabaseError, ReadableTable, StorageBackend, TableDefinition};

use crate::value::seal;
use crate::{Hash, Head, Key, LogEntry, Record, StoreError};

/// The key's bytes → version (8 bytes, big end first), schema (2 bytes), seal (8 bytes), JSON.
pub(super) const RECORDS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records");
/// The key's bytes → what it holds. A counter that holds 0 has no row.
pub(super) const COUNTERS: TableDefinition<'_, &[u8], i64> = TableDefinition::new("counters");
/// The log's key and the sequence number → hash of the entry before (32 bytes), its own hash, JSON.
pub(super) const LOG: TableDefinition<'_, (&[u8], u64), &[u8]> = TableDefinition::new("log");
/// The log's key → the sequence number of its last entry (8 bytes, big end first), that entry's hash.
pub(super) const HEADS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("heads");
/// [`FORMAT`] and [`VERSION`].
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// Under this name, the number of the layout described here.
const FORMAT: &str = "format";
/// Under this name, the number of the last change set.
pub(super) const VERSION: &str = "version";

/// The layout this release reads and writes.
const THIS_FORMAT: u64 = 2;

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
        Some(THIS_FORMAT) => transaction.abort().map_err(store_error),
        Some(found) if found > THIS_FORMAT => Err(StoreError::Newer {
            what: "the database".to_owned(),
            found,
            supported: THIS_FORMAT,
        }),
        Some(found) => Err(corrupt(&format!(
            "it has format {found}, from before the first release, and nothing reads that any more"
        ))),
        None => {
            transaction
                .open_table(META)
                .map_err(store_error)?
                .insert(FORMAT, THIS_FORMAT)
                .map_err(store_error)?;
            transaction.open_table(RECORDS).map_err(store_error)?;
            transaction.open_table(COUNTERS).map_err(store_error)?;
            transaction.open_table(LOG).map_err(store_error)?;
            transaction.open_table(HEADS).map_err(store_error)?;
            transaction.commit().map_err(store_error)
        }
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
            io::ErrorKind::InvalidData => corrupt(&error),
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

pub(super) fn corrupt(found: &(impl ToString + ?Sized)) -> StoreError {
    StoreError::Corrupt { reason: found.to_string() }
}

pub(super) fn encode_record(key: &Key, version: u64, schema: u16, json: &[u8]) -> Vec<u8> {
    let seal = seal(key, version, schema, json);
    [&version.to_be_bytes()[..], &schema.to_be_bytes(), &seal, json].concat()
}

/// The version in a record's bytes, and what follows it.
pub(super) fn split_version(bytes: &[u8]) -> Result<(u64, &[u8]), StoreError> {
    let (version, rest) =
        bytes.split_first_chunk().ok_or_else(|| corrupt("a record without a version"))?;
    Ok((u64::from_be_bytes(*version), rest))
}

pub(super) fn decode_record(bytes: &[u8]) -> Result<Record, StoreError> {
    let (version, rest) = split_version(bytes)?;
    let (schema, rest) =
        rest.split_first_chunk().ok_or_else(|| corrupt("a record without a schema"))?;
    let (seal, json) =
        rest.split_first_chunk().ok_or_else(|| corrupt("a record without a seal"))?;
    Ok(Record::new(version, u16::from_be_bytes(*schema), *seal, json))
}

pub(super) fn encode_head(head: Head) -> Vec<u8> {
    [&head.sequence.to_be_bytes()[..], head.hash.as_bytes()].concat()
}

pub(super) fn decode_head(bytes: &[u8]) -> Result<Head, StoreError> {
    bytes
        .split_first_chunk()
        .and_then(|(sequence, hash)| {
            let hash = Hash::from_bytes(hash.try_into().ok()?);
            Some(Head { sequence: u64::from_be_bytes(*sequence), hash })
        })
        .ok_or_else(|| corrupt("a log's head that is none"))
}

pub(super) fn encode_entry(previous: Hash, hash: Hash, body: &[u8]) -> Vec<u8> {
    [previous.as_bytes(), hash.as_bytes(), body].concat()
}

pub(super) fn decode_entry(sequence: u64, bytes: &[u8]) -> Result<LogEntry, StoreError> {
    bytes
        .split_first_chunk()
        .and_then(|(previous, rest)| {
            let (hash, body) = rest.split_first_chunk()?;
            let (previous, hash) = (Hash::from_bytes(*previous), Hash::from_bytes(*hash));
            Some(LogEntry { sequence, previous, hash, body: body.into() })
        })
        .ok_or_else(|| corrupt("a log entry without its hashes"))
}

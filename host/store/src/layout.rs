//! How values lie in bytes: in the embedded engine's tables, and in rows on their way to another store.

use crate::value::Seal;
use crate::{Hash, Head, LogEntry, Record, StoreError};

/// The number of the layout described here and in [`Key`](crate::Key), which this release reads and writes.
pub const FORMAT: u64 = 2;

/// What a number of a layout that is newer than [`FORMAT`] means.
pub(crate) fn check_format(found: u64, what: &str) -> Result<(), StoreError> {
    if found > FORMAT {
        return Err(StoreError::Newer { what: what.to_owned(), found, supported: FORMAT });
    }
    if found < FORMAT {
        return Err(corrupt(&format!(
            "{what} has format {found}, from before the first release, and nothing reads that any more"
        )));
    }
    Ok(())
}

/// A record: version (8 bytes, big end first), schema (2 bytes), seal (8 bytes), JSON or what else was put.
pub(crate) fn encode_record(version: u64, schema: u16, seal: Seal, json: &[u8]) -> Vec<u8> {
    [&version.to_be_bytes()[..], &schema.to_be_bytes(), &seal, json].concat()
}

pub(crate) fn decode_record(bytes: &[u8]) -> Result<Record, StoreError> {
    let (version, rest) = split_version(bytes)?;
    let (schema, rest) =
        rest.split_first_chunk().ok_or_else(|| corrupt("a record without a schema"))?;
    let (seal, json) =
        rest.split_first_chunk().ok_or_else(|| corrupt("a record without a seal"))?;
    Ok(Record::new(version, u16::from_be_bytes(*schema), *seal, json))
}

/// The version alone, at the cost of no copy.
pub(crate) fn decode_version(bytes: &[u8]) -> Result<u64, StoreError> {
    Ok(split_version(bytes)?.0)
}

fn split_version(bytes: &[u8]) -> Result<(u64, &[u8]), StoreError> {
    let (version, rest) =
        bytes.split_first_chunk().ok_or_else(|| corrupt("a record without a version"))?;
    Ok((u64::from_be_bytes(*version), rest))
}

/// A log's head: the sequence number of its last entry (8 bytes, big end first), that entry's hash.
pub(crate) fn encode_head(head: Head) -> Vec<u8> {
    [&head.sequence.to_be_bytes()[..], head.hash.as_bytes()].concat()
}

pub(crate) fn decode_head(bytes: &[u8]) -> Result<Head, StoreError> {
    bytes
        .split_first_chunk()
        .and_then(|(sequence, hash)| {
            let hash = Hash::from_bytes(hash.try_into().ok()?);
            Some(Head { sequence: u64::from_be_bytes(*sequence), hash })
        })
        .ok_or_else(|| corrupt("a log's head that is none"))
}

/// An entry of a log: hash of the entry before (32 bytes), its own hash, JSON.
pub(crate) fn encode_entry(previous: Hash, hash: Hash, body: &[u8]) -> Vec<u8> {
    [previous.as_bytes(), hash.as_bytes(), body].concat()
}

pub(crate) fn decode_entry(sequence: u64, bytes: &[u8]) -> Result<LogEntry, StoreError> {
    bytes
        .split_first_chunk()
        .and_then(|(previous, rest)| {
            let (hash, body) = rest.split_first_chunk()?;
            let (previous, hash) = (Hash::from_bytes(*previous), Hash::from_bytes(*hash));
            Some(LogEntry { sequence, previous, hash, body: body.into() })
        })
        .ok_or_else(|| corrupt("a log entry without its hashes"))
}

pub(crate) fn corrupt(found: &(impl ToString + ?Sized)) -> StoreError {
    StoreError::Corrupt { reason: found.to_string() }
}

//! What the tables say of a key, whether they are being written or only read.

use redb::ReadableTable;

use super::database::{VERSION, store_error};
use crate::layout::{decode_head, decode_record, decode_version};
use crate::{Head, Key, Record, StoreError};

type Bytes = &'static [u8];

/// The number of the last change set.
pub(super) fn last_version(
    meta: &impl ReadableTable<&'static str, u64>,
) -> Result<u64, StoreError> {
    Ok(meta.get(VERSION).map_err(store_error)?.map_or(0, |found| found.value()))
}

pub(super) fn record(
    records: &impl ReadableTable<Bytes, Bytes>,
    key: &Key,
) -> Result<Option<Record>, StoreError> {
    let found = records.get(key.as_bytes()).map_err(store_error)?;
    found.map(|bytes| decode_record(bytes.value())).transpose()
}

pub(super) fn record_version(
    records: &impl ReadableTable<Bytes, Bytes>,
    key: &Key,
) -> Result<Option<u64>, StoreError> {
    let found = records.get(key.as_bytes()).map_err(store_error)?;
    found.map(|bytes| decode_version(bytes.value())).transpose()
}

pub(super) fn counter(
    counters: &impl ReadableTable<Bytes, i64>,
    key: &Key,
) -> Result<i64, StoreError> {
    let found = counters.get(key.as_bytes()).map_err(store_error)?;
    Ok(found.map_or(0, |holds| holds.value()))
}

pub(super) fn log_head(
    heads: &impl ReadableTable<Bytes, Bytes>,
    log: &Key,
) -> Result<Head, StoreError> {
    let found = heads.get(log.as_bytes()).map_err(store_error)?;
    found.map_or_else(|| Ok(Head::of_empty(log)), |bytes| decode_head(bytes.value()))
}

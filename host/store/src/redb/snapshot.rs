//! Reading: the view of one commit.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use redb::{Database, ReadOnlyTable, ReadableDatabase, Value};

use super::database::{COUNTERS, LOG, RECORDS, corrupt, decode_entry, decode_record, store_error};
use crate::{Key, LogEntry, LogScan, Prefix, Record, Scan, Snapshot, StoreError};

/// The tables as one commit left them. Opened once by the committer and shared by all readers, because
/// opening them costs more than reading from them.
pub(super) struct View {
    records: ReadOnlyTable<&'static [u8], &'static [u8]>,
    counters: ReadOnlyTable<&'static [u8], i64>,
    log: ReadOnlyTable<(&'static [u8], u64), &'static [u8]>,
}

impl View {
    pub(super) fn open(database: &Database) -> Result<Self, StoreError> {
        let transaction = database.begin_read().map_err(store_error)?;
        Ok(Self {
            records: transaction.open_table(RECORDS).map_err(store_error)?,
            counters: transaction.open_table(COUNTERS).map_err(store_error)?,
            log: transaction.open_table(LOG).map_err(store_error)?,
        })
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("View")
    }
}

/// A consistent view of a [`RedbStore`](super::RedbStore). Its futures are ready at once; if the storage
/// fails while it lives, it may answer [`StoreError::Unavailable`] from then on.
#[derive(Clone, Debug)]
pub struct RedbSnapshot(Arc<View>);

impl RedbSnapshot {
    pub(super) fn new(view: Arc<View>) -> Self {
        Self(view)
    }
}

impl Snapshot for RedbSnapshot {
    async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        let found = self.0.records.get(key.as_bytes()).map_err(store_error)?;
        found.map(|bytes| decode_record(bytes.value())).transpose()
    }

    async fn scan(&self, prefix: &Prefix, scan: Scan) -> Result<Vec<(Key, Record)>, StoreError> {
        page(&self.0.records, prefix, &scan, decode_record)
    }

    async fn counter(&self, counter: &Key) -> Result<i64, StoreError> {
        let found = self.0.counters.get(counter.as_bytes()).map_err(store_error)?;
        Ok(found.map_or(0, |holds| holds.value()))
    }

    async fn counters(&self, prefix: &Prefix, scan: Scan) -> Result<Vec<(Key, i64)>, StoreError> {
        page(&self.0.counters, prefix, &scan, Ok)
    }

    async fn log(&self, log: &Key, scan: LogScan) -> Result<Vec<LogEntry>, StoreError> {
        let log = log.as_bytes();
        let (first, last) = match (scan.after, scan.newest_first) {
            (None, _) => (0, u64::MAX),
            (Some(after), false) => (after.saturating_add(1), u64::MAX),
            (Some(after), true) => (0, after.saturating_sub(1)),
        };
        let range = self.0.log.range((log, first)..=(log, last)).map_err(store_error)?;
        in_direction(range, scan.newest_first)
            .take(scan.limit)
            .map(|entry| {
                let (key, bytes) = entry.map_err(store_error)?;
                decode_entry(key.value().1, bytes.value())
            })
            .collect()
    }
}

/// Rows of a table under a prefix.
fn page<V: Value + 'static, T>(
    table: &ReadOnlyTable<&'static [u8], V>,
    prefix: &Prefix,
    scan: &Scan,
    decode: impl Fn(V::SelfType<'_>) -> Result<T, StoreError>,
) -> Result<Vec<(Key, T)>, StoreError> {
    let end = prefix.end();
    let Some(bounds) = bounds(prefix.first(), &end, scan) else {
        return Ok(Vec::new());
    };
    let range = table.range::<&[u8]>(bounds).map_err(store_error)?;
    in_direction(range, scan.reverse)
        .take(scan.limit)
        .map(|row| {
            let (key, value) = row.map_err(store_error)?;
            let key = Key::from_bytes(key.value()).ok_or_else(|| corrupt("a key that is none"))?;
            Ok((key, decode(value.value())?))
        })
        .collect()
}

/// From where to where a scan reads, in the order of the keys.
type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// What is left of `first..end` behind the scan's `after`; nothing if that is empty.
fn bounds<'a>(first: &'a [u8], end: &'a [u8], scan: &'a Scan) -> Option<Bounds<'a>> {
    let whole = (Bound::Included(first), Bound::Excluded(end));
    let Some(after) = scan.after.as_ref().map(Key::as_bytes) else {
        return Some(whole);
    };
    if scan.reverse {
        match () {
            () if after >= end => Some(whole),
            () if after <= first => None,
            () => Some((Bound::Included(first), Bound::Excluded(after))),
        }
    } else {
        match () {
            () if after < first => Some(whole),
            () if after >= end => None,
            () => Some((Bound::Excluded(after), Bound::Excluded(end))),
        }
    }
}

fn in_direction<I: DoubleEndedIterator>(
    mut range: I,
    reverse: bool,
) -> impl Iterator<Item = I::Item> {
    std::iter::from_fn(move || if reverse { range.next_back() } else { range.next() })
}

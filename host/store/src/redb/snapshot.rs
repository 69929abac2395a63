//! Reading: the view of one commit.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::{Database, ReadOnlyTable, ReadableDatabase, Value};

use super::damage::caught;
use super::database::{COUNTERS, HEADS, LOG, META, RECORDS, store_error};
use super::rows;
use crate::layout::{corrupt, decode_entry, decode_record};
use crate::{Head, Key, LogEntry, LogScan, Prefix, Record, Scan, Snapshot, Space, StoreError};

/// The tables as one commit left them. Opened once by the committer and shared by all readers, because
/// opening them costs more than reading from them.
pub(super) struct View {
    records: ReadOnlyTable<&'static [u8], &'static [u8]>,
    counters: ReadOnlyTable<&'static [u8], i64>,
    log: ReadOnlyTable<(&'static [u8], u64), &'static [u8]>,
    heads: ReadOnlyTable<&'static [u8], &'static [u8]>,
    /// The number of the last change set.
    version: u64,
    /// Set when the storage refuses a read.
    failed: Arc<AtomicBool>,
    holds_against_seals: bool,
}

impl View {
    pub(super) fn open(
        database: &Database,
        failed: Arc<AtomicBool>,
        holds_against_seals: bool,
    ) -> Result<Self, StoreError> {
        let transaction = database.begin_read().map_err(store_error)?;
        let meta = transaction.open_table(META).map_err(store_error)?;
        let version = rows::last_version(&meta)?;
        Ok(Self {
            records: transaction.open_table(RECORDS).map_err(store_error)?,
            counters: transaction.open_table(COUNTERS).map_err(store_error)?,
            log: transaction.open_table(LOG).map_err(store_error)?,
            heads: transaction.open_table(HEADS).map_err(store_error)?,
            version,
            failed,
            holds_against_seals,
        })
    }

    fn record(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        let record = rows::record(&self.records, key)?;
        record.map(|record| self.as_written(key, record)).transpose()
    }

    fn records(&self, prefix: &Prefix, scan: &Scan) -> Result<Vec<(Key, Record)>, StoreError> {
        let page = page(&self.records, prefix, scan, decode_record)?.into_iter();
        page.map(|(key, record)| {
            let record = self.as_written(&key, record)?;
            Ok((key, record))
        })
        .collect()
    }

    /// A record, unless its bytes are others than those that were written: no value is better than a wrong one.
    fn as_written(&self, key: &Key, record: Record) -> Result<Record, StoreError> {
        if self.holds_against_seals && !record.is_as_written(key) {
            return Err(corrupt(&format!("{key} is not as it was written")));
        }
        Ok(record)
    }

    fn entries(&self, log: &Key, scan: LogScan) -> Result<Vec<LogEntry>, StoreError> {
        let log = log.as_bytes();
        let (first, last) = match (scan.after, scan.newest_first) {
            (None, _) => (0, u64::MAX),
            (Some(after), false) => (after.saturating_add(1), u64::MAX),
            (Some(after), true) => (0, after.saturating_sub(1)),
        };
        let range = self.log.range((log, first)..=(log, last)).map_err(store_error)?;
        in_direction(range, scan.newest_first)
            .take(scan.limit)
            .map(|entry| {
                let (key, bytes) = entry.map_err(store_error)?;
                decode_entry(key.value().1, bytes.value())
            })
            .collect()
    }

    fn logs(
        &self,
        prefix: &Prefix,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Key>, StoreError> {
        let end = prefix.end();
        let mut scan = Scan { after: after.cloned(), ..Scan::first(limit) };
        let mut logs = Vec::new();
        while logs.len() < limit {
            let Some(range) = bounds(prefix.first(), &end, &scan) else { break };
            let Some(log) = self.first_log(range)? else { break };
            scan.after = Some(log.clone());
            logs.push(log);
        }
        Ok(logs)
    }

    fn spaces(&self, after: Option<&Space>, limit: usize) -> Result<Vec<Space>, StoreError> {
        let mut behind = after.map(|space| Prefix::of_space(space).end());
        let mut spaces = Vec::new();
        while spaces.len() < limit {
            let from = behind.as_deref().map_or(Bound::Unbounded, Bound::Included);
            let Some(key) = self.first_key((from, Bound::Unbounded))? else { break };
            let space = key.space();
            behind = Some(Prefix::of_space(&space).end());
            spaces.push(space);
        }
        Ok(spaces)
    }

    /// The first log in a range of keys.
    fn first_log(&self, (from, to): Bounds<'_>) -> Result<Option<Key>, StoreError> {
        let mut entries = self.log.range(entries_of((from, to))).map_err(store_error)?;
        let mut heads = self.heads.range::<&[u8]>((from, to)).map_err(store_error)?;
        let entry = entries.next().transpose().map_err(store_error)?;
        let head = heads.next().transpose().map_err(store_error)?;
        let entry = entry.map(|(key, _)| read_key(key.value().0)).transpose()?;
        let head = head.map(|(key, _)| read_key(key.value())).transpose()?;
        Ok(entry.into_iter().chain(head).min())
    }

    /// The first key of any table in a range of keys.
    fn first_key(&self, range: Bounds<'_>) -> Result<Option<Key>, StoreError> {
        let record = first_in(&self.records, range)?;
        let counter = first_in(&self.counters, range)?;
        Ok([record, counter, self.first_log(range)?].into_iter().flatten().min())
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

impl RedbSnapshot {
    /// What the view says; a page of it may be damaged, and the storage may refuse it.
    fn read<T>(&self, read: impl FnOnce(&View) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let found = caught(|| read(&self.0));
        if let Err(StoreError::Unavailable { .. } | StoreError::Full) = &found {
            self.0.failed.store(true, Ordering::Relaxed);
        }
        found
    }
}

impl Snapshot for RedbSnapshot {
    async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        self.read(|view| view.record(key))
    }

    async fn record_version(&self, key: &Key) -> Result<Option<u64>, StoreError> {
        self.read(|view| rows::record_version(&view.records, key))
    }

    async fn scan(&self, prefix: &Prefix, scan: Scan) -> Result<Vec<(Key, Record)>, StoreError> {
        self.read(|view| view.records(prefix, &scan))
    }

    async fn counter(&self, counter: &Key) -> Result<i64, StoreError> {
        self.read(|view| rows::counter(&view.counters, counter))
    }

    async fn counters(&self, prefix: &Prefix, scan: Scan) -> Result<Vec<(Key, i64)>, StoreError> {
        self.read(|view| page(&view.counters, prefix, &scan, Ok))
    }

    async fn log(&self, log: &Key, scan: LogScan) -> Result<Vec<LogEntry>, StoreError> {
        self.read(|view| view.entries(log, scan))
    }

    async fn log_head(&self, log: &Key) -> Result<Head, StoreError> {
        self.read(|view| rows::log_head(&view.heads, log))
    }

    async fn logs(
        &self,
        prefix: &Prefix,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Key>, StoreError> {
        self.read(|view| view.logs(prefix, after, limit))
    }

    async fn spaces(&self, after: Option<&Space>, limit: usize) -> Result<Vec<Space>, StoreError> {
        self.read(|view| view.spaces(after, limit))
    }

    async fn version(&self) -> Result<u64, StoreError> {
        Ok(self.0.version)
    }
}

fn read_key(bytes: &[u8]) -> Result<Key, StoreError> {
    Key::from_bytes(bytes).ok_or_else(|| corrupt("a key that is none"))
}

/// The first key of a table in a range.
fn first_in<V: Value + 'static>(
    table: &ReadOnlyTable<&'static [u8], V>,
    range: Bounds<'_>,
) -> Result<Option<Key>, StoreError> {
    let mut rows = table.range::<&[u8]>(range).map_err(store_error)?;
    rows.next().map(|row| read_key(row.map_err(store_error)?.0.value())).transpose()
}

/// A log and a sequence number.
type Entry<'a> = (&'a [u8], u64);

/// All entries of the logs in a range of keys.
fn entries_of<'a>((from, to): Bounds<'a>) -> (Bound<Entry<'a>>, Bound<Entry<'a>>) {
    let from = match from {
        Bound::Included(key) => Bound::Included((key, 0)),
        Bound::Excluded(key) => Bound::Excluded((key, u64::MAX)),
        Bound::Unbounded => Bound::Unbounded,
    };
    let to = match to {
        Bound::Included(key) => Bound::Included((key, u64::MAX)),
        Bound::Excluded(key) => Bound::Excluded((key, 0)),
        Bound::Unbounded => Bound::Unbounded,
    };
    (from, to)
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
            Ok((read_key(key.value())?, decode(value.value())?))
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

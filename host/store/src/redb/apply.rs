//! One change set inside a write transaction: first everything is checked, then everything is changed.

use std::collections::BTreeMap;

use redb::{Table, WriteTransaction};

use super::database::{COUNTERS, HEADS, LOG, META, RECORDS, VERSION, store_error};
use super::{Answer, rows};
use crate::change::{Change, Expectation};
use crate::layout::{encode_entry, encode_head, encode_record};
use crate::value::{seal, with_counters};
use crate::{ChangeSet, CommitError, Committed, Hash, Head, Key, Record, Row, StoreError};

/// The tables of one write transaction; each change set sees what the ones before it have changed.
pub(super) struct Writer<'a> {
    records: Table<'a, &'static [u8], &'static [u8]>,
    counters: Table<'a, &'static [u8], i64>,
    log: Table<'a, (&'static [u8], u64), &'static [u8]>,
    heads: Table<'a, &'static [u8], &'static [u8]>,
    meta: Table<'a, &'static str, u64>,
    /// The number of the last change set applied.
    version: u64,
}

/// What the counters that a set touches held before, and will hold.
type Sums<'a> = BTreeMap<&'a Key, Sum>;

struct Sum {
    before: i64,
    after: i64,
}

impl<'a> Writer<'a> {
    pub(super) fn open(transaction: &'a WriteTransaction) -> Result<Self, StoreError> {
        let meta = transaction.open_table(META).map_err(store_error)?;
        let version = rows::last_version(&meta)?;
        Ok(Self {
            records: transaction.open_table(RECORDS).map_err(store_error)?,
            counters: transaction.open_table(COUNTERS).map_err(store_error)?,
            log: transaction.open_table(LOG).map_err(store_error)?,
            heads: transaction.open_table(HEADS).map_err(store_error)?,
            meta,
            version,
        })
    }

    /// Writes down the number of the last change set; once, when all are applied.
    pub(super) fn finish(mut self) -> Result<(), StoreError> {
        self.meta.insert(VERSION, self.version).map_err(store_error)?;
        Ok(())
    }

    /// Checks a set and applies it. The outer error is the storage's and spoils the whole transaction; the
    /// inner one is the set's own, and leaves nothing behind.
    pub(super) fn apply(&mut self, set: &ChangeSet) -> Result<Answer, StoreError> {
        for expectation in &set.expectations {
            if let Some(key) = self.broken(expectation)? {
                return Ok(Err(CommitError::Conflict { key: key.clone() }));
            }
        }
        let sums = match self.sums(&set.changes)? {
            Ok(sums) => sums,
            Err(refused) => return Ok(Err(refused)),
        };
        self.version += 1;
        let mut log = Vec::new();
        for change in &set.changes {
            match change {
                Change::Put { key, schema, json, counters: None } => {
                    self.put_value(key, *schema, json)?;
                }
                Change::Put { key, schema, json, counters: Some(counters) } => {
                    let holds = self.all_after(&sums, counters)?;
                    self.put_value(key, *schema, &with_counters(json, &holds))?;
                }
                Change::PutBytes { key, schema, bytes } => self.put_value(key, *schema, bytes)?,
                Change::Delete(key) => {
                    self.records.remove(key.as_bytes()).map_err(store_error)?;
                }
                Change::Append { log: key, body } => log.push(self.append(key, body)?),
                // Their sums are written below, once for each counter.
                Change::Add { .. } | Change::Reset(_) => {}
            }
        }
        self.write(&sums)?;
        let counters = sums.into_iter().map(|(counter, sum)| (counter.clone(), sum.after));
        Ok(Ok(Committed { version: self.version, log, counters: counters.collect() }))
    }

    /// What counters hold after a set, those too that it does not touch.
    fn all_after(&self, sums: &Sums<'_>, counters: &[Key]) -> Result<Vec<i64>, StoreError> {
        let after = |counter| match sums.get(counter) {
            Some(sum) => Ok(sum.after),
            None => self.counter(counter),
        };
        counters.iter().map(after).collect()
    }

    /// Whether any change set was ever applied.
    pub(super) fn has_held_something(&self) -> bool {
        self.version != 0
    }

    /// Keeps a row of another store as it is. Its versions count from [`Writer::finish_at`] on.
    pub(super) fn keep(&mut self, row: &Row) -> Result<(), StoreError> {
        match row {
            Row::Record { key, record } => {
                let Record { version, schema, .. } = record;
                self.put(key, &encode_record(*version, *schema, record.seal(), record.bytes()))
            }
            Row::Counter { key, holds } => {
                self.counters.insert(key.as_bytes(), *holds).map_err(store_error)?;
                Ok(())
            }
            Row::Entry { log, entry } => {
                let bytes = encode_entry(entry.previous, entry.hash, &entry.body);
                self.put_entry(log, entry.sequence, &bytes)
            }
            Row::Head { log, head } => self.put_head(log, *head),
        }
    }

    /// Writes down that so many change sets were applied elsewhere.
    pub(super) fn finish_at(self, version: u64) -> Result<(), StoreError> {
        Self { version, ..self }.finish()
    }

    fn put_value(&mut self, key: &Key, schema: u16, value: &[u8]) -> Result<(), StoreError> {
        let seal = seal(key, self.version, schema, value);
        self.put(key, &encode_record(self.version, schema, seal, value))
    }

    fn put(&mut self, key: &Key, record: &[u8]) -> Result<(), StoreError> {
        self.records.insert(key.as_bytes(), record).map_err(store_error)?;
        Ok(())
    }

    fn put_entry(&mut self, log: &Key, sequence: u64, entry: &[u8]) -> Result<(), StoreError> {
        self.log.insert((log.as_bytes(), sequence), entry).map_err(store_error)?;
        Ok(())
    }

    fn put_head(&mut self, log: &Key, head: Head) -> Result<(), StoreError> {
        self.heads.insert(log.as_bytes(), encode_head(head).as_slice()).map_err(store_error)?;
        Ok(())
    }

    /// The key of an expectation that does not hold.
    fn broken<'s>(&self, expectation: &'s Expectation) -> Result<Option<&'s Key>, StoreError> {
        let (key, holds) = match expectation {
            Expectation::Version(key, version) => {
                (key, rows::record_version(&self.records, key)? == Some(*version))
            }
            Expectation::Absent(key) => (key, rows::record_version(&self.records, key)?.is_none()),
            Expectation::CounterIs(key, expected) => (key, self.counter(key)? == *expected),
            Expectation::CounterAtMost(key, most) => (key, self.counter(key)? <= *most),
        };
        Ok(Some(key).filter(|_| !holds))
    }

    fn counter(&self, key: &Key) -> Result<i64, StoreError> {
        rows::counter(&self.counters, key)
    }

    /// Adds up what a set does to its counters, in order, or says which one cannot take it.
    fn sums<'s>(&self, changes: &'s [Change]) -> Result<Result<Sums<'s>, CommitError>, StoreError> {
        let mut sums = Sums::new();
        for change in changes {
            let (counter, addition) = match change {
                Change::Add { counter, amount, ceiling } => (counter, Some((*amount, *ceiling))),
                Change::Reset(counter) => (counter, None),
                Change::Put { .. }
                | Change::PutBytes { .. }
                | Change::Delete(_)
                | Change::Append { .. } => continue,
            };
            if !sums.contains_key(counter) {
                let before = self.counter(counter)?;
                sums.insert(counter, Sum { before, after: before });
            }
            let Some(sum) = sums.get_mut(counter) else {
                continue;
            };
            let after = match addition {
                None => Some(0),
                Some((amount, ceiling)) => sum
                    .after
                    .checked_add(amount)
                    .filter(|after| amount <= 0 || ceiling.is_none_or(|ceiling| *after <= ceiling)),
            };
            match after {
                Some(after) => sum.after = after,
                None => {
                    return Ok(Err(CommitError::Ceiling {
                        key: counter.clone(),
                        holds: sum.before,
                    }));
                }
            }
        }
        Ok(Ok(sums))
    }

    fn write(&mut self, sums: &Sums<'_>) -> Result<(), StoreError> {
        for (counter, sum) in sums {
            let counter = counter.as_bytes();
            if sum.after == 0 {
                self.counters.remove(counter).map_err(store_error)?;
            } else if sum.after != sum.before {
                self.counters.insert(counter, sum.after).map_err(store_error)?;
            }
        }
        Ok(())
    }

    fn append(&mut self, log: &Key, body: &[u8]) -> Result<Head, StoreError> {
        let Head { sequence: last, hash: previous } = rows::log_head(&self.heads, log)?;
        let sequence = last + 1;
        let hash = Hash::of_entry(previous, sequence, body);
        let head = Head { sequence, hash };
        self.put_entry(log, sequence, &encode_entry(previous, hash, body))?;
        self.put_head(log, head)?;
        Ok(head)
    }
}

//! Change sets: what a decision rested on, and what it changes.

use bytes::Bytes;
use serde::Serialize;

use crate::{Document, Head, Key};

/// Everything one decision expects and changes; committed all or nothing.
///
/// Expectations are compared with the state before the set, and all of them, and all ceilings, are checked
/// before anything is changed. Changes are made in the order given.
///
/// ```
/// # use planwright_store::{ChangeSet, Key, Space};
/// let tenant = Space::Tenant("acme".into());
/// let plan = Key::in_space(&tenant, "plan").text("pro").key();
/// let subscribers = Key::in_space(&tenant, "subscribers").text("pro").key();
///
/// let mut change = ChangeSet::new();
/// change.expect_version(&plan, 7).expect_counter(&subscribers, 0).delete(&plan);
/// ```
#[derive(Clone, Debug, Default)]
pub struct ChangeSet {
    pub(crate) expectations: Vec<Expectation>,
    pub(crate) changes: Vec<Change>,
    /// What it weighs in a queue, in bytes.
    pub(crate) bytes: usize,
    /// The first fault found while it was built; kept for `commit`, so that building needs no `?`.
    pub(crate) fault: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) enum Expectation {
    Version(Key, u64),
    Absent(Key),
    CounterIs(Key, i64),
    CounterAtMost(Key, i64),
}

#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// With counters, what they hold after the set is written into the value.
    Put {
        key: Key,
        schema: u16,
        json: Vec<u8>,
        counters: Option<Vec<Key>>,
    },
    PutBytes {
        key: Key,
        schema: u16,
        bytes: Bytes,
    },
    Delete(Key),
    Add {
        counter: Key,
        amount: i64,
        ceiling: Option<i64>,
    },
    Reset(Key),
    Append {
        log: Key,
        body: Vec<u8>,
    },
}

/// What a commit has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The number of this change set, and so the version of every record it put. Numbers rise with every
    /// change set that is committed, over the whole store; some may be left out.
    pub version: u64,
    /// The heads of the logs as each entry was appended, in the order of the set.
    pub log: Vec<Head>,
    /// What each counter that the set added to or reset holds after it, in the order of their keys, each once.
    pub counters: Vec<(Key, i64)>,
}

impl Committed {
    /// What a counter held after the set; nothing if the set did not touch it.
    pub fn counter(&self, counter: &Key) -> Option<i64> {
        let found = self.counters.iter().find(|(key, _)| key == counter);
        found.map(|(_, holds)| *holds)
    }
}

impl ChangeSet {
    /// Largest change set in bytes, keys and values together.
    pub const MAX_BYTES: usize = 16 << 20;

    /// An empty change set.
    pub fn new() -> Self {
        Self::default()
    }

    /// What it weighs, in bytes: see [`ChangeSet::MAX_BYTES`].
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it changes nothing, whatever it expects.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The record is there, and is the one that was read.
    pub fn expect_version(&mut self, key: &Key, version: u64) -> &mut Self {
        self.expect(key, |key| Expectation::Version(key, version))
    }

    /// There is no record.
    pub fn expect_absent(&mut self, key: &Key) -> &mut Self {
        self.expect(key, Expectation::Absent)
    }

    /// The record is as it was read: the one with this version, or none.
    pub fn expect_as_read(&mut self, key: &Key, version: Option<u64>) -> &mut Self {
        match version {
            Some(version) => self.expect_version(key, version),
            None => self.expect_absent(key),
        }
    }

    /// The counter holds exactly this. A counter never added to holds 0.
    pub fn expect_counter(&mut self, counter: &Key, holds: i64) -> &mut Self {
        self.expect(counter, |key| Expectation::CounterIs(key, holds))
    }

    /// The counter holds this or less.
    pub fn expect_counter_at_most(&mut self, counter: &Key, most: i64) -> &mut Self {
        self.expect(counter, |key| Expectation::CounterAtMost(key, most))
    }

    /// Writes a record, whether or not there is one.
    pub fn put<T: Document>(&mut self, key: &Key, value: &T) -> &mut Self {
        self.with_json(key, value, |key, json| Change::Put {
            key,
            schema: T::SCHEMA,
            json,
            counters: None,
        })
    }

    /// Writes a record with what counters hold after the set, which only the commit knows. It is read back as a
    /// [`WithCounters`](crate::WithCounters).
    pub fn put_with_counters<T: Document>(
        &mut self,
        key: &Key,
        value: &T,
        counters: &[Key],
    ) -> &mut Self {
        for counter in counters {
            self.weigh(counter, 0);
        }
        self.with_json(key, value, |key, json| Change::Put {
            key,
            schema: T::SCHEMA,
            json,
            counters: Some(counters.to_vec()),
        })
    }

    /// Writes a record of bytes as they are, which are no JSON: for what is large and has a form of its own. They are not
    /// copied until they are committed. `schema` is the number of their form; they are read with [`Record::bytes`].
    ///
    /// [`Record::bytes`]: crate::Record::bytes
    pub fn put_bytes(&mut self, key: &Key, schema: u16, bytes: Bytes) -> &mut Self {
        self.change(key, bytes.len(), |key| Change::PutBytes { key, schema, bytes })
    }

    /// Deletes a record; nothing happens if there is none.
    pub fn delete(&mut self, key: &Key) -> &mut Self {
        self.change(key, 0, Change::Delete)
    }

    /// Adds to a counter; what is added may be negative.
    pub fn add(&mut self, counter: &Key, amount: i64) -> &mut Self {
        self.change(counter, 0, |counter| Change::Add { counter, amount, ceiling: None })
    }

    /// Adds to a counter, and refuses the whole set if the counter would then hold more than the ceiling.
    /// An addition of 0 or less is never refused.
    pub fn add_with_ceiling(&mut self, counter: &Key, amount: i64, ceiling: i64) -> &mut Self {
        self.change(counter, 0, |counter| Change::Add { counter, amount, ceiling: Some(ceiling) })
    }

    /// Sets a counter back to 0.
    pub fn reset(&mut self, counter: &Key) -> &mut Self {
        self.change(counter, 0, Change::Reset)
    }

    /// Appends an entry to a log. The committer gives it its sequence number and hash, so writers of one
    /// log never conflict.
    pub fn append<T: Serialize>(&mut self, log: &Key, body: &T) -> &mut Self {
        self.with_json(log, body, |log, body| Change::Append { log, body })
    }

    fn expect(&mut self, key: &Key, expectation: impl FnOnce(Key) -> Expectation) -> &mut Self {
        self.weigh(key, 0);
        self.expectations.push(expectation(key.clone()));
        self
    }

    fn change(&mut self, key: &Key, bytes: usize, change: impl FnOnce(Key) -> Change) -> &mut Self {
        self.weigh(key, bytes);
        self.changes.push(change(key.clone()));
        self
    }

    fn with_json<T: Serialize>(
        &mut self,
        key: &Key,
        value: &T,
        change: impl FnOnce(Key, Vec<u8>) -> Change,
    ) -> &mut Self {
        match serde_json::to_vec(value) {
            Ok(json) => self.change(key, json.len(), |key| change(key, json)),
            Err(error) => {
                self.fault.get_or_insert_with(|| format!("the value of {key} is no JSON: {error}"));
                self
            }
        }
    }

    fn weigh(&mut self, key: &Key, bytes: usize) {
        let length = key.as_bytes().len();
        self.bytes += length + bytes;
        if length > Key::MAX_BYTES {
            self.fault.get_or_insert_with(|| {
                format!("a key of {length} bytes; the longest has {}", Key::MAX_BYTES)
            });
        }
        if self.bytes > Self::MAX_BYTES {
            self.fault.get_or_insert_with(|| {
                format!("a change set of more than {} bytes", Self::MAX_BYTES)
            });
        }
    }
}

//! Logs: entries in a row, each bound to the one before by its hash, the first one to the log's own key.
//!
//! An edit, a gap and an entry of another log show in the chain itself. A cut at the end does not, so the
//! committer keeps a [`Head`] beside each log: how far it goes, and the hash it ends with.

use std::fmt;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{Key, StoreError};

/// A SHA-256 hash; written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What stands before the first entry of a log: the hash of the log's key, so that no log can be passed
    /// off as another's.
    pub fn of_log(log: &Key) -> Self {
        Self(Sha256::digest(log.as_bytes()).into())
    }

    /// The hash of an entry: over the hash of the entry before (32 bytes), the sequence number (8 bytes,
    /// big end first) and the body's JSON text.
    pub fn of_entry(previous: Self, sequence: u64, body: &[u8]) -> Self {
        let digest = Sha256::new()
            .chain_update(previous.0)
            .chain_update(sequence.to_be_bytes())
            .chain_update(body)
            .finalize();
        Self(digest.into())
    }

    /// The hash with these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// How far a log goes: its last entry's sequence number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// From 1; 0 if there is no entry.
    pub sequence: u64,
    /// The last entry's; [`Hash::of_log`] if there is none.
    pub hash: Hash,
}

impl Head {
    /// The head of a log that was never appended to.
    pub fn of_empty(log: &Key) -> Self {
        Self { sequence: 0, hash: Hash::of_log(log) }
    }
}

/// One entry of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Its place in its log, from 1, without gaps.
    pub sequence: u64,
    /// The hash of the entry before; [`Hash::of_log`] for the first.
    pub previous: Hash,
    /// The hash of this entry, as the committer wrote it.
    pub hash: Hash,
    pub(crate) body: Box<[u8]>,
}

impl LogEntry {
    /// The JSON text as it was appended.
    pub fn json(&self) -> &[u8] {
        &self.body
    }

    /// The body.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`] if it is not a `T`.
    pub fn decode<'a, T: Deserialize<'a>>(&'a self) -> Result<T, StoreError> {
        serde_json::from_slice(&self.body).map_err(|error| StoreError::Corrupt {
            reason: format!("log entry {} cannot be read: {error}", self.sequence),
        })
    }
}

/// Follows a log from its first entry on, piece by piece.
#[derive(Clone, Debug)]
pub struct Chain(Head);

/// Where a chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Break {
    /// The sequence number of the first entry that is missing or wrong.
    pub sequence: u64,
    /// What is wrong, in a sentence.
    pub reason: String,
}

impl Chain {
    /// Before the first entry of a log.
    pub fn of(log: &Key) -> Self {
        Self(Head::of_empty(log))
    }

    /// Behind the last entry taken.
    pub fn end(&self) -> Head {
        self.0
    }

    /// Goes on to the next entry.
    ///
    /// # Errors
    ///
    /// An entry that is not as it was written, or that does not follow the last one taken.
    pub fn take(&mut self, entry: &LogEntry) -> Result<(), Break> {
        let Head { sequence: last, hash: previous } = self.0;
        let sequence = last + 1;
        let broken = |reason| Err(Break { sequence, reason });
        if entry.sequence != sequence {
            let found = entry.sequence;
            return broken(format!(
                "Entry {sequence} is missing: entry {found} follows entry {last}."
            ));
        }
        if entry.previous != previous {
            return broken(match last {
                0 => "Entry 1 is not the first entry of this log.".to_owned(),
                _ => {
                    format!("Entry {sequence} was not written after the entry {last} that is here.")
                }
            });
        }
        if entry.hash != Hash::of_entry(previous, sequence, &entry.body) {
            return broken(format!("Entry {sequence} is not as it was written."));
        }
        self.0 = Head { sequence, hash: entry.hash };
        Ok(())
    }

    /// Holds the end, when all entries are taken, against the head that the committer keeps.
    ///
    /// # Errors
    ///
    /// Entries that are missing at the end, or that the committer did not append.
    pub fn close(&self, head: Head) -> Result<(), Break> {
        let end = self.0;
        if end == head {
            return Ok(());
        }
        let (sequence, reason) = if end.sequence < head.sequence {
            let first = end.sequence + 1;
            let reason = if first == head.sequence {
                format!("Entry {first}, the last one, is missing.")
            } else {
                format!("Entries {first} to {}, the last ones, are missing.", head.sequence)
            };
            (first, reason)
        } else if end.sequence > head.sequence {
            let first = head.sequence + 1;
            (first, format!("Entry {first} is there, and the log's head says {}.", head.sequence))
        } else {
            let reason =
                format!("Entry {} is not the one that the log's head names.", end.sequence);
            (end.sequence, reason)
        };
        Err(Break { sequence, reason })
    }
}

//! Logs: entries in a row, each bound to the one before by its hash.

use std::fmt;

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::StoreError;

/// A SHA-256 hash; written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What stands before the first entry of a log: 32 zero bytes.
    pub const NONE: Self = Self([0; 32]);

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

/// One entry of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Its place in its log, from 1, without gaps.
    pub sequence: u64,
    /// The hash of the entry before; [`Hash::NONE`] for the first.
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
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        serde_json::from_slice(&self.body).map_err(|error| StoreError::Corrupt {
            reason: format!("log entry {} cannot be read: {error}", self.sequence),
        })
    }

    /// Whether the entry is as it was written, and follows `before` (`None`: is the first of its log).
    pub fn follows(&self, before: Option<&Self>) -> bool {
        let (sequence, previous) =
            before.map_or((0, Hash::NONE), |entry| (entry.sequence, entry.hash));
        self.sequence == sequence + 1
            && self.previous == previous
            && self.hash == Hash::of_entry(previous, self.sequence, &self.body)
    }
}

//! What can go wrong, and what the caller may conclude from it.

use crate::Key;

/// Why a store could not be opened, or a read not answered.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The storage does not answer now. Trying again later helps: the store reopens itself.
    #[error("the store is unavailable: {reason}")]
    Unavailable {
        /// What the storage said, for the operator's log.
        reason: String,
    },
    /// The disk is full, and even reading needs some space now (to repair the database after a failure).
    /// Trying again helps once there is space.
    #[error("the disk is full")]
    Full,
    /// What is stored cannot be what was written. Trying again does not help; a backup does.
    #[error("the store is corrupt: {reason}")]
    Corrupt {
        /// What was found, for the operator's log.
        reason: String,
    },
    /// Something was written by a newer release. Trying again does not help; that release does.
    #[error("{what} has schema {found}, and this release knows no newer one than {supported}")]
    Newer {
        /// What was being read.
        what: String,
        /// The number found in the store.
        found: u64,
        /// The highest number that this release can read.
        supported: u64,
    },
    /// It was to be filled with another store's rows, and holds something already.
    #[error("{holds} is not empty")]
    NotEmpty {
        /// What is not empty: the path of the database.
        holds: String,
    },
    /// Another process, or another store in this one, holds the database.
    /// Trying again helps once it has ended.
    #[error("{holds} is in use: only one process at a time may open it")]
    InUse {
        /// What is held: the path of the database.
        holds: String,
    },
}

/// Why a change set was not committed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// An expectation did not hold; nothing was changed.
    /// Starting again from a new snapshot helps, trying the same set again does not.
    #[error("{key} has changed meanwhile")]
    Conflict {
        /// The first key, in the order of the set's expectations, that was not as expected.
        key: Key,
    },
    /// An addition would pass its ceiling, or the range of a counter; nothing was changed.
    /// Trying again helps only after the counter has sunk.
    #[error("the counter {key} holds {holds} and cannot take what is to be added")]
    Ceiling {
        /// The counter.
        key: Key,
        /// What it held before the change set.
        holds: i64,
    },
    /// The change set itself is at fault (a value that is no JSON, a key or the set too large);
    /// nothing was changed, and trying again does not help.
    #[error("not a valid change set: {reason}")]
    Invalid {
        /// What is wrong with it.
        reason: String,
    },
    /// Too many change sets wait already; nothing was changed. Trying again later helps.
    #[error("too many changes are waiting to be stored")]
    Busy,
    /// The disk is full. Trying again helps once there is space.
    ///
    /// The change set was kept whole or not at all, and which is not known: read it back, or commit
    /// something that tells (an expectation of absence, say).
    #[error("the disk is full")]
    Full,
    /// The storage failed or does not answer now. Trying again later helps: the store reopens itself.
    ///
    /// The change set was kept whole or not at all, and which is not known, since a storage that reports
    /// a failed sync may still have written everything.
    #[error("the store is unavailable: {reason}")]
    Unavailable {
        /// What the storage said, for the operator's log.
        reason: String,
    },
    /// What is stored cannot be what was written. Trying again does not help; a backup does.
    /// The change set was kept whole or not at all, and which is not known.
    #[error("the store is corrupt: {reason}")]
    Corrupt {
        /// What was found, for the operator's log.
        reason: String,
    },
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::Full,
            StoreError::Corrupt { reason } => Self::Corrupt { reason },
            StoreError::Unavailable { reason } => Self::Unavailable { reason },
            StoreError::Newer { .. } | StoreError::InUse { .. } | StoreError::NotEmpty { .. } => {
                Self::Unavailable { reason: error.to_string() }
            }
        }
    }
}

impl CommitError {
    /// Whether it is certain that nothing of the change set was kept.
    pub fn nothing_was_kept(&self) -> bool {
        match self {
            Self::Conflict { .. } | Self::Ceiling { .. } | Self::Invalid { .. } | Self::Busy => {
                true
            }
            Self::Full | Self::Unavailable { .. } | Self::Corrupt { .. } => false,
        }
    }
}

//! Where things are kept: ordered keys, versions, counters and logs.
//!
//! The store knows nothing of billing. A decision is made on a [`Snapshot`] and becomes one
//! [`ChangeSet`]: what it rested on, and what it changes, committed all or nothing. Whoever loses a race
//! is told so by [`CommitError::Conflict`] and starts again from a new snapshot; nobody holds a lock or a
//! transaction while deciding.
//!
//! - [`Key`]: a typed, ordered key that cannot leave its [`Space`]
//! - [`Record`] and [`Document`]: a value with its version and the number of its schema
//! - [`ChangeSet`]: expectations and changes
//! - [`Store`] and [`Snapshot`]: what an engine offers; every engine passes the same conformance suite
//! - [`Row`], [`export`] and [`Loader`]: all that a store keeps, as it is, on its way to another store
//! - [`RedbStore`]: the embedded engine

#![warn(missing_docs)]
#![forbid(unsafe_code)]

mod change;
mod error;
mod key;
mod layout;
mod log;
mod redb;
mod row;
mod store;
mod value;

pub use self::redb::{Options, RedbLoader, RedbSnapshot, RedbStore, Stats};
pub use change::{ChangeSet, Committed};
pub use error::{CommitError, StoreError};
pub use key::{Key, KeyBuilder, Part, Prefix, Space};
pub use layout::FORMAT;
pub use log::{Break, Chain, Hash, Head, LogEntry};
pub use row::{Row, export};
pub use store::{Loader, LogScan, Scan, Snapshot, Store};
pub use value::{Document, Record, WithCounters};

//! What an engine offers.

use std::future::Future;

use crate::{
    ChangeSet, CommitError, Committed, Head, Key, LogEntry, Prefix, Record, Row, Space, StoreError,
};

/// A place where change sets are kept.
///
/// Change sets take effect one after another, as if there were no others at the same time
/// (serializable), and a snapshot taken after a commit has been answered shows it.
pub trait Store: Send + Sync + 'static {
    /// The engine's consistent view.
    type Snapshot: Snapshot;

    /// A consistent view of what is committed now.
    ///
    /// Cheap; take one for each decision, and do not keep it, since what it shows cannot be cleared away
    /// while it lives.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] while the storage does not answer.
    fn snapshot(&self) -> impl Future<Output = Result<Self::Snapshot, StoreError>> + Send;

    /// Commits all or nothing; durable when it returns.
    ///
    /// Dropping the future does not call the change set back: it may be kept or not.
    ///
    /// # Errors
    ///
    /// [`CommitError`] tells of each whether anything was kept and whether trying again helps.
    fn commit(
        &self,
        change: ChangeSet,
    ) -> impl Future<Output = Result<Committed, CommitError>> + Send;
}

/// Fills a store that never held anything with the rows of another one, as they are: nothing is numbered or
/// hashed anew. Of what is loaded nothing is kept until it is finished.
pub trait Loader: Send {
    /// Takes the next rows. Every row of an [`export`](crate::export) is to come once; their order is free.
    ///
    /// # Errors
    ///
    /// [`StoreError::Full`] and [`StoreError::Unavailable`] if the storage refuses.
    fn load(&mut self, rows: &[Row]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Keeps all of it, durably. `version` is what the other store's snapshot said: the next change set has
    /// a greater one.
    ///
    /// # Errors
    ///
    /// As for [`Loader::load`].
    fn finish(self, version: u64) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// What was committed at one moment; later commits do not show.
///
/// Every method fails with [`StoreError::Unavailable`] if the storage stops answering, and with
/// [`StoreError::Corrupt`] if what it finds cannot be what was written.
pub trait Snapshot: Send + Sync {
    /// One record, if there is one.
    fn get(&self, key: &Key) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send;

    /// The version of one record, if there is one: whether it is as it was, at the cost of no copy.
    fn record_version(
        &self,
        key: &Key,
    ) -> impl Future<Output = Result<Option<u64>, StoreError>> + Send;

    /// Records under a prefix, in the order of their keys.
    fn scan(
        &self,
        prefix: &Prefix,
        scan: Scan,
    ) -> impl Future<Output = Result<Vec<(Key, Record)>, StoreError>> + Send;

    /// What a counter holds; 0 if it was never added to.
    fn counter(&self, counter: &Key) -> impl Future<Output = Result<i64, StoreError>> + Send;

    /// Counters under a prefix that do not hold 0, in the order of their keys.
    fn counters(
        &self,
        prefix: &Prefix,
        scan: Scan,
    ) -> impl Future<Output = Result<Vec<(Key, i64)>, StoreError>> + Send;

    /// Entries of one log; none if it was never appended to.
    fn log(
        &self,
        log: &Key,
        scan: LogScan,
    ) -> impl Future<Output = Result<Vec<LogEntry>, StoreError>> + Send;

    /// How far a log goes, as the committer keeps it beside the log, so that a look at it costs the same
    /// however long the log is, and a cut at the log's end shows. [`Head::of_empty`] if it was never
    /// appended to.
    fn log_head(&self, log: &Key) -> impl Future<Output = Result<Head, StoreError>> + Send;

    /// Logs under a prefix that have an entry or a head, in the order of their keys, behind `after`; at most
    /// `limit`.
    fn logs(
        &self,
        prefix: &Prefix,
        after: Option<&Key>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Key>, StoreError>> + Send;

    /// Spaces in which there is a record, a counter or a log, in order, behind `after`; at most `limit`.
    /// With [`Prefix::of_space`] this is the way to all there is.
    fn spaces(
        &self,
        after: Option<&Space>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Space>, StoreError>> + Send;

    /// The number of the last change set that it shows; 0 if there was none.
    fn version(&self) -> impl Future<Output = Result<u64, StoreError>> + Send;
}

/// Which part of a prefix to read.
#[derive(Clone, Debug)]
pub struct Scan {
    /// Begin behind this key, in the direction of the scan; it need not exist. A key before the prefix
    /// is the same as none, and behind a key past the prefix there is nothing.
    pub after: Option<Key>,
    /// At most so many.
    pub limit: usize,
    /// From the last key to the first.
    pub reverse: bool,
}

impl Scan {
    /// The first `limit`, from the first key on.
    pub fn first(limit: usize) -> Self {
        Self { after: None, limit, reverse: false }
    }

    /// The last `limit`, from the last key backwards.
    pub fn last(limit: usize) -> Self {
        Self { reverse: true, ..Self::first(limit) }
    }

    /// Those behind a key: the next page, given the last key of this one.
    #[must_use]
    pub fn after(self, key: Key) -> Self {
        Self { after: Some(key), ..self }
    }
}

/// Which part of a log to read.
#[derive(Clone, Copy, Debug)]
pub struct LogScan {
    /// Begin behind this sequence number, in the direction of the scan.
    pub after: Option<u64>,
    /// At most so many.
    pub limit: usize,
    /// From the last entry to the first.
    pub newest_first: bool,
}

impl LogScan {
    /// The oldest `limit` entries, oldest first.
    pub fn oldest(limit: usize) -> Self {
        Self { after: None, limit, newest_first: false }
    }

    /// The newest `limit` entries, newest first.
    pub fn newest(limit: usize) -> Self {
        Self { newest_first: true, ..Self::oldest(limit) }
    }

    /// Those behind a sequence number: the next page, given the last one of this page.
    #[must_use]
    pub fn after(self, sequence: u64) -> Self {
        Self { after: Some(sequence), ..self }
    }
}

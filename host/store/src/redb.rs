//! The embedded engine: redb, one file, one process.
//!
//! One thread owns the database and writes ([`committer`]); after every commit it publishes a view of it
//! ([`snapshot`]), and readers share the newest one. So taking a snapshot is an atomic load, reads never wait
//! for a write, and nobody but the committer keeps the database open when it has to be closed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use arc_swap::ArcSwapOption;
use redb::{Database, StorageBackend};
use tokio::sync::oneshot;

use crate::{ChangeSet, CommitError, Committed, Store, StoreError};

mod apply;
mod committer;
mod damage;
mod database;
mod file;
mod load;
mod rows;
mod snapshot;

use committer::{Committer, Request};
use database::store_error;
pub use load::RedbLoader;
pub use snapshot::RedbSnapshot;
use snapshot::View;

/// How much an engine may use.
#[derive(Clone, Debug)]
pub struct Options {
    /// Memory for pages read and written, in bytes.
    pub cache_bytes: usize,
    /// Change sets that may wait; more are answered [`CommitError::Busy`].
    pub queue_sets: usize,
    /// Bytes of change sets that may wait; a set that finds the queue empty is always taken.
    pub queue_bytes: usize,
    /// Change sets in one commit at most.
    pub batch_sets: usize,
    /// Bytes after which a commit takes no further change set.
    pub batch_bytes: usize,
    /// Whether a record that is not as it was written is an error for whoever reads it. Only who tells of all such
    /// records reads them as they are.
    pub holds_against_seals: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: 128 << 20,
            queue_sets: 4096,
            queue_bytes: 64 << 20,
            batch_sets: 1024,
            batch_bytes: 8 << 20,
            holds_against_seals: true,
        }
    }
}

/// What the engine has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Whether it serves now; not while it reopens the database after a failure.
    pub healthy: bool,
    /// Commits to the disk.
    pub commits: u64,
    /// Change sets kept; divided by `commits`, the change sets a commit.
    pub change_sets: u64,
    /// Change sets refused because an expectation did not hold.
    pub conflicts: u64,
    /// Change sets refused because of a ceiling.
    pub ceilings: u64,
    /// Commits that failed because of the storage.
    pub failures: u64,
    /// Most change sets kept by one commit.
    pub largest_batch: u64,
}

/// A store in one file. Dropping it commits what waits, and closes the file.
#[derive(Debug)]
pub struct RedbStore {
    shared: Arc<Shared>,
    /// Taken on drop, which is how the committer learns that no more will come.
    requests: Option<SyncSender<Request>>,
    committer: Option<JoinHandle<()>>,
    options: Options,
}

/// What the store and its committer both see.
#[derive(Debug, Default)]
struct Shared {
    /// What is committed; nothing while the storage has failed.
    view: ArcSwapOption<View>,
    /// Whether the storage refused a read; redb then refuses all of them until the database is opened anew.
    read_failed: Arc<AtomicBool>,
    /// Bytes of the change sets in the queue.
    waiting: AtomicUsize,
    stats: Mutex<Stats>,
}

impl Shared {
    fn count(&self, update: impl FnOnce(&mut Stats)) {
        update(&mut self.stats.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl RedbStore {
    /// Opens the database at `path`, or makes one that its owner alone may read.
    ///
    /// # Errors
    ///
    /// [`StoreError::InUse`] if another process has it open, [`StoreError::Newer`] if a newer release wrote
    /// it, [`StoreError::Corrupt`] if it is no database, [`StoreError::Full`] and
    /// [`StoreError::Unavailable`] if the disk refuses.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, StoreError> {
        let path = PathBuf::from(path.as_ref());
        let cache_bytes = options.cache_bytes;
        Self::start(move || file::open(&path, cache_bytes), options)
    }

    /// The same, once every page was read from the disk and held against its checksum, which takes about a second for
    /// each GiB. Opening alone reads next to nothing, so that a damaged page shows when somebody comes upon it.
    ///
    /// # Errors
    ///
    /// As for [`RedbStore::open`], and [`StoreError::Corrupt`] if a page is not as it was written.
    pub fn open_verified(path: impl AsRef<Path>, options: Options) -> Result<Self, StoreError> {
        let path = PathBuf::from(path.as_ref());
        let cache_bytes = options.cache_bytes;
        let open = move || {
            let mut database = file::open(&path, cache_bytes)?;
            database::verify(&mut database)?;
            Ok(database)
        };
        Self::start(open, options)
    }

    /// Opens a database on storage of another kind; for tests that make it fail.
    ///
    /// `connect` is called now, and again each time the storage has failed and must be opened anew. Unlike a
    /// file, storage in which a database was only half made cannot be used again.
    ///
    /// # Errors
    ///
    /// As for [`RedbStore::open`].
    pub fn with_backend<B: StorageBackend>(
        mut connect: impl FnMut() -> io::Result<B> + Send + 'static,
        options: Options,
    ) -> Result<Self, StoreError> {
        let cache_bytes = options.cache_bytes;
        let open =
            move || database::open(connect().map_err(store_error)?, cache_bytes, "the storage");
        Self::start(open, options)
    }

    fn start(
        open: impl FnMut() -> Result<Database, StoreError> + Send + 'static,
        options: Options,
    ) -> Result<Self, StoreError> {
        damage::keep_quiet();
        let shared = Arc::new(Shared::default());
        let (sender, requests) = sync_channel(options.queue_sets);
        let committer =
            Committer::open(Box::new(open), requests, Arc::clone(&shared), options.clone())?;
        let committer = std::thread::Builder::new()
            .name("store-committer".to_owned())
            .spawn(move || {
                // The database is closed here too, which reads and writes.
                let ended = damage::caught(|| {
                    committer.run();
                    Ok(())
                });
                if let Err(error) = ended {
                    tracing::error!(%error, "nothing is committed until the next start");
                }
            })
            .map_err(|error| StoreError::Unavailable {
                reason: format!("no thread for the committer: {error}"),
            })?;
        Ok(Self { shared, requests: Some(sender), committer: Some(committer), options })
    }

    /// What it has done so far, and whether it serves.
    pub fn stats(&self) -> Stats {
        let stats = *self.shared.stats.lock().unwrap_or_else(PoisonError::into_inner);
        Stats { healthy: self.shared.view.load().is_some(), ..stats }
    }

    /// Puts a change set into the queue; the receiver is for its answer.
    fn submit(&self, set: ChangeSet) -> Result<oneshot::Receiver<Answer>, CommitError> {
        if let Some(reason) = set.fault {
            return Err(CommitError::Invalid { reason });
        }
        let bytes = set.bytes;
        let waiting = self.shared.waiting.fetch_add(bytes, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        let sent = if waiting > 0 && waiting + bytes > self.options.queue_bytes {
            Err(CommitError::Busy)
        } else {
            self.requests.as_ref().map_or(Err(stopped()), |requests| {
                requests.try_send(Request { set, answer }).map_err(|error| match error {
                    TrySendError::Full(_) => CommitError::Busy,
                    TrySendError::Disconnected(_) => stopped(),
                })
            })
        };
        if sent.is_err() {
            self.shared.waiting.fetch_sub(bytes, Ordering::Relaxed);
        }
        sent.map(|()| answered)
    }
}

type Answer = Result<Committed, CommitError>;

fn stopped() -> CommitError {
    CommitError::Unavailable { reason: "the committer has stopped".to_owned() }
}

impl Store for RedbStore {
    type Snapshot = RedbSnapshot;

    async fn snapshot(&self) -> Result<RedbSnapshot, StoreError> {
        if self.shared.read_failed.swap(false, Ordering::Relaxed) {
            // Where nobody writes, nobody else would tell the committer: a commit fails too, and it heals.
            let _ = self.submit(ChangeSet::new());
        }
        self.shared.view.load_full().map(RedbSnapshot::new).ok_or_else(|| StoreError::Unavailable {
            reason: "the database is being reopened after a failure".to_owned(),
        })
    }

    async fn commit(&self, change: ChangeSet) -> Answer {
        let answered = self.submit(change)?;
        answered.await.unwrap_or_else(|_| Err(stopped()))
    }
}

impl Drop for RedbStore {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(committer) = self.committer.take() {
            // It has already said so if it has panicked.
            let _ = committer.join();
        }
    }
}

//! Writing: one thread, which commits all change sets that wait at once.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use redb::Database;
use tokio::sync::oneshot;

use super::apply::Writer;
use super::damage::caught;
use super::database::{begin_write, store_error};
use super::snapshot::View;
use super::{Answer, Options, Shared};
use crate::{ChangeSet, CommitError, StoreError};

/// How long to wait before the database is opened again, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A change set that waits, and where its answer goes.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) set: ChangeSet,
    pub(super) answer: oneshot::Sender<Answer>,
}

impl Request {
    fn answer(self, answer: Answer) {
        // Whoever asked may have gone; that changes nothing.
        let _ = self.answer.send(answer);
    }
}

/// Opens the database, and opens it again after a failure.
pub(super) type Open = Box<dyn FnMut() -> Result<Database, StoreError> + Send>;

pub(super) struct Committer {
    open: Open,
    /// Nothing only while it is being reopened.
    database: Option<Database>,
    requests: Receiver<Request>,
    shared: Arc<Shared>,
    options: Options,
}

/// All senders are gone: the store is being dropped.
struct Closing;

impl Committer {
    pub(super) fn open(
        open: Open,
        requests: Receiver<Request>,
        shared: Arc<Shared>,
        options: Options,
    ) -> Result<Self, StoreError> {
        let mut committer = Self { open, database: None, requests, shared, options };
        committer.reopen()?;
        Ok(committer)
    }

    /// Commits until no more can come.
    pub(super) fn run(mut self) {
        // Also when this thread panics: a store that cannot write must not look healthy.
        let _unpublish = Unpublish(Arc::clone(&self.shared));
        while let Ok(first) = self.requests.recv() {
            let batch = self.batch(first);
            match caught(|| self.commit(&batch)) {
                Ok(answers) => {
                    for (request, answer) in batch.into_iter().zip(answers) {
                        request.answer(answer);
                    }
                }
                Err(error) => {
                    self.fail(batch, &error);
                    if let Err(Closing) = self.heal(error) {
                        return;
                    }
                }
            }
        }
    }

    /// The change set that came first and those that wait behind it, as many as one commit may take.
    fn batch(&self, first: Request) -> Vec<Request> {
        let mut bytes = first.set.bytes;
        let mut batch = vec![first];
        while batch.len() < self.options.batch_sets && bytes < self.options.batch_bytes {
            let Ok(next) = self.requests.try_recv() else {
                break;
            };
            bytes += next.set.bytes;
            batch.push(next);
        }
        self.shared.waiting.fetch_sub(bytes, Ordering::Relaxed);
        batch
    }

    /// Commits a batch and publishes what it made. After an error the database must be reopened.
    fn commit(&self, batch: &[Request]) -> Result<Vec<Answer>, StoreError> {
        let Some(database) = &self.database else {
            return Err(StoreError::Unavailable { reason: "the database is closed".to_owned() });
        };
        let transaction = begin_write(database)?;
        let mut writer = Writer::open(&transaction)?;
        let mut answers = Vec::with_capacity(batch.len());
        for request in batch {
            answers.push(writer.apply(&request.set)?);
        }
        if answers.iter().any(Result::is_ok) {
            writer.finish()?;
            transaction.commit().map_err(store_error)?;
            self.publish(database)?;
        } else {
            drop(writer);
            transaction.abort().map_err(store_error)?;
        }
        self.count(&answers);
        Ok(answers)
    }

    fn count(&self, answers: &[Answer]) {
        self.shared.count(|stats| {
            let mut kept = 0;
            for answer in answers {
                match answer {
                    Ok(_) => kept += 1,
                    Err(CommitError::Ceiling { .. }) => stats.ceilings += 1,
                    Err(_) => stats.conflicts += 1,
                }
            }
            stats.commits += u64::from(kept > 0);
            stats.change_sets += kept;
            stats.largest_batch = stats.largest_batch.max(kept);
        });
    }

    /// Tells a whole batch that it is not known to be kept. A refusal in it is not answered as such either:
    /// it may rest on a set before it in the batch.
    fn fail(&self, batch: Vec<Request>, error: &StoreError) {
        self.shared.view.store(None);
        self.shared.count(|stats| stats.failures += 1);
        for request in batch {
            request.answer(Err(error.clone().into()));
        }
    }

    /// Opens the database again, since redb refuses all work after a failed read or write until then, and
    /// answers those that come meanwhile.
    fn heal(&mut self, mut error: StoreError) -> Result<(), Closing> {
        let mut pause = FIRST_PAUSE;
        loop {
            tracing::error!(%error, "the store has failed and is being reopened");
            match self.reopen() {
                Ok(()) => {
                    tracing::info!("the store serves again");
                    return Ok(());
                }
                Err(again) => error = again,
            }
            self.refuse_for(pause, &error)?;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn refuse_for(&self, pause: Duration, error: &StoreError) -> Result<(), Closing> {
        let end = Instant::now() + pause;
        loop {
            match self.requests.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(request) => {
                    self.shared.waiting.fetch_sub(request.set.bytes, Ordering::Relaxed);
                    request.answer(Err(error.clone().into()));
                }
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(Closing),
            }
        }
    }

    /// Closes the database if it is open, opens it, and publishes what it holds.
    fn reopen(&mut self) -> Result<(), StoreError> {
        caught(|| {
            // First, since the new one could not lock the file that the old one still holds.
            self.database = None;
            let database = (self.open)()?;
            self.publish(&database)?;
            self.database = Some(database);
            Ok(())
        })
    }

    fn publish(&self, database: &Database) -> Result<(), StoreError> {
        let view = View::open(
            database,
            Arc::clone(&self.shared.read_failed),
            self.options.holds_against_seals,
        )?;
        self.shared.view.store(Some(Arc::new(view)));
        Ok(())
    }
}

struct Unpublish(Arc<Shared>);

impl Drop for Unpublish {
    fn drop(&mut self) {
        self.0.view.store(None);
    }
}

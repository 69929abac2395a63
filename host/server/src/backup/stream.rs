//! Backups of a running server.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use planwright_store::{Snapshot, Store, StoreError};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::spool::{self, Spool};
use crate::data_dir::DataDir;

/// Takes backups, one at a time: each takes a core and room on the disk.
pub(crate) struct Backups {
    folder: PathBuf,
    secret: String,
    place: Arc<Semaphore>,
}

/// Why no backup is begun.
pub(crate) enum NoBackup {
    /// Another one is under way.
    Busy,
    /// The store does not answer.
    Store(StoreError),
    /// The data folder takes no file.
    Folder(io::Error),
}

impl Backups {
    /// Of a folder that nobody else has open; what a server left there that was killed is deleted.
    pub(crate) fn new(data_dir: &DataDir) -> Self {
        if let Err(error) = spool::clear(data_dir.path()) {
            tracing::warn!(%error, "what backups left that were broken off was not deleted");
        }
        Self {
            folder: data_dir.path().to_owned(),
            secret: data_dir.secret().to_owned(),
            place: Arc::new(Semaphore::new(1)),
        }
    }

    /// A backup of everything that is committed now, as it is written. It ends with an error if the store
    /// or the disk does not go on; then it is no backup.
    ///
    /// # Errors
    /// [`NoBackup`] says why it cannot even begin.
    pub(crate) async fn begin<S: Store>(
        &self,
        store: &S,
        taken_at: i64,
    ) -> Result<impl Stream<Item = io::Result<Bytes>> + use<S>, NoBackup> {
        let place = Arc::clone(&self.place).try_acquire_owned().map_err(|_| NoBackup::Busy)?;
        let snapshot = store.snapshot().await.map_err(NoBackup::Store)?;
        let (spool, spooled) = Spool::create(&self.folder).map_err(NoBackup::Folder)?;
        let secret = self.secret.clone();
        let span = tracing::Span::current();
        // On a thread that may wait for the disk, and be busy compressing.
        tokio::task::spawn_blocking(move || {
            let _in_request = span.enter();
            write(&snapshot, &secret, taken_at, spool);
        });
        Ok(spooled.stream(place))
    }
}

fn write<N: Snapshot>(snapshot: &N, secret: &str, taken_at: i64, spool: Spool) {
    let written =
        Handle::current().block_on(super::write(snapshot, secret, taken_at, spool, |_| {}));
    match written {
        Ok((totals, spool)) => {
            spool.finish();
            tracing::info!(rows = totals.all(), "a backup is written");
        }
        Err(error) => tracing::warn!(%error, "a backup was not finished"),
    }
}

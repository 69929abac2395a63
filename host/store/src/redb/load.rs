//! Taking over what another store held.

use std::path::Path;

use redb::{Database, StorageBackend, WriteTransaction};

use super::apply::Writer;
use super::damage;
use super::database::{self, begin_write, store_error};
use super::file;
use crate::{Loader, Row, StoreError};

/// Fills a new database, in one transaction: until `finish` a crash leaves an empty one.
pub struct RedbLoader {
    // Before the database, since it is to be dropped first.
    transaction: WriteTransaction,
    _database: Database,
}

impl RedbLoader {
    /// Makes the database at `path`, or takes one there that never held anything.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotEmpty`] if it holds something, and as for [`RedbStore::open`](super::RedbStore::open).
    pub fn open(path: impl AsRef<Path>, cache_bytes: usize) -> Result<Self, StoreError> {
        let path = path.as_ref();
        damage::keep_quiet();
        damage::caught(|| Self::on(file::open(path, cache_bytes)?, &path.display().to_string()))
    }

    /// The same on storage of another kind; for tests.
    ///
    /// # Errors
    ///
    /// As for [`RedbLoader::open`].
    pub fn with_backend(
        backend: impl StorageBackend,
        cache_bytes: usize,
    ) -> Result<Self, StoreError> {
        let name = "the storage";
        Self::on(database::open(backend, cache_bytes, name)?, name)
    }

    fn on(database: Database, name: &str) -> Result<Self, StoreError> {
        let transaction = begin_write(&database)?;
        if Writer::open(&transaction)?.has_held_something() {
            return Err(StoreError::NotEmpty { holds: name.to_owned() });
        }
        Ok(Self { transaction, _database: database })
    }
}

impl Loader for RedbLoader {
    async fn load(&mut self, rows: &[Row]) -> Result<(), StoreError> {
        let mut writer = Writer::open(&self.transaction)?;
        rows.iter().try_for_each(|row| writer.keep(row))
    }

    async fn finish(self, version: u64) -> Result<(), StoreError> {
        Writer::open(&self.transaction)?.finish_at(version)?;
        self.transaction.commit().map_err(store_error)
    }
}

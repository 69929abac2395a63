//! The database as a file.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use redb::Database;
use redb::backends::FileBackend;

use super::database::{self, store_error};
use crate::StoreError;

/// Opens the database at `path`, or makes one.
///
/// A file in which redb was interrupted while it made the database is no database to it ever after. So a
/// new one is made under another name, and gets its own when it is whole.
pub(super) fn open(path: &Path, cache_bytes: usize) -> Result<Database, StoreError> {
    match File::options().read(true).write(true).open(path) {
        Ok(file) if is_empty(&file).map_err(store_error)? => {
            let reason = format!("{} is empty, and no database ever is", path.display());
            Err(StoreError::Corrupt { reason })
        }
        Ok(file) => open_in(file, path, cache_bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(path, cache_bytes),
        Err(error) => Err(store_error(error)),
    }
}

fn open_in(file: File, path: &Path, cache_bytes: usize) -> Result<Database, StoreError> {
    let backend = FileBackend::new(file).map_err(store_error)?;
    database::open(backend, cache_bytes, &path.display().to_string())
}

fn is_empty(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.len() == 0)
}

fn create(path: &Path, cache_bytes: usize) -> Result<Database, StoreError> {
    let mut unfinished = OsString::from(path);
    unfinished.push(".new");
    let file = private_file(Path::new(&unfinished)).map_err(store_error)?;
    // From here on this process alone makes the database. The lock goes with the file into redb, and with
    // the file to its new name.
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(StoreError::InUse { holds: path.display().to_string() });
        }
        Err(TryLockError::Error(error)) => return Err(store_error(error)),
    }
    if path.try_exists().map_err(store_error)? {
        // Another process has finished it meanwhile.
        drop(file);
        return open(path, cache_bytes);
    }
    file.set_len(0).map_err(store_error)?;
    let database = open_in(file, path, cache_bytes)?;
    std::fs::rename(&unfinished, path).and_then(|()| sync_folder_of(path)).map_err(store_error)?;
    Ok(database)
}

/// Opens or makes a file that only its owner may read.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a name durable: syncing a file keeps what is in it, not that its folder lists it.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let here = Path::new(".");
        let folder = if folder.as_os_str().is_empty() { here } else { folder };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

//! The data folder: the store, the secret, and native code of plugins. Readable by its owner alone.

mod probe;
mod restoring;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use planwright_service::edge::Entropy;

pub(crate) use probe::Probe;
pub(crate) use restoring::Restoring;

/// An open data folder.
pub struct DataDir {
    path: PathBuf,
    secret: String,
    is_new: bool,
}

/// A data folder that cannot be used, in a sentence.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    #[error("cannot use the data folder {}: {source}", path.display())]
    Unusable { path: PathBuf, source: io::Error },
    #[error(
        "{} does not hold a secret of at least 32 characters. Put it back from a backup, or delete it to \
         have a new one made (every token signed with the old one is void then)",
        path.display()
    )]
    BadSecret { path: PathBuf },
    #[error(
        "there is no data folder at {}. Start `planwright serve` once, or name another with --data-dir",
        path.display()
    )]
    Missing { path: PathBuf },
    #[error(
        "a restore into {} was not finished, so it holds no data yet. Run `planwright restore` on it again",
        path.display()
    )]
    Unfinished { path: PathBuf },
    #[error(
        "{} holds data already. Name a folder with --data-dir that does not, and nothing is overwritten",
        path.display()
    )]
    HoldsData { path: PathBuf },
    #[error("another restore into {} is under way", path.display())]
    Restoring { path: PathBuf },
}

/// A store that cannot be read, in a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[error(
    "the store {} is damaged: {reason}. Keep a copy of it, and restore your last backup with `planwright restore` \
     into another folder",
    file.display()
)]
pub struct DamagedStore {
    pub(crate) file: PathBuf,
    pub(crate) reason: String,
}

impl DataDir {
    /// Opens the folder, and makes it with a fresh secret if it is not there.
    ///
    /// # Errors
    /// Whatever the file system says, a restore that was not finished, and a secret that is too short to be
    /// one.
    pub fn open_or_create(path: &Path, entropy: &dyn Entropy) -> Result<Self, DataDirError> {
        let unusable = |source| DataDirError::Unusable { path: path.to_owned(), source };
        if restoring::is_unfinished(path) {
            return Err(DataDirError::Unfinished { path: path.to_owned() });
        }
        make_private_folder(path).map_err(unusable)?;
        let is_new = write_secret(path, entropy).map_err(unusable)?;
        let opened = Self::open(path)?;
        Ok(Self { is_new, ..opened })
    }

    /// Opens a folder that is there; it may be in use by a running server.
    ///
    /// # Errors
    /// No folder, or a secret that is too short to be one.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let file = secret_in(path);
        let secret = match fs::read_to_string(&file) {
            Ok(text) => text.trim().to_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(DataDirError::Missing { path: path.to_owned() });
            }
            Err(source) => return Err(DataDirError::Unusable { path: file, source }),
        };
        if secret.chars().count() < 32 {
            return Err(DataDirError::BadSecret { path: file });
        }
        Ok(Self { path: path.to_owned(), secret, is_new: false })
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Signs tokens and native code.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Whether this start made it.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// The store's file.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        store_in(&self.path)
    }

    /// Where native code of plugins is kept.
    #[must_use]
    pub fn plugin_cache(&self) -> PathBuf {
        self.path.join("plugins")
    }
}

/// The store's file in a data folder.
#[must_use]
pub fn store_in(data_dir: &Path) -> PathBuf {
    data_dir.join("planwright.redb")
}

fn secret_in(data_dir: &Path) -> PathBuf {
    data_dir.join("secret")
}

#[cfg(unix)]
fn make_private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make_private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Writes a fresh secret unless there is one.
fn write_secret(folder: &Path, entropy: &dyn Entropy) -> io::Result<bool> {
    if secret_in(folder).exists() {
        return Ok(false);
    }
    put_secret(folder, &hex::encode(entropy.draw()))
}

/// Puts a secret in its place; false if there is one. It is whole or not there at all, also after a crash: it
/// is written beside its place, for its owner alone, and put there unless somebody else was first.
fn put_secret(folder: &Path, secret: &str) -> io::Result<bool> {
    let mut draft = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(draft, "{secret}")?;
    draft.as_file().sync_all()?;
    match draft.persist_noclobber(secret_in(folder)) {
        Ok(_) => Ok(true),
        Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(failed) => Err(failed.error),
    }
}

/// Makes what a folder lists durable.
pub(crate) fn sync(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let here = Path::new(".");
        let folder = if folder.as_os_str().is_empty() { here } else { folder };
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::SystemEntropy;

    #[test]
    fn a_first_start_makes_a_secret_for_its_owner_alone_and_later_ones_keep_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let first = DataDir::open_or_create(&path, &SystemEntropy).unwrap();
        let again = DataDir::open_or_create(&path, &SystemEntropy).unwrap();
        assert!(first.is_new() && !again.is_new());
        assert_eq!((first.secret().len(), first.secret()), (64, again.secret()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(&path.join("secret"))), (0o700, 0o600));
        }
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1, "no draft is left behind");
    }

    #[test]
    fn a_missing_folder_and_a_short_secret_are_said() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(DataDir::open(folder.path()), Err(DataDirError::Missing { .. })));
        fs::write(folder.path().join("secret"), "short\n").unwrap();
        let opened = DataDir::open_or_create(folder.path(), &SystemEntropy);
        assert!(matches!(opened, Err(DataDirError::BadSecret { .. })));
    }
}

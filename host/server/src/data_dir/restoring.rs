//! A data folder that is being filled from a backup.
//!
//! What is restored lies in a folder within it until it is whole, and is then put in its place, the store
//! last. As long as that folder is there and the store is not, nobody takes the data folder for a new one.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::{DataDirError, make_private_folder, put_secret, secret_in, store_in, sync};

/// Where the restored store lies until it is whole.
const UNFINISHED: &str = "restoring";

/// Whether a restore into the folder was begun and not finished.
pub(super) fn is_unfinished(data_dir: &Path) -> bool {
    data_dir.join(UNFINISHED).exists() && !store_in(data_dir).exists()
}

/// A data folder that is being filled. Dropped before it is finished, it is as it was.
pub(crate) struct Restoring {
    path: PathBuf,
    /// Whether the data folder was not there before.
    is_new: bool,
    /// Whether the secret in the data folder is the backup's.
    has_secret: bool,
    /// Held, so that two restores do not fill one folder.
    _lock: File,
}

impl Restoring {
    /// Takes a folder that holds no data, or makes one.
    ///
    /// # Errors
    /// A folder that holds a store or a secret, another restore into it, and whatever the file system says.
    pub(crate) fn begin(path: &Path) -> Result<Self, DataDirError> {
        let unusable = |source| DataDirError::Unusable { path: path.to_owned(), source };
        let is_resumed = is_unfinished(path);
        let holds_data = || DataDirError::HoldsData { path: path.to_owned() };
        if store_in(path).exists() || (secret_in(path).exists() && !is_resumed) {
            return Err(holds_data());
        }
        let is_new = !path.exists();
        let unfinished = path.join(UNFINISHED);
        make_private_folder(&unfinished).map_err(unusable)?;
        let lock = File::create(unfinished.join("lock")).map_err(unusable)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => DataDirError::Restoring { path: path.to_owned() },
            TryLockError::Error(source) => unusable(source),
        })?;
        let restoring = Self { path: path.to_owned(), is_new, has_secret: false, _lock: lock };
        // Another restore may have ended meanwhile.
        if store_in(path).exists() {
            return Err(holds_data());
        }
        if is_resumed {
            let store = restoring.store();
            let half_made = store.with_extension("redb.new");
            for left in [store, half_made, secret_in(path)] {
                remove(&left).map_err(unusable)?;
            }
        }
        Ok(restoring)
    }

    /// Where the store is to be made.
    pub(crate) fn store(&self) -> PathBuf {
        store_in(&self.path.join(UNFINISHED))
    }

    /// Puts everything in its place, durably; the store must be whole and closed.
    ///
    /// # Errors
    /// Whatever the file system says, and data that somebody else has put there meanwhile.
    pub(crate) fn finish(mut self, secret: &str) -> Result<(), DataDirError> {
        let path = self.path.clone();
        self.put_in_place(secret)
            .map_err(|source| DataDirError::Unusable { path: path.clone(), source })?;
        // From here on the data folder is one; what is left of the restore goes with `self`.
        drop(self);
        sync(&path).map_err(|source| DataDirError::Unusable { path, source })
    }

    fn put_in_place(&mut self, secret: &str) -> io::Result<()> {
        self.has_secret = put_secret(&self.path, secret)?;
        if !self.has_secret {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a secret in it"));
        }
        let store = TempPath::try_from_path(self.store())?;
        store.persist_noclobber(store_in(&self.path)).map_err(|failed| failed.error)?;
        sync(&self.path)?;
        self.path.parent().map_or(Ok(()), sync)
    }
}

impl Drop for Restoring {
    fn drop(&mut self) {
        let unfinished = self.path.join(UNFINISHED);
        if self.has_secret && !store_in(&self.path).exists() {
            // It is worth nothing without the store, and would be taken for somebody's own.
            let _ = remove(&secret_in(&self.path));
        }
        if let Err(error) = fs::remove_dir_all(&unfinished) {
            tracing::warn!(path = %unfinished.display(), %error, "what a restore left was not deleted");
        }
        if self.is_new {
            // Not where something else is in it by now.
            let _ = fs::remove_dir(&self.path);
        }
    }
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_dir::DataDir;
    use crate::edge::SystemEntropy;

    const SECRET: &str = "0123456789012345678901234567890123456789";

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_not_finished_leaves_nothing_and_what_is_leaves_a_data_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let restoring = Restoring::begin(&path).unwrap();
        fs::write(restoring.store(), "half").unwrap();
        drop(restoring);
        assert!(!path.exists());

        let restoring = Restoring::begin(&path).unwrap();
        fs::write(restoring.store(), "whole").unwrap();
        restoring.finish(SECRET).unwrap();
        assert_eq!(names(&path), ["planwright.redb", "secret"]);
        assert_eq!(DataDir::open(&path).unwrap().secret(), SECRET);
    }

    #[test]
    fn a_folder_with_data_in_it_or_another_restore_is_refused_and_left_alone() {
        for file in ["secret", "planwright.redb"] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(file), "mine").unwrap();
            let begun = Restoring::begin(folder.path());
            assert!(matches!(begun, Err(DataDirError::HoldsData { .. })), "{file}");
            assert_eq!(names(folder.path()), [file]);
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("lost+found"), "").unwrap();
        let restoring = Restoring::begin(folder.path()).unwrap();
        let begun = Restoring::begin(folder.path());
        assert!(matches!(begun, Err(DataDirError::Restoring { .. })));
        drop(restoring);
        assert_eq!(names(folder.path()), ["lost+found"]);
    }

    /// What a kill leaves, at each step on the way.
    #[test]
    fn nobody_starts_on_what_an_interrupted_restore_left_and_the_next_restore_goes_over_it() {
        for left in
            [&["restoring/lock"][..], &["restoring/lock", "restoring/planwright.redb", "secret"]]
        {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path();
            fs::create_dir(path.join("restoring")).unwrap();
            for file in left {
                fs::write(path.join(file), SECRET).unwrap();
            }
            let opened = DataDir::open_or_create(path, &SystemEntropy);
            assert!(matches!(opened, Err(DataDirError::Unfinished { .. })));

            let restoring = Restoring::begin(path).unwrap();
            fs::write(restoring.store(), "whole").unwrap();
            restoring.finish(&SECRET.repeat(2)).unwrap();
            let opened = DataDir::open_or_create(path, &SystemEntropy).unwrap();
            assert_eq!((opened.secret(), opened.is_new()), (SECRET.repeat(2).as_str(), false));
        }
        // Both are in their place: all that is missing is that the rest is cleared away.
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("restoring")).unwrap();
        for file in ["secret", "planwright.redb"] {
            fs::write(folder.path().join(file), SECRET).unwrap();
        }
        DataDir::open_or_create(folder.path(), &SystemEntropy).unwrap();
    }
}

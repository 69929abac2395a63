//! Native code on disk. To load native code is to trust it with everything, so each file carries a
//! message authentication code, and one that does not match is as good as absent.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Length of the code at the front of a file.
const MAC_BYTES: usize = 32;
/// How the names of all files of native code end.
const ENDING: &str = ".native";

/// A folder of native code, by the component's digest and what the code was compiled for. Any number of
/// processes may share it: a file appears whole, and the same name always means the same content.
pub(crate) struct Cache {
    folder: PathBuf,
    key: [u8; 32],
    fingerprint: [u8; 32],
}

impl Cache {
    /// Opens the folder, making it readable by its owner alone where it is missing.
    pub(crate) fn open(folder: &Path, key: [u8; 32], fingerprint: [u8; 32]) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        Ok(Self { folder: folder.to_owned(), key, fingerprint })
    }

    /// Deletes what was compiled for other engines: nobody runs it any more, and a server that does compiles it
    /// anew.
    pub(crate) fn sweep(&self) -> io::Result<()> {
        let ours = self.ending();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.ends_with(ENDING) && !name.ends_with(&ours) {
                match fs::remove_file(entry.path()) {
                    // Another server sweeps, too.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    done => done?,
                }
            }
        }
        Ok(())
    }

    /// Deletes the native code of a component, if there is any.
    pub(crate) fn remove(&self, digest: &[u8; 32]) -> io::Result<()> {
        match fs::remove_file(self.path(digest)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The native code of a component, if it is there and nobody has touched it.
    pub(crate) fn load(&self, digest: &[u8; 32]) -> Option<Vec<u8>> {
        let path = self.path(digest);
        let mut file = fs::read(&path).ok()?;
        let genuine = file
            .split_at_checked(MAC_BYTES)
            .is_some_and(|(mac, code)| self.mac(digest, code).verify_slice(mac).is_ok());
        if !genuine {
            tracing::warn!(path = %path.display(), "compiled code was changed; it is compiled anew");
            return None;
        }
        file.drain(..MAC_BYTES);
        Some(file)
    }

    /// Keeps the native code of a component.
    pub(crate) fn store(&self, digest: &[u8; 32], code: &[u8]) -> io::Result<()> {
        // A temporary file is readable by its owner alone, and so stays what it becomes.
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(&self.mac(digest, code).finalize().into_bytes())?;
        file.write_all(code)?;
        file.as_file().sync_all()?;
        file.persist(self.path(digest))?;
        Ok(())
    }

    fn path(&self, digest: &[u8; 32]) -> PathBuf {
        self.folder.join(format!("{}{}", hex::encode(digest), self.ending()))
    }

    /// How the names of files for this engine end.
    fn ending(&self) -> String {
        format!(".{}{ENDING}", hex::encode(&self.fingerprint[..8]))
    }

    /// Covers all that a file is for, so that a genuine file under another's name is not genuine.
    fn mac(&self, digest: &[u8; 32], code: &[u8]) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(b"planwright native code 1\0");
        mac.update(&self.fingerprint);
        mac.update(digest);
        mac.update(code);
        mac
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const DIGEST: [u8; 32] = [1; 32];
    const OTHER: [u8; 32] = [2; 32];

    fn cache(folder: &Path, key: u8) -> Cache {
        Cache::open(folder, [key; 32], [9; 32]).unwrap()
    }

    #[test]
    fn what_was_kept_is_found_again_by_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        let cache = cache(&inner, 1);
        assert_eq!(cache.load(&DIGEST), None);
        cache.store(&DIGEST, b"code").unwrap();
        assert_eq!(cache.load(&DIGEST).as_deref(), Some(&b"code"[..]));
        assert_eq!(cache.load(&OTHER), None);
        for (path, expected) in [(cache.path(&DIGEST), 0o600), (inner, 0o700)] {
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, expected, "{}", path.display());
        }
    }

    #[test]
    fn what_was_made_for_other_engines_is_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let old = Cache::open(folder.path(), [1; 32], [8; 32]).unwrap();
        let new = cache(folder.path(), 1);
        old.store(&DIGEST, b"old").unwrap();
        new.store(&DIGEST, b"new").unwrap();
        fs::write(folder.path().join("notes.txt"), "mine").unwrap();
        new.sweep().unwrap();
        assert_eq!(old.load(&DIGEST), None);
        assert!(new.load(&DIGEST).is_some());
        assert!(folder.path().join("notes.txt").exists());
        for _ in 0..2 {
            new.remove(&DIGEST).unwrap();
            assert_eq!(new.load(&DIGEST), None);
        }
    }

    #[test]
    fn a_file_that_was_touched_is_as_good_as_absent() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path(), 1);
        cache.store(&DIGEST, b"native code").unwrap();
        let path = cache.path(&DIGEST);
        let whole = fs::read(&path).unwrap();

        let mut forgeries: Vec<Vec<u8>> = (0..whole.len()).map(|at| whole[..at].to_vec()).collect();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            forgeries.push(changed);
        }
        forgeries.push([whole.as_slice(), b"more"].concat());
        for forged in forgeries {
            fs::write(&path, &forged).unwrap();
            assert_eq!(cache.load(&DIGEST), None, "{forged:?}");
        }
        fs::write(&path, &whole).unwrap();
        assert!(cache.load(&DIGEST).is_some());
    }

    #[test]
    fn a_file_counts_under_its_own_name_key_and_engine_only() {
        let folder = tempfile::tempdir().unwrap();
        let first = cache(folder.path(), 1);
        first.store(&DIGEST, b"code").unwrap();
        fs::copy(first.path(&DIGEST), first.path(&OTHER)).unwrap();
        assert_eq!(first.load(&OTHER), None);
        assert_eq!(cache(folder.path(), 2).load(&DIGEST), None);

        let upgraded = Cache::open(folder.path(), [1; 32], [8; 32]).unwrap();
        fs::copy(first.path(&DIGEST), upgraded.path(&DIGEST)).unwrap();
        assert_eq!(upgraded.load(&DIGEST), None);
    }
}

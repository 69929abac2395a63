//! Whether what is written to the data folder would still be kept.

use std::fs::Metadata;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, Semaphore};

use super::{DataDir, store_in};

/// How long an answer of the disk is good for, however often it is asked.
const GOOD_FOR: Duration = Duration::from_secs(5);

/// How long the disk may take to keep a little.
const PATIENCE: Duration = Duration::from_secs(5);

/// As much as a small commit writes.
const A_LITTLE: u64 = 64 << 10;

/// Why nothing would be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("the data folder is gone, or another is in its place")]
    Gone,
    #[error("the disk refuses writes")]
    Refuses,
    #[error("the disk does not answer")]
    Silent,
}

/// Looks at the folder every time, and tries the disk now and then: a try costs a sync.
pub(crate) struct Probe {
    store: PathBuf,
    /// Which file the store is; an open file lives on without its name, and dies with the process.
    identity: Option<(u64, u64)>,
    write: Arc<dyn Fn() -> io::Result<()> + Send + Sync>,
    good_for: Duration,
    last: Mutex<Option<(Instant, Result<(), Trouble>)>>,
    /// A disk that does not answer keeps one thread waiting and not one for each look.
    place: Arc<Semaphore>,
}

impl Probe {
    /// Of a folder whose store is open.
    pub(crate) fn new(data_dir: &DataDir) -> Self {
        let folder = data_dir.path().to_owned();
        Self::with(data_dir.path(), GOOD_FOR, move || write_a_little(&folder))
    }

    fn with(
        folder: &Path,
        good_for: Duration,
        write: impl Fn() -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let store = store_in(folder);
        Self {
            identity: std::fs::metadata(&store).ok().and_then(|found| identity(&found)),
            store,
            write: Arc::new(write),
            good_for,
            last: Mutex::default(),
            place: Arc::new(Semaphore::new(1)),
        }
    }

    /// Whether a write would be kept, as far as can be told for little.
    ///
    /// # Errors
    /// What is in the way.
    pub(crate) async fn look(&self) -> Result<(), Trouble> {
        let found = tokio::fs::metadata(&self.store).await.map_err(|_| Trouble::Gone)?;
        if identity(&found) != self.identity {
            return Err(Trouble::Gone);
        }
        let mut last = self.last.lock().await;
        if let Some((at, answer)) = *last
            && at.elapsed() < self.good_for
        {
            return answer;
        }
        let answer = self.try_disk().await;
        *last = Some((Instant::now(), answer));
        answer
    }

    async fn try_disk(&self) -> Result<(), Trouble> {
        let place = Arc::clone(&self.place).try_acquire_owned().map_err(|_| Trouble::Silent)?;
        let write = Arc::clone(&self.write);
        let written = tokio::task::spawn_blocking(move || {
            let _place = place;
            write()
        });
        match tokio::time::timeout(PATIENCE, written).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => {
                tracing::warn!(%error, "the disk refuses writes");
                Err(Trouble::Refuses)
            }
            Ok(Err(_)) => Err(Trouble::Refuses),
            Err(_) => Err(Trouble::Silent),
        }
    }
}

/// Into a file without a name, so that nothing is left.
fn write_a_little(folder: &Path) -> io::Result<()> {
    let mut file = tempfile::tempfile_in(folder)?;
    io::copy(&mut io::repeat(0).take(A_LITTLE), &mut file)?;
    file.sync_data()
}

#[cfg(unix)]
fn identity(file: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Option<(u64, u64)> {
    None
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(store_in(folder.path()), "a store").unwrap();
        folder
    }

    /// A disk that says yes as long as there is room.
    fn disk(folder: &Path, good_for: Duration) -> (Probe, Arc<AtomicU32>, Arc<AtomicU32>) {
        let (room, tries) = (Arc::new(AtomicU32::new(1)), Arc::<AtomicU32>::default());
        let (seen, counted) = (Arc::clone(&room), Arc::clone(&tries));
        let probe = Probe::with(folder, good_for, move || {
            counted.fetch_add(1, Ordering::SeqCst);
            let is_full = seen.load(Ordering::SeqCst) == 0;
            if is_full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        });
        (probe, room, tries)
    }

    #[tokio::test]
    async fn a_disk_that_refuses_is_seen_and_so_is_its_coming_back() {
        let folder = folder();
        let (probe, room, _) = disk(folder.path(), Duration::ZERO);
        for (blocks, expected) in [(1, Ok(())), (0, Err(Trouble::Refuses)), (1, Ok(()))] {
            room.store(blocks, Ordering::SeqCst);
            assert_eq!(probe.look().await, expected);
        }
    }

    #[tokio::test]
    async fn however_often_it_is_asked_the_disk_is_tried_now_and_then() {
        let folder = folder();
        let (probe, _, tries) = disk(folder.path(), Duration::from_secs(3_600));
        for _ in 0..100 {
            probe.look().await.unwrap();
        }
        assert_eq!(tries.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_real_disk_is_written_to_and_nothing_is_left() {
        let folder = folder();
        let path = folder.path().to_owned();
        let probe = Probe::with(&path.clone(), Duration::ZERO, move || write_a_little(&path));
        probe.look().await.unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_folder_that_is_gone_or_another_is_seen_at_once() {
        let folder = folder();
        let (probe, ..) = disk(folder.path(), Duration::from_secs(3_600));
        probe.look().await.unwrap();
        let store = store_in(folder.path());
        let moved = store.with_extension("moved");
        std::fs::rename(&store, &moved).unwrap();
        assert_eq!(probe.look().await, Err(Trouble::Gone));
        std::fs::write(&store, "another").unwrap();
        assert_eq!(probe.look().await, Err(Trouble::Gone));
        std::fs::rename(&moved, &store).unwrap();
        assert_eq!(probe.look().await, Ok(()));
    }
}

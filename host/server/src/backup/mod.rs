//! A backup: all of a data folder that cannot be made again, in one file.
//!
//! | bytes | what |
//! | --- | --- |
//! | 18 | `planwright backup` and a line feed |
//! | 4 | the number of the format, big end first |
//! | … | compressed (zlib): frames, each its length (4 bytes, big end first) and its content |
//! | 32 | SHA-256 of everything before |
//!
//! The first frame is the [`Header`] as JSON, then comes a frame for each row of the store, then an empty one,
//! and last the [`Totals`] as JSON. It is written from front to back without knowing how long it becomes,
//! and whoever reads it holds one row at a time (`host/docs/0005-backup.md`).

mod read;
mod restore;
mod spool;
mod stream;

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use planwright_store::{Row, Snapshot, StoreError, export};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::data_dir::DataDirError;

pub(crate) use read::Archive;
pub(crate) use restore::restore;
pub(crate) use stream::{Backups, NoBackup};

const MAGIC: &[u8; 18] = b"planwright backup\n";

/// The format that this release writes and reads.
const FORMAT: u32 = 1;

/// What a backup says of itself.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Header {
    /// The release that wrote it.
    pub(crate) release: String,
    /// When, in Unix seconds.
    pub(crate) taken_at: i64,
    /// The number of the layout of the store's rows.
    pub(crate) store_format: u64,
    /// How many change sets it shows.
    pub(crate) store_version: u64,
    /// The data folder's secret, without which no token holds.
    pub(crate) secret: String,
}

impl fmt::Debug for Header {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { release, taken_at, store_format, store_version, .. } = self;
        formatter
            .debug_struct("Header")
            .field("release", release)
            .field("taken_at", taken_at)
            .field("store_format", store_format)
            .field("store_version", store_version)
            .finish_non_exhaustive()
    }
}

/// How much is in a backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub(crate) records: u64,
    /// Counters that do not hold 0.
    pub(crate) counters: u64,
    pub(crate) log_entries: u64,
}

impl Totals {
    /// A log's head counts with its entries.
    fn count(&mut self, row: &Row) {
        match row {
            Row::Record { .. } => self.records += 1,
            Row::Counter { .. } => self.counters += 1,
            Row::Entry { .. } => self.log_entries += 1,
            Row::Head { .. } => {}
        }
    }

    pub(crate) fn all(&self) -> u64 {
        self.records + self.counters + self.log_entries
    }
}

/// Why a backup is not taken or not restored, in a sentence.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    #[error("{} is not a Planwright backup", path.display())]
    NoBackup { path: PathBuf },
    #[error(
        "{} has backup format {found}, and this release knows no newer one than {FORMAT}. Restore it with \
         the release that wrote it, or a later one",
        path.display()
    )]
    Newer { path: PathBuf, found: u32 },
    #[error("{} is damaged: {reason}. It cannot be restored", path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error("cannot use {}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error("cannot write the backup: {0}")]
    Writing(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Writes what a snapshot shows, and gives back where it went. `progress` hears of every row.
///
/// # Errors
/// When the store does not answer, or `out` does not take it; what was written until then is no backup.
pub(crate) async fn write<N: Snapshot, W: Write + Send>(
    snapshot: &N,
    secret: &str,
    taken_at: i64,
    out: W,
    mut progress: impl FnMut(&Totals) + Send,
) -> Result<(Totals, W), BackupError> {
    let header = Header {
        release: env!("CARGO_PKG_VERSION").to_owned(),
        taken_at,
        store_format: planwright_store::FORMAT,
        store_version: snapshot.version().await?,
        secret: secret.to_owned(),
    };
    let mut out = Hashing { out, hash: Sha256::new() };
    out.write_all(MAGIC)?;
    out.write_all(&FORMAT.to_be_bytes())?;
    // Fast: a backup is to keep a snapshot for a short time rather than to be small.
    let mut frames = ZlibEncoder::new(out, Compression::fast());
    frame(&mut frames, &json(&header)?)?;
    let mut totals = Totals::default();
    export(snapshot, |row| {
        frame(&mut frames, &row.encode())?;
        totals.count(&row);
        progress(&totals);
        Ok::<(), BackupError>(())
    })
    .await?;
    frame(&mut frames, &[])?;
    frame(&mut frames, &json(&totals)?)?;
    let Hashing { mut out, hash } = frames.finish()?;
    out.write_all(&hash.finalize())?;
    out.flush()?;
    Ok((totals, out))
}

fn json(value: &impl Serialize) -> io::Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(io::Error::other)
}

fn frame(out: &mut impl Write, content: &[u8]) -> io::Result<()> {
    let length = u32::try_from(content.len()).map_err(io::Error::other)?;
    out.write_all(&length.to_be_bytes())?;
    out.write_all(content)
}

/// Hashes what goes through.
struct Hashing<W> {
    out: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

//! Reading a backup that somebody brings: nothing in it is used before its checksum fits.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Take};
use std::path::{Path, PathBuf};

use flate2::bufread::ZlibDecoder;
use planwright_store::{Row, StoreError};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::{BackupError, FORMAT, Header, MAGIC, Totals};

/// The magic and the format.
const HEAD_BYTES: u64 = 22;
const CHECKSUM_BYTES: u64 = 32;

type Frames = ZlibDecoder<BufReader<Take<File>>>;

/// A backup whose checksum fits, read row by row.
#[derive(Debug)]
pub(crate) struct Archive {
    path: PathBuf,
    pub(crate) header: Header,
    /// How long the file is.
    pub(crate) bytes: u64,
    frames: Frames,
    totals: Totals,
}

impl Archive {
    /// Reads all of a file once, to see that it is a whole backup, of a format that is known.
    ///
    /// # Errors
    /// Whatever keeps it from being one.
    pub(crate) fn open(path: &Path) -> Result<Self, BackupError> {
        let unusable = |source| BackupError::File { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(unusable)?;
        let bytes = file.metadata().map_err(unusable)?.len();
        check_head(&mut file, path)?;
        if !has_its_checksum(&mut file, bytes).map_err(unusable)? {
            let reason = "it was cut off, or a part of it is not as it was written".to_owned();
            return Err(BackupError::Damaged { path: path.to_owned(), reason });
        }
        file.seek(SeekFrom::Start(HEAD_BYTES)).map_err(unusable)?;
        let content = file.take(bytes - HEAD_BYTES - CHECKSUM_BYTES);
        let mut frames = ZlibDecoder::new(BufReader::new(content));
        let header: Header = read_json(&mut frames).map_err(|error| BackupError::Damaged {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        if header.store_format > planwright_store::FORMAT {
            return Err(BackupError::Store(StoreError::Newer {
                what: format!("the store in {}", path.display()),
                found: header.store_format,
                supported: planwright_store::FORMAT,
            }));
        }
        Ok(Self { path: path.to_owned(), header, bytes, frames, totals: Totals::default() })
    }

    /// The next row; nothing behind the last one, where all have been counted and nothing follows.
    ///
    /// # Errors
    /// What is no row, although the checksum fits: a mistake of whoever wrote it, or a disk that changes
    /// its mind.
    pub(crate) fn next_row(&mut self) -> Result<Option<Row>, BackupError> {
        let read = self.read_row();
        read.map_err(|error| BackupError::Damaged {
            path: self.path.clone(),
            reason: error.to_string(),
        })
    }

    /// How much has been read.
    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }

    fn read_row(&mut self) -> io::Result<Option<Row>> {
        let frame = read_frame(&mut self.frames)?;
        if frame.is_empty() {
            self.check_end()?;
            return Ok(None);
        }
        let row = Row::decode(&frame).map_err(io::Error::other)?;
        self.totals.count(&row);
        Ok(Some(row))
    }

    fn check_end(&mut self) -> io::Result<()> {
        let written: Totals = read_json(&mut self.frames)?;
        if written != self.totals {
            return Err(io::Error::other("it does not hold as many rows as it says"));
        }
        let more = self.frames.read(&mut [0])? > 0 || !self.frames.get_mut().fill_buf()?.is_empty();
        if more {
            return Err(io::Error::other("something follows its end"));
        }
        Ok(())
    }
}

fn check_head(file: &mut File, path: &Path) -> Result<(), BackupError> {
    let path = || path.to_owned();
    let (mut magic, mut format) = ([0; MAGIC.len()], [0; 4]);
    let read = file.read_exact(&mut magic).and_then(|()| file.read_exact(&mut format));
    match read {
        Ok(()) if magic == *MAGIC => {}
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            return Err(BackupError::File { path: path(), source: error });
        }
        _ => return Err(BackupError::NoBackup { path: path() }),
    }
    match u32::from_be_bytes(format) {
        FORMAT => Ok(()),
        found if found > FORMAT => Err(BackupError::Newer { path: path(), found }),
        _ => Err(BackupError::NoBackup { path: path() }),
    }
}

/// Whether a file ends with the hash of everything before.
fn has_its_checksum(file: &mut File, bytes: u64) -> io::Result<bool> {
    let Some(hashed) = bytes.checked_sub(CHECKSUM_BYTES).filter(|rest| *rest > HEAD_BYTES) else {
        return Ok(false);
    };
    file.seek(SeekFrom::Start(0))?;
    let mut hash = Sha256::new();
    let mut content = BufReader::with_capacity(1 << 16, file.take(hashed));
    loop {
        let piece = content.fill_buf()?;
        let length = piece.len();
        if length == 0 {
            break;
        }
        hash.update(piece);
        content.consume(length);
    }
    let mut checksum = Vec::new();
    file.read_to_end(&mut checksum)?;
    Ok(checksum == hash.finalize()[..])
}

/// One frame. What it says of its length is not believed further than a row can be long.
fn read_frame(frames: &mut Frames) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    frames.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if usize::try_from(length).map_or(true, |length| length > Row::MAX_BYTES) {
        return Err(io::Error::other("a row is longer than any can be"));
    }
    let mut frame = Vec::new();
    frames.by_ref().take(length.into()).read_to_end(&mut frame)?;
    if frame.len() < usize::try_from(length).unwrap_or(usize::MAX) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(frame)
}

fn read_json<T: DeserializeOwned>(frames: &mut Frames) -> io::Result<T> {
    serde_json::from_slice(&read_frame(frames)?).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use serde_json::json;

    use super::*;

    /// A file whose checksum fits, with these frames in it and these bytes behind them.
    fn file(frames: &[Vec<u8>], behind: &[u8]) -> tempfile::NamedTempFile {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        for content in frames {
            crate::backup::frame(&mut encoder, content).unwrap();
        }
        let compressed = encoder.finish().unwrap();
        let content = [&MAGIC[..], &FORMAT.to_be_bytes(), &compressed, behind].concat();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&content).unwrap();
        file.write_all(&Sha256::digest(&content)).unwrap();
        file
    }

    fn header(store_format: u64) -> Vec<u8> {
        json!({
            "release": "1.0.0", "taken_at": 1, "store_format": store_format, "store_version": 2,
            "secret": "0123456789012345678901234567890123456789",
        })
        .to_string()
        .into_bytes()
    }

    fn read(file: &tempfile::NamedTempFile) -> Result<Totals, BackupError> {
        let mut archive = Archive::open(file.path())?;
        while archive.next_row()?.is_some() {}
        Ok(archive.totals())
    }

    #[test]
    fn what_whoever_wrote_it_got_wrong_is_said_although_the_checksum_fits() {
        let totals = |records: u64| {
            json!({"records": records, "counters": 0, "log_entries": 0}).to_string().into_bytes()
        };
        let (header, end) = (header(planwright_store::FORMAT), Vec::new());
        let whole = [header.clone(), end.clone(), totals(0)];
        assert_eq!(read(&file(&whole, b"")).unwrap(), Totals::default());
        for (frames, behind, part) in [
            (&[header.clone(), end.clone(), totals(1)][..], &b""[..], "as many rows as it says"),
            (&[header.clone(), end.clone()], b"", "failed to fill whole buffer"),
            (&[header.clone(), b"no row".to_vec(), end.clone()], b"", "corrupt"),
            (&[header.clone(), vec![b'r'; Row::MAX_BYTES + 1]], b"", "longer than any can be"),
            (&[b"{}".to_vec()], b"", "missing field"),
            (&[header, end.clone(), totals(0), end], b"", "something follows"),
            (&whole, b"more", "something follows"),
        ] {
            let error = read(&file(frames, behind)).unwrap_err();
            assert!(matches!(error, BackupError::Damaged { .. }), "{error}");
            assert!(error.to_string().contains(part), "{part}: {error}");
        }
    }

    #[test]
    fn a_store_of_a_newer_layout_is_refused_and_both_numbers_are_named() {
        let newer = file(&[header(planwright_store::FORMAT + 5)], b"");
        let refused = Archive::open(newer.path()).unwrap_err();
        let (found, known) = (planwright_store::FORMAT + 5, planwright_store::FORMAT);
        let said = refused.to_string();
        assert!(
            said.contains(&format!("schema {found}")) && said.contains(&known.to_string()),
            "{said}"
        );
    }
}

//! A backup on its way to a client. It is written to a file without a name as fast as the disk takes it, and
//! read from there as fast as the client does, so that no client keeps a snapshot for longer than the disk.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use futures_util::stream::try_unfold;
use tokio::io::AsyncReadExt;
use tokio::sync::watch;

/// How the name of such a file begins, for the moment in which it has one.
const PREFIX: &str = ".backup-";

/// How much is sent at once.
const PIECE: usize = 64 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Writing,
    Whole,
}

/// The end that is written.
pub(super) struct Spool {
    file: File,
    state: watch::Sender<State>,
}

/// The end that is read.
pub(super) struct Spooled {
    file: tokio::fs::File,
    state: watch::Receiver<State>,
}

/// Deletes files that a server left which was killed before it could take their names away. Nobody else may be using the
/// folder.
pub(super) fn clear(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if is_ours && entry.file_type()?.is_file() {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

impl Spool {
    /// Both ends of a file in a folder. It has no name, so it is gone when both are, also after a crash.
    ///
    /// # Errors
    /// What the file system says.
    pub(super) fn create(folder: &Path) -> io::Result<(Self, Spooled)> {
        let named = tempfile::Builder::new().prefix(PREFIX).tempfile_in(folder)?;
        let read = tokio::fs::File::from_std(named.reopen()?);
        let (file, name) = named.into_parts();
        name.close()?;
        let (sender, receiver) = watch::channel(State::Writing);
        Ok((Self { file, state: sender }, Spooled { file: read, state: receiver }))
    }

    /// Tells the reader that it has all when it has read this far. Without it, the reader fails.
    pub(super) fn finish(self) {
        self.state.send_replace(State::Whole);
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.state.is_closed() {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "nobody reads it any more"));
        }
        let written = self.file.write(bytes)?;
        self.state.send_replace(State::Writing);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Spooled {
    /// All that is written, as it comes; `kept` is dropped with the stream.
    pub(super) fn stream<T>(self, kept: T) -> impl Stream<Item = io::Result<Bytes>> {
        try_unfold((self, kept), |(mut spooled, kept)| async move {
            let piece = spooled.next().await?;
            Ok(piece.map(|piece| (piece, (spooled, kept))))
        })
    }

    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            // Looked at before the read: what is whole then, is read whole.
            let state = *self.state.borrow_and_update();
            let mut piece = BytesMut::with_capacity(PIECE);
            if self.file.read_buf(&mut piece).await? > 0 {
                return Ok(Some(piece.freeze()));
            }
            if state == State::Whole {
                return Ok(None);
            }
            if self.state.changed().await.is_err() && *self.state.borrow() != State::Whole {
                return Err(io::Error::other("the backup was not finished"));
            }
        }
    }
}

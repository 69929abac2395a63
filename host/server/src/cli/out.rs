//! What commands answer, on standard output.

use std::io::{self, ErrorKind, Write};

use super::Failure;

/// Writes what is the answer, as it is. Where nobody reads any more (`… | head`), the command ends as if it was read.
///
/// # Errors
/// A disk that is full, say: the answer would be lost.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("cannot write to standard output: {error}").into())
        }
        _ => Ok(()),
    }
}

/// The same with the end of a line.
pub(super) fn print_line(text: &str) -> Result<(), Failure> {
    print(&format!("{text}\n"))
}

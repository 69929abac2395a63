//! Skeleton.
#![allow(missing_docs, clippy::todo, reason = "skeleton")]
use std::process::ExitCode;

/// All that the hidden subcommand does: reads a component from standard input, writes native code to
/// standard output. Call it first thing in `main`, before any thread (tokio) is started.
pub fn compile_child() -> ExitCode {
    todo!()
}

//! The real program, where tests can find it: cargo tells a package only of its own binaries.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    planwright_server::cli::main()
}

//! The `planwright` binary.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    planwright_server::cli::main()
}

//! Compiles one component, from standard input to standard output.

use std::process::ExitCode;

fn main() -> ExitCode {
    planwright_plugin_host::compile_child()
}

//! The compile target: there, added, or asked for.
//!
//! `rust-toolchain.toml` names it, but rustup reads that only when it installs the toolchain itself; where the
//! toolchain was there before, the build would end with "can't find crate for `core`".

use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::TARGET;

/// Makes sure that the target's standard library is there; the error is what a person should type.
pub(crate) fn ensure(root: &Path, shared: &Path) -> Result<(), String> {
    if is_there(root) {
        return Ok(());
    }
    // Build scripts run side by side, and rustup does not expect company.
    let turn =
        File::create(shared.join("adding-target.lock")).and_then(|file| file.lock().map(|()| file));
    let _turn = turn.map_err(|error| format!("{} cannot be locked: {error}", shared.display()))?;
    if is_there(root) {
        return Ok(());
    }
    let why = match add(root).output() {
        Ok(output) if output.status.success() && is_there(root) => return Ok(()),
        Ok(output) => format!("rustup could not add it: {}", last_line(&output.stderr)),
        Err(error) => format!("rustup, which could add it, is not on the PATH ({error})"),
    };
    Err(format!(
        "The plugins need the compile target {TARGET}, and {why}. Type: {}",
        line_to_type()
    ))
}

/// Asks the compiler that will be used. It names the folder whether it is there or not.
fn is_there(root: &Path) -> bool {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(root)
        .output();
    output
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .is_some_and(|folder| PathBuf::from(folder.trim()).is_dir())
}

fn add(root: &Path) -> Command {
    let mut command = Command::new("rustup");
    command.args(["target", "add", TARGET]).args(toolchain()).current_dir(root);
    command
}

fn line_to_type() -> String {
    ["rustup", "target", "add", TARGET]
        .into_iter()
        .map(str::to_owned)
        .chain(toolchain())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The toolchain that cargo runs from, where it runs from one of rustup's.
fn toolchain() -> Vec<String> {
    env::var("RUSTUP_TOOLCHAIN")
        .map(|name| vec!["--toolchain".to_owned(), name])
        .unwrap_or_default()
}

/// A message to cargo is one line, and the last of rustup's says what is wrong.
fn last_line(text: &[u8]) -> String {
    String::from_utf8_lossy(text).lines().last().unwrap_or_default().to_owned()
}

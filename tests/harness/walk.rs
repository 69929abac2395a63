//! What the README shows, and a shell to type it into.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::PLANWRIGHT;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

pub(crate) fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).unwrap()
}

/// A fenced block and the mark above it: `<!-- run -->`.
pub(crate) struct Block {
    pub(crate) mark: String,
    pub(crate) text: String,
}

pub(crate) fn blocks() -> Vec<Block> {
    let readme = readme();
    let mut lines = readme.lines();
    let mut blocks = Vec::new();
    while let Some(line) = lines.next() {
        let mark = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"));
        let Some(mark) = mark else { continue };
        assert!(lines.next().unwrap().starts_with("```"), "{mark} has no block");
        let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        blocks.push(Block { mark: mark.to_owned(), text: text.join("\n") });
    }
    blocks
}

/// The only block with this mark.
pub(crate) fn block(mark: &str) -> String {
    only(mark, |block| block.mark == mark)
}

fn only(what: &str, wanted: impl Fn(&Block) -> bool) -> String {
    let found: Vec<Block> = blocks().into_iter().filter(wanted).collect();
    assert_eq!(found.len(), 1, "one block: {what}");
    found.into_iter().next().unwrap().text
}

/// A plugin that the README shows, made in a fresh folder with the commands that it gives, but for the name.
pub(crate) fn made(mark: &str, name: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("planwright");
    std::fs::create_dir(&place).unwrap();
    let file = name.replace('-', "_");
    std::fs::write(place.join(format!("{file}.rs")), block(mark)).unwrap();
    let steps = only("how a plugin is made", |block| block.text.contains("cargo new"));
    let steps = steps.replace("round-prices", name).replace("round_prices", &file);
    type_in(&place, &here(&steps));
    let target = folder.path().join(name).join("target/wasm32-wasip2/release");
    std::fs::read(target.join(format!("{file}.wasm"))).unwrap()
}

/// Commands whose folder is not the repository.
pub(crate) fn here(commands: &str) -> String {
    commands.replace("$HERE/plugins/sdk", &root().join("plugins/sdk").display().to_string())
}

/// Types commands into a shell in this folder, and gives what they say. None of them may fail.
pub(crate) fn type_in(place: &Path, commands: &str) -> String {
    let programs = tempfile::tempdir().unwrap();
    stand_in_for_cargo(programs.path());
    let path = std::env::var("PATH").unwrap();
    let mut shell = Command::new("sh");
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if ["CARGO_", "RUSTC", "PLANWRIGHT_"].iter().any(|begin| name.starts_with(begin)) {
            shell.env_remove(name);
        }
    }
    let output = shell
        .args(["-c", &format!("set -e\n{commands}")])
        .current_dir(place)
        .env("PATH", format!("{}:{path}", programs.path().display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A `cargo` whose `run` is the program itself, with what comes after `--`. What builds a plugin is the real one, with
/// the versions that are tested here; `cargo new` makes no repository.
fn stand_in_for_cargo(folder: &Path) {
    let cargo = env!("CARGO");
    let root = root();
    let lock = root.join("Cargo.lock");
    // Kept from run to run, as a target folder is, and for all plugins: the SDK is built once.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("own-plugins");
    let script = format!(
        r#"#!/bin/sh
case "$1" in
run)
    while [ "$1" != "--" ]; do shift; done
    shift
    exec '{PLANWRIGHT}' "$@"
    ;;
new)
    shift
    exec '{cargo}' new --vcs none "$@"
    ;;
build)
    cp '{lock}' .
    mkdir -p '{target}'
    ln -sfn '{target}' target
    exec '{cargo}' "$@"
    ;;
*)
    exec '{cargo}' "$@"
    ;;
esac
"#,
        lock = lock.display(),
        target = target.display(),
    );
    let path = folder.join("cargo");
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

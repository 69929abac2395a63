//! Builds plugins of this workspace into components, from the build script of a crate that embeds them:
//!
//! ```no_run
//! use planwright_guest_build::Guest;
//!
//! planwright_guest_build::build(&[Guest { package: "planwright-identity", folder: "plugins/identity" }]);
//! ```
//!
//! Then `include_bytes!(env!("WASM_PLANWRIGHT_IDENTITY"))` is the component.
//!
//! Nothing needs to be typed before: the target is added through rustup where it is missing.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![expect(clippy::print_stdout, reason = "a build script speaks to cargo on standard output")]

mod target;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-wasip2";
/// The profile in the workspace's manifest: small, and the same bytes from the same source.
const PROFILE: &str = "guest";
/// What every guest is made of besides its own folder, from the workspace's root.
const SHARED: [&str; 5] = ["wit", "plugins/sdk", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml"];

/// A plugin of this workspace.
#[derive(Clone, Copy, Debug)]
pub struct Guest {
    /// Its package's name.
    pub package: &'static str,
    /// Where it lies, from the workspace's root.
    pub folder: &'static str,
}

impl Guest {
    /// `planwright-identity` is `WASM_PLANWRIGHT_IDENTITY`. It does not begin with the package's name: cargo
    /// sets it for what it runs too, and there `PLANWRIGHT_…` are settings.
    fn variable(self) -> String {
        format!("WASM_{}", self.package.to_uppercase().replace('-', "_"))
    }

    /// `planwright-identity` is `planwright_identity.wasm`.
    fn file(self) -> String {
        format!("{}.wasm", self.package.replace('-', "_"))
    }
}

/// Builds the guests and tells cargo where each one is: a variable that is named after its package.
///
/// Where that cannot be done, cargo is told why, and fails.
pub fn build(guests: &[Guest]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for path in SHARED.into_iter().chain(guests.iter().map(|guest| guest.folder)) {
        println!("cargo::rerun-if-changed={}", root.join(path).display());
    }
    if let Err(reason) = embed(&root, guests) {
        println!("cargo::error={reason}");
    }
}

fn embed(root: &Path, guests: &[Guest]) -> Result<(), String> {
    let root =
        &root.canonicalize().map_err(|error| format!("{} is gone: {error}", root.display()))?;
    let out = PathBuf::from(
        env::var_os("OUT_DIR").ok_or("OUT_DIR is missing; call this from a build script")?,
    );
    let shared = shared_folder(&out);
    target::ensure(root, shared)?;

    // One folder for all build scripts and profiles: the same components come out of each.
    let folder = shared.join("guests");
    run(cargo(root, &folder, guests))?;
    for guest in guests {
        let built = folder.join(TARGET).join(PROFILE).join(guest.file());
        let embedded = out.join(guest.file());
        fs::copy(&built, &embedded)
            .map_err(|error| format!("{} cannot be copied: {error}", built.display()))?;
        println!("cargo::rustc-env={}={}", guest.variable(), embedded.display());
    }
    Ok(())
}

/// Runs cargo. What it complains of is passed on line by line, since a build script's output is not shown.
fn run(mut cargo: Command) -> Result<(), String> {
    let output =
        cargo.output().map_err(|error| format!("cargo cannot be run for the plugins: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        println!("cargo::error={line}");
    }
    Err(format!("The plugins cannot be built for {TARGET}; the reason is above."))
}

/// The folder that all build scripts of this build share: `target` for `target/debug/build/<crate>/out`.
fn shared_folder(out: &Path) -> &Path {
    out.ancestors().nth(4).unwrap_or(out)
}

fn cargo(root: &Path, folder: &Path, guests: &[Guest]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in
        env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_about_the_outer_build))
    {
        command.env_remove(name);
    }
    // The lock is what the outer cargo has just checked; nothing here may move it.
    command.args([
        "build",
        "--quiet",
        "--locked",
        "--lib",
        "--target",
        TARGET,
        "--profile",
        PROFILE,
    ]);
    command.args(guests.iter().flat_map(|guest| ["--package", guest.package]));
    command.arg("--target-dir").arg(folder);
    command.env("CARGO_ENCODED_RUSTFLAGS", without_local_paths(root)).current_dir(root);
    command
}

/// Variables that say how the outer crate is compiled (or linted), and would be taken for the guest's.
fn is_about_the_outer_build(name: &str) -> bool {
    const NAMES: [&str; 6] = [
        "RUSTFLAGS",
        "RUSTDOCFLAGS",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "CLIPPY_ARGS",
        "CARGO_INCREMENTAL",
    ];
    const PREFIXES: [&str; 7] = [
        "CARGO_ENCODED_",
        "CARGO_TARGET_",
        "CARGO_BUILD_",
        "CARGO_PROFILE_",
        "CARGO_CFG_",
        "CARGO_FEATURE_",
        "__CARGO_",
    ];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Flags that keep this machine's paths out of the components, so that everybody's build of a version has the
/// same digest.
fn without_local_paths(root: &Path) -> OsString {
    let home = |variable, fallback: &str| {
        env::var_os(variable).map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(fallback)))
    };
    let mut flags = OsString::new();
    for (path, name) in
        [(Some(root.to_owned()), "planwright"), (home("CARGO_HOME", ".cargo"), "cargo")]
    {
        let Some(path) = path else { continue };
        if !flags.is_empty() {
            flags.push("\u{1f}");
        }
        flags.push("--remap-path-prefix=");
        flags.push(path);
        flags.push("=");
        flags.push(name);
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outer_build_stays_outside() {
        for (name, expected) in [
            ("CARGO_ENCODED_RUSTFLAGS", true),
            ("CARGO_TARGET_DIR", true),
            ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", true),
            ("RUSTC_WORKSPACE_WRAPPER", true),
            ("CLIPPY_ARGS", true),
            ("CARGO_HOME", false),
            ("CARGO_NET_OFFLINE", false),
            ("CARGO_MAKEFLAGS", false),
            ("RUSTUP_TOOLCHAIN", false),
            ("PATH", false),
        ] {
            assert_eq!(is_about_the_outer_build(name), expected, "{name}");
        }
    }

    #[test]
    fn names_follow_the_package() {
        let guest = Guest { package: "planwright-test-guests", folder: "tests/guests" };
        assert_eq!(guest.variable(), "WASM_PLANWRIGHT_TEST_GUESTS");
        assert_eq!(guest.file(), "planwright_test_guests.wasm");
    }
}

//! The part of WASI that languages' runtimes need to start at all, with nothing behind it.
//!
//! A Rust plugin with `std` imports `wasi:cli` and `wasi:io` even where it uses neither; other languages add
//! clocks, randomness and the file system. So these are linked: no arguments, no environment, no folder that
//! could be opened, standard output swallowed, a clock that stands still at the time of the request (and in
//! which a sleep is over at once), and the same randomness in every call. Everything else (sockets, HTTP,
//! whatever comes) is refused by its name before a plugin is compiled.

use planwright_domain::time::Timestamp;
use wasmtime::component::{HasSelf, Linker, Resource, ResourceTable};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, random, sync};
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

use crate::contract::planwright::plugin::log;
use crate::guest::Guest;

/// What a plugin may import, without versions. Types alone are no access to anything.
const IMPORTS: [&str; 23] = [
    "planwright:plugin/log",
    "planwright:plugin/price-book",
    "planwright:plugin/types",
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// Whether an import, with its version, is one that a plugin may have.
pub(crate) fn allows(import: &str) -> bool {
    let (name, version) = import.split_once('@').unwrap_or((import, ""));
    let known = IMPORTS.contains(&name);
    let fits = if name.starts_with("wasi:") {
        version.starts_with("0.2.")
    } else {
        version.starts_with("0.1.")
    };
    known && fits
}

/// Links all of [`IMPORTS`].
pub(crate) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    log::add_to_linker::<Guest, HasSelf<Guest>>(linker, itself)?;
    link_cli(linker)?;

    clocks::monotonic_clock::add_to_linker::<Guest, HasSelf<Guest>>(linker, itself)?;
    clocks::wall_clock::add_to_linker::<Guest, HasSelf<Guest>>(linker, itself)?;
    random::random::add_to_linker::<Guest, HasSelf<Guest>>(linker, itself)?;
    random::insecure::add_to_linker::<Guest, HasSelf<Guest>>(linker, itself)?;
    random::insecure_seed::add_to_linker::<Guest, HasSelf<Guest>>(linker, itself)?;

    sync::io::error::add_to_linker::<Guest, HasSelf<ResourceTable>>(linker, table)?;
    sync::io::poll::add_to_linker::<Guest, HasSelf<ResourceTable>>(linker, table)?;
    sync::io::streams::add_to_linker::<Guest, HasSelf<ResourceTable>>(linker, table)?;

    filesystem::preopens::add_to_linker::<Guest, WasiFilesystem>(linker, Guest::filesystem)?;
    sync::filesystem::types::add_to_linker::<Guest, WasiFilesystem>(linker, Guest::filesystem)
}

fn itself(guest: &mut Guest) -> &mut Guest {
    guest
}

fn table(guest: &mut Guest) -> &mut ResourceTable {
    &mut guest.table
}

fn link_cli(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    cli::environment::add_to_linker::<Guest, WasiCli>(linker, Guest::cli)?;
    cli::exit::add_to_linker::<Guest, WasiCli>(linker, Guest::cli)?;
    cli::stderr::add_to_linker::<Guest, WasiCli>(linker, Guest::cli)?;
    cli::stdin::add_to_linker::<Guest, WasiCli>(linker, Guest::cli)?;
    cli::stdout::add_to_linker::<Guest, WasiCli>(linker, Guest::cli)?;
    cli::terminal_input::add_to_linker::<Guest, WasiCli>(linker, Guest::cli)?;
    cli::terminal_output::add_to_linker::<Guest, WasiCli>(linker, Guest::cli)?;
    cli::terminal_stderr::add_to_linker::<Guest, WasiCli>(linker, Guest::cli)?;
    cli::terminal_stdin::add_to_linker::<Guest, WasiCli>(linker, Guest::cli)?;
    cli::terminal_stdout::add_to_linker::<Guest, WasiCli>(linker, Guest::cli)
}

impl clocks::wall_clock::Host for Guest {
    fn now(&mut self) -> wasmtime::Result<clocks::wall_clock::Datetime> {
        Ok(clocks::wall_clock::Datetime { seconds: unix_seconds(self.now), nanoseconds: 0 })
    }

    fn resolution(&mut self) -> wasmtime::Result<clocks::wall_clock::Datetime> {
        Ok(clocks::wall_clock::Datetime { seconds: 1, nanoseconds: 0 })
    }
}

/// WASI knows no time before 1970.
fn unix_seconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_second()).unwrap_or(0)
}

impl clocks::monotonic_clock::Host for Guest {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(unix_seconds(self.now).saturating_mul(1_000_000_000))
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1_000_000_000)
    }

    fn subscribe_instant(&mut self, _when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.over_at_once()
    }

    fn subscribe_duration(&mut self, _long: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.over_at_once()
    }
}

/// A wait that is over. No epoch and no fuel ends a wait inside the host, so there is none.
struct Over;

#[async_trait]
impl Pollable for Over {
    async fn ready(&mut self) {}
}

impl Guest {
    fn over_at_once(&mut self) -> wasmtime::Result<Resource<DynPollable>> {
        let over = self.table.push(Over)?;
        subscribe(&mut self.table, over)
    }
}

impl random::random::Host for Guest {
    fn get_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        self.randomness.bytes(length)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.randomness.number())
    }
}

impl random::insecure::Host for Guest {
    fn get_insecure_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        self.randomness.bytes(length)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.randomness.number())
    }
}

impl random::insecure_seed::Host for Guest {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok((self.randomness.number(), self.randomness.number()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_imports_of_known_versions_are_allowed() {
        for (import, expected) in [
            ("planwright:plugin/log@0.1.0", true),
            ("wasi:cli/exit@0.2.0", true),
            ("wasi:cli/exit@0.2.6", true),
            ("wasi:cli/exit@0.3.0", false),
            ("wasi:cli/exit", false),
            ("wasi:cli/run@0.2.0", false),
            ("wasi:sockets/tcp@0.2.0", false),
            ("wasi:http/outgoing-handler@0.2.0", false),
            ("planwright:plugin/log@0.2.0", false),
            ("planwright:plugin/pricing@0.1.0", false),
            ("run", false),
        ] {
            assert_eq!(allows(import), expected, "{import}");
        }
    }
}

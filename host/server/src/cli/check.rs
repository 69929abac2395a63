//! `planwright check`

use std::path::{Path, PathBuf};

use clap::Args;
use planwright_service::check::{self, Report};
use planwright_store::{Options, RedbStore, StoreError};
use serde_json::Value;

use super::out::print_line;
use super::remote::print_json;
use super::values::Milestones;
use super::{Failure, environment};
use crate::config::Config;
use crate::data_dir::{self, DamagedStore};

pub(super) const EXAMPLES: &str = "\
It takes a folder that no server has open, and needs no secret. Every page of the file is held against its checksum
first, which takes about a second for each GiB, and then everything that is in it against everything else. It changes
nothing that is stored; after a crash, opening the database repairs the file, as a start of the server does. Exit code
0: everything agrees; 1: something does not, or the folder cannot be read.

Examples:
  planwright check
  planwright check --data-dir /var/lib/planwright --json";

#[derive(Args)]
pub(super) struct Arguments {
    /// The data folder [default: ./planwright-data].
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// The server's configuration file (TOML).
    #[arg(long, value_name = "FILE", env = "PLANWRIGHT_CONFIG")]
    config: Option<PathBuf>,
    /// Print one JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = Config::load(arguments.config.as_deref(), &environment()?)?;
    let data_dir = arguments.data_dir.as_deref().unwrap_or(&config.server.data_dir);
    // It tells of every record that is not as it was written.
    let store = open(data_dir, config.server.cache_mib, false)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let report = runtime.block_on(check::run(&store, progress()))?;
    if arguments.json {
        print_json(&as_json(&report)?)?;
    } else {
        show_lines(&report)?;
    }
    if report.is_clean() { Ok(()) } else { Err(in_all(&report).into()) }
}

/// Opens what is there, once every page of it is seen to be as it was written, and does not make the store that is to
/// be looked at.
pub(super) fn open(
    data_dir: &Path,
    cache_mib: usize,
    holds_against_seals: bool,
) -> Result<RedbStore, Failure> {
    let shown = data_dir.display();
    let path = data_dir::store_in(data_dir);
    if !path.try_exists()? {
        let reason = format!("there is no store in {shown}. Name the data folder with --data-dir");
        return Err(reason.into());
    }
    let cache_bytes = cache_mib << 20;
    let options = Options { cache_bytes, holds_against_seals, ..Options::default() };
    RedbStore::open_verified(&path, options).map_err(|error| match error {
        StoreError::InUse { .. } => {
            format!("the data folder {shown} is in use. Stop the server first").into()
        }
        StoreError::Corrupt { reason } => DamagedStore { file: path, reason }.into(),
        error => error.into(),
    })
}

/// Says on standard error how far it is, where that takes long.
pub(super) fn progress() -> impl FnMut(&Report) + Send {
    let mut milestones = Milestones::default();
    move |report| {
        if let Some(rows) = milestones.reached(report.walked()) {
            eprintln!("checked {rows} records, counters and entries …");
        }
    }
}

pub(super) fn in_all(report: &Report) -> String {
    let listed = u64::try_from(report.disagreements.len()).unwrap_or(u64::MAX);
    match listed.saturating_add(report.more_disagreements) {
        1 => "1 thing disagrees. Restore a backup, or ask for help with the line above".to_owned(),
        many => {
            format!(
                "{many} things disagree. Restore a backup, or ask for help with the lines above"
            )
        }
    }
}

pub(super) fn show_lines(report: &Report) -> Result<(), Failure> {
    for found in &report.disagreements {
        print_line(&format!("{}: {}", found.at, found.problem))?;
    }
    if report.more_disagreements > 0 {
        print_line(&format!("… and {} more", report.more_disagreements))?;
    }
    let Report { spaces, records, counters, log_entries, .. } = report;
    let verdict = if report.is_clean() { "everything agrees" } else { "not everything agrees" };
    print_line(&format!(
        "{verdict}: {records} records, {counters} counters and {log_entries} log entries in {spaces} \
         spaces"
    ))
}

/// The report and its verdict.
pub(super) fn as_json(report: &Report) -> Result<Value, Failure> {
    let mut answer = serde_json::to_value(report)?;
    answer["clean"] = report.is_clean().into();
    Ok(answer)
}

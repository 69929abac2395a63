//! `planwright restore`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::out::print_line;
use super::remote::print_json;
use super::{Failure, backup, check};
use crate::backup::{Archive, restore};
use crate::data_dir::Restoring;

pub(super) const EXAMPLES: &str = "\
Example:
  planwright restore monday.backup --data-dir /var/lib/planwright

The folder must hold no data yet; it is made if it is not there. The whole file is checked before anything is
written, and the folder can be served only when everything is in it. In the end all of it is held against
everything else, as `planwright check` does. Exit code 0: restored, and everything agrees; 1: nothing was
restored, or something in what was restored does not agree (it says which).";

#[derive(Args)]
pub(super) struct Arguments {
    /// The backup.
    file: PathBuf,
    /// The data folder to make.
    #[arg(long, value_name = "FOLDER")]
    data_dir: PathBuf,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let archive = Archive::open(&arguments.file)?;
    let header = archive.header.clone();
    let folder = Restoring::begin(&arguments.data_dir)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let restoring = restore(archive, folder, backup::rows("restored"), check::progress());
    let report = runtime.block_on(restoring)?;
    let (file, shown) = (arguments.file.display(), arguments.data_dir.display());
    if arguments.json {
        print_json(&json!({
            "data_dir": shown.to_string(),
            "taken_at": header.taken_at,
            "store_version": header.store_version,
            "check": check::as_json(&report)?,
        }))?;
    } else {
        print_line(&format!("restored {file} into {shown}, and checked it:"))?;
        check::show_lines(&report)?;
    }
    if report.is_clean() {
        return Ok(());
    }
    Err(format!("{shown} is restored as it was backed up, and not all of it agrees").into())
}

//! `planwright backup`

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use clap::Args;
use planwright_service::edge::Clock;
use planwright_store::Store;
use serde_json::json;
use tempfile::NamedTempFile;

use super::out::print_line;
use super::place::{Found, Place};
use super::remote::print_json;
use super::values::Milestones;
use super::{Failure, check};
use crate::backup::{self, Archive, Totals};
use crate::data_dir::{self, DataDir};
use crate::edge::SystemClock;

pub(super) const EXAMPLES: &str = "\
Examples:
  planwright backup monday.backup --server http://127.0.0.1:8080 --token \"$TOKEN\"
  planwright backup monday.backup --data-dir /var/lib/planwright
  PLANWRIGHT_URL=http://127.0.0.1:8080 PLANWRIGHT_TOKEN=$TOKEN planwright backup monday.backup --json

With --server (or PLANWRIGHT_URL) it asks a running server, which goes on serving meanwhile; that needs the
role operator. Otherwise it reads the data folder itself, which no server may be using then. The file holds the
secret that tokens are signed with, so only its owner can read it: keep it that way.";

#[derive(Args)]
pub(super) struct Arguments {
    /// The file to write.
    file: PathBuf,
    /// Overwrite the file if it is there.
    #[arg(long)]
    force: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let file = &arguments.file;
    let there = file.symlink_metadata();
    if there.as_ref().is_ok_and(|there| !there.is_file()) {
        // Devices and links are overwritten by nobody who means them.
        return Err(format!("{} is no file. Name another one.", file.display()).into());
    }
    if !arguments.force && there.is_ok() {
        return Err(is_there(file));
    }
    // Beside its place and for its owner alone; under its name only when it is whole and on the disk.
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    let unusable = |error| format!("cannot write {}: {error}", file.display());
    let here = Path::new(".");
    let mut draft =
        draft_in(if folder.as_os_str().is_empty() { here } else { &folder }).map_err(unusable)?;
    fetch(arguments, &mut draft)?;
    draft.as_file().sync_all().map_err(unusable)?;
    let archive = read_back(draft.path())?;
    let kept = if arguments.force { draft.persist(file) } else { draft.persist_noclobber(file) };
    kept.map_err(|failed| match failed.error.kind() {
        io::ErrorKind::AlreadyExists => is_there(file),
        _ => unusable(failed.error).into(),
    })?;
    data_dir::sync(&folder).map_err(unusable)?;
    show(arguments, &archive)
}

/// How the name of a backup begins that is not whole yet.
const DRAFT: &str = ".planwright-backup-";

/// A file that is locked while it is written, so that the next backup can tell it from what a kill left.
fn draft_in(folder: &Path) -> io::Result<NamedTempFile> {
    // To be tidy is not worth failing for.
    let _ = clear_drafts(folder);
    let draft = tempfile::Builder::new().prefix(DRAFT).tempfile_in(folder)?;
    let _ = draft.as_file().try_lock();
    Ok(draft)
}

fn clear_drafts(folder: &Path) -> io::Result<()> {
    for entry in folder.read_dir()? {
        let entry = entry?;
        let is_draft = entry.file_name().to_str().is_some_and(|name| name.starts_with(DRAFT));
        if is_draft && entry.file_type()?.is_file() && File::open(entry.path())?.try_lock().is_ok()
        {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn is_there(file: &Path) -> Failure {
    format!("{} is there already. --force overwrites it", file.display()).into()
}

/// From wherever the backup is to be taken.
fn fetch(arguments: &Arguments, draft: &mut NamedTempFile) -> Result<(), Failure> {
    match arguments.place.find()? {
        Found::Server(server) => server.download(&["backup"], draft, received()),
        Found::Folder(folder) => {
            let config = folder.config()?;
            let path = &config.server.data_dir;
            let store = check::open(path, config.server.cache_mib, true)?;
            let data_dir = DataDir::open(path)?;
            let runtime = tokio::runtime::Builder::new_current_thread().build()?;
            runtime.block_on(async {
                let snapshot = store.snapshot().await?;
                let taken_at = SystemClock.now().as_second();
                let out = BufWriter::new(draft);
                backup::write(&snapshot, data_dir.secret(), taken_at, out, rows("wrote")).await?;
                Ok(())
            })
        }
    }
}

/// A backup that cannot be read is none, so what was written is read once.
fn read_back(draft: &Path) -> Result<Archive, Failure> {
    let mut archive = Archive::open(draft)?;
    while archive.next_row()?.is_some() {}
    Ok(archive)
}

/// Says on standard error how far it is, where that takes long.
fn received() -> impl FnMut(u64) {
    const EVERY: u64 = 64 << 20;
    let mut said = 0;
    move |bytes| {
        if bytes / EVERY > said {
            said = bytes / EVERY;
            eprintln!("received {} MiB …", bytes >> 20);
        }
    }
}

/// The same in rows.
pub(super) fn rows(done: &str) -> impl FnMut(&Totals) + Send {
    let mut milestones = Milestones::default();
    move |totals| {
        if let Some(rows) = milestones.reached(totals.all()) {
            eprintln!("{done} {rows} records, counters and entries …");
        }
    }
}

fn show(arguments: &Arguments, archive: &Archive) -> Result<(), Failure> {
    let (file, bytes) = (arguments.file.display(), archive.bytes);
    let Totals { records, counters, log_entries } = archive.totals();
    if arguments.json {
        return print_json(&json!({
            "file": file.to_string(),
            "bytes": bytes,
            "taken_at": archive.header.taken_at,
            "store_version": archive.header.store_version,
            "records": records,
            "counters": counters,
            "log_entries": log_entries,
        }));
    }
    print_line(&format!(
        "wrote {file} ({bytes} bytes): {records} records, {counters} counters and {log_entries} log entries"
    ))
}

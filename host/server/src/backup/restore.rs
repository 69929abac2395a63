//! From a backup to a data folder.

use planwright_service::check::{self, Report};
use planwright_store::{Loader, Options, RedbLoader, RedbStore, Row};

use super::{Archive, BackupError, Totals};
use crate::data_dir::Restoring;

/// Rows that are loaded at once; few, since each may be as large as a change set.
const PIECE: usize = 16;

/// Fills a data folder that is being restored, walks what is in it, and puts all of it in its place. Until then
/// nothing of it counts, whatever happens.
///
/// # Errors
/// What is wrong with the backup, or what the disk says. That the walk finds something is no error: it is as
/// it was when the backup was taken.
pub(crate) async fn restore(
    mut archive: Archive,
    folder: Restoring,
    progress: impl FnMut(&Totals),
    checked: impl FnMut(&Report) + Send,
) -> Result<Report, BackupError> {
    load(&mut archive, &folder, progress).await?;
    // The walk tells of every record that is not as it was written.
    let options = Options { holds_against_seals: false, ..Options::default() };
    let store = RedbStore::open(folder.store(), options)?;
    let report = check::run(&store, checked).await?;
    // It has the file open until then.
    drop(store);
    folder.finish(&archive.header.secret)?;
    Ok(report)
}

async fn load(
    archive: &mut Archive,
    folder: &Restoring,
    mut progress: impl FnMut(&Totals),
) -> Result<(), BackupError> {
    let mut loader = RedbLoader::open(folder.store(), Options::default().cache_bytes)?;
    let mut rows: Vec<Row> = Vec::with_capacity(PIECE);
    while let Some(row) = archive.next_row()? {
        rows.push(row);
        if rows.len() == PIECE {
            loader.load(&rows).await?;
            rows.clear();
            progress(&archive.totals());
        }
    }
    loader.load(&rows).await?;
    loader.finish(archive.header.store_version).await?;
    Ok(())
}

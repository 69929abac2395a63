//! The embedded engine's file.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use planwright_store::{ChangeSet, Key, Options, RedbStore, Scan, Snapshot, Store, StoreError};
use tempfile::TempDir;

use super::faults::healed;
use super::history::{History, change};
use super::{acme, item, key};

fn open(path: &Path) -> Result<RedbStore, StoreError> {
    RedbStore::open(path, Options::default())
}

fn place() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("data.redb");
    (folder, path)
}

#[tokio::test]
async fn what_is_committed_is_there_after_a_restart() {
    let (_folder, path) = place();
    let mut history = History::default();
    for round in 0..3 {
        let store = open(&path).unwrap();
        history.check(&store).await;
        history.write(&store, round * 10..round * 10 + 10).await;
        history.check(&store).await;
    }
    assert_eq!(history.acknowledged.len(), 30);
}

#[tokio::test]
async fn a_copy_of_the_file_of_a_running_store_is_what_a_kill_leaves_and_has_all_that_was_acknowledged()
 {
    let (_folder, path) = place();
    let store = open(&path).unwrap();
    let mut history = History::default();
    for number in 0..20 {
        history.write(&store, [number]).await;
        let copy = path.with_extension("copy");
        fs::copy(&path, &copy).unwrap();
        history.check(&open(&copy).unwrap()).await;
    }
}

#[tokio::test]
async fn what_is_written_over_and_over_takes_no_more_space() {
    let (_folder, path) = place();
    let store = open(&path).unwrap();
    let mut sizes = Vec::new();
    for round in 0..200 {
        let mut set = ChangeSet::new();
        for name in 0..20 {
            set.put(&key("item", &name.to_string()), &item(round)).add(&key("count", "a"), 1);
        }
        store.commit(set).await.unwrap();
        sizes.push(fs::metadata(&path).unwrap().len());
    }
    assert_eq!(sizes[20], sizes[199], "{sizes:?}");
}

#[test]
fn a_second_opening_is_refused_and_names_the_file() {
    let (_folder, path) = place();
    let store = open(&path).unwrap();
    match open(&path) {
        Err(error @ StoreError::InUse { .. }) => {
            let told = error.to_string();
            assert!(told.contains("data.redb") && told.contains("only one process"), "{told}");
        }
        other => panic!("{other:?}"),
    }
    drop(store);
    open(&path).unwrap();
}

#[test]
fn of_many_that_make_the_same_file_one_gets_it() {
    for _ in 0..20 {
        let (_folder, path) = place();
        let opened = std::thread::scope(|scope| {
            let openers: Vec<_> = (0..4).map(|_| scope.spawn(|| open(&path))).collect();
            openers.into_iter().map(|opener| opener.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(opened.iter().filter(|opened| opened.is_ok()).count(), 1);
        for refused in opened.iter().filter_map(|opened| opened.as_ref().err()) {
            assert!(matches!(refused, StoreError::InUse { .. }), "{refused}");
        }
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_a_new_file() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = place();
    drop(open(&path).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "and nothing else is left beside it"
    );
}

#[test]
fn a_start_that_was_interrupted_is_done_again() {
    for half_made in ["", "half a database"] {
        let (_folder, path) = place();
        fs::write(path.with_extension("redb.new"), half_made).unwrap();
        open(&path).unwrap();
    }
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let (_folder, path) = place();
    fs::write(&path, "a letter").unwrap();
    let refused = open(&path).unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "a letter");
}

/// Whatever a page holds: who reads it or writes to it is told, and nobody else.
#[tokio::test]
async fn bytes_that_are_damaged_under_a_store_fail_what_comes_upon_them_and_are_forgotten_once_they_are_mended()
 {
    let (_folder, path) = place();
    let mut history = History::default();
    history.write(&open(&path).unwrap(), 1..300).await;
    // Nothing is remembered of what was read.
    let store = RedbStore::open(&path, Options { cache_bytes: 0, ..Options::default() }).unwrap();
    let whole = fs::read(&path).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    for garbage in [0, 1, 2, 0xff] {
        // The first page says which state is the newest.
        file.write_all_at(&vec![garbage; whole.len() - 4096], 4096).unwrap();
        for _ in 0..3 {
            if let Ok(snapshot) = store.snapshot().await {
                let all = Key::in_space(&acme(), "item").prefix();
                let read = snapshot.scan(&all, Scan::first(999)).await;
                assert!(
                    matches!(
                        read,
                        Err(StoreError::Corrupt { .. } | StoreError::Unavailable { .. })
                    ),
                    "{garbage}: {read:?}"
                );
            }
        }
        let answer = store.commit(change(1_000)).await;
        assert!(answer.is_err(), "{garbage}: {answer:?}");
        file.write_all_at(&whole[4096..], 4096).unwrap();
        healed(&store).await;
        history.check(&store).await;
    }
    history.note(1_000, &store.commit(change(1_000)).await);
    assert!(history.acknowledged.contains(&1_000));
    history.check(&store).await;
}

#[test]
fn a_database_of_a_newer_format_is_refused_and_both_numbers_are_named() {
    let (_folder, path) = place();
    drop(open(&path).unwrap());
    let database = redb::Database::open(&path).unwrap();
    let change = database.begin_write().unwrap();
    let meta = redb::TableDefinition::<&str, u64>::new("meta");
    change.open_table(meta).unwrap().insert("format", 7).unwrap();
    change.commit().unwrap();
    drop(database);
    let refused = open(&path).unwrap_err();
    assert!(matches!(refused, StoreError::Newer { found: 7, supported: 2, .. }), "{refused}");
}

#[test]
fn a_folder_that_is_missing_is_said_to_be_so() {
    let (_folder, path) = place();
    let refused = open(&path.join("missing").join("data.redb")).unwrap_err();
    assert!(refused.to_string().contains("No such file"), "{refused}");
}

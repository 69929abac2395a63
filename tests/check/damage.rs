//! Bytes that a bad disk made: whichever page they are in, what is said is a sentence, and never that this program broke
//! down.

use std::fs;
use std::process::Output;

use planwright_store::{Key, Options, RedbStore, Scan, Snapshot, Store, StoreError};

use super::{Data, check, tenant};
use crate::api::ADMIN_PLANS;
use crate::harness::process::{Process, planwright};

/// What redb reads and writes at once.
const PAGE: usize = 4096;

/// Ends as it is documented, whatever it found, and says what to do where it found something.
#[track_caller]
fn assert_clear(output: &Output, case: &str) -> bool {
    let (out, said) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!said.contains("panicked"), "{case}: {said}");
    match output.status.code() {
        Some(0) => true,
        Some(1) => {
            let tells = said.lines().count() == 1 && said.to_lowercase().contains("restore");
            assert!(tells, "{case}: {out}{said}");
            false
        }
        code => panic!("{case}: {code:?} {out}{said}"),
    }
}

/// Overwrites a few bytes, as chance has it: with others, with zeros, or with ones.
fn damage(store: &[u8], chance: &mut fastrand::Rng) -> (Vec<u8>, String) {
    let mut damaged = store.to_vec();
    let at = chance.usize(0..store.len() - PAGE);
    let length = [1, 8, 64, PAGE][chance.usize(0..4)];
    let kind = chance.usize(0..3);
    for byte in &mut damaged[at..at + length] {
        *byte = match kind {
            0 => chance.u8(..),
            1 => 0,
            _ => 0xff,
        };
    }
    (damaged, format!("{length} bytes at {at} of {}, kind {kind}", store.len()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_bytes_are_damaged_a_check_and_a_backup_say_so_in_a_sentence_or_find_nothing_wrong()
 {
    let store = fs::read(Data::make().await.file()).unwrap();
    let mut chance = fastrand::Rng::with_seed(3);
    let (mut found, mut clean) = (0, 0);
    for round in 0..60 {
        let (damaged, case) = damage(&store, &mut chance);
        let data = Data::of(&damaged);
        let is_clean = assert_clear(&check(&data.path, &[]), &case);
        if is_clean {
            clean += 1;
        } else {
            found += 1;
        }
        if round % 4 == 0 {
            let data = Data::of(&damaged);
            fs::write(data.path.join("secret"), "s".repeat(64)).unwrap();
            let (folder, file) = (data.path.to_str().unwrap(), data.path.join("kept.backup"));
            let backup = planwright(&["backup", file.to_str().unwrap(), "--data-dir", folder]);
            let kept = assert_clear(&{ backup }.output().unwrap(), &case);
            assert_eq!((kept, file.exists()), (is_clean, is_clean), "{case}");
        }
    }
    // Some of it hits pages that nothing is in.
    assert!(found > 5 && clean > 5, "{found} found, {clean} clean");
}

/// The database as it is opened, with one page of garbage; nothing where it is not opened.
fn with_garbage(store: &[u8], page: usize) -> Option<(Data, RedbStore)> {
    let mut damaged = store.to_vec();
    damaged[page * PAGE..(page + 1) * PAGE].fill(0xff);
    let data = Data::of(&damaged);
    match RedbStore::open(data.file(), Options::default()) {
        Ok(store) => Some((data, store)),
        Err(StoreError::Corrupt { .. }) => None,
        Err(error) => panic!("page {page}: {error}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_on_a_damaged_file_does_not_start_or_fails_each_request_that_comes_upon_it_by_itself()
 {
    let store = fs::read(Data::make().await.file()).unwrap();
    let plans = Key::in_space(&tenant(), "plan").prefix();
    let (mut refused, mut served) = (0, 0);
    for page in 1..store.len() / PAGE {
        let Some((data, opened)) = with_garbage(&store, page) else {
            refused += 1;
            continue;
        };
        let read = match opened.snapshot().await {
            Ok(snapshot) => snapshot.scan(&plans, Scan::first(9)).await,
            Err(error) => Err(error),
        };
        // It may be the page that closing it comes upon, too.
        drop(opened);
        if read.is_ok() || served == 3 {
            continue;
        }
        assert!(matches!(read, Err(StoreError::Corrupt { .. })), "{page}: {read:?}");
        fs::write(data.path.join("secret"), "s".repeat(64)).unwrap();
        match Process::try_start(&data.path, &[]) {
            Ok(process) => {
                serves_the_rest(&process).await;
                served += 1;
            }
            Err(said) => {
                let last = said.last().cloned().unwrap_or_default();
                assert!(last.contains("damaged") && last.contains("restore"), "{page}: {said:?}");
                assert!(!said.concat().contains("panicked"), "{page}: {said:?}");
            }
        }
    }
    assert!(refused > 0 && served > 0, "{refused} refused, {served} served");
}

/// Where the plans cannot be read.
async fn serves_the_rest(process: &Process) {
    let admin = process.admin();
    for _ in 0..3 {
        let answer = admin.get(ADMIN_PLANS).await;
        assert!([500, 503].contains(&answer.status.as_u16()), "{}", answer.text);
        assert_eq!(admin.get("/healthz").await.status, 200);
    }
}

//! Bytes that a bad disk made: whichever page they are in, what is said is a sentence, and never that this program broke
//! down.

use std::fs;
use std::process::Output;

use super::{Data, check};
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
        *(if is_clean { &mut clean } else { &mut found }) += 1;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_does_not_start_on_a_file_that_it_cannot_read_and_says_what_to_do() {
    let store = fs::read(Data::make().await.file()).unwrap();
    let mut garbage = store.clone();
    garbage[PAGE..].fill(0xff);
    for damaged in [&garbage[..], &store[..store.len() / 2], &store[..7], b"a letter"] {
        let data = Data::of(damaged);
        fs::write(data.path.join("secret"), "s".repeat(64)).unwrap();
        let Err(said) = Process::try_start(&data.path, &[]) else { panic!("it serves") };
        let [only] = &said[..] else { panic!("{said:?}") };
        let file = data.file();
        assert!(only.starts_with(&format!("planwright: the store {} is damaged", file.display())));
        assert!(only.contains("restore your last backup"), "{only}");
        assert_eq!(fs::read(file).unwrap(), damaged, "it is left as it is");
    }
}

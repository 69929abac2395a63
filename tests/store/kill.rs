//! A process that is killed while it writes. Unlike the faults, this is a real process and a real file; but
//! what it has written stays with the operating system, so it is the milder test.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use planwright_store::{Options, RedbStore, Store};
use tempfile::TempDir;

use super::Chance;
use super::history::{History, change};

const ROUNDS: u64 = 100;
/// More change sets than a victim ever gets to.
const NUMBERS: u64 = 100_000;
const PATH: &str = "PLANWRIGHT_TEST_VICTIM_PATH";
const START: &str = "PLANWRIGHT_TEST_VICTIM_START";

#[tokio::test]
async fn killed_at_any_moment_it_has_lost_nothing_acknowledged_and_left_nothing_half_there() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("data.redb");
    let mut history = History::default();
    let mut chance = Chance(9);
    for round in 0..ROUNDS {
        let start = round * NUMBERS;
        let victim = victim(&path, start);
        let acknowledged = kill_after(victim, chance.below(16));
        history.unknown.extend(start..start + 1000);
        for number in acknowledged {
            history.unknown.remove(&number);
            history.acknowledged.insert(number);
        }
        history
            .check(&RedbStore::open(&path, Options::default()).unwrap())
            .await;
    }
    assert!(history.acknowledged.len() > 100, "the victims have written");
}

/// Starts this test binary again, as a process that writes until it is killed.
fn victim(path: &Path, start: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "store::kill::writes_until_it_is_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(PATH, path)
        .env(START, start.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Kills a victim when it has acknowledged so many change sets; says which it has acknowledged until it
/// was dead.
fn kill_after(mut victim: Child, count: u64) -> Vec<u64> {
    let output = BufReader::new(victim.stdout.take().unwrap());
    let mut acknowledged = Vec::new();
    let mut left = count;
    for line in output.lines() {
        if left == 0 {
            victim.kill().unwrap();
        }
        left = left.saturating_sub(1);
        // The full stop shows that the line is whole.
        let number = line.unwrap();
        let number = number
            .strip_prefix("kept ")
            .and_then(|number| number.strip_suffix('.'));
        acknowledged.extend(number.map(|number| number.parse::<u64>().unwrap()));
    }
    victim.wait().unwrap();
    acknowledged
}

#[tokio::test]
#[ignore = "it is started by the test above"]
async fn writes_until_it_is_killed() {
    let Ok(path) = std::env::var(PATH) else {
        return;
    };
    let start: u64 = std::env::var(START).unwrap().parse().unwrap();
    let store = Arc::new(RedbStore::open(path, Options::default()).unwrap());
    let next = Arc::new(AtomicU64::new(start));
    let writers: Vec<_> = (0..4)
        .map(|_| tokio::spawn(write(Arc::clone(&store), Arc::clone(&next))))
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

#[allow(
    clippy::print_stdout,
    reason = "so the one who kills it learns what was acknowledged"
)]
async fn write(store: Arc<RedbStore>, next: Arc<AtomicU64>) {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        store.commit(change(number)).await.unwrap();
        println!("\nkept {number}.");
    }
}

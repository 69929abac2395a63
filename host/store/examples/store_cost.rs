//! What the store costs on this machine: reads, and durable commits by 1 and by 64 writers, beside what the
//! disk itself takes to keep 4 KiB.
//!
//! ```sh
//! cargo run --release -p planwright-store --example store_cost
//! ```

#![allow(clippy::print_stdout, reason = "it prints a table")]
#![allow(clippy::unwrap_used, reason = "it has nothing better to do than panic")]

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use planwright_store::{
    ChangeSet, Document, Key, Options, RedbStore, Scan, Snapshot, Space, Store,
};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Plan {
    name: String,
    text: String,
}

impl Document for Plan {
    const SCHEMA: u16 = 1;
}

const RECORDS: u64 = 100_000;

fn key(number: u64) -> Key {
    Key::in_space(&Space::Host, "plan").text(&format!("plan-{number:06}")).key()
}

#[tokio::main]
async fn main() {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let path = Path::new(&folder).join("store_cost.redb");
    let store = Arc::new(RedbStore::open(&path, Options::default()).unwrap());
    disk(Path::new(&folder));
    fill(&store).await;
    reads(&store).await;
    for writers in [1, 64] {
        commits(&store, writers).await;
    }
    drop(store);
    std::fs::remove_file(&path).unwrap();
}

/// A block written and synced.
fn disk(folder: &Path) {
    let path = folder.join("store_cost.disk");
    let mut file = File::create(&path).unwrap();
    let mut times: Vec<Duration> = (0..101)
        .map(|_| {
            let start = Instant::now();
            file.write_all(&[b'x'; 4096]).unwrap();
            file.sync_data().unwrap();
            start.elapsed()
        })
        .collect();
    times.sort();
    println!("disk, 4 KiB synced: {:?}", times[times.len() / 2]);
    std::fs::remove_file(&path).unwrap();
}

async fn fill(store: &RedbStore) {
    let text = "x".repeat(300);
    for start in (0..RECORDS).step_by(10_000) {
        let mut set = ChangeSet::new();
        for number in start..start + 10_000 {
            let name = format!("Plan {number}");
            set.put(&key(number), &Plan { name, text: text.clone() }).add(&key(number), 7);
        }
        store.commit(set).await.unwrap();
    }
}

async fn reads(store: &RedbStore) {
    let keys: Vec<Key> = (0..200_000).map(|round| key(round * 7_919 % RECORDS)).collect();
    let rounds = u32::try_from(keys.len()).unwrap();
    let each = |start: Instant| start.elapsed() / rounds;

    let start = Instant::now();
    for _ in &keys {
        drop(store.snapshot().await.unwrap());
    }
    println!("snapshot: {:?}", each(start));

    let start = Instant::now();
    for key in &keys {
        store.snapshot().await.unwrap().get(key).await.unwrap().unwrap();
    }
    println!("snapshot and record: {:?}", each(start));

    let start = Instant::now();
    for key in &keys {
        store.snapshot().await.unwrap().counter(key).await.unwrap();
    }
    println!("snapshot and counter: {:?}", each(start));

    let snapshot = store.snapshot().await.unwrap();
    let plans = Key::in_space(&Space::Host, "plan").prefix();
    let start = Instant::now();
    for key in &keys[..1000] {
        snapshot.scan(&plans, Scan::first(50).after(key.clone())).await.unwrap();
    }
    println!("page of 50 records: {:?}", start.elapsed() / 1000);
}

/// A record put, a counter moved and a log entry appended by each change set.
async fn commits(store: &Arc<RedbStore>, writers: u64) {
    const TIME: Duration = Duration::from_secs(3);
    let before = store.stats();
    let start = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let log = Key::in_space(&Space::Host, "log").key();
                let total = Key::in_space(&Space::Host, "total").key();
                let mut number = 0;
                while start.elapsed() < TIME {
                    let at = Key::in_space(&Space::Host, "new")
                        .number(writers)
                        .number(writer)
                        .number(number)
                        .key();
                    let plan = Plan { name: "New".to_owned(), text: "x".repeat(300) };
                    let mut set = ChangeSet::new();
                    set.expect_absent(&at).put(&at, &plan).add(&total, 1).append(&log, &plan);
                    store.commit(set).await.unwrap();
                    number += 1;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let after = store.stats();
    let sets = after.change_sets - before.change_sets;
    let commits = after.commits - before.commits;
    println!(
        "{writers} writers: {} change sets a second, {} a commit",
        u128::from(sets) * 1000 / start.elapsed().as_millis(),
        sets / commits
    );
}

//! What redb's ways to commit cost, and how long it takes to open a file again after a kill.
//! The figures in `host/docs/0001-embedded-store.md` are from
//!
//! ```sh
//! cargo run --release -p planwright-store --example commit_cost
//! ```

#![allow(clippy::print_stdout, reason = "it prints a table")]
#![allow(clippy::unwrap_used, reason = "it has nothing better to do than panic")]

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use redb::{Database, ReadableDatabase, TableDefinition, WriteTransaction};

const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");
const VALUE: [u8; 1000] = [b'x'; 1000];

#[derive(Clone, Copy, Debug)]
enum Way {
    OnePhase,
    TwoPhases,
    QuickRepair,
}

fn main() {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    println!("| way | file | 1 set a commit | 64 sets a commit | open after a kill |");
    println!("| --- | --- | --- | --- | --- |");
    for megabytes in [10, 1000, 4000] {
        for way in [Way::OnePhase, Way::TwoPhases, Way::QuickRepair] {
            let path = Path::new(&folder).join("commit_cost.redb");
            measure(way, megabytes, &path);
            std::fs::remove_file(&path).unwrap();
        }
    }
}

fn measure(way: Way, megabytes: u64, path: &Path) {
    let database = open(path);
    for batch in 0..megabytes {
        commit(&database, Way::OnePhase, batch * 1000..(batch + 1) * 1000);
    }
    let one = median(201, |round| {
        commit(&database, way, keys(round, 1, megabytes));
    });
    let many = median(51, |round| {
        commit(&database, way, keys(round + 1000, 64, megabytes));
    });

    // A copy of an open file is what a kill leaves.
    let killed = path.with_extension("killed");
    std::fs::copy(path, &killed).unwrap();
    File::open(&killed).unwrap().sync_all().unwrap();
    drop(database);
    let start = Instant::now();
    let database = open(&killed);
    drop(database.begin_read().unwrap());
    let opened = start.elapsed();
    drop(database);
    let size = std::fs::metadata(&killed).unwrap().len() >> 20;
    std::fs::remove_file(&killed).unwrap();
    let (one, many, opened) = (one.as_micros(), many.as_micros(), opened.as_millis());
    println!("| {way:?} | {size} MiB | {one} µs | {many} µs | {opened} ms |");
}

fn open(path: &Path) -> Database {
    Database::builder().set_cache_size(128 << 20).create(path).unwrap()
}

/// Keys here and there in the table.
fn keys(round: u64, count: u64, megabytes: u64) -> impl Iterator<Item = u64> {
    (0..count).map(move |index| ((round * count + index) * 7_919_777) % (megabytes * 1000))
}

fn commit(database: &Database, way: Way, keys: impl IntoIterator<Item = u64>) {
    let mut transaction = database.begin_write().unwrap();
    match way {
        Way::OnePhase => {}
        Way::TwoPhases => transaction.set_two_phase_commit(true),
        Way::QuickRepair => transaction.set_quick_repair(true),
    }
    put(&transaction, keys);
    transaction.commit().unwrap();
}

fn put(transaction: &WriteTransaction, keys: impl IntoIterator<Item = u64>) {
    let mut records = transaction.open_table(RECORDS).unwrap();
    for key in keys {
        records.insert(key, VALUE.as_slice()).unwrap();
    }
}

fn median(rounds: u64, mut work: impl FnMut(u64)) -> Duration {
    let mut times: Vec<Duration> = (0..rounds)
        .map(|round| {
            let start = Instant::now();
            work(round);
            start.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

//! Reads of the store, beside the same reads of redb itself, and how many change sets it keeps a second.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use planwright_store::{
    ChangeSet, Document, Key, Options, RedbStore, Scan, Snapshot, Space, Store,
};
use redb::{Database, ReadableDatabase, TableDefinition};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use crate::{ROUNDS, TURN, median};

const RECORDS: u64 = 100_000;
const BARE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");

#[derive(Clone, Serialize, Deserialize)]
struct Item {
    text: String,
}

impl Document for Item {
    const SCHEMA: u16 = 1;
}

pub(crate) fn run() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = Arc::new(RedbStore::open(path, Options::default()).unwrap());
    let bare = Database::create(folder.path().join("bare.redb")).unwrap();
    fill(&runtime, &store, &bare);

    println!("the store, {RECORDS} records         ours/s   redb/s   ratio");
    compare(
        "snapshot and record",
        &mut |number| runtime.block_on(record(&store, number)),
        &mut |number| {
            let table = bare.begin_read().unwrap().open_table(BARE).unwrap();
            black_box(table.get(name(number).as_str()).unwrap().unwrap().value().to_vec());
        },
    );
    compare(
        "page of 50 records",
        &mut |number| runtime.block_on(page(&store, number)),
        &mut |number| {
            let table = bare.begin_read().unwrap().open_table(BARE).unwrap();
            let rows = table.range(name(number).as_str()..).unwrap().take(50);
            black_box(rows.map(|row| row.unwrap().1.value().to_vec()).collect::<Vec<_>>());
        },
    );
    for writers in [1, 64] {
        commits(&runtime, &store, writers);
    }
    println!();
}

fn name(number: u64) -> String {
    format!("item-{number:06}")
}

fn key(number: u64) -> Key {
    Key::in_space(&Space::Host, "item").text(&name(number)).key()
}

fn fill(runtime: &Runtime, store: &RedbStore, bare: &Database) {
    let item = Item { text: "x".repeat(300) };
    let json = serde_json::to_vec(&item).unwrap();
    for start in (0..RECORDS).step_by(10_000) {
        let mut set = ChangeSet::new();
        let change = bare.begin_write().unwrap();
        {
            let mut table = change.open_table(BARE).unwrap();
            for number in start..start + 10_000 {
                set.put(&key(number), &item);
                table.insert(name(number).as_str(), json.as_slice()).unwrap();
            }
        }
        change.commit().unwrap();
        runtime.block_on(store.commit(set)).unwrap();
    }
}

async fn record(store: &RedbStore, number: u64) {
    black_box(store.snapshot().await.unwrap().get(&key(number)).await.unwrap().unwrap());
}

async fn page(store: &RedbStore, number: u64) {
    let items = Key::in_space(&Space::Host, "item").prefix();
    let scan = Scan::first(50).after(key(number));
    black_box(store.snapshot().await.unwrap().scan(&items, scan).await.unwrap());
}

fn compare(what: &str, ours: &mut dyn FnMut(u64), bare: &mut dyn FnMut(u64)) {
    let (mut our_figures, mut bare_figures, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (our, theirs) = (a_second(ours), a_second(bare));
        ratios.push(our / theirs);
        our_figures.push(our);
        bare_figures.push(theirs);
    }
    let (ours, bare) = (median(our_figures), median(bare_figures));
    println!("{what:<28} {ours:>14.0} {bare:>8.0} {:>7.2}", median(ratios));
}

/// How often it is done in a second, here and there in the table.
fn a_second(work: &mut dyn FnMut(u64)) -> f64 {
    let began = Instant::now();
    let mut count = 0_u32;
    while began.elapsed() < TURN / 4 {
        work(u64::from(count) * 7_919 % RECORDS);
        count += 1;
    }
    f64::from(count) / began.elapsed().as_secs_f64()
}

/// A record put, a counter moved and a log entry appended by each change set.
fn commits(runtime: &Runtime, store: &Arc<RedbStore>, writers: u64) {
    let before = store.stats();
    let began = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|writer| runtime.spawn(write(Arc::clone(store), writers, writer, began)))
        .collect();
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
    let (after, took) = (store.stats(), began.elapsed().as_secs_f64());
    let sets = (after.change_sets - before.change_sets) as f64;
    let commits = (after.commits - before.commits) as f64;
    let (a_second, each) = (sets / took, sets / commits);
    println!("change sets, {writers:>2} writers      {a_second:>14.0}   {each:.1} a commit");
}

async fn write(store: Arc<RedbStore>, writers: u64, writer: u64, began: Instant) {
    let log = Key::in_space(&Space::Host, "log").key();
    let total = Key::in_space(&Space::Host, "total").key();
    let item = Item { text: "x".repeat(300) };
    for number in 0.. {
        if began.elapsed() > 2 * TURN {
            return;
        }
        let new = Key::in_space(&Space::Host, "new");
        let at = new.number(writers).number(writer).number(number).key();
        let mut set = ChangeSet::new();
        set.expect_absent(&at).put(&at, &item).add(&total, 1).append(&log, &item);
        store.commit(set).await.unwrap();
    }
}

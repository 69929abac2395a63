//! What the embedded engine keeps when its disk fails.

use planwright_store::{
    CommitError, Key, Loader, Options, RedbLoader, RedbStore, Row, Scan, Snapshot, Space, Store,
    StoreError,
};

use super::disk::{Disk, Fault};
use super::history::{History, change};
use super::open;

/// Change sets before, and after, the fault.
const FIRST: std::ops::Range<u64> = 1..25;
const THEN: std::ops::Range<u64> = 25..30;

/// How many writes and syncs it takes to write the first change sets when nothing fails.
async fn undisturbed() -> (u64, u64) {
    let disk = Disk::new();
    let store = open(&disk).unwrap();
    let (writes, syncs) = (disk.writes(), disk.syncs());
    let mut history = History::default();
    history.write(&store, FIRST).await;
    assert_eq!(history.acknowledged.len(), FIRST.count());
    (disk.writes() - writes, disk.syncs() - syncs)
}

/// Waits until the store has healed; it does so by itself, and soon.
pub(super) async fn healed(store: &RedbStore) {
    for _ in 0..10_000 {
        if store.stats().healthy {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    panic!("the store has not healed");
}

#[tokio::test]
async fn a_power_cut_at_any_sync_loses_nothing_acknowledged_and_leaves_nothing_half_there() {
    let (_, syncs) = undisturbed().await;
    for at_sync in 1..=syncs {
        for seed in 0..8 {
            let case = format!("power cut at sync {at_sync}, seed {seed}");
            let disk = Disk::new();
            let store = open(&disk).unwrap();
            disk.fail(Fault::PowerCut { at_sync }, seed * 1_000 + at_sync);
            let mut history = History::default();
            history.write(&store, FIRST).await;
            drop(store);
            // Every second time it goes again while the store recovers.
            if seed % 2 == 1 {
                disk.power_on();
                disk.fail(Fault::PowerCut { at_sync: 1 + seed / 2 }, seed);
                drop(open(&disk));
            }
            disk.power_on();
            let store = open(&disk).unwrap_or_else(|error| panic!("{case}: {error}"));
            history.check(&store).await;
            history.write(&store, THEN).await;
            history.check(&store).await;
            assert!(history.acknowledged.is_superset(&THEN.collect()), "{case}");
        }
    }
}

#[tokio::test]
async fn the_store_heals_from_any_failing_write_by_itself() {
    let (writes, _) = undisturbed().await;
    for nth in 1..=writes {
        heals_and_survives_a_power_cut(Fault::Write { nth }, nth).await;
    }
}

#[tokio::test]
async fn the_store_heals_from_any_failing_sync_by_itself() {
    let (_, syncs) = undisturbed().await;
    for nth in 1..=syncs {
        for seed in 0..4 {
            heals_and_survives_a_power_cut(Fault::Sync { nth }, seed * 1_000 + nth).await;
        }
    }
}

/// Writes through a fault, and cuts the power at the end: what was acknowledged after the fault must be
/// on the disk, not only in what reads show.
async fn heals_and_survives_a_power_cut(fault: Fault, seed: u64) {
    let disk = Disk::new();
    let store = open(&disk).unwrap();
    disk.fail(fault, seed);
    let mut history = History::default();
    for number in FIRST {
        history.write(&store, [number]).await;
        healed(&store).await;
        history.check(&store).await;
    }
    assert!(history.unknown.len() <= 1, "{fault:?}: only one commit fails: {history:?}");
    disk.cut_power();
    drop(store);
    disk.power_on();
    let store = open(&disk).unwrap_or_else(|error| panic!("{fault:?}: {error}"));
    history.check(&store).await;
}

#[tokio::test]
async fn on_a_full_disk_changes_are_refused_reads_are_served_and_space_heals_the_store() {
    for free in (0..40).map(|blocks| blocks * 4096) {
        let disk = Disk::new();
        let store = open(&disk).unwrap();
        let mut history = History::default();
        history.write(&store, 1..5).await;
        disk.leave_free(free);

        let mut number = 5;
        loop {
            let answer = store.commit(change(number)).await;
            history.note(number, &answer);
            number += 1;
            match answer {
                Ok(_) => {}
                Err(CommitError::Full) => break,
                Err(other) => panic!("with {free} bytes free: {other}"),
            }
        }
        healed(&store).await;
        history.check(&store).await;

        disk.leave_free(usize::MAX);
        history.write(&store, number..number + 5).await;
        assert!(history.acknowledged.contains(&(number + 4)), "with {free} bytes free");
        assert!(store.stats().failures > 0);
        drop(store);
        history.check(&open(&disk).unwrap()).await;
    }
}

#[tokio::test]
async fn while_the_disk_is_away_all_is_refused_and_when_it_is_back_all_is_there() {
    let disk = Disk::new();
    let store = open(&disk).unwrap();
    let mut history = History::default();
    history.write(&store, 1..5).await;
    disk.cut_power();
    for number in 5..8 {
        let answer = store.commit(change(number)).await;
        assert!(matches!(answer, Err(CommitError::Unavailable { .. })), "{answer:?}");
        history.note(number, &answer);
        assert!(store.snapshot().await.is_err());
        assert!(!store.stats().healthy);
    }
    disk.power_on();
    healed(&store).await;
    history.check(&store).await;
    history.write(&store, 8..10).await;
    history.check(&store).await;
}

/// Nobody writes, and so no commit fails that would tell.
#[tokio::test]
async fn a_store_whose_disk_refused_a_read_heals_where_it_is_only_read() {
    let disk = Disk::new();
    let small = || Options { cache_bytes: 0, ..Options::default() };
    let mut history = History::default();
    history.write(&open(&disk).unwrap(), 1..40).await;
    let store = RedbStore::with_backend(
        {
            let disk = disk.clone();
            move || disk.connect()
        },
        small(),
    );
    let store = store.unwrap();
    disk.cut_power();
    let all = Key::in_space(&Space::Tenant("acme".into()), "item").prefix();
    let read = async || match store.snapshot().await {
        Ok(snapshot) => snapshot.scan(&all, Scan::first(usize::MAX)).await,
        Err(error) => Err(error),
    };
    assert!(matches!(read().await, Err(StoreError::Unavailable { .. })));
    disk.power_on();
    for _ in 0..10_000 {
        if read().await.is_ok() {
            return history.check(&store).await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    panic!("the store has not healed");
}

#[tokio::test]
async fn a_store_that_is_dropped_while_its_disk_is_away_ends() {
    let disk = Disk::new();
    let store = open(&disk).unwrap();
    disk.cut_power();
    assert!(store.commit(change(1)).await.is_err());
    drop(store);
}

#[tokio::test]
async fn a_power_cut_while_rows_are_taken_over_leaves_none_of_them_or_all() {
    let rows: Vec<Row> = (0..500)
        .map(|number| {
            let key = Key::in_space(&Space::Host, "count").number(number).key();
            Row::Counter { key, holds: 1 }
        })
        .collect();
    let load = async |disk: &Disk| {
        let mut loader = RedbLoader::with_backend(disk.connect().unwrap(), 1 << 20)?;
        for piece in rows.chunks(16) {
            loader.load(piece).await?;
        }
        loader.finish(7).await
    };
    let new_disk = || {
        let disk = Disk::new();
        drop(open(&disk).unwrap());
        disk
    };
    let disk = new_disk();
    let before = disk.syncs();
    load(&disk).await.unwrap();
    let syncs = disk.syncs() - before;
    let mut kept = Vec::new();
    for at_sync in 1..=syncs {
        for seed in 0..4 {
            let disk = new_disk();
            disk.fail(Fault::PowerCut { at_sync }, seed);
            let done: Result<(), StoreError> = load(&disk).await;
            disk.power_on();
            let store = super::open_with(&disk, Options::default()).unwrap();
            let snapshot = store.snapshot().await.unwrap();
            let version = snapshot.version().await.unwrap();
            let all = Key::in_space(&Space::Host, "count").prefix();
            let found = snapshot.counters(&all, Scan::first(999)).await.unwrap();
            assert!([(0, 0), (7, 500)].contains(&(version, found.len())), "{version}");
            assert!(done.is_err() || version == 7, "it said that it kept them");
            kept.push(version);
        }
    }
    assert!(kept.contains(&0), "{kept:?}");
}

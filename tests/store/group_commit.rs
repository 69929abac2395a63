//! Many change sets a commit, each decided as if it were alone. Nothing here depends on time: the disk is
//! held until all change sets wait.

use planwright_store::{
    ChangeSet, CommitError, Committed, Key, LogScan, Options, RedbStore, Snapshot, Stats, Store,
};
use std::sync::Arc;

use super::disk::Disk;
use super::history::check_chain;
use super::{item, key, open, open_with};

/// Commits all sets at once: they wait, in their order, while a commit is held up.
async fn together(
    disk: &Disk,
    store: &Arc<RedbStore>,
    sets: Vec<ChangeSet>,
) -> Vec<Result<Committed, CommitError>> {
    disk.hold();
    let mut first = ChangeSet::new();
    first.add(&key("count", "first"), 1);
    let first = spawn(store, first);
    tokio::task::yield_now().await;
    disk.wait_for_sync();
    let waiting: Vec<_> = sets.into_iter().map(|set| spawn(store, set)).collect();
    // This runtime has one thread. Each turn of it runs at least one of them until it waits for its answer.
    for _ in &waiting {
        tokio::task::yield_now().await;
    }
    disk.release();

    first.await.unwrap().unwrap();
    let mut answers = Vec::new();
    for answer in waiting {
        answers.push(answer.await.unwrap());
    }
    answers
}

fn spawn(
    store: &Arc<RedbStore>,
    set: ChangeSet,
) -> tokio::task::JoinHandle<Result<Committed, CommitError>> {
    let store = Arc::clone(store);
    tokio::spawn(async move { store.commit(set).await })
}

fn sets(count: u64, build: impl Fn(u64, &mut ChangeSet) -> &mut ChangeSet) -> Vec<ChangeSet> {
    let mut sets: Vec<ChangeSet> = vec![ChangeSet::new(); usize::try_from(count).unwrap()];
    for (set, number) in sets.iter_mut().zip(0..) {
        build(number, set);
    }
    sets
}

/// The one counter that most of these tests race for.
fn counter() -> Key {
    key("count", "raced")
}

async fn raced(store: &RedbStore) -> i64 {
    store.snapshot().await.unwrap().counter(&counter()).await.unwrap()
}

fn kept(answers: &[Result<Committed, CommitError>]) -> usize {
    answers.iter().filter(|answer| answer.is_ok()).count()
}

#[tokio::test]
async fn all_that_wait_are_one_commit() {
    let disk = Disk::new();
    let store = Arc::new(open(&disk).unwrap());
    let sets = sets(64, |number, set| set.put(&key("item", &number.to_string()), &item(number)));
    let answers = together(&disk, &store, sets).await;
    assert_eq!(kept(&answers), 64);
    let expected =
        Stats { healthy: true, commits: 2, change_sets: 65, largest_batch: 64, ..Stats::default() };
    assert_eq!(store.stats(), expected);
}

#[tokio::test]
async fn a_commit_takes_no_more_sets_or_bytes_than_it_may() {
    let body = "x".repeat(1000);
    for (options, largest) in [
        (Options { batch_sets: 10, ..Options::default() }, 10),
        // The set that passes the limit is the last.
        (Options { batch_bytes: 4500, ..Options::default() }, 5),
    ] {
        let disk = Disk::new();
        let store = Arc::new(open_with(&disk, options).unwrap());
        let sets = sets(64, |_, set| set.append(&key("log", "a"), &body));
        assert_eq!(kept(&together(&disk, &store, sets).await), 64);
        assert_eq!(store.stats().largest_batch, largest);
    }
}

#[tokio::test]
async fn a_refusal_in_a_batch_spoils_no_other_set_and_leaves_nothing() {
    let disk = Disk::new();
    let store = Arc::new(open(&disk).unwrap());
    let sets = sets(64, |number, set| {
        set.put(&key("item", &number.to_string()), &item(number));
        set.add(&counter(), 1).append(&key("log", "a"), &number);
        match number % 4 {
            1 => set.expect_version(&key("item", "none"), 1),
            2 => set.add_with_ceiling(&key("count", "full"), 1, 0),
            _ => set,
        }
    });
    let answers = together(&disk, &store, sets).await;
    for (number, answer) in answers.iter().enumerate() {
        match number % 4 {
            1 => assert!(matches!(answer, Err(CommitError::Conflict { .. })), "{answer:?}"),
            2 => {
                assert!(matches!(answer, Err(CommitError::Ceiling { holds: 0, .. })), "{answer:?}");
            }
            _ => assert!(answer.is_ok(), "{answer:?}"),
        }
        let snapshot = store.snapshot().await.unwrap();
        let found = snapshot.get(&key("item", &number.to_string())).await.unwrap();
        assert_eq!(found.is_some(), answer.is_ok());
    }
    assert_eq!(raced(&store).await, 32);
    let stats = store.stats();
    assert_eq!(
        (stats.commits, stats.conflicts, stats.ceilings, stats.largest_batch),
        (2, 16, 16, 32)
    );
    let snapshot = store.snapshot().await.unwrap();
    assert_eq!(check_chain(&snapshot, &key("log", "a")).await, 32);
}

#[tokio::test]
async fn refusals_alone_are_answered_without_a_commit() {
    let store = open(&Disk::new()).unwrap();
    let mut set = ChangeSet::new();
    set.expect_version(&key("item", "none"), 1).put(&key("item", "a"), &item(1));
    assert!(store.commit(set).await.is_err());
    assert_eq!(store.stats(), Stats { healthy: true, conflicts: 1, ..Stats::default() });
}

#[tokio::test]
async fn of_64_that_expect_absence_one_wins() {
    let disk = Disk::new();
    let store = Arc::new(open(&disk).unwrap());
    let sets = sets(64, |number, set| {
        set.expect_absent(&key("item", "one")).put(&key("item", "one"), &item(number))
    });
    let answers = together(&disk, &store, sets).await;
    assert_eq!(kept(&answers), 1);
    assert!(answers[0].is_ok(), "the first that asked");
}

#[tokio::test]
async fn of_64_that_expect_a_version_one_wins() {
    let disk = Disk::new();
    let store = Arc::new(open(&disk).unwrap());
    let mut set = ChangeSet::new();
    set.put(&key("item", "one"), &item(0));
    let version = store.commit(set).await.unwrap().version;
    let sets = sets(64, |number, set| {
        set.expect_version(&key("item", "one"), version).put(&key("item", "one"), &item(number))
    });
    assert_eq!(kept(&together(&disk, &store, sets).await), 1);
}

#[tokio::test]
async fn of_64_that_add_below_a_ceiling_none_passes_it() {
    let disk = Disk::new();
    let store = Arc::new(open(&disk).unwrap());
    let sets = sets(64, |_, set| set.add_with_ceiling(&counter(), 3, 100));
    let answers = together(&disk, &store, sets).await;
    assert_eq!(kept(&answers), 33);
    for answer in &answers[33..] {
        assert!(matches!(answer, Err(CommitError::Ceiling { holds: 99, .. })), "{answer:?}");
    }
    assert_eq!(raced(&store).await, 99);
}

#[tokio::test]
async fn a_thing_is_never_both_used_and_deleted() {
    let disk = Disk::new();
    let store = Arc::new(open(&disk).unwrap());
    let plan = key("plan", "raced");
    for round in 0..16 {
        let mut set = ChangeSet::new();
        set.put(&plan, &item(round)).reset(&counter());
        let version = store.commit(set).await.unwrap().version;
        // One of them deletes what nobody uses; all others use it.
        let sets = sets(16, |number, set| {
            if number == round {
                set.expect_counter(&counter(), 0).delete(&plan)
            } else {
                set.expect_version(&plan, version).add(&counter(), 1)
            }
        });
        together(&disk, &store, sets).await;
        let used = raced(&store).await > 0;
        let there = store.snapshot().await.unwrap().get(&plan).await.unwrap().is_some();
        assert_eq!(used, there, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn from_many_threads_too_each_is_answered_and_added_once() {
    let store = Arc::new(open(&Disk::new()).unwrap());
    let writers = (0..64_u64).map(|writer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for number in 0..20 {
                let mut set = ChangeSet::new();
                set.add(&counter(), 1).append(&key("log", "a"), &(writer, number));
                let appended = store.commit(set).await.unwrap().log[0];
                // What was acknowledged is seen.
                let snapshot = store.snapshot().await.unwrap();
                let scan = LogScan::oldest(1).after(appended.sequence - 1);
                let entry = snapshot.log(&key("log", "a"), scan).await.unwrap().remove(0);
                assert_eq!(entry.decode::<(u64, u64)>().unwrap(), (writer, number));
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(raced(&store).await, 64 * 20);
    let stats = store.stats();
    assert_eq!(stats.change_sets, 64 * 20);
    assert!(stats.commits < stats.change_sets, "{stats:?}");
}

#[tokio::test]
async fn a_full_queue_answers_busy_at_once_and_keeps_nothing_of_it() {
    for options in [
        Options { queue_sets: 8, ..Options::default() },
        Options { queue_bytes: 8 * 23, ..Options::default() },
    ] {
        let disk = Disk::new();
        let store = Arc::new(open_with(&disk, options).unwrap());
        // Each weighs 23 bytes, as its key does.
        let sets = sets(20, |_, set| set.add(&counter(), 1));
        let answers = together(&disk, &store, sets).await;
        assert_eq!(kept(&answers), 8);
        assert!(answers[8..].iter().all(|answer| matches!(answer, Err(CommitError::Busy))));
        assert_eq!(raced(&store).await, 8);
        let again = together(&disk, &store, vec![ChangeSet::new(); 1]).await;
        assert_eq!(kept(&again), 1, "the queue has room again");
    }
}

#[tokio::test]
async fn a_store_that_is_dropped_commits_what_waits() {
    let disk = Disk::new();
    let store = Arc::new(open(&disk).unwrap());
    disk.hold();
    let mut set = ChangeSet::new();
    set.add(&counter(), 1);
    let waiting: Vec<_> = (0..8).map(|_| spawn(&store, set.clone())).collect();
    tokio::task::yield_now().await;
    for task in waiting {
        task.abort();
    }
    tokio::task::yield_now().await;
    disk.release();
    drop(Arc::into_inner(store).unwrap());
    assert_eq!(raced(&open(&disk).unwrap()).await, 8);
}

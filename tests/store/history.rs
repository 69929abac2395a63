//! Change sets that each touch several records, two counters and a log, and the check that a store holds
//! every acknowledged one and none by half.

use std::collections::BTreeSet;

use planwright_store::{
    Chain, ChangeSet, CommitError, Committed, Key, LogScan, Scan, Snapshot, Store,
};

use super::{Item, acme, item, key};

/// Makes an item larger than a page now and then, so that the file grows.
const EVERY: u64 = 7;

fn log() -> Key {
    Key::in_space(&acme(), "log").key()
}

fn record(number: u64) -> Key {
    Key::in_space(&acme(), "item").number(number).key()
}

/// The change set with this number, different from every other's in all it touches.
pub(super) fn change(number: u64) -> ChangeSet {
    let amount = i64::try_from(number).unwrap();
    let mut set = ChangeSet::new();
    set.expect_absent(&record(number))
        .put(&record(number), &item(number))
        .put(&key("last", "item"), &item(number))
        .put(&key("shelf", &(number % 5).to_string()), &item(number))
        .add(&key("count", "all"), 1)
        .add(&key("sum", "all"), amount)
        .append(&log(), &item(number));
    if number.is_multiple_of(EVERY) {
        set.append(&key("notes", "long"), &"x".repeat(10_000));
    }
    set
}

/// What became of the change sets that were tried.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) acknowledged: BTreeSet<u64>,
    /// Neither kept nor refused, as far as the one who asked can tell.
    pub(super) unknown: BTreeSet<u64>,
}

impl History {
    pub(super) fn note(&mut self, number: u64, answer: &Result<Committed, CommitError>) {
        match answer {
            Ok(_) => {
                self.acknowledged.insert(number);
            }
            Err(error) if error.nothing_was_kept() => {}
            Err(_) => {
                self.unknown.insert(number);
            }
        }
    }

    /// Commits change sets one after another, whatever the answers.
    pub(super) async fn write<S: Store>(
        &mut self,
        store: &S,
        numbers: impl IntoIterator<Item = u64>,
    ) {
        for number in numbers {
            let answer = store.commit(change(number)).await;
            self.note(number, &answer);
        }
    }

    /// Panics unless the store holds every acknowledged change set, perhaps some of the unknown ones, each
    /// of them whole, and nothing else.
    pub(super) async fn check<S: Store>(&self, store: &S) {
        let snapshot = store.snapshot().await.unwrap();
        let entries = snapshot.log(&log(), LogScan::oldest(usize::MAX)).await.unwrap();
        let logged: Vec<u64> =
            entries.iter().map(|entry| entry.decode::<Item>().unwrap().value).collect();
        let kept: BTreeSet<u64> = logged.iter().copied().collect();

        assert_eq!(kept.len(), logged.len(), "nothing is there twice: {logged:?}");
        assert!(kept.is_superset(&self.acknowledged), "kept {kept:?} of {self:?}");
        let allowed = &self.acknowledged | &self.unknown;
        assert!(kept.is_subset(&allowed), "kept {kept:?} of {self:?}");

        check_chain(&snapshot, &log()).await;
        let notes = check_chain(&snapshot, &key("notes", "long")).await;
        assert_eq!(notes, kept.iter().filter(|kept| kept.is_multiple_of(EVERY)).count());

        let all = Key::in_space(&acme(), "item").prefix();
        let records = snapshot.scan(&all, Scan::first(usize::MAX)).await.unwrap();
        let items = records.iter().map(|(_, record)| record.decode::<Item>().unwrap().value);
        assert!(items.eq(kept.iter().copied()), "records and log agree");
        let last = snapshot.get(&key("last", "item")).await.unwrap();
        assert_eq!(last.map(|last| last.decode().unwrap()), logged.last().copied().map(item));
        for shelf in 0..5 {
            let found = snapshot.get(&key("shelf", &shelf.to_string())).await.unwrap();
            let expected = logged.iter().rfind(|number| **number % 5 == shelf);
            assert_eq!(found.map(|found| found.decode().unwrap()), expected.copied().map(item));
        }

        let count = snapshot.counter(&key("count", "all")).await.unwrap();
        assert_eq!(count, i64::try_from(kept.len()).unwrap());
        let sum = snapshot.counter(&key("sum", "all")).await.unwrap();
        assert_eq!(sum, i64::try_from(kept.iter().sum::<u64>()).unwrap());
    }
}

/// Panics unless each entry follows the one before, from the first to the head; says how many there are.
pub(super) async fn check_chain(snapshot: &impl Snapshot, log: &Key) -> usize {
    let entries = snapshot.log(log, LogScan::oldest(usize::MAX)).await.unwrap();
    let mut chain = Chain::of(log);
    for entry in &entries {
        chain.take(entry).unwrap();
    }
    chain.close(snapshot.log_head(log).await.unwrap()).unwrap();
    entries.len()
}

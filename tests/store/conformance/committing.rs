//! What is kept, and what is refused.

use std::collections::BTreeMap;

use planwright_store::{ChangeSet, CommitError, Key, LogScan, Scan, Snapshot, Store, WithCounters};

use super::super::{Chance, Item, acme, item, key};
use super::{commit, holds, read};

/// Adds to a change set.
type Build<'a> = dyn Fn(&mut ChangeSet) -> &mut ChangeSet + 'a;

/// How an answer reads in a table of cases.
fn told<T>(answer: Result<T, CommitError>) -> String {
    match answer {
        Ok(_) => "kept".to_owned(),
        Err(CommitError::Conflict { key }) => format!("conflict {key}"),
        Err(CommitError::Ceiling { key, holds }) => format!("{key} holds {holds}"),
        Err(CommitError::Invalid { reason }) => format!("invalid {reason}"),
        Err(other) => panic!("{other}"),
    }
}

pub(super) async fn versions_rise_and_a_record_made_again_never_has_an_old_one<S: Store>(store: S) {
    let (a, b) = (key("item", "a"), key("item", "b"));
    let mut last = 0;
    for round in 0..3 {
        let put = commit(&store, |set| set.put(&a, &item(round))).await.unwrap();
        let other = commit(&store, |set| set.put(&b, &item(round))).await.unwrap();
        assert!(last < put && put < other);
        assert_eq!(read(&store, &a).await, Some((put, item(round))));
        last = commit(&store, |set| set.expect_version(&a, put).delete(&a)).await.unwrap();
        assert!(other < last);
        let stale = commit(&store, |set| set.expect_version(&a, put)).await;
        assert!(matches!(stale, Err(CommitError::Conflict { .. })));
    }
}

pub(super) async fn a_set_is_kept_if_and_only_if_all_it_expects_is_so<S: Store>(store: S) {
    let (there, gone, counter, unset) =
        (key("item", "there"), key("item", "gone"), key("count", "five"), key("count", "unset"));
    let version = commit(&store, |set| set.put(&there, &item(1)).add(&counter, 5)).await.unwrap();
    let expect = |build: &Build| {
        let mut set = ChangeSet::new();
        build(&mut set);
        set
    };
    let cases = [
        ("kept", expect(&|set| set)),
        ("kept", expect(&|set| set.expect_version(&there, version))),
        (
            "conflict tenant acme: item/there",
            expect(&|set| set.expect_version(&there, version + 1)),
        ),
        ("conflict tenant acme: item/there", expect(&|set| set.expect_absent(&there))),
        ("conflict tenant acme: item/gone", expect(&|set| set.expect_version(&gone, version))),
        ("kept", expect(&|set| set.expect_absent(&gone))),
        ("kept", expect(&|set| set.expect_counter(&counter, 5))),
        ("conflict tenant acme: count/five", expect(&|set| set.expect_counter(&counter, 4))),
        (
            "conflict tenant acme: count/five",
            expect(&|set| set.expect_counter_at_most(&counter, 4)),
        ),
        ("kept", expect(&|set| set.expect_counter_at_most(&counter, 5))),
        ("kept", expect(&|set| set.expect_counter(&unset, 0))),
        ("conflict tenant acme: count/unset", expect(&|set| set.expect_counter(&unset, 1))),
        ("kept", expect(&|set| set.expect_counter_at_most(&unset, 0))),
        // The first that does not hold is named, and one is enough.
        (
            "conflict tenant acme: item/there",
            expect(&|set| {
                set.expect_absent(&gone).expect_absent(&there).expect_counter(&counter, 1)
            }),
        ),
        // It is the state before the set that is compared.
        ("kept", expect(&|set| set.add(&counter, 1).expect_counter(&counter, 5).add(&counter, -1))),
        ("kept", expect(&|set| set.put(&gone, &item(1)).expect_absent(&gone).delete(&gone))),
    ];
    for (index, (expected, set)) in cases.into_iter().enumerate() {
        assert_eq!(told(store.commit(set).await), expected, "case {index}");
    }
}

pub(super) async fn a_refused_set_leaves_nothing<S: Store>(store: S) {
    let (a, counter, log) = (key("item", "a"), key("count", "a"), key("log", "a"));
    let before =
        commit(&store, |set| set.put(&a, &item(1)).add(&counter, 5).append(&log, &1)).await;
    let before = before.unwrap();
    let too_long = key("item", &"x".repeat(Key::MAX_BYTES));
    let spoil: [&Build; 5] = [
        &|set| set.expect_absent(&a),
        &|set| set.expect_counter(&counter, 6),
        &|set| set.add_with_ceiling(&counter, 1, 5),
        &|set| set.add(&counter, i64::MAX),
        &|set| set.delete(&too_long),
    ];
    for (index, spoil) in spoil.iter().enumerate() {
        let refused = commit(&store, |set| {
            set.put(&a, &item(2))
                .put(&key("item", "b"), &item(2))
                .add(&key("count", "b"), 1)
                .append(&log, &2);
            spoil(set)
        });
        assert!(refused.await.unwrap_err().nothing_was_kept(), "case {index}");
        assert_eq!(read(&store, &a).await, Some((before, item(1))), "case {index}");
        assert_eq!(read(&store, &key("item", "b")).await, None, "case {index}");
        assert_eq!(holds(&store, &counter).await, 5, "case {index}");
        assert_eq!(holds(&store, &key("count", "b")).await, 0, "case {index}");
        let log = store.snapshot().await.unwrap().log(&log, LogScan::oldest(9)).await.unwrap();
        assert_eq!(log.len(), 1, "case {index}");
    }
}

pub(super) async fn counters_add_up_in_order_and_stop_at_their_ceilings<S: Store>(store: S) {
    enum Do {
        Add(i64),
        Below(i64, i64),
        Reset,
    }
    use Do::{Add, Below, Reset};
    const MOST: i64 = i64::MAX;
    let cases: &[(i64, &[Do], &str, i64)] = &[
        (0, &[Add(3), Add(-5)], "kept", -2),
        (7, &[Reset], "kept", 0),
        (7, &[Reset, Add(2)], "kept", 2),
        (7, &[Add(2), Reset], "kept", 0),
        (7, &[Below(3, 10)], "kept", 10),
        (7, &[Below(4, 10)], "tenant acme: count/c holds 7", 7),
        // Repeated additions count together.
        (7, &[Below(2, 10), Below(2, 10)], "tenant acme: count/c holds 7", 7),
        (7, &[Add(4), Below(1, 10)], "tenant acme: count/c holds 7", 7),
        (7, &[Below(4, 10), Add(-4)], "tenant acme: count/c holds 7", 7),
        (7, &[Add(-4), Below(4, 10)], "kept", 7),
        (7, &[Reset, Below(10, 10)], "kept", 10),
        // A ceiling that is lower than what is held already stops only what adds.
        (7, &[Below(-1, 5)], "kept", 6),
        (7, &[Below(0, 5)], "kept", 7),
        (7, &[Below(1, 5)], "tenant acme: count/c holds 7", 7),
        (MOST, &[Add(1)], "tenant acme: count/c holds 9223372036854775807", MOST),
        (-2, &[Add(i64::MIN)], "tenant acme: count/c holds -2", -2),
    ];
    let counter = key("count", "c");
    for (index, (before, steps, expected, after)) in cases.iter().enumerate() {
        commit(&store, |set| set.reset(&counter).add(&counter, *before)).await.unwrap();
        let answer = commit(&store, |set| {
            for step in *steps {
                match step {
                    Add(amount) => set.add(&counter, *amount),
                    Below(amount, ceiling) => set.add_with_ceiling(&counter, *amount, *ceiling),
                    Reset => set.reset(&counter),
                };
            }
            set
        });
        assert_eq!(told(answer.await), *expected, "case {index}");
        assert_eq!(holds(&store, &counter).await, *after, "case {index}");
    }
}

pub(super) async fn a_commit_says_what_its_counters_hold_and_a_record_may_keep_it<S: Store>(
    store: S,
) {
    let [a, b, c, other] = ["a", "b", "c", "other"].map(|name| key("count", name));
    let kept = key("item", "kept");
    commit(&store, |set| set.add(&b, 5).add(&other, 9)).await.unwrap();
    let mut set = ChangeSet::new();
    // Where it stands among the changes does not matter: it is what they hold after all of them.
    set.put_with_counters(&kept, &item(1), &[c.clone(), b.clone(), other.clone()])
        .add(&b, -2)
        .add_with_ceiling(&a, 7, 7)
        .reset(&c)
        .add(&b, 1);
    let committed = store.commit(set).await.unwrap();
    assert_eq!(committed.counters, [(a.clone(), 7), (b.clone(), 4), (c, 0)]);
    let asked = [&a, &b, &other].map(|counter| committed.counter(counter));
    assert_eq!(asked, [Some(7), Some(4), None]);

    let snapshot = store.snapshot().await.unwrap();
    let record = snapshot.get(&kept).await.unwrap().unwrap();
    let expected = WithCounters { counters: vec![0, 4, 9], value: item(1) };
    assert_eq!(record.decode::<WithCounters<Item>>().unwrap(), expected);
    assert!(record.is_as_written(&kept));
    assert_eq!(snapshot.record_version(&kept).await.unwrap(), Some(committed.version));
    assert_eq!(snapshot.record_version(&key("item", "none")).await.unwrap(), None);
    let without = commit(&store, |set| set.put(&kept, &item(2))).await.unwrap();
    assert_eq!(read(&store, &kept).await, Some((without, item(2))));
}

pub(super) async fn a_set_at_fault_is_refused_and_says_why<S: Store>(store: S) {
    let no_json: BTreeMap<Vec<u8>, u8> = BTreeMap::from([(vec![1], 1)]);
    let huge = "x".repeat(ChangeSet::MAX_BYTES);
    let cases: [(&str, &Build); 3] = [
        ("invalid the value of tenant acme: log/a is no JSON: key must be a string", &|set| {
            set.append(&key("log", "a"), &no_json)
        }),
        ("invalid a key of 2072 bytes; the longest has 2048", &|set| {
            set.expect_absent(&key("item", &"x".repeat(2055)))
        }),
        ("invalid a change set of more than 16777216 bytes", &|set| {
            set.append(&key("log", "a"), &huge)
        }),
    ];
    for (expected, build) in cases {
        assert_eq!(told(commit(&store, build).await), expected);
    }
}

/// Random change sets against a model that is plainly right.
pub(super) async fn an_engine_agrees_with_a_map<S: Store>(store: S) {
    let mut chance = Chance(1);
    let mut records: BTreeMap<Key, (u64, u64)> = BTreeMap::new();
    let mut counters: BTreeMap<Key, i64> = BTreeMap::new();
    for round in 0..400 {
        let (mut new_records, mut new_counters) = (records.clone(), counters.clone());
        let mut set = ChangeSet::new();
        let mut refused = false;
        let mut put = Vec::new();
        for _ in 0..=chance.below(3) {
            let at = key("model", &chance.below(6).to_string());
            let amount = i64::try_from(chance.below(20)).unwrap() - 8;
            match chance.below(6) {
                0 => {
                    set.put(&at, &item(round));
                    new_records.insert(at.clone(), (0, round));
                    put.push(at);
                }
                1 => {
                    set.delete(&at);
                    new_records.remove(&at);
                }
                2 => {
                    set.expect_absent(&at);
                    refused |= records.contains_key(&at);
                }
                3 => {
                    set.add(&at, amount);
                    *new_counters.entry(at).or_default() += amount;
                }
                4 => {
                    set.add_with_ceiling(&at, amount, 12);
                    let sum = new_counters.entry(at).or_default();
                    *sum += amount;
                    refused |= amount > 0 && *sum > 12;
                }
                _ => {
                    let version = records.get(&at).map_or(1, |(version, _)| *version);
                    set.expect_version(&at, version);
                    refused |= !records.contains_key(&at);
                }
            }
        }
        match store.commit(set).await {
            Ok(committed) => {
                assert!(!refused, "round {round}");
                for at in put {
                    if let Some(found) = new_records.get_mut(&at) {
                        found.0 = committed.version;
                    }
                }
                for (at, holds) in &committed.counters {
                    assert_eq!(new_counters.get(at), Some(holds), "round {round}");
                }
                new_counters.retain(|_, holds| *holds != 0);
                (records, counters) = (new_records, new_counters);
            }
            Err(error) => assert!(refused, "round {round}: {error}"),
        }
        let snapshot = store.snapshot().await.unwrap();
        let prefix = Key::in_space(&acme(), "model").prefix();
        let found = snapshot.scan(&prefix, Scan::first(99)).await.unwrap();
        let found: BTreeMap<Key, (u64, u64)> = found
            .into_iter()
            .map(|(key, record)| (key, (record.version, record.decode::<Item>().unwrap().value)))
            .collect();
        assert_eq!(found, records, "round {round}");
        let found = snapshot.counters(&prefix, Scan::first(99)).await.unwrap();
        assert_eq!(found.into_iter().collect::<BTreeMap<_, _>>(), counters, "round {round}");
    }
}

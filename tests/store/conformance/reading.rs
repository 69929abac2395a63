//! What is read: records, scans, counters and logs.

use planwright_store::{
    Chain, ChangeSet, Document, Head, Key, LogScan, Prefix, Scan, Snapshot, Space, Store,
    StoreError,
};
use serde::{Deserialize, Serialize};

use super::super::history::check_chain;
use super::super::{Item, acme, item, key};
use super::{commit, holds, read};

pub(super) async fn a_record_is_read_as_it_was_written<S: Store>(store: S) {
    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Anything(serde_json::Value);
    impl Document for Anything {
        const SCHEMA: u16 = 9;
    }
    for json in [
        "null",
        r#""text with \u0000 and ü""#,
        "[1.10,0.1000000000000000000000000000001,1e400]",
        r#"{"b":1,"a":{"deep":[[]]}}"#,
    ] {
        let value = Anything(serde_json::from_str(json).unwrap());
        let version = commit(&store, |set| set.put(&key("any", json), &value));
        let version = version.await.unwrap();
        let snapshot = store.snapshot().await.unwrap();
        let record = snapshot.get(&key("any", json)).await.unwrap().unwrap();
        assert_eq!((record.version, record.schema), (version, 9));
        assert_eq!(record.decode::<Anything>().unwrap().0, value.0);
    }
    assert_eq!(read(&store, &key("any", "missing")).await, None);
}

pub(super) async fn a_record_of_a_newer_schema_is_refused_and_both_numbers_are_named<S: Store>(
    store: S,
) {
    #[derive(Serialize, Deserialize)]
    struct Later {
        value: u64,
        more: u64,
    }
    impl Document for Later {
        const SCHEMA: u16 = 2;
    }
    let at = key("item", "later");
    let later = Later { value: 1, more: 2 };
    commit(&store, |set| set.put(&at, &later)).await.unwrap();
    let record = store.snapshot().await.unwrap().get(&at).await.unwrap().unwrap();
    match record.decode::<Item>() {
        Err(error @ StoreError::Newer { found: 2, supported: 1, .. }) => {
            let told = error.to_string();
            assert!(told.contains("Item") && told.contains('2') && told.contains('1'), "{told}");
        }
        other => panic!("{other:?}"),
    }
}

pub(super) async fn bytes_that_are_no_json_are_kept_as_they_are<S: Store>(store: S) {
    for length in [0, 1, 60 << 10, 1 << 20] {
        let (at, bytes) = (key("bytes", "a"), vec![0xff_u8; length]);
        let version = commit(&store, |set| set.put_bytes(&at, 3, bytes.clone().into()));
        let version = version.await.unwrap();
        let record = store.snapshot().await.unwrap().get(&at).await.unwrap().unwrap();
        assert_eq!((record.version, record.schema, record.bytes()), (version, 3, &bytes[..]));
        assert!(record.is_as_written(&at) && !record.is_as_written(&key("bytes", "b")));
        let is_text = record.decode::<Item>();
        assert!(matches!(is_text, Err(StoreError::Newer { .. })), "{is_text:?}");
    }
    let mut set = ChangeSet::new();
    set.put_bytes(&key("bytes", "a"), 1, vec![0; ChangeSet::MAX_BYTES].into());
    assert!(store.commit(set).await.is_err(), "they weigh what they are");
}

pub(super) async fn a_snapshot_goes_on_showing_its_moment<S: Store>(store: S) {
    let (at, counter, log) = (key("item", "a"), key("count", "a"), key("log", "a"));
    for value in 1..3 {
        commit(&store, |set| set.put(&at, &item(value)).add(&counter, 1).append(&log, &value))
            .await
            .unwrap();
    }
    let snapshot = store.snapshot().await.unwrap();
    commit(&store, |set| set.delete(&at).reset(&counter)).await.unwrap();

    let record = snapshot.get(&at).await.unwrap().unwrap();
    assert_eq!(record.decode::<Item>().unwrap(), item(2));
    assert_eq!(snapshot.counter(&counter).await.unwrap(), 2);
    assert_eq!(snapshot.log(&log, LogScan::oldest(9)).await.unwrap().len(), 2);
    assert_eq!(read(&store, &at).await, None);
    assert_eq!(holds(&store, &counter).await, 0);
}

pub(super) async fn a_scan_gives_what_is_under_its_prefix_in_order<S: Store>(store: S) {
    let other = Space::Tenant("acme2".to_owned());
    let plan = |space: &Space, name: &str| Key::in_space(space, "plan").text(name).key();
    let names = ["a", "a\0", "a\0b", "ab", "b"];
    commit(&store, |set| {
        for name in names {
            set.put(&plan(&acme(), name), &item(1)).add(&plan(&acme(), name), 2);
        }
        for key in [
            plan(&other, "a"),
            plan(&Space::Host, "a"),
            key("planet", "a"),
            key("plane", "a"),
            Key::in_space(&acme(), "plan").number(3).key(),
        ] {
            set.put(&key, &item(2)).add(&key, 3);
        }
        set.put(&Key::in_space(&acme(), "plan").text("a").text("part").key(), &item(3))
    })
    .await
    .unwrap();

    let plans = Key::in_space(&acme(), "plan").prefix();
    let under_a = Key::in_space(&acme(), "plan").text("a").prefix();
    let at = |name: &str| plan(&acme(), name);
    let cases: Vec<(&Prefix, Scan, &str)> = vec![
        (&plans, Scan::first(99), r"plan/a plan/a/part plan/a\0 plan/a\0b plan/ab plan/b plan/3"),
        (&plans, Scan::first(2), "plan/a plan/a/part"),
        (&plans, Scan::first(0), ""),
        (&plans, Scan::last(2), "plan/3 plan/b"),
        (&plans, Scan::first(2).after(at("ab")), "plan/b plan/3"),
        (&plans, Scan::first(1).after(at("aa")), "plan/ab"),
        (&plans, Scan::last(2).after(at("a\0b")), r"plan/a\0 plan/a/part"),
        (&plans, Scan::last(1).after(at("aa")), r"plan/a\0b"),
        (&plans, Scan::first(9).after(key("planet", "a")), ""),
        (&plans, Scan::last(1).after(key("planet", "a")), "plan/3"),
        (&plans, Scan::last(9).after(key("oven", "a")), ""),
        (&plans, Scan::first(1).after(key("oven", "a")), "plan/a"),
        (&plans, Scan::last(9).after(at("a")), ""),
        (&under_a, Scan::first(9), "plan/a plan/a/part"),
        (&under_a, Scan::first(9).after(at("ab")), ""),
        (&under_a, Scan::last(9).after(at("ab")), "plan/a/part plan/a"),
    ];
    let snapshot = store.snapshot().await.unwrap();
    for (index, (prefix, scan, expected)) in cases.into_iter().enumerate() {
        let found = snapshot.scan(prefix, scan).await.unwrap();
        let found: Vec<String> =
            found.iter().map(|(key, _)| key.to_string().replace("tenant acme: ", "")).collect();
        assert_eq!(found.join(" "), expected, "case {index}");
    }
    let whole = snapshot.scan(&Prefix::of_space(&acme()), Scan::first(99)).await.unwrap();
    assert_eq!(whole.len(), 9);
    assert!(whole.iter().all(|(key, _)| key.space() == acme()));
}

pub(super) async fn counters_are_listed_in_order_without_those_that_hold_0<S: Store>(store: S) {
    commit(&store, |set| {
        for (name, amount) in [("a", 1), ("b", 0), ("c", -3), ("d", 4)] {
            set.add(&key("count", name), amount);
        }
        set.add(&key("counter", "x"), 1)
    })
    .await
    .unwrap();
    commit(&store, |set| set.add(&key("count", "d"), -4)).await.unwrap();
    let snapshot = store.snapshot().await.unwrap();
    let prefix = Key::in_space(&acme(), "count").prefix();
    let expected = [(key("count", "a"), 1), (key("count", "c"), -3)];
    assert_eq!(snapshot.counters(&prefix, Scan::first(9)).await.unwrap(), expected);
    assert_eq!(snapshot.counters(&prefix, Scan::last(1)).await.unwrap(), expected[1..]);
    let rest = Scan::first(9).after(key("count", "a"));
    assert_eq!(snapshot.counters(&prefix, rest).await.unwrap(), expected[1..]);
}

pub(super) async fn a_log_numbers_its_entries_and_binds_each_to_the_one_before<S: Store>(store: S) {
    let (log, other) = (key("log", "a"), Key::in_space(&acme(), "log").text("a").number(1).key());
    let mut told = Vec::new();
    for round in 0..3_u64 {
        let mut set = ChangeSet::new();
        set.append(&log, &(round * 2)).append(&other, &"other").append(&log, &(round * 2 + 1));
        let committed = store.commit(set).await.unwrap();
        told.extend([committed.log[0], committed.log[2]]);
    }
    let snapshot = store.snapshot().await.unwrap();
    let entries = snapshot.log(&log, LogScan::oldest(99)).await.unwrap();
    assert_eq!(check_chain(&snapshot, &log).await, 6);
    assert!(
        entries
            .iter()
            .map(|entry| (entry.sequence, entry.hash))
            .eq(told.iter().map(|at| (at.sequence, at.hash)))
    );
    assert_eq!(check_chain(&snapshot, &other).await, 3);
    assert_eq!(snapshot.log_head(&log).await.unwrap(), told[5]);

    for (scan, expected) in [
        (LogScan::oldest(99), &[0, 1, 2, 3, 4, 5][..]),
        (LogScan::oldest(2), &[0, 1]),
        (LogScan::oldest(2).after(2), &[2, 3]),
        (LogScan::oldest(2).after(6), &[]),
        (LogScan::oldest(2).after(u64::MAX), &[]),
        (LogScan::newest(2), &[5, 4]),
        (LogScan::newest(2).after(3), &[1, 0]),
        (LogScan::newest(2).after(1), &[]),
        (LogScan::newest(2).after(0), &[]),
        (LogScan::newest(0), &[]),
    ] {
        let found = snapshot.log(&log, scan).await.unwrap();
        let found: Vec<u64> = found.iter().map(|entry| entry.decode().unwrap()).collect();
        assert_eq!(found, expected, "{scan:?}");
    }
    let none = key("log", "none");
    assert_eq!(snapshot.log(&none, LogScan::oldest(9)).await.unwrap(), []);
    assert_eq!(snapshot.log_head(&none).await.unwrap(), Head::of_empty(&none));
}

pub(super) async fn one_key_may_name_a_record_a_counter_and_a_log<S: Store>(store: S) {
    let all = key("all", "three");
    commit(&store, |set| set.put(&all, &item(1)).add(&all, 2).append(&all, &3)).await.unwrap();
    commit(&store, |set| set.delete(&all)).await.unwrap();
    assert_eq!(read(&store, &all).await, None);
    assert_eq!(holds(&store, &all).await, 2);
    assert_eq!(
        store.snapshot().await.unwrap().log(&all, LogScan::newest(9)).await.unwrap().len(),
        1
    );
}

pub(super) async fn a_log_cannot_be_passed_off_as_another_and_a_cut_or_a_gap_in_it_shows<
    S: Store,
>(
    store: S,
) {
    let (log, other) = (key("log", "a"), key("log", "b"));
    for round in 0..4 {
        commit(&store, |set| set.append(&log, &round).append(&other, &round)).await.unwrap();
    }
    let snapshot = store.snapshot().await.unwrap();
    let entries = snapshot.log(&log, LogScan::oldest(9)).await.unwrap();
    let head = snapshot.log_head(&log).await.unwrap();
    let told = |of: &Key, places: &[usize]| {
        let mut chain = Chain::of(of);
        let taken = places.iter().try_for_each(|place| chain.take(&entries[*place]));
        taken.and_then(|()| chain.close(head)).map_err(|broken| (broken.sequence, broken.reason))
    };
    assert_eq!(told(&log, &[0, 1, 2, 3]), Ok(()));
    for (of, places, at, part) in [
        (&other, &[0, 1, 2, 3][..], 1, "not the first entry of this log"),
        (&log, &[0, 2, 3], 2, "Entry 2 is missing: entry 3 follows entry 1."),
        (&log, &[1, 2, 3], 1, "Entry 1 is missing"),
        (&log, &[0, 1, 2], 4, "Entry 4, the last one, is missing."),
        (&log, &[0, 1], 3, "Entries 3 to 4, the last ones, are missing."),
        (&log, &[], 1, "Entries 1 to 4"),
    ] {
        let (sequence, reason) = told(of, places).unwrap_err();
        assert!(sequence == at && reason.contains(part), "{places:?}: {sequence} {reason}");
    }
}

pub(super) async fn every_space_and_every_log_is_found_in_order<S: Store>(store: S) {
    let tenant = |name: &str| Space::Tenant(name.to_owned());
    let at = |space: &Space, name: &str| Key::in_space(space, "any").text(name).key();
    let (record, counter, logs) = (tenant("a"), tenant("a\0b"), tenant("b"));
    let snapshot = store.snapshot().await.unwrap();
    assert_eq!(snapshot.spaces(None, 9).await.unwrap(), []);
    assert_eq!(snapshot.version().await.unwrap(), 0);
    let version = commit(&store, |set| {
        for name in ["y", "x"] {
            set.put(&at(&record, name), &item(1)).add(&at(&counter, name), 1);
            set.append(&at(&logs, name), &1).append(&at(&logs, name), &2);
        }
        set.append(&at(&record, "z"), &1).put(&at(&Space::Host, "x"), &item(1))
    });
    let version = version.await.unwrap();

    let snapshot = store.snapshot().await.unwrap();
    assert_eq!(snapshot.version().await.unwrap(), version);
    let all = [Space::Host, record.clone(), counter.clone(), logs.clone()];
    assert_eq!(snapshot.spaces(None, 9).await.unwrap(), all);
    assert_eq!(snapshot.spaces(None, 2).await.unwrap(), all[..2]);
    assert_eq!(snapshot.spaces(Some(&record), 9).await.unwrap(), all[2..]);
    assert_eq!(snapshot.spaces(Some(&tenant("aa")), 9).await.unwrap(), all[3..]);
    assert_eq!(snapshot.spaces(Some(&logs), 9).await.unwrap(), []);

    let prefix = Prefix::of_space(&logs);
    let expected = [at(&logs, "x"), at(&logs, "y")];
    assert_eq!(snapshot.logs(&prefix, None, 9).await.unwrap(), expected);
    assert_eq!(snapshot.logs(&prefix, None, 1).await.unwrap(), expected[..1]);
    assert_eq!(snapshot.logs(&prefix, Some(&expected[0]), 9).await.unwrap(), expected[1..]);
    assert_eq!(snapshot.logs(&Prefix::of_space(&counter), None, 9).await.unwrap(), []);
}

pub(super) async fn a_record_knows_whether_it_is_as_it_was_written<S: Store>(store: S) {
    let (a, b) = (key("item", "a"), key("item", "b"));
    commit(&store, |set| set.put(&a, &item(1))).await.unwrap();
    let mut record = store.snapshot().await.unwrap().get(&a).await.unwrap().unwrap();
    assert!(record.is_as_written(&a) && !record.is_as_written(&b));
    record.version += 1;
    assert!(!record.is_as_written(&a));
}

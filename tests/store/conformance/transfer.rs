//! What is carried from one store to another: it arrives as it was, whole or not at all.

use planwright_store::{
    ChangeSet, Key, Loader, LogScan, Row, Snapshot, Space, Store, StoreError, export,
};

use super::super::history::check_chain;
use super::super::{Chance, item, key};
use super::{Home, commit, read};

/// Every row of a store, and its version.
async fn rows<S: Store>(store: &S) -> (u64, Vec<Row>) {
    let snapshot = store.snapshot().await.unwrap();
    let mut rows = Vec::new();
    let taken = export(&snapshot, |row| {
        rows.push(row);
        Ok::<(), StoreError>(())
    });
    taken.await.unwrap();
    (snapshot.version().await.unwrap(), rows)
}

/// Some of everything, in several spaces, with pieces of more rows than are read at once.
async fn fill<S: Store>(store: &S) {
    let mut chance = Chance(3);
    let spaces = [Space::Host, Space::Tenant("a".into()), Space::Tenant("a\0b".into())];
    for _ in 0..300 {
        let space = &spaces[usize::try_from(chance.below(3)).unwrap()];
        let name = chance.below(40).to_string();
        let at = |family: &str| Key::in_space(space, family).text(&name).newest_first(7).key();
        let mut set = ChangeSet::new();
        match chance.below(9) {
            0 => set.delete(&at("item")),
            1 => set.reset(&at("count")),
            2 | 3 => set.add(&at("count"), 5).add(&at("debt"), -5),
            4 => set.append(&Key::in_space(space, "log").key(), &name),
            8 => set.put_bytes(&at("bytes"), 1, vec![0xff; 9].into()),
            5 => set.append(&at("log"), &chance.next()).append(&at("log"), &"and \u{0} more"),
            _ => set.put(&at("item"), &item(chance.next())),
        };
        store.commit(set).await.unwrap();
    }
}

/// The rows, a few at a time, through their bytes.
async fn load(mut loader: impl Loader, version: u64, rows: &[Row]) {
    for piece in rows.chunks(7) {
        let piece: Vec<Row> = piece.iter().map(|row| Row::decode(&row.encode()).unwrap()).collect();
        loader.load(&piece).await.unwrap();
    }
    loader.finish(version).await.unwrap();
}

pub(super) async fn what_is_carried_over_is_as_it_was_and_goes_on_from_there<H: Home>(
    from: H,
    to: H,
) {
    let original = from.store();
    fill(&original).await;
    let (version, before) = rows(&original).await;
    let of_kind = |is: fn(&Row) -> bool| before.iter().filter(|row| is(row)).count();
    assert!(of_kind(|row| matches!(row, Row::Record { .. })) > 32);
    assert!(of_kind(|row| matches!(row, Row::Counter { .. })) > 32);
    assert!(of_kind(|row| matches!(row, Row::Entry { .. })) > 32);
    assert!(of_kind(|row| matches!(row, Row::Head { .. })) > 3);

    load(to.loader().unwrap(), version, &before).await;
    let copy = to.store();
    assert!(rows(&copy).await == (version, before.clone()), "not the same rows");
    for row in &before {
        if let Row::Record { key, record } = row {
            assert!(record.is_as_written(key), "{key}");
        }
    }
    // Both go on in the same way.
    let log = Key::in_space(&Space::Host, "log").key();
    for store in [&original, &copy] {
        let next = commit(store, |set| set.put(&key("item", "next"), &item(1)).append(&log, &1));
        assert_eq!(next.await.unwrap(), version + 1);
        assert_eq!(read(store, &key("item", "next")).await, Some((version + 1, item(1))));
        check_chain(&store.snapshot().await.unwrap(), &log).await;
    }
    assert!(rows(&copy).await == rows(&original).await, "not the same rows");
}

pub(super) async fn a_store_that_holds_something_takes_nothing_over<H: Home>(from: H, to: H) {
    fill(&from.store()).await;
    let store = to.store();
    commit(&store, |set| set.put(&key("item", "mine"), &item(1))).await.unwrap();
    commit(&store, |set| set.delete(&key("item", "mine"))).await.unwrap();
    let held = rows(&store).await;
    drop(store);
    let refused = to.loader().err();
    assert!(matches!(refused, Some(StoreError::NotEmpty { .. })), "{refused:?}");
    assert!(rows(&to.store()).await == held);
}

pub(super) async fn what_is_not_finished_is_not_kept<H: Home>(from: H, to: H) {
    let original = from.store();
    fill(&original).await;
    let (version, before) = rows(&original).await;
    let mut loader = to.loader().unwrap();
    loader.load(&before).await.unwrap();
    drop(loader);
    assert_eq!(rows(&to.store()).await, (0, Vec::new()));
    load(to.loader().unwrap(), version, &before).await;
    assert!(rows(&to.store()).await == (version, before));
}

/// What was wrong in the original is wrong in the copy, and does not pass for right.
pub(super) async fn a_log_with_a_gap_keeps_it<H: Home>(from: H, to: H) {
    let original = from.store();
    fill(&original).await;
    let (version, mut rows) = rows(&original).await;
    let log = Key::in_space(&Space::Host, "log").key();
    let all = original.snapshot().await.unwrap().log(&log, LogScan::oldest(99)).await.unwrap();
    rows.retain(
        |row| !matches!(row, Row::Entry { log: of, entry } if *of == log && entry.sequence == 2),
    );
    load(to.loader().unwrap(), version, &rows).await;
    let copy = to.store().snapshot().await.unwrap();
    let left = copy.log(&log, LogScan::oldest(99)).await.unwrap();
    assert_eq!(left.len(), all.len() - 1);
    assert_eq!((left[0].clone(), left[1].clone()), (all[0].clone(), all[2].clone()));
}

#[test]
fn bytes_that_are_no_row_are_refused() {
    let at = Key::in_space(&Space::Host, "count").key();
    let row = Row::Counter { key: at, holds: -3 }.encode();
    assert_eq!(Row::decode(&row).unwrap().encode(), row);
    for end in 0..row.len() {
        assert!(Row::decode(&row[..end]).is_err(), "{end} bytes of {}", row.len());
    }
    let kind = [b"x", &row[1..]].concat();
    let key = [&row[..3], &[9], &row[4..]].concat();
    let longer = [&row[..], &[0]].concat();
    for bytes in [kind, key, longer] {
        assert!(matches!(Row::decode(&bytes), Err(StoreError::Corrupt { .. })), "{bytes:?}");
    }
}

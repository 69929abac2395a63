//! What another release, or a mistake, left in a store: records that no request makes.

use std::path::Path;

use planwright_store::{
    ChangeSet, Document, Key, Options, Prefix, RedbStore, Scan, Snapshot, Store,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Any record.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Any(Value);

impl Document for Any {
    const SCHEMA: u16 = 1;
}

/// All records under a prefix, in the store of a server that was stopped.
pub(crate) async fn records(file: &Path, prefix: &Prefix) -> Vec<(Key, Value)> {
    let store = RedbStore::open(file, Options::default()).unwrap();
    let snapshot = store.snapshot().await.unwrap();
    let found = snapshot.scan(prefix, Scan::first(usize::MAX)).await.unwrap();
    let read = |record: &[u8]| serde_json::from_slice(record).unwrap();
    found.into_iter().map(|(key, record)| (key, read(record.bytes()))).collect()
}

/// Puts records there, whatever they are.
pub(crate) async fn put(file: &Path, records: Vec<(Key, Value)>) {
    let store = RedbStore::open(file, Options::default()).unwrap();
    let mut change = ChangeSet::new();
    for (key, value) in records {
        change.put(&key, &Any(value));
    }
    store.commit(change).await.unwrap();
}

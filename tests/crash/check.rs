//! Reads a whole store and holds its parts against each other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use planwright_store::{
    Chain, Key, LogScan, Options, Part, Prefix, RedbStore, Scan, Snapshot, Space, Store,
};
use serde_json::Value;

/// What a store holds, read without any help of the service.
pub(super) struct Found {
    plans: BTreeSet<String>,
    catalog_changes: i64,
    subscribers: BTreeMap<(String, u64), i64>,
    listed: BTreeMap<(String, u64), i64>,
    subscriptions: usize,
    pub(super) live_users: BTreeSet<String>,
    audit: Vec<Value>,
}

pub(super) async fn read(path: &Path) -> Found {
    let store = RedbStore::open(path, Options::default()).unwrap();
    read_all(&store).await
}

fn tenant() -> Space {
    Space::Tenant("default".to_owned())
}

fn family(name: &str) -> Prefix {
    Key::in_space(&tenant(), name).prefix()
}

fn text(key: &Key, at: usize) -> String {
    match key.parts().get(at) {
        Some(Part::Text(text)) => text.clone(),
        other => panic!("{key:?} has {other:?} at {at}"),
    }
}

fn plan_of(key: &Key) -> (String, u64) {
    match key.parts().get(1) {
        Some(Part::Number(generation)) => (text(key, 0), *generation),
        other => panic!("{key:?} has {other:?} for a generation"),
    }
}

async fn read_all(store: &RedbStore) -> Found {
    let snapshot = store.snapshot().await.unwrap();
    let all = async |name| snapshot.scan(&family(name), Scan::first(usize::MAX)).await.unwrap();
    let mut subscribers = BTreeMap::new();
    for (key, holds) in
        snapshot.counters(&family("subscribers"), Scan::first(usize::MAX)).await.unwrap()
    {
        *subscribers.entry(plan_of(&key)).or_default() += holds;
    }
    let mut listed = BTreeMap::new();
    for (key, _) in all("plan-subscription").await {
        *listed.entry(plan_of(&key)).or_default() += 1;
    }
    let log = Key::in_space(&tenant(), "audit").key();
    let entries = snapshot.log(&log, LogScan::oldest(usize::MAX)).await.unwrap();
    let mut chain = Chain::of(&log);
    for entry in &entries {
        chain.take(entry).unwrap();
    }
    chain.close(snapshot.log_head(&log).await.unwrap()).unwrap();
    let changes = Key::in_space(&tenant(), "catalog-changes").key();
    Found {
        plans: all("plan").await.iter().map(|(key, _)| text(key, 0)).collect(),
        catalog_changes: snapshot.counter(&changes).await.unwrap(),
        subscribers,
        listed,
        subscriptions: all("subscription").await.len(),
        live_users: all("live-subscription").await.iter().map(|(key, _)| text(key, 0)).collect(),
        audit: entries.iter().map(|entry| entry.decode().unwrap()).collect(),
    }
}

impl Found {
    /// Every change set touched several of these: one that is half there shows as a difference.
    pub(super) fn assert_whole(&self) {
        let mut plans = BTreeSet::new();
        let (mut changes, mut grants) = (0, 0);
        for entry in &self.audit {
            let id = entry["entity_id"].as_str().unwrap().to_owned();
            match entry["action"].as_str().unwrap() {
                "plan_created" => assert!(plans.insert(id)),
                "plan_deleted" => assert!(plans.remove(&id)),
                "subscription_granted" => {
                    grants += 1;
                    continue;
                }
                other => panic!("nobody did {other}"),
            }
            changes += 1;
        }
        assert_eq!(self.plans, plans, "plans against the audit log");
        assert_eq!(self.catalog_changes, changes, "the counter of changes against the audit log");
        assert_eq!(self.subscriptions, grants, "subscriptions against the audit log");
        assert_eq!(self.live_users.len(), grants, "live subscriptions against the audit log");
        assert_eq!(self.subscribers, self.listed, "counts of subscribers against their lists");
    }
}

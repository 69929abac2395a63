//! What was told of quotas is of usage that is counted, and says when it goes.

use planwright_store::{Key, Part, Scan, Snapshot, Space, Store};
use serde_json::json;
use tokio::sync::OnceCell;

use super::edits::{Any, assert_found, commit, lines};
use super::{Data, tenant};
use crate::api::{ADMIN_PLANS, USAGE, plan_with_quota, subscription_of};
use crate::harness::process::Process;
use crate::webhooks::WEBHOOKS;

/// A user who reached a threshold, which was told, and no server on it: left once, and copied for each edit.
async fn told() -> Data {
    static LEFT: OnceCell<Vec<u8>> = OnceCell::const_new();
    Data::of(LEFT.get_or_init(left_by_a_server).await)
}

async fn left_by_a_server() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path());
    let admin = process.admin();
    admin.post(ADMIN_PLANS, plan_with_quota("pro", 10)).await.ok(201);
    admin.put(&subscription_of("bob"), json!({"plan_id": "pro"})).await.ok(201);
    let draft = json!({"url": "https://localhost/", "events": ["quota.threshold"]});
    admin.post(WEBHOOKS, draft).await.ok(201);
    let used = json!({"user_id": "bob", "metric": "requests", "amount": 8});
    admin.post(USAGE, used).await.ok(201);
    assert_eq!(process.terminate(), Some(0));
    std::fs::read(folder.path().join("planwright.redb")).unwrap()
}

/// The key of what was told.
async fn key_of(data: &Data) -> Key {
    let all = Key::in_space(&Space::Host, "quota-threshold").prefix();
    let snapshot = data.store().snapshot().await.unwrap();
    let mut found = snapshot.scan(&all, Scan::first(2)).await.unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0).0
}

/// The same key with another of its parts: one of time, tenant, user, epoch, start and metric.
fn moved(key: &Key, at: usize, part: Part) -> Key {
    let mut parts = key.parts();
    parts[at] = part;
    let begun = Key::in_space(&Space::Host, "quota-threshold");
    let add = |key: planwright_store::KeyBuilder, part| match part {
        Part::Text(text) => key.text(&text),
        Part::Number(number) | Part::NewestFirst(number) => key.number(number),
    };
    parts.into_iter().fold(begun, add).key()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_told_of_quotas_agrees_with_what_is_counted() {
    let data = told().await;
    assert_eq!(lines(&data), [""; 0], "what a server leaves is clean");
    let key = key_of(&data).await;
    for (at, part, problem) in [
        (0, Part::Text("default".to_owned()), "What it holds belongs under another key."),
        (3, Part::Text("eve".to_owned()), "and 'eve' of 'default' has begun 0."),
        (4, Part::Number(7), "It tells of usage epoch 7, and 'bob' of 'default' has begun 1."),
        (5, Part::Number(7), "It tells of usage of requests, and 'bob' of 'default' has none."),
        (6, Part::Text("images".to_owned()), "usage of images, and 'bob' of 'default' has none."),
    ] {
        let (data, mark) = (told().await, json!({"up_to": 80}));
        commit(&data, |change| change.put(&moved(&key, at, part), &Any(mark))).await;
        assert_found(&lines(&data), "host: quota-threshold/", problem);
    }
    let data = told().await;
    commit(&data, |change| change.put(&key, &Any(json!({"up_to": 81})))).await;
    assert_found(&lines(&data), "host: quota-threshold/", "nothing is told at 81 percent");
    let counter = Key::in_space(&tenant(), "usage").text("bob").number(1);
    let parts = key.parts();
    let [.., Part::Number(start), Part::Text(metric)] = parts.as_slice() else { panic!("{key}") };
    let data = told().await;
    commit(&data, |change| change.reset(&counter.number(*start).text(metric).key())).await;
    assert_found(&lines(&data), "host: quota-threshold/", "'bob' of 'default' has none.");
}

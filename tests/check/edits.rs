//! One edit at a time: through the database, as a bad disk or another tool makes it, and through the store, as
//! a mistake of ours would.

use planwright_store::{ChangeSet, Document, Key, Part, Scan, Snapshot, Space, Store};
use redb::{Database, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Data, report, tenant};

const RECORDS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records");
const COUNTERS: TableDefinition<'_, &[u8], i64> = TableDefinition::new("counters");
const LOG: TableDefinition<'_, (&[u8], u64), &[u8]> = TableDefinition::new("log");
const HEADS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("heads");

/// Any record, to be changed field by field.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Any(pub(super) Value);

impl Document for Any {
    const SCHEMA: u16 = 1;
}

/// What the check says after an edit, as lines.
pub(super) fn lines(data: &Data) -> Vec<String> {
    let (code, found) = report(&data.path);
    let lines: Vec<String> = found["disagreements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{}: {}", one["at"].as_str().unwrap(), one["problem"].as_str().unwrap()))
        .collect();
    assert_eq!(code, Some(i32::from(!lines.is_empty())), "{found}");
    lines
}

#[track_caller]
pub(super) fn assert_found(lines: &[String], place: &str, problem: &str) {
    let found = lines.iter().any(|line| line.contains(place) && line.contains(problem));
    assert!(found, "'{place}' and '{problem}' are in none of {lines:#?}");
}

/// Puts bytes for others, all of the same length, into the first row whose key and value have them.
pub(super) fn replace_in_record(data: &Data, family: &str, old: &str, new: &str) {
    let database = Database::open(data.file()).unwrap();
    let change = database.begin_write().unwrap();
    {
        let mut records = change.open_table(RECORDS).unwrap();
        let has = |bytes: &[u8], part: &str| {
            bytes.windows(part.len()).position(|window| window == part.as_bytes())
        };
        let (key, mut value, at) = records
            .iter()
            .unwrap()
            .map(|row| row.unwrap())
            .filter(|(key, _)| has(key.value(), &format!("\u{10}{family}\0")).is_some())
            .find_map(|(key, value)| {
                let at = has(value.value(), old)?;
                Some((key.value().to_vec(), value.value().to_vec(), at))
            })
            .unwrap();
        value.splice(at..at + old.len(), new.bytes());
        records.insert(key.as_slice(), value.as_slice()).unwrap();
    }
    change.commit().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edited_record_is_found_and_named() {
    for (family, old, new, place, more) in [
        ("plan", "\"price\":500", "\"price\":400", "plan/pro", "Its price is 400, and the audit"),
        ("plan", "\"price\":490", "\"price\":\"x\"", "plan/again", "It cannot be read"),
        ("subscription", "\"paid_until\":1", "\"paid_until\":9", "subscription/sub_", "as it was"),
        ("plan-subscription", "active", "canceled", "plan-subscription/", "it is active"),
        ("live-subscription", "\"sub_", "\"bus_", "live-subscription/", "which is not there"),
        ("answer", "\"expires_at\":1", "\"expires_at\":2", "answer/", "is missing in the list"),
        ("api-key", "\"id\":\"key_", "\"id\":\"yek_", "api-key/", "Its hash does not lead to it."),
        ("due", "\"plan_id\":\"pro", "\"plan_id\":\"orp", "due/", "is not to plan 'orp'"),
        (
            "due",
            "\"pending_plan_id\":null",
            "\"pending_plan_id\":\"pro\"",
            "due/",
            "goes on with another plan",
        ),
        ("usage-event", "\"usage_epoch\":1", "\"usage_epoch\":9", "usage-event/", "has begun"),
        ("usage-event", "\"amount\":2", "\"amount\":3", "/bob/", "that are remembered have 3"),
        ("usage-event", "\"use_", "\"esu_", "usage-event/", "missing in the list of events"),
        ("expiring-usage-events", "chat-1", "chat-9", "host: expiring-usage", "which is not there"),
        ("tenant", "\"id\":\"default", "\"id\":\"defaced", "tenant/default", "under another key"),
        ("webhooks", "\"whsec_", "\"secwh_", "webhooks", "is none."),
        ("webhook-delivery", "\"id\":\"whd_", "\"id\":\"dwh_", "webhook-delivery/", "another key"),
    ] {
        let data = Data::make().await;
        replace_in_record(&data, family, old, new);
        let lines = lines(&data);
        assert_found(&lines, place, "It is not as it was written.");
        assert_found(&lines, place, more);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edited_record_is_given_to_nobody() {
    let data = Data::make().await;
    replace_in_record(&data, "plan", "\"price\":500", "\"price\":400");
    let plans = Key::in_space(&tenant(), "plan");
    let snapshot = data.store().snapshot().await.unwrap();
    let one = snapshot.get(&plans.text("pro").key()).await.unwrap_err().to_string();
    let plans = Key::in_space(&tenant(), "plan").prefix();
    let all = snapshot.scan(&plans, Scan::first(9)).await.unwrap_err().to_string();
    drop(snapshot);
    for error in [one, all] {
        assert!(error.contains("plan/pro is not as it was written"), "{error}");
    }
    let other = Key::in_space(&tenant(), "plan").text("again").key();
    assert!(data.store().snapshot().await.unwrap().get(&other).await.unwrap().is_some());
}

/// The first record of a family with its key.
pub(super) async fn first(data: &Data, family: &str) -> (Key, Value) {
    let prefix = Key::in_space(&tenant(), family).prefix();
    let snapshot = data.store().snapshot().await.unwrap();
    let (key, record) = snapshot.scan(&prefix, Scan::first(1)).await.unwrap().remove(0);
    (key, serde_json::from_slice(record.bytes()).unwrap())
}

pub(super) async fn commit(data: &Data, build: impl FnOnce(&mut ChangeSet) -> &mut ChangeSet) {
    let mut change = ChangeSet::new();
    build(&mut change);
    data.store().commit(change).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_gone_leaves_those_that_lead_to_it() {
    for (family, place, problem) in [
        ("plan", "plan/again", "and the audit log tells that it is"),
        ("plan", "subscription/sub_", "its plan 'again' is not there"),
        ("subscription", "plan-subscription/", "which is not there"),
        ("subscription", "live-subscription/", "which is not there"),
        ("subscription", "subscribers/", "subscriptions are counted by it"),
        ("plan-subscription", "subscription/sub_", "missing in the list of plan 'again'"),
        ("live-subscription", "subscription/sub_", "'bob' does not say that it is the live one"),
        ("every-subscription", "subscription/sub_", "missing in the tenant's list"),
        ("user-subscription", "subscription/sub_", "missing in its user's list"),
        ("history", "subscription/sub_", "its user's history does not say so"),
        ("subscription", "host: due/", "is due and is not there"),
        ("answer", "expiring-answer/", "It lists an answer that is not there."),
        ("expiring-answer", "answer/", "It is missing in the list of answers that expire."),
        ("api-key", "host: api-key/", "which is not there"),
        ("webhooks", "webhook-health/", "which is not there"),
        ("webhook-delivery", "webhook-deliveries/", "deliveries are counted by it"),
        ("webhook-delivery", "host: webhook-d", "is not there, or is not"),
        ("usage-event", "host: expiring-usage-events/", "event 'chat-1' of 'bob', which is not"),
    ] {
        let data = Data::make().await;
        let (key, _) = first(&data, family).await;
        commit(&data, |change| change.delete(&key)).await;
        assert_found(&lines(&data), place, problem);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_that_nothing_leads_to_or_that_is_counted_wrong_is_found() {
    for (family, problem) in [
        ("webhook-due", "It is missing among what is to be sent."),
        ("webhook-done", "It is missing among what is done."),
    ] {
        let data = Data::make().await;
        let (key, _) = first_of_host(&data, family).await;
        commit(&data, |change| change.delete(&key)).await;
        assert_found(&lines(&data), "webhook-delivery/", problem);
    }
    for (family, problem) in [
        ("webhook-deliveries", "and 0 deliveries are counted by it"),
        ("webhook-missed", "for webhook endpoint 'whe_none'"),
    ] {
        let data = Data::make().await;
        let counter = Key::in_space(&tenant(), family).text("whe_none").key();
        commit(&data, |change| change.add(&counter, 1)).await;
        assert_found(&lines(&data), family, problem);
    }
    for (amount, problem) in [
        (1, "It holds 2, and 1 records are counted by it."),
        (-1, "It holds 0, and 1 records are counted by it."),
    ] {
        let data = Data::make().await;
        let counter = Key::in_space(&Space::Host, "webhooks-waiting").key();
        commit(&data, |change| change.add(&counter, amount)).await;
        assert_found(&lines(&data), "host: webhooks-waiting", problem);
    }
}

/// Begins uploads of a component each and never ends them: the digit that the digest is made of, and when.
pub(super) async fn leave_uploads(data: &Data, uploads: &[(&str, i64)]) {
    commit(data, |change| {
        for (digit, began_at) in uploads {
            let digest = digit.repeat(64);
            let key = |family: &str| Key::in_space(&Space::Host, family).text(&digest);
            let mark = serde_json::json!({"digest": digest, "parts": 2, "began_at": began_at});
            let part = serde_json::json!({"base64": "AAAA"});
            change.put(&key("component-upload").key(), &Any(mark));
            change.put(&key("component-part").number(1).key(), &Any(part));
        }
        change
    })
    .await;
}

/// The first record of a family in the host's space.
pub(super) async fn first_of_host(data: &Data, family: &str) -> (Key, Value) {
    let prefix = Key::in_space(&Space::Host, family).prefix();
    let snapshot = data.store().snapshot().await.unwrap();
    let (key, record) = snapshot.scan(&prefix, Scan::first(1)).await.unwrap().remove(0);
    // What is no JSON is nothing here.
    (key, serde_json::from_slice(record.bytes()).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_without_its_record_is_found_and_so_is_a_space_that_can_be_no_tenants() {
    let data = Data::make().await;
    let record = Key::in_space(&Space::Host, "tenant").text("default").key();
    let nobodys = Key::in_space(&Space::Tenant("Not one".to_owned()), "plan").text("pro").key();
    commit(&data, |change| change.delete(&record).add(&nobodys, 1)).await;
    let lines = lines(&data);
    for place in ["tenant default", "tenant Not one"] {
        let line = format!("{place}: There is no such tenant, and something is kept for it.");
        assert!(lines.contains(&line), "{lines:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_without_its_entry_in_the_audit_log_and_a_record_nobody_knows_are_found() {
    let data = Data::make().await;
    let (key, mut plan) = first(&data, "plan").await;
    plan["plan"]["is_active"] = Value::Bool(false);
    let strange = Key::in_space(&tenant(), "plna").text("pro").key();
    let elsewhere = Key::in_space(&tenant(), "plan").text("elsewhere").key();
    let host = Key::in_space(&Space::Host, "plan").text("pro").key();
    commit(&data, |change| {
        let plan = Any(plan.clone());
        change.put(&key, &plan).put(&strange, &plan).put(&elsewhere, &plan).put(&host, &plan);
        change.add(&strange, 1).append(&strange, &1)
    })
    .await;
    let lines = lines(&data);
    assert_found(&lines, "plan/again", "Its is_active is false, and the audit log tells of true.");
    assert_found(&lines, "plna/pro", "No record of this release has such a key.");
    assert_found(&lines, "plna/pro", "No counter of this release has such a key.");
    assert_found(&lines, "plna/pro", "No log of this release has such a key.");
    assert_found(&lines, "plan/elsewhere", "What it holds belongs under another key.");
    assert_found(&lines, "host: plan/pro", "No record of this release has such a key.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_due_at_another_time_credit_from_nowhere_and_a_clock_of_no_sandbox_are_found() {
    let data = Data::make().await;
    let host = Space::Host;
    let prefix = Key::in_space(&host, "due").prefix();
    let snapshot = data.store().snapshot().await.unwrap();
    let (due, record) = snapshot.scan(&prefix, Scan::first(1)).await.unwrap().remove(0);
    drop(snapshot);
    let [_, _, Part::Text(of), Part::Text(kind), Part::Text(id)] = &due.parts()[..] else {
        panic!("{due}")
    };
    let later = Key::in_space(&host, "due").text("").number(1).text(of).text(kind).text(id).key();
    let unknown =
        Key::in_space(&host, "due").text("").number(1).text(of).text("tea").text(id).key();
    let credit = Key::in_space(&tenant(), "credit").text("bob").text("RUB").key();
    let moves = Key::in_space(&tenant(), "credit-entry").text("eve").text("RUB");
    let moves = moves.newest_first(1).text("crd_1").key();
    let entry = json!({"amount": 5, "reason": "change", "subscription_id": "sub_none", "at": 1});
    let clock = Key::in_space(&host, "clock").text("default").key();
    commit(&data, |change| {
        let is_due = record.decode::<Any>().unwrap();
        change.delete(&due).put(&later, &is_due).put(&unknown, &is_due);
        change.put(&credit, &Any(json!({"balance": -5}))).put(&moves, &Any(entry));
        change.put(&clock, &Any(json!({"now": null})))
    })
    .await;
    let lines = lines(&data);
    for (place, problem) in [
        ("subscription/sub_", "It is missing among what is due."),
        ("due//1/default/subscription", "is due at another time"),
        ("due//1/default/tea", "No record of this release"),
        ("credit/bob/RUB", "It holds -5, and 0 is the sum of its movements."),
        ("credit/bob/RUB", "nobody owes credit"),
        ("credit-entry/eve/RUB", "It moves a credit that is not there."),
        ("credit-entry/eve/RUB", "It names the subscription 'sub_none', which is not there."),
        ("host: clock/default", "which is no sandbox"),
    ] {
        assert_found(&lines, place, problem);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usage_that_does_not_agree_with_its_events_is_found() {
    let data = Data::make().await;
    let all = Key::in_space(&tenant(), "usage");
    let snapshot = data.store().snapshot().await.unwrap();
    let found = snapshot.counters(&all.clone().prefix(), Scan::first(9)).await.unwrap();
    drop(snapshot);
    let [(images, _), (requests, _)] = found.as_slice() else { panic!("{found:?}") };
    let of_nobody = all.clone().text("nobody").number(7).number(0).text("requests").key();
    let no_counter = all.text("bob").number(1).key();
    commit(&data, |change| {
        change.add(images, -1).reset(requests).add(&of_nobody, 1).add(&no_counter, 1)
    })
    .await;
    let lines = lines(&data);
    for (place, problem) in [
        ("/images", "It holds 1999999, and the events that are remembered have 2000000."),
        ("/requests", "It holds 0, and the events that are remembered have 2000000."),
        ("usage/nobody", "It counts by usage epoch 7, and 'nobody' has begun 0."),
        ("usage/bob/1", "No counter of this release has such a key."),
    ] {
        assert_found(&lines, place, problem);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edited_counter_is_found_and_named() {
    let data = Data::make().await;
    let counter = |family: &str| Key::in_space(&tenant(), family);
    let subscribers = |plan: &str, generation, status: &str| {
        counter("subscribers").text(plan).number(generation).text(status).key()
    };
    commit(&data, |change| {
        change
            .add(&subscribers("pro", 0, "active"), 1)
            .add(&subscribers("free", 0, "trialing"), -1)
            .add(&subscribers("pro", 0, "past_due"), 1)
            .add(&counter("catalog-changes").key(), -1)
            .add(&counter("plan-generation").text("again").key(), 1)
            .add(&counter("plan-generation").text("old").key(), -1)
            .add(&counter("pending-payments").text("pro").number(0).key(), -1)
            .add(&counter("pending-changes").text("pro").number(0).key(), 1)
    })
    .await;
    let lines = lines(&data);
    for (place, problem) in [
        ("subscribers/pro/0/active", "It holds 2, and 1 subscriptions"),
        ("subscribers/free/0/trialing", "It holds 0, and 1 subscriptions"),
        ("subscribers/pro/0/past_due", "It holds 1, and 0 subscriptions"),
        ("catalog-changes", "It holds 7, and 8 changes"),
        ("plan-generation/again", "It holds 2, and 1 deletions"),
        ("plan/again", "It is of generation 1, and 2 plans of its id were deleted."),
        ("plan-generation/old", "It holds 0, and the audit log tells of 1 deletions."),
        ("pending-payments/pro/0", "It holds -1"),
        ("pending-changes/pro/0", "It holds 1, and 0 subscriptions"),
    ] {
        assert_found(&lines, place, problem);
    }
}

/// Changes the database by hand; `log` is the key of the audit log.
fn edit(data: &Data, edit: impl FnOnce(&redb::WriteTransaction, &[u8])) {
    let database = Database::open(data.file()).unwrap();
    let change = database.begin_write().unwrap();
    let log = {
        let heads = change.open_table(HEADS).unwrap();
        let (log, _) = heads.first().unwrap().unwrap();
        log.value().to_vec()
    };
    edit(&change, &log);
    change.commit().unwrap();
}

/// Removes the last entry of the audit log.
pub(super) fn cut_log(data: &Data, last: u64) {
    edit(data, |change, log| {
        drop(change.open_table(LOG).unwrap().remove((log, last)).unwrap().unwrap());
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_edited_cut_or_given_a_gap_is_found_and_says_where() {
    type Edit = fn(&redb::WriteTransaction, &[u8]);
    let cases: [(Edit, &str); 5] = [
        (
            |change, log| {
                let mut entries = change.open_table(LOG).unwrap();
                let mut entry = entries.get((log, 3)).unwrap().unwrap().value().to_vec();
                *entry.last_mut().unwrap() ^= 1;
                entries.insert((log, 3), entry.as_slice()).unwrap();
            },
            "Entry 3 is not as it was written.",
        ),
        (
            |change, log| drop(change.open_table(LOG).unwrap().remove((log, 5)).unwrap()),
            "Entry 5 is missing: entry 6 follows entry 4.",
        ),
        (
            |change, log| {
                let mut entries = change.open_table(LOG).unwrap();
                for last in [22, 23] {
                    entries.remove((log, last)).unwrap();
                }
            },
            "Entries 22 to 23, the last ones, are missing.",
        ),
        (
            |change, log| drop(change.open_table(HEADS).unwrap().remove(log).unwrap()),
            "Entry 1 is there, and the log's head says 0.",
        ),
        (
            |change, log| {
                let mut entries = change.open_table(LOG).unwrap();
                let second = entries.get((log, 2)).unwrap().unwrap().value().to_vec();
                entries.insert((log, 1), second.as_slice()).unwrap();
            },
            "Entry 1 is not the first entry of this log.",
        ),
    ];
    for (by_hand, problem) in cases {
        let data = Data::make().await;
        edit(&data, by_hand);
        assert_found(&lines(&data), "audit", problem);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_cannot_be_read_at_all_are_reported_and_the_rest_is_walked() {
    let data = Data::make().await;
    let mut counters = 0;
    edit(&data, |change, _| {
        let mut records = change.open_table(RECORDS).unwrap();
        let key = records.first().unwrap().unwrap().0.value().to_vec();
        records.insert(key.as_slice(), &b"short"[..]).unwrap();
        counters = change.open_table(COUNTERS).unwrap().iter().unwrap().count();
    });
    let (code, found) = report(&data.path);
    assert_eq!((code, &found["counters"]), (Some(1), &Value::from(counters)), "{found}");
    assert_found(&lines(&data), "host: ", "It cannot be read any further");
}

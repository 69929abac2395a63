//! What has to agree in what is metered and billed.

use planwright_store::{ChangeSet, Key, Scan, Snapshot, Space, Store};
use serde_json::json;
use tokio::sync::OnceCell;

use super::edits::{assert_found, commit, lines, replace_in_record};
use super::{Data, tenant};
use crate::api::payments::{begin, tell, text, with_provider};
use crate::api::{ADMIN_PLANS, SETTINGS, SUBSCRIPTION, USAGE};
use crate::statements::{MARCH, TO_MARCH, at_one, cloud, used, uses};

/// A window that is billed, partly from credit, with usage that came late; and one that is open. No server is on it: it
/// is left once, and copied for each edit.
async fn billed() -> Data {
    static LEFT: OnceCell<Vec<u8>> = OnceCell::const_new();
    Data::of(LEFT.get_or_init(left_by_a_server).await)
}

async fn left_by_a_server() -> Vec<u8> {
    let (app, provider) = with_provider().await;
    let admin = app.admin();
    let in_rubles = at_one("cpu").to_string().replace("USD", "RUB");
    cloud(&admin, &[("cpu", 1)], &[serde_json::from_str(&in_rubles).unwrap()]).await;
    admin.put(SETTINGS, json!({"currency": "RUB"})).await.ok(200);
    let bob = app.user("bob");
    // What is paid for a plan that is left at once is credit.
    let gift = json!({"id": "gift", "name": "Gift", "price": 0, "interval": "month"});
    admin.post(ADMIN_PLANS, gift).await.ok(201);
    let id = text(&begin(&bob, "pro").await["payment_id"]);
    provider.pay(&id);
    tell(&app, "payment.succeeded", json!({"id": id})).await;
    let change = json!({"plan_id": "gift", "when": "now"});
    bob.post(&format!("{SUBSCRIPTION}/change"), change).await.ok(200);
    bob.post(&format!("{SUBSCRIPTION}/cancel"), json!({"immediate": true})).await.ok(200);
    uses(&bob, "cpu", 500).await;
    let event = json!({"metric": "cpu", "amount": 2, "event_id": "one"});
    bob.post(USAGE, event).await.ok(201);
    app.advance(TO_MARCH).await;
    used(&app, "bob", "cpu", 7, MARCH - 60).await;
    uses(&bob, "cpu", 3).await;
    let (_folder, file) = app.stop().await;
    std::fs::read(file).unwrap()
}

/// The first key of a family, of a record or a counter.
async fn first(data: &Data, space: &Space, family: &str) -> Key {
    let prefix = Key::in_space(space, family).prefix();
    let snapshot = data.store().snapshot().await.unwrap();
    let records = snapshot.scan(&prefix, Scan::first(1)).await.unwrap();
    let counters = snapshot.counters(&prefix, Scan::first(1)).await.unwrap();
    let keys = records.into_iter().map(|(key, _)| key);
    keys.chain(counters.into_iter().map(|(key, _)| key)).next().unwrap()
}

/// What an open window rests on.
const OF_BOOK: &str = r#""billing_plans":[1],"regions":[1]},"state":{"open""#;
const OF_ANOTHER: &str = r#""billing_plans":[2],"regions":[1]},"state":{"open""#;

type Edit = for<'a> fn(&'a mut ChangeSet, &Key) -> &'a mut ChangeSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn segments_windows_and_statements_agree_with_each_other() {
    assert_eq!(lines(&billed().await), [""; 0], "what a server leaves is clean");
    let (host, own) = (Space::Host, tenant());
    let delete: Edit = |change, key| change.delete(key);
    let add: Edit = |change, key| change.add(key, 1);
    let much: Edit = |change, key| change.add(key, 1_000_000_000);
    let less: Edit = |change, key| change.add(key, -508_000_000);
    let cases: [(&Space, &str, Edit, &str, &str); 21] = [
        (&own, "statement", delete, "billing-window/bob", "which is not there"),
        (&own, "statement", delete, "every-statement/", "which is not there"),
        (&own, "statement", delete, "user-statement/", "which is not there"),
        (&own, "every-statement", delete, "statement/sta_", "missing in the list every-statement"),
        (&own, "user-statement", delete, "statement/sta_", "missing in the list user-statement"),
        (&own, "billing-window", delete, "segment/bob", "No billing window has it."),
        (&own, "billing-window", delete, "statement/sta_", "No billing window names it."),
        (&own, "billing-window", delete, "metered-events/bob", "No billing window has it."),
        (&own, "segment", much, "segment/bob", "were used in all"),
        (&own, "segment", less, "billing-window/bob", "are billed, and its counter holds"),
        (&own, "adjustment-due", delete, "billing-window/bob", "are billed, and its counter"),
        (&own, "segment", less, "segment/bob", "the events that are remembered have"),
        (&own, "credit-entry", delete, "statement/sta_", "and 0 were moved for it"),
        (&own, "usage-window", delete, "usage/bob", "missing among those that expire"),
        (&own, "usage-window", delete, "segment/bob", "missing among those that expire"),
        (&own, "usage-window", delete, "metered-events/bob", "missing among those that expire"),
        (&own, "usage-window", delete, "host: expiring-usage", "expires, and not then"),
        (&host, "expiring-usage", delete, "usage-window/bob", "missing in the list of windows"),
        (&host, "expiring-usage", add, "host: expiring-usage", "No counter of this release"),
        (&host, "statement-due", delete, "billing-window/bob", "missing among what is to be"),
        (&host, "statement-due", add, "host: statement-due", "No counter of this release"),
    ];
    for (space, family, edit, place, problem) in cases {
        let data = billed().await;
        let key = first(&data, space, family).await;
        commit(&data, |change| edit(change, &key)).await;
        assert_found(&lines(&data), place, problem);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_was_changed_is_found_and_so_is_credit_that_it_did_not_use() {
    for (family, old, new, place, problem) in [
        ("statement", "\"total\":502", "\"total\":402", "statement/sta_", "Its total is 402"),
        ("statement", "\"due\":", "\"edu\":", "statement/sta_", "It cannot be read"),
        ("statement", "\"amount\":502", "\"amount\":402", "statement/sta_", "by its answer"),
        (
            "statement",
            "\"status\":\"open",
            "\"status\":\"paid",
            "statement/",
            "list every-statement",
        ),
        ("billing-window", "\"sta_", "\"ats_", "billing-window/bob", "which is not there"),
        (
            "billing-window",
            "\"question\":0",
            "\"question\":7",
            "billing-window/bob",
            "does not ask for",
        ),
        (
            "billing-window",
            OF_BOOK,
            OF_ANOTHER,
            "billing-window/bob",
            "billing_plan 2, which is not",
        ),
    ] {
        let data = billed().await;
        replace_in_record(&data, family, old, new);
        let lines = lines(&data);
        assert_found(&lines, place, "It is not as it was written.");
        assert_found(&lines, place, problem);
    }
}

#[tokio::test]
async fn what_prices_usage_that_is_not_billed_is_named_by_its_window_and_counted() {
    let data = billed().await;
    replace_in_record(&data, "billing-window", OF_BOOK, OF_ANOTHER);
    assert_found(
        &lines(&data),
        "entry-uses/billing_plan/1",
        "It holds 3, and it is named 2 times.",
    );
    let data = billed().await;
    let window = Key::in_space(&tenant(), "segment").text("bob").number(0);
    let window = window.number(u64::try_from(MARCH).unwrap());
    let of_another = window.text("cpu").text("final").number(1).number(2).key();
    commit(&data, |change| change.add(&of_another, 1)).await;
    assert_found(&lines(&data), "segment/bob", "does not rest on what prices it");
}

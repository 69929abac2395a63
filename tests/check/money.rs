//! What was paid, charged and is left as credit: nothing comes from nowhere, and nothing is lost.

use planwright_store::{ChangeSet, Key, Scan, Snapshot, Space, Store};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::edits::{Any, assert_found, commit, lines};
use super::{Data, tenant};
use crate::api::payments::{begin, tell, text, with_provider};
use crate::api::{ADMIN_PLANS, SUBSCRIPTION, plan};
use crate::harness::App;
use crate::provider::Provider;
use crate::statements::payments::{ask, owing, pay as settle};
use crate::worker::DAY;

/// Bob paid, went to a cheaper plan, and renewed it from what was given back; then he paid the rest of a window.
async fn spent() -> Data {
    static LEFT: OnceCell<Vec<u8>> = OnceCell::const_new();
    Data::of(LEFT.get_or_init(left_by_a_server).await)
}

async fn left_by_a_server() -> Vec<u8> {
    let (app, provider) = with_provider().await;
    let mut cheap = plan("cheap");
    cheap["price"] = json!(200);
    app.admin().post(ADMIN_PLANS, cheap).await.ok(201);
    pay(&app, &provider, "pro").await;
    let change = json!({"plan_id": "cheap", "when": "now"});
    app.user("bob").post(&format!("{SUBSCRIPTION}/change"), change).await.ok(200);
    app.advance(28 * DAY).await;
    app.advance(31 * DAY).await;
    pay(&app, &provider, "cheap").await;
    let (_folder, file) = app.stop().await;
    std::fs::read(file).unwrap()
}

async fn pay(app: &App, provider: &Provider, plan: &str) {
    let id = text(&begin(&app.user("bob"), plan).await["payment_id"]);
    provider.pay(&id);
    tell(app, "payment.succeeded", json!({"id": id})).await;
}

/// The records of a family, in their order.
async fn all(data: &Data, space: &Space, family: &str) -> Vec<(Key, Value)> {
    let prefix = Key::in_space(space, family).prefix();
    let snapshot = data.store().snapshot().await.unwrap();
    let found = snapshot.scan(&prefix, Scan::first(100)).await.unwrap();
    found.into_iter().map(|(key, record)| (key, record.decode::<Any>().unwrap().0)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fee_is_kept_with_what_it_rests_on() {
    let data = spent().await;
    assert_eq!(lines(&data), [""; 0], "what a server leaves is clean");
    let charges = all(&data, &tenant(), "fee-charge").await;
    let charges: Vec<&Value> = charges.iter().map(|(_, record)| &record["charge"]).collect();
    let said = |one: &&Value| {
        let of = |name: &str| one[name].to_string().replace('"', "");
        let parts = ["reason", "plan_id", "amount", "unused", "paid"].map(of);
        let days = (one["window"]["end"].as_i64().unwrap()
            - one["window"]["start"].as_i64().unwrap())
            / DAY;
        format!("{} for {days}", parts.join(" "))
    };
    let said: Vec<String> = charges.iter().map(said).collect();
    let expected = [
        "start pro 490 0 490 for 28",
        "change cheap 200 490 0 for 28",
        "renewal cheap 200 0 0 for 31",
        "renewal cheap 200 0 110 for 30",
    ];
    let mut sorted = said.clone();
    sorted.sort();
    let mut wanted = expected.map(str::to_owned).to_vec();
    wanted.sort();
    assert_eq!(sorted, wanted);
    for charge in charges {
        let asked = &charge["asked"][0]["asked"];
        let pricer = &asked["pricer"];
        assert_eq!(
            (&pricer["name"], &pricer["settings"]),
            (&json!("planwright-pricing"), &json!("{}"))
        );
        assert_eq!(pricer["digest"].as_str().unwrap().len(), 64);
        assert_eq!(asked["question"]["plan"]["id"], charge["plan_id"]);
        let fee = asked["answer"].as_array().unwrap().iter().find(|item| item["kind"] == "fee");
        assert!(fee.unwrap()["steps"].is_array(), "{asked}");
    }
    // The window of the last one is open.
    assert_eq!(all(&data, &tenant(), "unbilled-charge").await.len(), 1);
    assert_eq!(
        all(&data, &Space::Host, "priced-by").await.len(),
        1,
        "the standard one is the host's"
    );
}

/// The newest record of a family that has a field.
async fn with(data: &Data, family: &str, field: &str) -> (Key, Value) {
    let found = all(data, &tenant(), family).await;
    let has = |record: &Value| !record.pointer(field).unwrap_or(&Value::Null).is_null();
    found.into_iter().find(|(_, record)| has(record)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_charge_that_is_changed_or_gone_is_found_from_both_sides() {
    type Edit = for<'a> fn(&'a mut ChangeSet, &Key, Value) -> &'a mut ChangeSet;
    let delete: Edit = |change, key, _| change.delete(key);
    let dearer: Edit = |change, key, mut record| {
        record["charge"]["amount"] = json!(201);
        change.put(key, &Any(record))
    };
    let alone: Edit = |change, key, mut record| {
        record["charge_id"] = Value::Null;
        change.put(key, &Any(record))
    };
    let more: Edit = |change, key, mut record| {
        record["transaction"]["amount"] = json!(111);
        change.put(key, &Any(record))
    };
    for (family, field, edit, shown) in [
        (
            "fee-charge",
            "/charge/credit_entry_id",
            dearer,
            &[
                ("fee-charge/bob/", "It charges 201 and gives 0 back, and its answers come to 200"),
                ("fee-charge/bob/", "It names the movement 'crd_"),
                (
                    "credit/bob/RUB",
                    "600 was paid and 490 given back, 1091 was charged and 0 used on statements",
                ),
            ][..],
        ),
        (
            "fee-charge",
            "/charge/credit_entry_id",
            delete,
            &[
                ("unbilled-charge/bob/", "It lists the fee charge 'fee_"),
                ("credit-entry/bob/RUB/", "It names the fee charge 'fee_"),
                (
                    "credit/bob/RUB",
                    "600 was paid and 490 given back, 890 was charged and 0 used on statements",
                ),
            ],
        ),
        ("unbilled-charge", "/charge_id", delete, &[("fee-charge/bob/", "It is on no statement")]),
        (
            "credit-entry",
            "/charge_id",
            delete,
            &[("fee-charge/bob/", "It names the movement 'crd_"), ("credit/bob/RUB", "is the sum")],
        ),
        (
            "credit-entry",
            "/charge_id",
            alone,
            &[
                ("credit-entry/bob/RUB/", "It names nothing that it was moved for."),
                ("fee-charge/bob/", "It names the movement 'crd_"),
            ],
        ),
        (
            "transaction",
            "/transaction",
            delete,
            &[
                ("fee-charge/bob/", "of the transaction 'txn_"),
                ("credit/bob/RUB", "given back, 1090 was charged and 0 used on statements"),
            ],
        ),
    ] {
        let data = spent().await;
        let (key, record) = with(&data, family, field).await;
        commit(&data, |change| edit(change, &key, record)).await;
        let lines = lines(&data);
        for (place, problem) in shown {
            assert_found(&lines, place, problem);
        }
    }
    let data = spent().await;
    let transactions = all(&data, &tenant(), "transaction").await;
    let is_last = |record: &Value| record["transaction"]["amount"] == 110;
    let (key, record) = transactions.into_iter().find(|(_, one)| is_last(one)).unwrap();
    commit(&data, |change| more(change, &key, record)).await;
    let lines = lines(&data);
    assert_found(&lines, "fee-charge/bob/", "It took 110 of the transaction 'txn_");
    assert_found(&lines, "credit/bob/RUB", "601 was paid and 490 given back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credit_that_nobody_paid_is_found_though_it_is_the_sum_of_its_movements() {
    let data = spent().await;
    let (_, transaction) = with(&data, "transaction", "/transaction").await;
    let (balance, _) = all(&data, &tenant(), "credit").await.remove(0);
    let entry = Key::in_space(&tenant(), "credit-entry").text("bob").text("RUB");
    let entry = entry.newest_first(1).text("crd_1").key();
    let moved = json!({
        "amount": 50, "reason": "payment", "subscription_id": null,
        "transaction_id": transaction["transaction"]["id"], "at": 1,
    });
    commit(&data, |change| {
        change.put(&balance, &Any(json!({"balance": 50}))).put(&entry, &Any(moved))
    })
    .await;
    let expected = "600 was paid and 490 given back, 1090 was charged and 0 used on statements, and \
                    50 is credit.";
    assert_eq!(lines(&data), [format!("tenant default: credit/bob/RUB: {expected}")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_priced_something_is_marked_and_no_other() {
    let data = spent().await;
    let (mark, record) = all(&data, &Space::Host, "priced-by").await.remove(0);
    let stray = Key::in_space(&tenant(), "priced-by").text(&"0".repeat(64)).key();
    commit(&data, |change| {
        change.delete(&mark).put(&stray, &Any(json!({"digest": "0".repeat(64)})))
    })
    .await;
    let found = lines(&data);
    let digest = record["digest"].as_str().unwrap();
    assert_found(&found, "fee-charge/bob/", &format!("The plugin {digest} priced it, and is not"));
    assert_found(&found, "priced-by/0000", "It marks a plugin that is not there.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_prices_by_the_configuration_is_kept_once_it_priced_something() {
    let (app, provider) = with_provider().await;
    pay(&app, &provider, "pro").await;
    // At the latest when the server stops.
    let (_folder, file) = app.stop().await;
    let data = Data::of(&std::fs::read(file).unwrap());
    let (_, mark) = all(&data, &Space::Host, "priced-by").await.remove(0);
    let (key, component) = all(&data, &Space::Host, "component").await.remove(0);
    assert!(key.to_string().contains(mark["digest"].as_str().unwrap()), "{key}");
    assert_eq!((&component["owners"], &component["state"]), (&json!([]), &json!("ready")));
    assert_eq!(lines(&data), [""; 0]);
    let (mark, _) = all(&data, &Space::Host, "priced-by").await.remove(0);
    commit(&data, |change| change.delete(&mark)).await;
    assert_found(&lines(&data), "component/", "It is nobody's, and priced nothing.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_nobody_paid_and_a_payment_that_settled_none_are_found() {
    let (app, provider, statement) = owing().await;
    let started = ask(&app.user("bob"), &statement).await;
    settle(&app, &provider, &started).await;
    let (_folder, file) = app.stop().await;
    let left = std::fs::read(file).unwrap();
    assert_eq!(lines(&Data::of(&left)), [""; 0], "what a server leaves is clean");
    type Edit = fn(&mut Value);
    let cases: [(&str, Edit, &str, &str); 3] = [
        (
            "statement",
            |record| record["statement"]["status"] = json!("open"),
            "transaction/txn_",
            "It settled the statement 'sta_",
        ),
        (
            "transaction",
            |record| record["statement_id"] = json!("sta_none"),
            "transaction/txn_",
            "It is for the statement 'sta_none', which is none of its user's.",
        ),
        (
            "transaction",
            |record| record["transaction"]["status"] = json!("canceled"),
            "credit/bob/USD",
            "0 was paid and 0 given back, 0 was charged and 12 used on statements",
        ),
    ];
    for (family, edit, place, problem) in cases {
        let data = Data::of(&left);
        let (key, mut record) = all(&data, &tenant(), family).await.remove(0);
        edit(&mut record);
        commit(&data, |change| change.put(&key, &Any(record))).await;
        assert_found(&lines(&data), place, problem);
    }
}

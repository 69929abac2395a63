//! What has to agree of payments: transactions with what leads to them, what went back of them, and the credit that they
//! became.

use planwright_store::{ChangeSet, Key, KeyBuilder, Scan, Snapshot, Space, Store};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::edits::{Any, assert_found, commit, lines};
use super::{Data, tenant};
use crate::api::payments::{begin, tell, text, with_provider};
use crate::api::{ADMIN_PLANS, of_plan, plan};

/// Payments of all kinds, and no server on them: left once, and copied for each edit.
async fn payments() -> Data {
    static LEFT: OnceCell<Vec<u8>> = OnceCell::const_new();
    Data::of(LEFT.get_or_init(left_by_a_server).await)
}

/// One that was paid and went back, one that is pending, and one that came when its plan was gone.
async fn left_by_a_server() -> Vec<u8> {
    let (app, provider) = with_provider().await;
    let paid = text(&begin(&app.user("bob"), "pro").await["payment_id"]);
    provider.pay(&paid);
    provider.give_back("r1", &paid, "490.00");
    tell(&app, "refund.succeeded", json!({"id": "r1", "payment_id": paid})).await;

    begin(&app.user("eve"), "pro").await;

    let admin = app.admin();
    admin.post(ADMIN_PLANS, plan("old")).await.ok(201);
    let late = text(&begin(&app.user("tom"), "old").await["payment_id"]);
    provider.set(&late, "status", json!("canceled"));
    tell(&app, "payment.canceled", json!({"id": late})).await;
    admin.delete(&of_plan("old")).await.ok(200);
    provider.pay(&late);
    tell(&app, "payment.succeeded", json!({"id": late})).await;
    let (_folder, file) = app.stop().await;
    std::fs::read(file).unwrap()
}

/// The record of a family that says something.
async fn saying(data: &Data, space: &Space, family: &str, says: &str) -> (Key, Value) {
    let all = Key::in_space(space, family).prefix();
    let snapshot = data.store().snapshot().await.unwrap();
    let records = snapshot.scan(&all, Scan::first(usize::MAX)).await.unwrap();
    let mut records = records.into_iter().map(|(key, record)| {
        let any: Any = record.decode().unwrap();
        (key, any.0)
    });
    records.find(|(_, value)| value.to_string().contains(says)).unwrap()
}

fn key(family: &str) -> KeyBuilder {
    Key::in_space(&tenant(), family)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_leads_to_a_transaction_is_missed() {
    assert_eq!(lines(&payments().await), [""; 0], "what a server leaves is clean");
    let host = Space::Host;
    for (space, family, problem) in [
        (tenant(), "every-transaction", "It is missing in the tenant's list"),
        (tenant(), "user-transaction", "It is missing in its user's list"),
        (tenant(), "pending-transaction", "It is pending, and missing among what is."),
        (host.clone(), "payment-due", "missing among what the provider is to be asked about"),
        (host, "payment", "Its payment does not lead to it."),
    ] {
        let data = payments().await;
        let (gone, _) = saying(&data, &space, family, "txn_").await;
        commit(&data, |change| change.delete(&gone)).await;
        assert_found(&lines(&data), "default: transaction/txn_", problem);
    }
    let data = payments().await;
    let (gone, _) = saying(&data, &tenant(), "transaction", "\"eve\"").await;
    commit(&data, |change| change.delete(&gone)).await;
    let lines = lines(&data);
    for (place, problem) in [
        ("every-transaction/", "which is not there."),
        ("user-transaction/eve/", "which is not there."),
        ("pending-transaction/eve/", "which is not pending for this."),
        ("host: payment/", "whose place it is not."),
        ("host: payment-due/", "whose place it is not."),
        ("pending-payments/pro/0", "It holds 1, and 0 payments are pending."),
    ] {
        assert_found(&lines, place, problem);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amounts_and_counts_that_are_not_so_are_found() {
    type Edit = fn(&mut Value);
    let cases: [(&str, &str, Edit, &str, &str); 6] = [
        (
            "transaction",
            "\"eve\"",
            |value| value["transaction"]["amount"] = json!(1),
            "transaction/txn_",
            "It is pending, and missing among what is.",
        ),
        (
            "transaction",
            "\"eve\"",
            |value| value["ask_at"] = Value::Null,
            "transaction/txn_",
            "The provider is asked about what is pending, and about nothing else.",
        ),
        (
            "transaction",
            "\"refunded\"",
            |value| value["transaction"]["amount"] = json!(590),
            "transaction/txn_",
            "It is refunded, and 490 of 590 was given back.",
        ),
        (
            "transaction",
            "\"refunded\"",
            |value| value["transaction"]["status"] = json!("pending"),
            "transaction/txn_",
            "missing in the tenant's list, or is there as another one",
        ),
        (
            "credit-entry",
            "txn_",
            |value| value["transaction_id"] = Value::Null,
            "credit-entry/tom/RUB/",
            "It is of a payment, and names no transaction.",
        ),
        (
            "credit-entry",
            "txn_",
            |value| value["transaction_id"] = json!("txn_none"),
            "credit-entry/tom/RUB/",
            "It names the transaction 'txn_none', which is not there.",
        ),
    ];
    for (family, says, edit, place, problem) in cases {
        let data = payments().await;
        let (key, mut value) = saying(&data, &tenant(), family, says).await;
        edit(&mut value);
        commit(&data, |change: &mut ChangeSet| change.put(&key, &Any(value))).await;
        assert_found(&lines(&data), place, problem);
    }
    let data = payments().await;
    let pending = key("pending-payments").text("pro").number(0).key();
    commit(&data, |change| change.add(&pending, 1)).await;
    assert_found(
        &lines(&data),
        "pending-payments/pro/0",
        "It holds 2, and 1 payments are pending.",
    );
}

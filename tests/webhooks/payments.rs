//! What becomes of money is told once, by the commit that says so.

use serde_json::{Value, json};

use super::receiver::{Call, Receiver};
use super::{delivery_when, is, listen};
use crate::api::payments::{begin, for_plan, tell, text};
use crate::api::{ADMIN_PLANS, PAYMENT, SUBSCRIPTION, TRANSACTIONS, plan};
use crate::harness::{Actor, App};
use crate::provider::{Provider, Trouble};
use crate::worker::{DAY, assert_agrees};

/// A server that takes payments for a plan, and may call receivers on this machine.
async fn start() -> (App, Provider) {
    let provider = Provider::start().await;
    let app = App::with(|config| {
        provider.configure(config);
        config.webhooks.allow_http = true;
        config.webhooks.allow_private_networks = true;
    })
    .await;
    app.admin().post(ADMIN_PLANS, plan("pro")).await.ok(201);
    (app, provider)
}

/// The user's newest transaction.
async fn newest(user: &Actor) -> Value {
    user.get(TRANSACTIONS).await.ok(200)[0].clone()
}

fn kinds(calls: &[Call]) -> Vec<String> {
    calls.iter().map(Call::kind).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_that_comes_and_goes_back_is_told_once_however_often_it_is_heard() {
    let ((app, provider), receiver) = (start().await, Receiver::start().await);
    let admin = app.admin();
    let (endpoint, secret) =
        listen(&admin, &receiver, &["payment.*", "subscription.created"]).await;
    let bob = app.user("bob");
    let id = text(&begin(&bob, "pro").await["payment_id"]);
    provider.pay(&id);
    for _ in 0..3 {
        tell(&app, "payment.succeeded", json!({"id": id})).await;
    }
    // In one commit with what it paid for, so side by side.
    let mut calls = receiver.calls_when(2).await;
    calls.sort_by_key(Call::kind);
    assert_eq!(kinds(&calls), ["payment.succeeded", "subscription.created"]);
    assert!(calls[0].is_signed_by(&secret));
    let paid = newest(&bob).await;
    assert_eq!(paid["subscription_id"], bob.get(SUBSCRIPTION).await.ok(200)["id"]);
    assert_eq!(
        calls[0].payload(),
        json!({
            "type": "payment.succeeded", "timestamp": "2025-02-05T08:00:00Z",
            "data": {"transaction": paid},
        })
    );

    for (count, refund, amount, back, status) in
        [(3, "r1", "190.50", "190.50", "succeeded"), (4, "r2", "299.50", "490.00", "refunded")]
    {
        provider.give_back(refund, &id, amount);
        for _ in 0..2 {
            tell(&app, "refund.succeeded", json!({"id": refund, "payment_id": id})).await;
        }
        let calls = receiver.calls_when(count).await;
        assert_eq!(calls[count - 1].kind(), "payment.refunded");
        let told = &calls[count - 1].payload()["data"]["transaction"];
        assert_eq!(
            (&told["status"], &told["metadata"]["refunded_amount"]),
            (&json!(status), &json!(back))
        );
        assert_eq!(*told, newest(&bob).await);
    }
    delivery_when(&admin, &endpoint, is("delivered")).await;
    assert_eq!(receiver.calls().len(), 4);
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_that_does_not_come_is_told_and_so_is_money_that_comes_after_all() {
    let ((app, provider), receiver) = (start().await, Receiver::start().await);
    let admin = app.admin();
    let (endpoint, _) = listen(&admin, &receiver, &["payment.*"]).await;
    let [bob, eve, tom] = ["bob", "eve", "tom"].map(|name| app.user(name));

    provider.trouble(Trouble { refuse: true, ..Trouble::default() });
    bob.post(PAYMENT, for_plan("pro")).await.problem(400);
    provider.trouble(Trouble::default());
    let calls = receiver.calls_when(1).await;
    assert_eq!(calls[0].kind(), "payment.failed");
    assert_eq!(calls[0].payload()["data"]["transaction"], newest(&bob).await);

    let id = text(&begin(&eve, "pro").await["payment_id"]);
    provider.set(&id, "status", json!("canceled"));
    for _ in 0..2 {
        tell(&app, "payment.canceled", json!({"id": id})).await;
    }
    let calls = receiver.calls_when(2).await;
    assert_eq!(calls[1].kind(), "payment.canceled");
    assert_eq!(calls[1].payload()["data"]["transaction"], newest(&eve).await);

    // Nobody pays, and some time nobody waits. That it is open still is no event.
    let late = text(&begin(&tom, "pro").await["payment_id"]);
    tell(&app, "payment.waiting_for_capture", json!({"id": late})).await;
    app.advance(60).await;
    app.advance(7 * DAY).await;
    let calls = receiver.calls_when(3).await;
    assert_eq!(calls[2].kind(), "payment.canceled");
    assert_eq!(calls[2].payload()["data"]["transaction"], newest(&tom).await);
    provider.pay(&late);
    tell(&app, "payment.succeeded", json!({"id": late})).await;
    let calls = receiver.calls_when(4).await;
    assert_eq!(calls[3].kind(), "payment.succeeded");
    assert_eq!(calls[3].payload()["data"]["transaction"], newest(&tom).await);

    delivery_when(&admin, &endpoint, is("delivered")).await;
    assert_eq!(receiver.calls().len(), 4);
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

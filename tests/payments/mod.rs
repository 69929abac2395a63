//! Payments whatever fails on the way: each ends paid once or not at all.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod crash;

use std::time::Duration;

use serde_json::{Value, json};

use crate::api::payments::{begin, for_plan, statuses, tell, text, with_provider};
use crate::api::{
    ADMIN_PLANS, ME, PAYMENT, SUBSCRIPTION, TRANSACTIONS, WEBHOOK, of_plan, plan, subscription_of,
};
use crate::harness::App;
use crate::provider::{Provider, Trouble, told};
use crate::worker::{DAY, NOW, assert_agrees};

const HOUR: i64 = 3_600;
/// The first month's end: 5 March 2025.
const MONTH: i64 = NOW + 28 * DAY;

/// Until when the user's subscription is paid.
async fn paid_until(app: &App, user: &str) -> Value {
    app.user(user).get(SUBSCRIPTION).await.ok(200)["paid_until"].clone()
}

async fn ends_well(app: App) {
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_webhooks_and_the_worker_at_once_count_once() {
    let (app, provider) = with_provider().await;
    let id = text(&begin(&app.user("bob"), "pro").await["payment_id"]);
    provider.pay(&id);
    // Due by now, so that the worker asks, too.
    app.clock.advance(60);
    let mut telling = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (stranger, id) = (app.stranger(), id.clone());
        telling.spawn(async move {
            stranger.post(WEBHOOK, told("payment.succeeded", json!({"id": id}))).await.ok(200)
        });
    }
    let worked = app.advance(0).await;
    assert_eq!(telling.join_all().await, vec![json!({"status": "ok"}); 50]);
    assert!(worked <= 1);
    assert_eq!(statuses(&app.user("bob")).await, ["succeeded 490"]);
    assert_eq!(paid_until(&app, "bob").await, MONTH + 60);
    ends_well(app).await;
}

#[tokio::test]
async fn a_forged_webhook_does_nothing() {
    let (app, provider) = with_provider().await;
    let bob = app.user("bob");
    let started = begin(&bob, "pro").await;
    let id = text(&started["payment_id"]);
    let paid = json!({
        "id": id, "status": "succeeded", "paid": true, "amount": {"value": "490.00", "currency": "RUB"},
        "metadata": {"transaction_id": started["transaction_id"]},
    });
    let refund = json!({"id": "r1", "payment_id": id, "status": "succeeded"});
    for (event, object) in [
        ("payment.succeeded", paid.clone()),
        ("payment.canceled", paid),
        ("payment.succeeded", json!({"id": "made-up", "status": "succeeded"})),
        ("refund.succeeded", refund),
        ("refund.succeeded", json!({"id": id})),
        ("payout.succeeded", json!({"id": id})),
        ("anything", json!({"id": id})),
    ] {
        tell(&app, event, object).await;
        assert_eq!(statuses(&bob).await, ["pending 490"], "{event}");
    }
    assert_eq!(bob.get(SUBSCRIPTION).await.ok(200), Value::Null);
    // And the real one counts.
    provider.pay(&id);
    tell(&app, "payment.succeeded", json!({"id": id})).await;
    assert_eq!(statuses(&bob).await, ["succeeded 490"]);
    ends_well(app).await;
}

#[tokio::test]
async fn what_does_not_match_stays_pending_and_may_be_told_again() {
    let (app, provider) = with_provider().await;
    let bob = app.user("bob");
    let id = text(&begin(&bob, "pro").await["payment_id"]);
    let right = provider.payments()[0].clone();
    provider.pay(&id);
    let of_another = {
        let mut metadata = right["metadata"].clone();
        metadata["user_id"] = json!("eve");
        metadata
    };
    for (field, value) in [
        ("amount", json!({"value": "4.90", "currency": "RUB"})),
        ("amount", json!({"value": "490.01", "currency": "RUB"})),
        ("amount", json!({"value": "490.00", "currency": "USD"})),
        ("metadata", of_another),
        ("metadata", json!({})),
        ("id", json!("another")),
    ] {
        provider.set(&id, field, value);
        tell(&app, "payment.succeeded", json!({"id": id})).await;
        app.advance(2 * HOUR).await;
        assert_eq!(statuses(&bob).await, ["pending 490"], "{field}");
        provider.set(&id, field, right[field].clone());
    }
    tell(&app, "payment.succeeded", json!({"id": id})).await;
    assert_eq!(statuses(&bob).await, ["succeeded 490"]);
    ends_well(app).await;
}

#[tokio::test]
async fn webhooks_in_any_order_come_to_the_same() {
    let (app, provider) = with_provider().await;
    let bob = app.user("bob");
    let id = text(&begin(&bob, "pro").await["payment_id"]);
    provider.pay(&id);
    // What was given back is heard of before it is heard that anything was paid.
    provider.give_back("r1", &id, "190.50");
    let refund = |refund: &str| json!({"id": refund, "payment_id": id});
    tell(&app, "refund.succeeded", refund("r1")).await;
    let shown = async || {
        let one = bob.get(TRANSACTIONS).await.ok(200)[0].clone();
        (text(&one["status"]), one["metadata"]["refunded_amount"].clone())
    };
    let some = ("succeeded".to_owned(), json!("190.50"));
    assert_eq!(shown().await, some);
    assert_eq!(paid_until(&app, "bob").await, MONTH);
    for event in ["payment.succeeded", "payment.waiting_for_capture", "payment.canceled"] {
        tell(&app, event, json!({"id": id})).await;
        assert_eq!(shown().await, some, "{event}");
    }
    tell(&app, "refund.succeeded", refund("r1")).await;
    assert_eq!(shown().await, some, "once each");
    provider.give_back("r2", &id, "299.51");
    tell(&app, "refund.succeeded", refund("r2")).await;
    assert_eq!(shown().await, some, "no more than was paid");
    provider.give_back("r3", &id, "299.50");
    tell(&app, "refund.succeeded", refund("r3")).await;
    assert_eq!(shown().await, ("refunded".to_owned(), json!("490.00")));
    assert_eq!(paid_until(&app, "bob").await, MONTH);

    // Canceled is an end, and asking again begins another one.
    let eve = app.user("eve");
    let id = text(&begin(&eve, "pro").await["payment_id"]);
    provider.set(&id, "status", json!("canceled"));
    for event in ["payment.succeeded", "payment.canceled", "payment.canceled"] {
        tell(&app, event, json!({"id": id})).await;
        assert_eq!(statuses(&eve).await, ["canceled 490"], "{event}");
    }
    assert_eq!(eve.get(SUBSCRIPTION).await.ok(200), Value::Null);
    assert_ne!(begin(&eve, "pro").await["payment_id"], id.as_str());
    ends_well(app).await;
}

#[tokio::test]
async fn a_webhook_that_comes_before_its_payment_is_known_is_not_lost() {
    let (app, provider) = with_provider().await;
    let url = format!("http://{}{WEBHOOK}", app.address());
    provider.trouble(Trouble { tell_first: Some(url), ..Trouble::default() });
    let bob = app.user("bob");
    assert_eq!(begin(&bob, "pro").await["status"], "pending");
    app.advance(30).await;
    assert_eq!(statuses(&bob).await, ["succeeded 490"]);
    assert_eq!(paid_until(&app, "bob").await, NOW + 30 + 28 * DAY);
    ends_well(app).await;
}

#[tokio::test]
async fn what_no_webhook_brought_is_asked_for_also_after_downtime() {
    let (app, provider) = with_provider().await;
    let (bob, eve) = (app.user("bob"), app.user("eve"));
    let bobs = text(&begin(&bob, "pro").await["payment_id"]);
    let eves = text(&begin(&eve, "pro").await["payment_id"]);
    provider.pay(&bobs);
    provider.set(&eves, "status", json!("canceled"));
    let app = app.restart_with(9 * DAY, |config| provider.configure(config)).await;
    app.advance(0).await;
    for (user, expected) in [("bob", "succeeded 490"), ("eve", "canceled 490")] {
        // The server asks by itself, too.
        let seen = async || statuses(&app.user(user)).await == [expected];
        for _ in 0..100 {
            if seen().await {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(seen().await, "{user}");
    }
    // What was paid for begins when it is known that it was.
    assert_eq!(paid_until(&app, "bob").await, NOW + 9 * DAY + 28 * DAY);
    // What is known to have ended is not asked about any more.
    let asked = provider.asked().len();
    app.advance(DAY).await;
    assert_eq!(provider.asked().len(), asked);
    ends_well(app).await;
}

#[tokio::test]
async fn pauses_grow_and_some_time_nobody_waits_any_more() {
    let (app, provider) = with_provider().await;
    let bob = app.user("bob");
    let id = text(&begin(&bob, "pro").await["payment_id"]);
    let questions = || provider.asked().iter().filter(|what| what.starts_with("GET")).count();
    // 15 s to the first question, then 30, 60, … up to an hour; looked at each 5 seconds.
    for _ in 0..HOUR / 5 {
        app.advance(5).await;
    }
    assert!((5..=8).contains(&questions()), "{}", questions());
    app.advance(7 * DAY).await;
    app.advance(0).await;
    assert_eq!(statuses(&bob).await, ["canceled 490"]);
    let asked = questions();
    app.advance(DAY).await;
    assert_eq!(questions(), asked);
    // The money counts all the same, should it come.
    provider.pay(&id);
    tell(&app, "payment.succeeded", json!({"id": id})).await;
    assert_eq!(statuses(&bob).await, ["succeeded 490"]);
    ends_well(app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_fails_is_asked_again_with_the_same_key_and_never_after_it_is_forgotten() {
    let (app, provider) = with_provider().await;
    let bob = app.user("bob");
    provider.trouble(Trouble { fail: 1_000, ..Trouble::default() });
    let answer = bob.post(PAYMENT, for_plan("pro")).await;
    answer.problem(503);
    assert!(answer.headers.contains_key("retry-after"));
    app.advance(60).await;
    provider.trouble(Trouble::default());
    app.advance(HOUR).await;
    app.advance(0).await;
    let one = bob.get(TRANSACTIONS).await.ok(200)[0].clone();
    assert_eq!(one["payment_id"], provider.payments()[0]["id"]);
    let mut orders = provider.asked();
    orders.dedup();
    assert_eq!(orders, [format!("POST payments {}", text(&one["id"]))]);
    provider.pay(one["payment_id"].as_str().unwrap());
    tell(&app, "payment.succeeded", json!({"id": one["payment_id"]})).await;
    assert_eq!(statuses(&bob).await, ["succeeded 490"]);

    // A webhook while the provider is down is to come again.
    let eve = app.user("eve");
    let id = text(&begin(&eve, "pro").await["payment_id"]);
    provider.pay(&id);
    provider.trouble(Trouble { fail: 1_000, ..Trouble::default() });
    let event = told("payment.succeeded", json!({"id": id}));
    app.stranger().post(WEBHOOK, event.clone()).await.problem(503);
    provider.trouble(Trouble::default());
    app.stranger().post(WEBHOOK, event).await.ok(200);
    assert_eq!(statuses(&eve).await, ["succeeded 490"]);

    let tom = app.user("tom");
    provider.trouble(Trouble { fail: 1_000, ..Trouble::default() });
    tom.post(PAYMENT, for_plan("pro")).await.problem(503);
    provider.trouble(Trouble::default());
    let asked = provider.asked().len();
    app.advance(23 * HOUR).await;
    app.advance(0).await;
    assert_eq!(statuses(&tom).await, ["canceled 490"]);
    assert_eq!(provider.asked().len(), asked, "by then it would be another payment");
    ends_well(app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_slow_is_not_waited_for_and_its_payment_is_one() {
    let (app, provider) = with_provider().await;
    let bob = app.user("bob");
    provider.trouble(Trouble { swallow_orders: true, ..Trouble::default() });
    let began = std::time::Instant::now();
    bob.post(PAYMENT, for_plan("pro")).await.problem(503);
    let took = began.elapsed();
    assert!((Duration::from_secs(9)..Duration::from_secs(20)).contains(&took), "{took:?}");
    // Slow, and not too slow.
    provider.trouble(Trouble { slow: Duration::from_millis(500), ..Trouble::default() });
    begin(&bob, "pro").await;
    assert_eq!(provider.payments().len(), 1);
    ends_well(app).await;
}

#[tokio::test]
async fn money_for_a_plan_that_is_gone_is_credit() {
    let (app, provider) = with_provider().await;
    let (admin, bob) = (app.admin(), app.user("bob"));
    let dear = json!({"id": "dear", "name": "Dear", "price": 990, "interval": "month"});
    admin.post(ADMIN_PLANS, dear).await.ok(201);
    let id = text(&begin(&bob, "pro").await["payment_id"]);
    provider.set(&id, "status", json!("canceled"));
    tell(&app, "payment.canceled", json!({"id": id})).await;
    admin.delete(&of_plan("pro")).await.ok(200);
    admin.post(ADMIN_PLANS, plan("pro")).await.ok(201);
    provider.pay(&id);
    for _ in 0..3 {
        tell(&app, "payment.succeeded", json!({"id": id})).await;
    }
    let one = bob.get(TRANSACTIONS).await.ok(200)[0].clone();
    assert_eq!((&one["status"], &one["subscription_id"]), (&json!("succeeded"), &Value::Null));
    assert_eq!(one["metadata"]["taken_as"], "credit");
    assert_eq!(bob.get(SUBSCRIPTION).await.ok(200), Value::Null);
    let answer = bob.post(SUBSCRIPTION, json!({"plan_id": "dear"})).await;
    answer.problem(402);
    assert_eq!(answer.json["amount_due"], 500);
    app.clock.advance(1);
    let id = text(&begin(&bob, "dear").await["payment_id"]);
    provider.pay(&id);
    tell(&app, "payment.succeeded", json!({"id": id})).await;
    assert_eq!(statuses(&bob).await[0], "succeeded 500");
    assert_eq!(paid_until(&app, "bob").await, MONTH + 1);
    ends_well(app).await;
}

#[tokio::test]
async fn an_older_payment_moves_nobody_back() {
    let (app, provider) = with_provider().await;
    let (admin, bob) = (app.admin(), app.user("bob"));
    for (id, price) in [("dear", 990), ("dearest", 1990), ("free", 0)] {
        let plan = json!({"id": id, "name": id, "price": price, "interval": "month"});
        admin.post(ADMIN_PLANS, plan).await.ok(201);
    }
    let asked = async |plan: &str| text(&begin(&bob, plan).await["payment_id"]);
    let pay = async |id: &str| {
        provider.pay(id);
        tell(&app, "payment.succeeded", json!({"id": id})).await;
        bob.get(SUBSCRIPTION).await.ok(200)["plan_id"].clone()
    };
    // What is free keeps nobody from what was paid for.
    let start = asked("pro").await;
    bob.post(SUBSCRIPTION, json!({"plan_id": "free"})).await.ok(201);
    assert_eq!(pay(&start).await, "pro");

    let (renewal, another) = (asked("pro").await, asked("dear").await);
    app.clock.advance(1);
    let newest = asked("dearest").await;
    assert_eq!(pay(&newest).await, "dearest");
    let before = bob.get(SUBSCRIPTION).await.ok(200);
    for (id, amount) in [(&renewal, "490"), (&another, "500")] {
        assert_eq!(pay(id).await, "dearest");
        let all = bob.get(TRANSACTIONS).await.ok(200);
        let mut all = all.as_array().unwrap().iter();
        let one = all.find(|one| one["payment_id"] == **id).unwrap();
        assert_eq!(
            (&one["status"], one["amount"].to_string().as_str()),
            (&json!("succeeded"), amount)
        );
        assert_eq!(one["metadata"]["taken_as"], "credit");
    }
    assert_eq!(bob.get(SUBSCRIPTION).await.ok(200), before);
    // And everybody sees what became of the money.
    for shown in [bob.get(ME).await, admin.get("/api/v1/admin/users/bob").await] {
        assert_eq!(shown.ok(200)["credit"], json!({"RUB": 990}));
    }

    ends_well(app).await;
}

#[tokio::test]
async fn what_is_asked_for_again_is_quoted_beside_what_the_user_has_then() {
    let (app, provider) = with_provider().await;
    let (admin, bob) = (app.admin(), app.user("bob"));
    let other = json!({"id": "other", "name": "Other", "price": 90, "interval": "month"});
    admin.post(ADMIN_PLANS, other).await.ok(201);
    let first = begin(&bob, "pro").await;
    // What is given costs the user nothing, so that the change is as dear as the start was.
    admin.put(&subscription_of("bob"), json!({"plan_id": "other"})).await.ok(201);
    assert_eq!(begin(&bob, "pro").await, first);
    let id = text(&first["payment_id"]);
    provider.pay(&id);
    tell(&app, "payment.succeeded", json!({"id": id})).await;
    assert_eq!(bob.get(SUBSCRIPTION).await.ok(200)["plan_id"], "pro");
    assert_eq!(statuses(&bob).await, ["succeeded 490"]);
    ends_well(app).await;
}

#[tokio::test]
async fn a_price_that_was_quoted_holds_and_a_plan_that_is_off_is_taken() {
    let (app, provider) = with_provider().await;
    let (admin, bob) = (app.admin(), app.user("bob"));
    let id = text(&begin(&bob, "pro").await["payment_id"]);
    admin.put(&of_plan("pro"), json!({"price": 990})).await.ok(200);
    admin.patch(&format!("{}/toggle", of_plan("pro"))).await.ok(200);
    provider.pay(&id);
    tell(&app, "payment.succeeded", json!({"id": id})).await;
    assert_eq!(statuses(&bob).await, ["succeeded 490"]);
    assert_eq!(paid_until(&app, "bob").await, MONTH);
    ends_well(app).await;
}

#[tokio::test]
async fn a_sandbox_lives_by_its_clock_and_its_provider_by_the_real_one() {
    let provider = Provider::start().await;
    let app = App::with(|config| provider.configure(config)).await;
    let draft = json!({"id": "box", "name": "Box", "sandbox": true});
    app.operator().post("/api/v1/admin/tenants", draft).await.ok(201);
    let admin = app.of_tenant("box", "root", "admin");
    admin.post(ADMIN_PLANS, plan("pro")).await.ok(201);
    let bob = app.of_tenant("box", "bob", "user");
    admin.put("/api/v1/admin/clock", json!({"now": NOW + 365 * DAY})).await.ok(200);
    let id = text(&begin(&bob, "pro").await["payment_id"]);
    // A year passes there, and nobody gives up here.
    admin.put("/api/v1/admin/clock", json!({"now": NOW + 730 * DAY})).await.ok(200);
    app.advance(0).await;
    provider.pay(&id);
    app.advance(60).await;
    assert_eq!(statuses(&bob).await, ["succeeded 490"]);
    let one = bob.get(TRANSACTIONS).await.ok(200)[0].clone();
    assert_eq!(
        (&one["created_at"], &one["updated_at"]),
        (&json!(NOW + 365 * DAY), &json!(NOW + 730 * DAY))
    );
    ends_well(app).await;
}

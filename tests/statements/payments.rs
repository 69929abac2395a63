//! Statements that are paid: once, by whoever is first; what else comes is credit.

use serde_json::{Value, json};

use super::{STATEMENTS, TO_MARCH, at_one, cloud, only_statement, said, statements, uses};
use crate::api::payments::{statuses, tell, text};
use crate::api::{ADMIN_PLANS, ME, PAYMENT, TRANSACTIONS};
use crate::harness::{Actor, App};
use crate::provider::Provider;
use crate::worker::{DAY, assert_agrees};

/// Bob owes 12 USD for what he used in February.
pub(crate) async fn owing() -> (App, Provider, Value) {
    let provider = Provider::start().await;
    let app = App::with(|config| provider.configure(config)).await;
    cloud(&app.admin(), &[("cpu", 1)], &[at_one("cpu")]).await;
    uses(&app.user("bob"), "cpu", 12).await;
    app.advance(TO_MARCH).await;
    let statement = only_statement(&app.user("bob")).await;
    (app, provider, statement)
}

fn for_statement(statement: &Value) -> Value {
    json!({"statement_id": statement["id"], "return_url": "https://shop.example/paid"})
}

pub(crate) async fn ask(user: &Actor, statement: &Value) -> Value {
    user.post(PAYMENT, for_statement(statement)).await.ok(201)
}

pub(crate) async fn pay(app: &App, provider: &Provider, started: &Value) {
    let id = text(&started["payment_id"]);
    provider.pay(&id);
    tell(app, "payment.succeeded", json!({"id": id})).await;
}

#[tokio::test]
async fn a_statement_is_paid_once_and_settled_by_the_money() {
    let (app, provider, statement) = owing().await;
    let bob = app.user("bob");
    assert_eq!((&statement["due"], &statement["status"]), (&json!(12), &json!("open")));
    let started = ask(&bob, &statement).await;
    assert_eq!(
        provider.last_order(),
        json!({
            "amount": {"value": "12.00", "currency": "USD"}, "capture": true,
            "confirmation": {"type": "redirect", "return_url": "https://shop.example/paid"},
            "description": "Statement for 2025-02-01 to 2025-03-01",
            "metadata": {
                "tenant": "default", "user_id": "bob", "statement_id": statement["id"],
                "transaction_id": started["transaction_id"],
            },
        })
    );
    assert_eq!(ask(&bob, &statement).await, started, "it is pending");
    pay(&app, &provider, &started).await;
    let paid = only_statement(&bob).await;
    assert_eq!(paid["status"], "paid");
    assert_eq!((&paid["lines"], &paid["due"]), (&statement["lines"], &statement["due"]));
    let transaction = &bob.get(TRANSACTIONS).await.ok(200)[0];
    assert_eq!(
        (&transaction["plan_id"], &transaction["subscription_id"], &transaction["metadata"]),
        (
            &Value::Null,
            &Value::Null,
            &json!({"reason": "statement", "statement_id": statement["id"]})
        )
    );
    // Told again it counts once, and nothing more is to be paid.
    let id = text(&started["payment_id"]);
    tell(&app, "payment.succeeded", json!({"id": id})).await;
    let answer = bob.post(PAYMENT, for_statement(&statement)).await;
    assert!(answer.problem(400).contains("is paid: nothing is to be paid"), "{}", answer.json);
    assert_eq!(statuses(&bob).await, ["succeeded 12"]);
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test]
async fn what_is_paid_for_a_statement_that_is_settled_is_credit_for_the_next() {
    let (app, provider, statement) = owing().await;
    let bob = app.user("bob");
    let first = ask(&bob, &statement).await;
    // The first one is given up, and its money comes all the same.
    let id = text(&first["payment_id"]);
    provider.set(&id, "status", json!("canceled"));
    tell(&app, "payment.canceled", json!({"id": id})).await;
    let second = ask(&bob, &statement).await;
    assert_ne!(first["transaction_id"], second["transaction_id"]);
    pay(&app, &provider, &second).await;
    provider.pay(&id);
    tell(&app, "payment.succeeded", json!({"id": id})).await;
    let transactions = bob.get(TRANSACTIONS).await.ok(200);
    let late =
        transactions.as_array().unwrap().iter().find(|one| one["id"] == first["transaction_id"]);
    let late = late.unwrap();
    assert_eq!(
        (&late["status"], &late["metadata"]["taken_as"]),
        (&json!("succeeded"), &json!("credit"))
    );
    uses(&bob, "cpu", 20).await;
    app.advance(31 * DAY).await;
    let next = statements(&bob).await.remove(0);
    assert_eq!(
        said(&next),
        ["usage cpu final eu 20: 20", "credit - - - null: -12", "total 20 due 8 open"]
    );
    assert_eq!(bob.get(ME).await.ok(200)["transactions"].as_array().unwrap().len(), 2);
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test]
async fn only_an_own_statement_that_is_open_is_paid_for() {
    let (app, provider, statement) = owing().await;
    let (bob, eve) = (app.user("bob"), app.user("eve"));
    app.admin().post(ADMIN_PLANS, crate::api::plan("pro")).await.ok(201);
    eve.post(PAYMENT, for_statement(&statement)).await.problem(404);
    let none = json!({"id": "sta_none"});
    bob.post(PAYMENT, for_statement(&none)).await.problem(404);
    let url = "https://shop.example/paid";
    for (draft, field, code) in [
        (json!({"return_url": url}), "plan_id", "missing"),
        (
            json!({"plan_id": "pro", "statement_id": statement["id"], "return_url": url}),
            "statement_id",
            "too_many",
        ),
    ] {
        let answer = bob.post(PAYMENT, draft).await;
        answer.problem(400);
        assert_eq!(answer.field_errors(), [(field.to_owned(), code.to_owned())]);
    }
    assert_eq!(provider.asked(), Vec::<String>::new());
    // An admin sees it, and does not pay for it.
    app.admin().get(&format!("{STATEMENTS}/{}", text(&statement["id"]))).await.ok(200);
    app.admin().post(PAYMENT, for_statement(&statement)).await.problem(404);
}

#[tokio::test]
async fn a_payment_of_another_sum_settles_nothing() {
    let (app, provider, statement) = owing().await;
    let bob = app.user("bob");
    let id = text(&ask(&bob, &statement).await["payment_id"]);
    provider.set(&id, "amount", json!({"value": "1.00", "currency": "USD"}));
    provider.pay(&id);
    tell(&app, "payment.succeeded", json!({"id": id})).await;
    assert_eq!(statuses(&bob).await, ["pending 12"]);
    assert_eq!(only_statement(&bob).await["status"], "open");
    provider.set(&id, "amount", json!({"value": "12.00", "currency": "USD"}));
    app.advance(60).await;
    assert_eq!(only_statement(&bob).await["status"], "paid", "the worker asks");
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

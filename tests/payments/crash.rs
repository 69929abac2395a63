//! `kill -9` between the steps of a payment, with the real program and the real clock.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::api::payments::{for_plan, text};
use crate::api::{ADMIN_PLANS, PAYMENT, SUBSCRIPTION, TRANSACTIONS, WEBHOOK, plan};
use crate::harness::claims;
use crate::harness::process::Process;
use crate::provider::{Provider, SHOP, Trouble, told};
use crate::worker::assert_agrees;

fn start(data_dir: &Path, provider: &Provider) -> Process {
    let base_url = provider.base_url();
    let environment = [
        ("PLANWRIGHT_PAYMENTS_YOOKASSA_BASE_URL", base_url.as_str()),
        ("PLANWRIGHT_PAYMENTS_YOOKASSA_SHOP_ID", SHOP.0),
        ("PLANWRIGHT_PAYMENTS_YOOKASSA_SECRET_KEY", SHOP.1),
    ];
    Process::start_with(data_dir, &environment)
}

/// Waits until something is so.
async fn until<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(seen) = look().await {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("not within a minute");
}

/// Kills the program while the provider is at the order, and gives what became of the payment.
async fn killed(trouble: Trouble, was_made: usize) {
    let provider = Provider::start().await;
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let process = start(&data_dir, &provider);
    process.admin().post(ADMIN_PLANS, plan("pro")).await.ok(201);
    provider.trouble(trouble);
    let bob = process.with_claims(&claims("bob", "user"));
    let asking = tokio::spawn(async move {
        let body = for_plan("pro").to_string();
        bob.try_send(reqwest::Method::POST, PAYMENT, &body).await
    });
    let is_at_it = || !provider.asked().is_empty() && provider.payments().len() == was_made;
    until(async || is_at_it().then_some(())).await;
    process.kill();
    // On a slow machine the program may have given up on the provider before.
    let told_where_to_pay = asking.await.unwrap().is_ok_and(|answer| answer.status.is_success());
    assert!(!told_where_to_pay, "nobody was told where to pay");
    assert_eq!(provider.payments().len(), was_made);

    provider.trouble(Trouble::default());
    let process = start(&data_dir, &provider);
    let bob = process.with_claims(&claims("bob", "user"));
    // Nobody asks again; the worker goes on with it.
    let one = until(async || {
        let one = bob.get(TRANSACTIONS).await.ok(200)[0].clone();
        (one["payment_id"] != Value::Null).then_some(one)
    })
    .await;
    assert_eq!(provider.payments().len(), 1, "{:?}", provider.asked());
    assert_eq!(one["status"], "pending");
    let id = text(&one["payment_id"]);
    provider.pay(&id);
    let paid = told("payment.succeeded", json!({"id": id}));
    for _ in 0..3 {
        process.with_claims(&claims("x", "user")).post(WEBHOOK, paid.clone()).await.ok(200);
    }
    let all = bob.get(TRANSACTIONS).await.ok(200);
    assert_eq!((all.as_array().unwrap().len(), &all[0]["status"]), (1, &json!("succeeded")));
    let subscription = bob.get(SUBSCRIPTION).await.ok(200);
    assert_eq!(subscription["paid_until"], subscription["current_period_end"]);
    assert_eq!(process.terminate(), Some(0));
    assert_agrees(&data_dir.join("planwright.redb")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_killed_between_its_steps_ends_paid_once() {
    let made = Trouble { swallow_orders: true, ..Trouble::default() };
    let not_made = Trouble { slow: Duration::from_secs(60), ..Trouble::default() };
    tokio::join!(killed(made, 1), killed(not_made, 0));
}

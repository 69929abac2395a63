//! All that a user's own page shows at once.

use serde_json::{Value, json};

use super::payments::{begin, tell, text, with_provider};
use super::{
    ADMIN_PLANS, ME, SETTINGS, SUBSCRIPTION, TRANSACTIONS, USAGE, of_plan, plan_with_quota,
    subscription_of,
};
use crate::harness::App;

/// Of the metrics that every tenant has, with what is used of `requests` and its quota.
fn usage(current: u64, limit: Option<u64>) -> Value {
    let unused = json!({"current": 0, "limit": null});
    json!({
        "tokens_input": unused, "tokens_output": unused, "images": unused, "audio_minutes": unused,
        "requests": {"current": current, "limit": limit},
    })
}

#[tokio::test]
async fn usage_is_shown_also_to_whoever_has_no_subscription() {
    let app = App::start().await;
    let bob = app.user("bob");
    bob.post(USAGE, json!({"metric": "requests", "amount": 7})).await.ok(201);
    let mut expected = json!({
        "subscription": null, "plan": null, "usage": usage(7, None), "credit": {}, "transactions": [],
    });
    assert_eq!(bob.get(ME).await.ok(200), expected);

    // The default plan governs whoever has none: its quotas hold, so it is shown.
    let admin = app.admin();
    admin.post(ADMIN_PLANS, plan_with_quota("free", 10)).await.ok(201);
    admin.put(SETTINGS, json!({"default_plan": "free"})).await.ok(200);
    expected["plan"] = admin.get(&of_plan("free")).await.ok(200)["plan"].clone();
    expected["usage"] = usage(7, Some(10));
    assert_eq!(bob.get(ME).await.ok(200), expected);

    // Another user's is another's.
    expected["usage"] = usage(0, Some(10));
    assert_eq!(app.user("eve").get(ME).await.ok(200), expected);
}

#[tokio::test]
async fn a_subscriber_sees_plan_usage_and_the_last_ten_transactions() {
    let (app, provider) = with_provider().await;
    let (admin, bob) = (app.admin(), app.user("bob"));
    admin.post(ADMIN_PLANS, plan_with_quota("metered", 100)).await.ok(201);
    let id = text(&begin(&bob, "metered").await["payment_id"]);
    provider.pay(&id);
    tell(&app, "payment.succeeded", json!({"id": id})).await;
    bob.post(USAGE, json!({"metric": "requests", "amount": 3})).await.ok(201);
    app.user("eve").post(USAGE, json!({"metric": "requests", "amount": 50})).await.ok(201);

    let shown = bob.get(ME).await.ok(200);
    let transactions = bob.get(TRANSACTIONS).await.ok(200);
    assert_eq!(transactions[0]["status"], "succeeded");
    let expected = json!({
        "subscription": bob.get(SUBSCRIPTION).await.ok(200),
        "plan": admin.get(&of_plan("metered")).await.ok(200)["plan"],
        "usage": usage(3, Some(100)), "credit": {}, "transactions": transactions,
    });
    assert_eq!(shown, expected);

    // Eleven in all: the first one is behind ten newer ones.
    for number in 1..=10 {
        app.clock.advance(1);
        let id = format!("more_{number}");
        // Dearer than what is left of the plan that was paid.
        let dearer = json!({"id": id, "name": "Dearer", "price": 4990, "interval": "month"});
        admin.post(ADMIN_PLANS, dearer).await.ok(201);
        begin(&bob, &id).await;
    }
    let shown = bob.get(ME).await.ok(200)["transactions"].clone();
    let shown = shown.as_array().unwrap();
    let plans: Vec<String> = shown.iter().map(|one| text(&one["plan_id"])).collect();
    let newest_first: Vec<String> = (1..=10).rev().map(|number| format!("more_{number}")).collect();
    assert_eq!(plans, newest_first);
    app.covers(&["overview_get"]);
}

#[tokio::test]
async fn a_plan_that_was_given_is_shown_without_transactions() {
    let app = App::start().await;
    app.admin().post(ADMIN_PLANS, plan_with_quota("pro", 5)).await.ok(201);
    let given = app.admin().put(&subscription_of("bob"), json!({"plan_id": "pro"})).await.ok(201);
    let shown = app.user("bob").get(ME).await.ok(200);
    assert_eq!(shown["subscription"], given);
    assert_eq!((&shown["plan"]["id"], &shown["usage"]), (&json!("pro"), &usage(0, Some(5))));
    assert_eq!(shown["transactions"], json!([]));
    // Over: nothing of it is shown any more.
    app.user("bob")
        .post(&format!("{SUBSCRIPTION}/cancel"), json!({"immediate": true}))
        .await
        .ok(200);
    let shown = app.user("bob").get(ME).await.ok(200);
    assert_eq!((&shown["subscription"], &shown["plan"]), (&Value::Null, &Value::Null));
    assert_eq!(shown["usage"], usage(0, None));
}

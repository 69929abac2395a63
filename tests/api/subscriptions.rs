//! What admins give users, and who is subscribed.

use serde_json::{Value, json};

use super::{ADMIN_PLANS, of_plan, plan, subscription_of};
use crate::harness::{App, claims};

#[tokio::test]
async fn a_grant_is_active_and_paid_for_one_period() {
    let app = App::start().await;
    let admin = app.admin();
    admin.post(ADMIN_PLANS, plan("basic")).await.ok(201);
    let made = admin.put(&subscription_of("u"), json!({"plan_id": "basic"})).await.ok(201);
    let (now, month_later) = (1_738_742_400, 1_741_161_600);
    for (field, expected) in [
        ("user_id", json!("u")),
        ("plan_id", json!("basic")),
        ("plan_version", json!(1)),
        ("status", json!("active")),
        ("current_period_start", json!(now)),
        ("current_period_end", json!(month_later)),
        ("anchor", json!(now)),
        ("paid_until", json!(month_later)),
        ("cancel_at_period_end", json!(false)),
        ("canceled_at", Value::Null),
        ("trial_end", Value::Null),
        ("pending_plan_id", Value::Null),
        ("created_at", json!(now)),
    ] {
        assert_eq!(made[field], expected, "{field}");
    }
    app.covers(&["subscriptions_grant"]);
}

#[tokio::test]
async fn another_grant_moves_the_one_live_subscription() {
    let app = App::start().await;
    let admin = app.admin();
    admin.post(ADMIN_PLANS, plan("one")).await.ok(201);
    admin.post(ADMIN_PLANS, plan("two")).await.ok(201);
    let first = admin.put(&subscription_of("u"), json!({"plan_id": "one"})).await.ok(201);
    app.clock.advance(60);
    let grant = json!({"plan_id": "two", "trial_days": 7});
    let second = admin.put(&subscription_of("u"), grant).await.ok(200);
    assert_eq!(second["id"], first["id"]);
    assert_eq!((&second["status"], &second["plan_id"]), (&json!("trialing"), &json!("two")));
    assert_eq!(second["trial_end"], 1_738_742_460 + 7 * 86_400);
    for (plan, total) in [("one", 0), ("two", 1)] {
        let page = admin.get(&format!("{}/subscribers", of_plan(plan))).await.ok(200);
        assert_eq!(page["total"], total, "{plan}");
        let stats = admin.get(&of_plan(plan)).await.ok(200);
        assert_eq!(stats["total_subscriptions"], total, "{plan}");
    }
    admin.delete(&of_plan("one")).await.ok(200);
    admin.delete(&of_plan("two")).await.problem(400);
}

#[tokio::test]
async fn bad_grants_are_refused_by_field() {
    let app = App::start().await;
    let admin = app.admin();
    admin.post(ADMIN_PLANS, plan("basic")).await.ok(201);
    for (body, field) in [
        (json!({}), "plan_id"),
        (json!({"plan_id": 5}), "plan_id"),
        (json!({"plan_id": "basic", "trial_days": -1}), "trial_days"),
        (json!({"plan_id": "basic", "trial_days": 3651}), "trial_days"),
        (json!({"plan_id": "basic", "trail_days": 1}), "trail_days"),
    ] {
        let answer = admin.put(&subscription_of("u"), body.clone()).await;
        answer.problem(400);
        assert_eq!(answer.field_errors()[0].0, field, "{body}");
    }
    let long = "u".repeat(256);
    admin.put(&subscription_of(&long), json!({"plan_id": "basic"})).await.problem(400);
}

#[tokio::test]
async fn subscribers_come_newest_first_with_what_their_tokens_said() {
    let app = App::start().await;
    let admin = app.admin();
    admin.post(ADMIN_PLANS, plan("basic")).await.ok(201);
    for at in 0..25 {
        app.clock.advance(1);
        let trial_days = if at % 5 == 0 { 7 } else { 0 };
        let grant = json!({"plan_id": "basic", "trial_days": trial_days});
        admin.put(&subscription_of(&format!("u{at}")), grant).await.ok(201);
    }
    let mut said = claims("u24", "user");
    said.email = Some("u24@example.com".to_owned());
    said.name = Some("Twenty Four".to_owned());
    app.with_claims(&said).get("/api/v1/billing/plans").await.ok(200);

    let users = async |query: &str| -> (Vec<String>, u64) {
        let path = format!("{}/subscribers{query}", of_plan("basic"));
        let page = app.admin().get(&path).await.ok(200);
        let items = page["items"].as_array().unwrap();
        let ids = items.iter().map(|item| item["user_id"].as_str().unwrap().to_owned()).collect();
        (ids, page["total"].as_u64().unwrap())
    };
    let name = |at: u32| format!("u{at}");
    assert_eq!(users("").await, ((5..25).rev().map(name).collect(), 25));
    assert_eq!(users("?page=2").await, ((0..5).rev().map(name).collect(), 25));
    assert_eq!(users("?page=3").await, (vec![], 25));
    assert_eq!(users("?page=2&page_size=3").await, ((19..22).rev().map(name).collect(), 25));
    let trials = [20, 15, 10, 5, 0].map(name).to_vec();
    assert_eq!(users("?status=trialing").await, (trials.clone(), 5));
    assert_eq!(users("?status=trialing&page=2&page_size=2").await, (trials[2..4].to_vec(), 5));
    assert_eq!(users("?status=canceled").await, (vec![], 0));

    let first = admin.get(&format!("{}/subscribers?page_size=1", of_plan("basic"))).await.ok(200);
    assert_eq!(
        first["items"][0],
        json!({
            "user_id": "u24", "email": "u24@example.com", "name": "Twenty Four",
            "subscription_status": "active", "subscribed_at": 1_738_742_425,
            "current_period_end": 1_741_161_625,
        })
    );
    for (query, field) in
        [("?page=0", "page"), ("?page_size=0", "page_size"), ("?page_size=101", "page_size")]
    {
        let answer = admin.get(&format!("{}/subscribers{query}", of_plan("basic"))).await;
        answer.problem(400);
        assert_eq!(answer.field_errors()[0].0, field);
    }
    admin.get(&format!("{}/subscribers?status=gone", of_plan("basic"))).await.problem(400);
    app.covers(&["subscriptions_list_of_plan"]);
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let app = App::start().await;
    let admin = app.admin();
    admin.post(ADMIN_PLANS, plan("basic")).await.ok(201);
    admin.put(&subscription_of("u"), json!({"plan_id": "basic"})).await.ok(201);
    let before = admin.get(&of_plan("basic")).await.ok(200);
    let app = app.restart().await;
    let admin = app.admin();
    assert_eq!(admin.get(&of_plan("basic")).await.ok(200), before);
    admin.delete(&of_plan("basic")).await.problem(400);
}

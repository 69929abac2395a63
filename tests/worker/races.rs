//! A user and time at the same instant.

use reqwest::StatusCode;
use serde_json::json;

use super::{DAY, assert_agrees, make_plan};
use crate::api::{SUBSCRIPTION, SUBSCRIPTIONS, of_plan, subscription_of};
use crate::harness::App;

const ROUNDS: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_who_cancel_end_one_subscription_once() {
    let app = App::start().await;
    let admin = app.admin();
    make_plan(&admin, "pro", 490, "month").await;
    for round in 0..ROUNDS {
        let user = format!("u{round}");
        admin.put(&subscription_of(&user), json!({"plan_id": "pro"})).await.ok(201);
        let mut racing = tokio::task::JoinSet::new();
        for _ in 0..2 {
            let actor = app.user(&user);
            racing.spawn(async move {
                let body = json!({"immediate": true});
                actor.post(&format!("{SUBSCRIPTION}/cancel"), body).await.ok(200)
            });
        }
        let answers = racing.join_all().await;
        assert_eq!(answers[0], answers[1]);
    }
    let stats = admin.get(&of_plan("pro")).await.ok(200);
    assert_eq!(stats["canceled_subscriptions"], ROUNDS);
    assert_eq!(stats["total_subscriptions"], ROUNDS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_a_user_does_as_a_period_turns_is_done_before_or_behind_it() {
    let app = App::start().await;
    let admin = app.admin();
    for (id, price) in [("pro", 490), ("free", 0), ("gift", 0)] {
        make_plan(&admin, id, price, "month").await;
    }
    for round in 0..ROUNDS {
        let give = json!({"plan_id": if round % 2 == 0 { "pro" } else { "free" }});
        admin.put(&subscription_of(&format!("u{round}")), give).await.ok(201);
    }
    // The clock moves alone; the server's own work, the requests and ours race.
    app.clock.advance(28 * DAY);
    let mut racing = tokio::task::JoinSet::new();
    for round in 0..ROUNDS {
        let actor = app.user(&format!("u{round}"));
        racing.spawn(async move {
            let (path, body) = match round % 6 {
                0 | 1 => ("cancel", json!({"immediate": true})),
                2 | 3 => ("change", json!({"plan_id": "gift", "when": "now"})),
                _ => ("change", json!({"plan_id": "gift", "when": "period_end"})),
            };
            actor.post(&format!("{SUBSCRIPTION}/{path}"), body).await
        });
    }
    app.advance(0).await;
    for answer in racing.join_all().await {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.json);
        // Nobody was shown the period that is over.
        let end = answer.json["current_period_end"].as_i64().unwrap();
        assert!(end > super::NOW + 28 * DAY, "{}", answer.json);
    }
    for round in 0..ROUNDS {
        let path = format!("{SUBSCRIPTIONS}?user_id=u{round}");
        let found = admin.get(&path).await.ok(200);
        assert_eq!(found["total"], 1, "round {round}");
        let (one, unpaid) = (&found["items"][0], round % 2 == 0);
        let expected = match round % 6 {
            0 | 1 => ("canceled", if unpaid { "pro" } else { "free" }),
            2 | 3 => ("active", "gift"),
            _ if unpaid => ("past_due", "pro"),
            _ => ("active", "free"),
        };
        assert_eq!(
            (one["status"].as_str(), one["plan_id"].as_str()),
            (Some(expected.0), Some(expected.1))
        );
    }
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

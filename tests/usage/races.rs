//! Many clients at one quota.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use super::{subscribe, used};
use crate::api::{BATCH, CHECK, USAGE};
use crate::harness::{Actor, App};
use crate::worker::assert_agrees;

const CLIENTS: u64 = 64;
const QUOTA: u64 = 1_000;

/// All clients ask for the same again and again, until each was told no. Gives how many were told yes, and the totals
/// that they were told.
async fn all_until_no(actor: &Actor, body: Value) -> (u64, BTreeSet<u64>) {
    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let (actor, body) = (actor.clone(), body.clone());
        racing.spawn(async move {
            let mut told = Vec::new();
            loop {
                let answer = actor.post(USAGE, body.clone()).await;
                if answer.status == 429 {
                    assert!(answer.headers.contains_key("retry-after"));
                    return told;
                }
                let json = answer.ok(201);
                let report = if json["requests"].is_object() { &json["requests"] } else { &json };
                told.push(report["current_usage"].as_u64().unwrap());
            }
        });
    }
    let told = racing.join_all().await;
    let passed = told.iter().map(|one| u64::try_from(one.len()).unwrap()).sum();
    (passed, told.into_iter().flatten().collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_clients_at_a_quota_of_1000_exactly_1000_pass() {
    let app = App::start().await;
    let admin = app.admin();
    subscribe(&admin, "bob", json!({"requests": QUOTA})).await;
    let service = app.actor("gateway", "service");
    let body = json!({"metric": "requests", "user_id": "bob", "enforce": true});
    let (passed, told) = all_until_no(&service, body).await;
    assert_eq!(passed, QUOTA);
    // Each was told another total: none was told what another one's made of it.
    assert_eq!(told, (1..=QUOTA).collect());
    assert_eq!(used(&admin, "bob", "requests").await, QUOTA);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_several_metrics_the_scarcest_lets_pass_and_the_others_count_the_same() {
    let app = App::start().await;
    let admin = app.admin();
    subscribe(&admin, "bob", json!({"requests": QUOTA, "tokens_input": 3_000, "images": 5_000}))
        .await;
    let amounts = json!({"requests": 1, "tokens_input": 3, "images": 0.5, "audio_minutes": 0.25});
    let body = json!({"amounts": amounts, "enforce": true});
    let (passed, told) = all_until_no(&app.user("bob"), body).await;
    assert_eq!((passed, told), (QUOTA, (1..=QUOTA).collect()));
    for (metric, expected) in
        [("requests", 1_000), ("tokens_input", 3_000), ("images", 500), ("audio_minutes", 250)]
    {
        assert_eq!(used(&admin, "bob", metric).await, expected, "{metric}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn batches_that_race_let_exactly_the_quota_pass() {
    let app = App::start().await;
    let admin = app.admin();
    subscribe(&admin, "bob", json!({"requests": QUOTA})).await;
    let mut racing = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let service = app.actor("gateway", "service");
        racing.spawn(async move {
            let event = |at| {
                json!({
                    "user_id": "bob", "metric": "requests", "enforce": true,
                    "event_id": format!("c{client}e{at}"),
                })
            };
            // Some of these batches are the last that fit, in part.
            let events: Vec<Value> = (0..23).map(event).collect();
            let outcome = service.post(BATCH, json!({"events": events})).await.ok(200);
            let rejected = outcome["rejected"].as_array().unwrap();
            assert!(rejected.iter().all(|one| one["code"] == "quota_exceeded"), "{outcome}");
            let accepted = outcome["accepted"].as_u64().unwrap();
            assert_eq!(accepted + u64::try_from(rejected.len()).unwrap(), 23);
            accepted
        });
    }
    let accepted: u64 = racing.join_all().await.into_iter().sum();
    assert_eq!(accepted, QUOTA);
    assert_eq!(used(&admin, "bob", "requests").await, QUOTA);
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_restart_in_the_middle_lets_not_one_more_pass() {
    let app = App::start().await;
    subscribe(&app.admin(), "bob", json!({"requests": QUOTA})).await;
    let (passed, unknown) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let bob = app.user("bob");
        let (passed, unknown) = (Arc::clone(&passed), Arc::clone(&unknown));
        racing.spawn(async move {
            let consume = json!({"metric": "requests", "enforce": true}).to_string();
            let check = json!({"metric": "requests"}).to_string();
            let mut asked = 0;
            loop {
                // Something is left for those who come after the restart, however late it is.
                let is_left = passed.load(Ordering::Relaxed) < QUOTA * 2 / 3;
                let (path, body) = if is_left { (USAGE, &consume) } else { (CHECK, &check) };
                match bob.try_send(Method::POST, path, body).await {
                    Ok(answer) if answer.status == 201 => {
                        passed.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok(answer) if answer.status == 200 => {}
                    Ok(_) => return asked,
                    Err(_) => {
                        unknown.fetch_add(u64::from(is_left), Ordering::Relaxed);
                        return asked;
                    }
                }
                asked += 1;
            }
        });
    }
    while passed.load(Ordering::Relaxed) < QUOTA / 3 {
        tokio::time::sleep(std::time::Duration::from_micros(200)).await;
    }
    let app = app.restart().await;
    let asked = racing.join_all().await;
    // Whoever was answered was at it still, and then cut off or refused.
    let cut_off = asked.iter().filter(|answers| **answers > 0).count();
    assert!(cut_off > 1, "the restart came when {cut_off} clients were at it");
    let before = passed.load(Ordering::Relaxed);
    let counted = used(&app.admin(), "bob", "requests").await.as_u64().unwrap();
    // What was not answered was counted or not.
    assert!(before <= counted, "{before} passed and {counted} are counted");
    assert!(counted <= before + unknown.load(Ordering::Relaxed));

    let body = json!({"metric": "requests", "enforce": true});
    let (after, told) = all_until_no(&app.user("bob"), body).await;
    assert_eq!(counted + after, QUOTA);
    assert_eq!(told, (counted + 1..=QUOTA).collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_event_that_16_clients_send_at_once_counts_once() {
    let app = App::start().await;
    let admin = app.admin();
    subscribe(&admin, "bob", json!({"requests": 10})).await;
    for round in 0..10 {
        let mut racing = tokio::task::JoinSet::new();
        for client in 0..16 {
            let service = app.actor("gateway", "service");
            racing.spawn(async move {
                let event = json!({
                    "metric": "requests", "user_id": "bob", "enforce": true,
                    "event_id": format!("r{round}"),
                });
                if client % 4 == 0 {
                    let body = json!({"events": [event.clone(), event]});
                    let outcome = service.post(BATCH, body).await.ok(200);
                    assert_eq!(outcome["rejected"], json!([]));
                    let accepted = outcome["accepted"].as_u64().unwrap();
                    assert_eq!(outcome["duplicates"], 2 - accepted);
                    accepted
                } else {
                    let answer = service.post(USAGE, event).await;
                    assert!([200, 201].contains(&answer.status.as_u16()), "{}", answer.json);
                    u64::from(answer.status == 201)
                }
            });
        }
        let new: u64 = racing.join_all().await.into_iter().sum();
        assert_eq!(new, 1, "round {round}");
        assert_eq!(used(&admin, "bob", "requests").await, round + 1);
    }
    // The quota is used up, and what was recorded is recorded still.
    let again = json!({"metric": "requests", "user_id": "bob", "enforce": true, "event_id": "r0"});
    let service = app.actor("gateway", "service");
    assert_eq!(service.post(USAGE, again).await.ok(200)["current_usage"], 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_changes_plans_in_the_middle_uses_each_quota_once() {
    const ROUNDS: usize = 30;
    let app = App::start().await;
    let admin = app.admin();
    for (id, quota) in [("small", 10), ("large", 20)] {
        let quotas = json!({"requests": quota});
        let plan = json!({"id": id, "name": id, "price": 1, "interval": "month", "quotas": quotas});
        admin.post(crate::api::ADMIN_PLANS, plan).await.ok(201);
    }
    for round in 0..ROUNDS {
        let user = format!("u{round}");
        let path = crate::api::subscription_of(&user);
        admin.put(&path, json!({"plan_id": "small"})).await.ok(201);
        let switching = {
            let (admin, path) = (admin.clone(), path.clone());
            tokio::spawn(async move { admin.put(&path, json!({"plan_id": "large"})).await.ok(200) })
        };
        let mut racing = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let actor = app.user(&user);
            racing.spawn(async move {
                let mut limits = Vec::new();
                for _ in 0..10 {
                    let body = json!({"metric": "requests", "enforce": true});
                    let answer = actor.post(USAGE, body).await;
                    if answer.status == 201 {
                        limits.push(answer.json["quota_limit"].as_u64().unwrap());
                    }
                }
                limits
            });
        }
        let limits: Vec<u64> = racing.join_all().await.into_iter().flatten().collect();
        switching.await.unwrap();
        let by = |limit| limits.iter().filter(|one| **one == limit).count();
        assert!(by(10) <= 10 && by(20) <= 20, "round {round}: {limits:?}");
        // What is shown is what passed on the plan that there is now.
        assert_eq!(used(&admin, &user, "requests").await, by(20), "round {round}");
    }
}

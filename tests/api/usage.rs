//! Usage and quotas, as products, users and admins see them.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    ADMIN_PLANS, BATCH, CHECK, SETTINGS, SUBSCRIPTION, USAGE, of_plan, subscription_of, usage_of,
};
use crate::harness::{Actor, App};
use crate::worker::assert_agrees;

const DAY: i64 = 86_400;
/// 2025-02-05T08:00:00Z, when the manual clock begins.
const NOW: i64 = 1_738_742_400;
/// A month later.
const MARCH: i64 = 1_741_161_600;

/// A server with plans, and bob who has one of them.
async fn shop() -> App {
    let app = App::start().await;
    for (id, quotas, overage) in [
        ("pro", json!({"requests": 10, "tokens_input": 1_000}), json!({})),
        ("free", json!({"requests": 3}), json!({})),
        ("billed", json!({"requests": 10}), json!({"requests": "bill"})),
    ] {
        let plan = json!({
            "id": id, "name": id, "price": 0, "interval": "month", "quotas": quotas, "overage": overage,
        });
        app.admin().post(ADMIN_PLANS, plan).await.ok(201);
    }
    give(&app, "bob", "pro").await;
    app
}

async fn give(app: &App, user: &str, plan: &str) {
    let given = app.admin().put(&subscription_of(user), json!({"plan_id": plan})).await;
    assert!(given.status.is_success(), "{}", given.json);
}

/// What a user has used of a metric, by the user's own report.
async fn used(user: &Actor, metric: &str) -> Value {
    user.get(&format!("{USAGE}/{metric}")).await.ok(200)["current_usage"].clone()
}

#[tokio::test]
async fn a_product_checks_records_and_is_told_when_the_quota_is_used_up() {
    let app = shop().await;
    let bob = app.user("bob");
    let allowed = json!({"allowed": true, "current_usage": 0, "quota_limit": 10, "remaining": 10});
    assert_eq!(bob.post(CHECK, json!({"metric": "requests"})).await.ok(200), allowed);
    let recorded = bob.post(USAGE, json!({"metric": "requests", "amount": 9})).await.ok(201);
    let report = json!({
        "metric": "requests", "current_usage": 9, "quota_limit": 10, "remaining": 1,
        "period_start": NOW, "period_end": MARCH,
    });
    assert_eq!(recorded, report);
    assert_eq!(bob.get(&format!("{USAGE}/requests")).await.ok(200), report);
    for (amount, allowed) in [(0, true), (1, true), (2, false)] {
        let answer = bob.post(CHECK, json!({"metric": "requests", "amount": amount})).await.ok(200);
        assert_eq!((&answer["allowed"], &answer["current_usage"]), (&json!(allowed), &json!(9)));
    }
    let more = json!({"metric": "requests", "amount": 2, "enforce": true});
    let refused = bob.post(USAGE, more.clone()).await;
    assert_eq!(
        refused.problem(429),
        "The quota of requests is 10, and 9 of it are used: 2 more is past it. It begins again at \
         2025-03-05T08:00:00Z."
    );
    assert_eq!(refused.headers["retry-after"], (MARCH - NOW).to_string());
    assert_eq!(refused.json["type"], "urn:planwright:problem:quota_exceeded");
    let figures = ["metric", "current_usage", "quota_limit"].map(|name| refused.json[name].clone());
    assert_eq!(figures, [json!("requests"), json!(9), json!(10)]);
    bob.post(USAGE, json!({"metric": "requests", "enforce": true})).await.ok(201);
    bob.post(USAGE, json!({"metric": "requests", "enforce": true})).await.problem(429);

    // What happened is recorded also past the quota, and nothing more is allowed then.
    let recorded = bob.post(USAGE, json!({"metric": "requests", "amount": 5})).await.ok(201);
    assert_eq!((&recorded["current_usage"], &recorded["remaining"]), (&json!(15), &json!(0)));
    let nothing = json!({"metric": "requests", "amount": 0});
    assert_eq!(bob.post(CHECK, nothing).await.ok(200)["allowed"], false);

    // The next window begins at 0.
    app.clock.advance(MARCH - NOW);
    assert_eq!(bob.post(CHECK, json!({"metric": "requests"})).await.ok(200), allowed);
    app.covers(&["usage_check", "usage_record", "usage_get"]);
}

#[tokio::test]
async fn several_metrics_are_counted_together_or_not_at_all() {
    let app = shop().await;
    let bob = app.user("bob");
    let amounts = json!({"requests": 1, "tokens_input": 900.5, "audio_minutes": "0.25"});
    let both = bob.post(CHECK, json!({"amounts": amounts})).await.ok(200);
    assert_eq!(both["tokens_input"]["remaining"], 1_000);
    let nothing =
        json!({"allowed": true, "current_usage": 0, "quota_limit": null, "remaining": null});
    assert_eq!(both["audio_minutes"], nothing);
    let ask = json!({"amounts": amounts, "enforce": true});
    let recorded = bob.post(USAGE, ask.clone()).await.ok(201);
    assert_eq!(recorded["tokens_input"]["remaining"].to_string(), "99.5");
    let refused = bob.post(USAGE, ask).await;
    refused.problem(429);
    assert_eq!(refused.json["metric"], "tokens_input");
    assert_eq!(used(&bob, "requests").await, 1);
    assert_eq!(used(&bob, "audio_minutes").await.to_string(), "0.25");

    let all = bob.get(USAGE).await.ok(200);
    let names: Vec<_> = all.as_array().unwrap().iter().map(|one| one["metric"].clone()).collect();
    let expected = ["tokens_input", "tokens_output", "requests", "images", "audio_minutes"];
    assert_eq!(names, expected);
    assert_eq!(app.admin().get(&usage_of("bob")).await.ok(200), all);
    app.covers(&["usage_list", "usage_list_of_user"]);
}

#[tokio::test]
async fn an_event_counts_once_and_its_id_stands_for_nothing_else() {
    let app = shop().await;
    let bob = app.user("bob");
    let event = json!({
        "metric": "requests", "amount": 4, "event_id": "e1", "metadata": {"model": "large"},
    });
    let first = bob.post(USAGE, event.clone()).await.ok(201);
    assert_eq!(bob.post(USAGE, event.clone()).await.ok(200), first);
    for (field, other) in [
        ("amount", json!(5)),
        ("metric", json!("images")),
        ("timestamp", json!(NOW)),
        ("metadata", json!({})),
    ] {
        let mut changed = event.clone();
        changed[field] = other;
        let refused = bob.post(USAGE, changed).await;
        assert!(refused.problem(422).contains("'e1' was recorded for other usage"), "{field}");
        assert_eq!(refused.json["type"], "urn:planwright:problem:event_id_reused");
    }
    // Another user's event of the same id is another event.
    app.user("eve").post(USAGE, event.clone()).await.ok(201);
    // Whoever sends it again is told what is used by now.
    bob.post(USAGE, json!({"metric": "requests"})).await.ok(201);
    assert_eq!(bob.post(USAGE, event.clone()).await.ok(200)["current_usage"], 5);

    // 36 days later nothing is left of it, but for what it counted.
    app.advance(36 * DAY).await;
    bob.post(USAGE, event).await.ok(201);
    assert_eq!(used(&bob, "requests").await, 4);
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test]
async fn an_event_is_remembered_until_its_time_is_over() {
    let app = shop().await;
    let bob = app.user("bob");
    let event = json!({"metric": "requests", "event_id": "e1"});
    bob.post(USAGE, event.clone()).await.ok(201);
    app.advance(36 * DAY - 1).await;
    bob.post(USAGE, event.clone()).await.ok(200);
    app.advance(1).await;
    bob.post(USAGE, event).await.ok(201);
}

#[tokio::test]
async fn a_request_with_a_key_counts_once_and_is_answered_the_same() {
    let app = shop().await;
    let bob = app.user("bob");
    let key = [("idempotency-key", "k")];
    let body = json!({"amounts": {"requests": 2, "images": 1}, "enforce": true}).to_string();
    let first = bob.send_with(&key, Method::POST, USAGE, &body).await.ok(201);
    bob.post(USAGE, json!({"metric": "requests", "amount": 8})).await.ok(201);
    // Also when the quota is used up by now.
    assert_eq!(bob.send_with(&key, Method::POST, USAGE, &body).await.ok(201), first);
    assert_eq!(
        (&first["requests"]["current_usage"], used(&bob, "requests").await),
        (&json!(2), json!(10))
    );
    bob.send_with(&key, Method::POST, USAGE, "{\"metric\":\"images\"}").await.problem(422);

    let service = app.actor("gateway", "service");
    let body = json!({"events": [{"user_id": "bob", "metric": "images"}]}).to_string();
    let batch = service.send_with(&key, Method::POST, BATCH, &body).await.ok(200);
    assert_eq!(batch, json!({"accepted": 1, "duplicates": 0, "rejected": []}));
    assert_eq!(service.send_with(&key, Method::POST, BATCH, &body).await.ok(200), batch);
    assert_eq!(used(&bob, "images").await, 2);
}

#[tokio::test]
async fn late_usage_counts_in_the_period_of_its_timestamp() {
    let app = shop().await;
    let bob = app.user("bob");
    app.clock.advance(30 * DAY);
    let late = |days: i64, amount: u32| {
        json!({
            "metric": "requests", "amount": amount, "timestamp": NOW + days * DAY, "enforce": true,
        })
    };
    let recorded = bob.post(USAGE, late(20, 7)).await.ok(201);
    assert_eq!((&recorded["period_start"], &recorded["current_usage"]), (&json!(NOW), &json!(7)));
    assert_eq!(used(&bob, "requests").await, 0);
    let refused = bob.post(USAGE, late(20, 4)).await;
    assert_eq!(
        refused.problem(429),
        "The quota of requests is 10, and 7 of it are used: 4 more is past it. What is told of is in a period that \
         ended at 2025-03-05T08:00:00Z, and begins no more."
    );
    assert!(!refused.headers.contains_key("retry-after"), "it is over, and no time makes it pass");
    assert_eq!(bob.post(USAGE, late(29, 4)).await.ok(201)["period_start"], MARCH);
    for (timestamp, code) in
        [(NOW + 30 * DAY - 35 * DAY - 1, "too_late"), (NOW + 30 * DAY + 301, "too_early")]
    {
        let body = json!({"metric": "requests", "timestamp": timestamp});
        let refused = bob.post(USAGE, body).await;
        refused.problem(400);
        assert_eq!(refused.field_errors(), [("timestamp".to_owned(), code.to_owned())]);
    }
    // Before bob subscribed, nothing governed.
    let recorded = bob.post(USAGE, late(-1, 20)).await.ok(201);
    assert_eq!(recorded["quota_limit"], Value::Null);
}

#[tokio::test]
async fn late_usage_counts_by_what_was_left_of_the_default_plan_until_that_was_over() {
    let app = shop().await;
    app.admin().put(SETTINGS, json!({"default_plan": "pro"})).await.ok(200);
    let bob = app.user("bob");
    bob.post(&format!("{SUBSCRIPTION}/cancel"), json!({"immediate": true})).await.ok(200);
    // A day behind the window that was left, in the calendar month that holds since.
    app.advance(29 * DAY).await;
    let recorded = async |days: i64| {
        let event = json!({"metric": "requests", "timestamp": NOW + days * DAY});
        bob.post(USAGE, event).await.ok(201)["period_start"].clone()
    };
    assert_eq!(
        (recorded(29).await, recorded(27).await),
        (json!(MARCH - 4 * DAY - 8 * 3_600), json!(NOW))
    );
}

#[tokio::test]
async fn a_service_counts_for_any_user_and_a_user_only_the_own() {
    let app = shop().await;
    let (service, bob) = (app.actor("gateway", "service"), app.user("bob"));
    let of = |user: &str| json!({"metric": "requests", "user_id": user});
    assert_eq!(service.post(CHECK, of("bob")).await.ok(200)["quota_limit"], 10);
    service.post(USAGE, of("bob")).await.ok(201);
    app.admin().post(USAGE, of("bob")).await.ok(201);
    bob.post(USAGE, of("bob")).await.ok(201);
    assert_eq!(used(&bob, "requests").await, 3);
    for path in [CHECK, USAGE] {
        bob.post(path, of("eve")).await.problem(401);
        let refused = service.post(path, json!({"metric": "requests"})).await;
        assert_eq!(refused.problem(400), "Say in user_id about which user this is.");
    }
    service.get(USAGE).await.problem(401);
    bob.post(BATCH, json!({"events": []})).await.problem(401);
}

#[tokio::test]
async fn what_a_user_tells_keeps_nothing_that_a_product_tells_from_counting() {
    let app = shop().await;
    let (service, bob) = (app.actor("gateway", "service"), app.user("bob"));
    let own = json!({"metric": "requests", "amount": 0, "event_id": "chat-1"});
    bob.post(USAGE, own.clone()).await.ok(201);
    let told = json!({"metric": "requests", "amount": 4, "user_id": "bob", "event_id": "chat-1"});
    service.post(USAGE, told.clone()).await.ok(201);
    // Products and admins tell of the same.
    app.actor("another", "service").post(USAGE, told.clone()).await.ok(200);
    app.admin().post(USAGE, told.clone()).await.ok(200);
    let more = json!({"metric": "requests", "user_id": "bob", "event_id": "chat-2"});
    bob.post(USAGE, json!({"metric": "images", "event_id": "chat-2"})).await.ok(201);
    let batch = service.post(BATCH, json!({"events": [told, more]})).await.ok(200);
    assert_eq!(batch, json!({"accepted": 1, "duplicates": 1, "rejected": []}));
    // And the user's own id stands for the user's own.
    bob.post(USAGE, own.clone()).await.ok(200);
    let other = json!({"metric": "requests", "amount": 4, "event_id": "chat-1"});
    bob.post(USAGE, other).await.problem(422);
    assert_eq!(used(&bob, "requests").await, 5);

    // Both are forgotten.
    app.advance(36 * DAY).await;
    bob.post(USAGE, json!({"metric": "images", "event_id": "chat-1"})).await.ok(201);
    let later = json!({"metric": "images", "user_id": "bob", "event_id": "chat-1"});
    service.post(USAGE, later).await.ok(201);
    assert_eq!(used(&bob, "images").await, 2);
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test]
async fn one_bad_event_of_a_batch_spoils_no_other() {
    let app = shop().await;
    let service = app.actor("gateway", "service");
    let body = json!({"events": [
        {"user_id": "bob", "metric": "requests", "amount": 6, "enforce": true, "event_id": "a"},
        {"user_id": "bob", "metric": "requests", "amount": 5, "enforce": true},
        {"user_id": "bob", "metric": "requests", "amount": 4, "enforce": true},
        {"user_id": "bob", "metric": "requests", "amount": 6, "event_id": "a"},
        {"user_id": "bob", "metric": "requests", "amount": 7, "event_id": "a"},
        {"user_id": "bob", "metric": "cpu"},
        {"metric": "requests"},
        {"user_id": "bob", "metric": "requests", "amount": -1},
        {"user_id": "bob", "metric": "requests", "x": 1},
        "no object",
        {"user_id": "bob", "metric": "requests", "timestamp": NOW - 36 * DAY},
        {"user_id": "eve", "amounts": {"images": 1.5, "requests": 2}},
        {"user_id": "bob", "amounts": {"requests": 1, "tokens_input": 5}, "enforce": true},
    ]});
    let text = body.to_string();
    let again = app.actor("gateway", "service");
    // The document does not allow what is rejected here.
    let outcome = service.under_other_rules().send(Method::POST, BATCH, &text).await.ok(200);
    let rejected: Vec<String> = outcome["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} {}", one["index"], one["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        rejected,
        [
            "1 quota_exceeded",
            "4 event_id_reused",
            "5 invalid_metric",
            "6 missing_field",
            "7 wrong_type",
            "8 unknown_field",
            "9 wrong_type",
            "10 too_late",
            "12 quota_exceeded",
        ]
    );
    assert_eq!((&outcome["accepted"], &outcome["duplicates"]), (&json!(3), &json!(1)));
    assert_eq!(outcome["rejected"][2]["message"], "Invalid metric: cpu");
    let bob = app.user("bob");
    assert_eq!(
        (used(&bob, "requests").await, used(&bob, "tokens_input").await),
        (json!(10), json!(0))
    );
    assert_eq!(used(&app.user("eve"), "images").await.to_string(), "1.5");

    let many: Vec<Value> = (0..10_000)
        .map(|at| json!({"user_id": format!("u{}", at % 50), "metric": "images"}))
        .collect();
    let outcome = again.post(BATCH, json!({"events": many})).await.ok(200);
    assert_eq!(outcome["accepted"], 10_000);
    assert_eq!(used(&app.user("u7"), "images").await, 200);
    let many = vec![json!({}); 10_001];
    let refused = again.post(BATCH, json!({"events": many})).await;
    assert_eq!(refused.problem(400), "A batch has at most 10000 events. Send several.");
    app.covers(&["usage_record_batch"]);
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test]
async fn usage_past_a_quota_that_is_billed_is_allowed() {
    let app = shop().await;
    give(&app, "bob", "billed").await;
    let bob = app.user("bob");
    let body = json!({"metric": "requests", "amount": 25, "enforce": true});
    let recorded = bob.post(USAGE, body).await.ok(201);
    let figures = ["current_usage", "quota_limit", "remaining"].map(|name| recorded[name].clone());
    assert_eq!(figures, [json!(25), json!(10), json!(0)]);
    assert_eq!(bob.post(CHECK, json!({"metric": "requests"})).await.ok(200)["allowed"], true);
}

#[tokio::test]
async fn the_next_call_sees_every_change_of_what_governs() {
    let app = shop().await;
    let (admin, eve) = (app.admin(), app.user("eve"));
    let limit = async || {
        eve.post(CHECK, json!({"metric": "requests"})).await.ok(200)["quota_limit"].clone()
    };
    assert_eq!(limit().await, Value::Null);
    admin.put("/api/v1/admin/settings", json!({"default_plan": "free"})).await.ok(200);
    assert_eq!(limit().await, 3);
    admin.put(&of_plan("free"), json!({"quotas": {"requests": 4}})).await.ok(200);
    assert_eq!(limit().await, 4);
    give(&app, "eve", "pro").await;
    assert_eq!(limit().await, 10);
    admin.put(&of_plan("pro"), json!({"quotas": {"requests": 11}})).await.ok(200);
    assert_eq!(limit().await, 11);
    eve.post(&format!("{SUBSCRIPTION}/cancel"), json!({"immediate": true})).await.ok(200);
    assert_eq!(limit().await, 4);
    give(&app, "eve", "billed").await;
    eve.post(USAGE, json!({"metric": "requests", "amount": 2})).await.ok(201);
    assert_eq!(used(&eve, "requests").await, 2);
    let reset = json!({"plan_id": "billed", "reset_usage": true});
    admin.put(&subscription_of("eve"), reset).await.ok(200);
    assert_eq!(used(&eve, "requests").await, 0);
}

#[tokio::test]
async fn what_is_wrong_is_named_by_its_field() {
    let app = shop().await;
    let bob = app.user("bob");
    for (path, body, field, code) in [
        (CHECK, json!({}), "metric", "missing_field"),
        (CHECK, json!({"metric": "cpu"}), "metric", "invalid_metric"),
        (USAGE, json!({"amounts": {"cpu": 1}}), "metric", "invalid_metric"),
        (USAGE, json!({"metric": "requests", "amount": -1}), "amount", "wrong_type"),
        (USAGE, json!({"metric": "requests", "amount": 0.000_000_1}), "amount", "wrong_type"),
        (USAGE, json!({"amounts": {"requests": "x"}}), "amounts.requests", "wrong_type"),
        (USAGE, json!({"metric": "requests", "event_id": "a b"}), "event_id", "invalid_event_id"),
        (USAGE, json!({"metric": "requests", "user": "bob"}), "user", "unknown_field"),
    ] {
        let refused = bob.post(path, body.clone()).await;
        refused.problem(400);
        assert_eq!(refused.field_errors(), [(field.to_owned(), code.to_owned())], "{body}");
    }
    let refused = bob.get(&format!("{USAGE}/cpu")).await;
    assert_eq!(refused.problem(400), "Invalid metric: cpu");
    // More than a counter holds.
    let most = json!({"metric": "images", "amount": 9_000_000_000_000_u64});
    bob.post(USAGE, most.clone()).await.ok(201);
    let refused = bob.post(USAGE, most.clone()).await;
    assert!(refused.problem(400).contains("more than can be counted"));
    assert_eq!(refused.json["type"], "urn:planwright:problem:usage_too_large");
    assert_eq!(bob.post(CHECK, most).await.ok(200)["allowed"], false);
}

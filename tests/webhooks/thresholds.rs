//! That a quota is nearly used up, and that it is, is told once by user, metric, window and threshold.

use std::path::Path;

use planwright_store::{Key, Options, Part, RedbStore, Scan, Snapshot, Space, Store};
use serde_json::{Value, json};

use super::receiver::{Call, Receiver};
use super::{WEBHOOKS, deliveries_of, delivery_when, is, listen, start};
use crate::api::{ADMIN_PLANS, BATCH, USAGE, of_plan, plan_with_quota, subscription_of};
use crate::harness::{Actor, App};
use crate::worker::{DAY, NOW, assert_agrees};

/// Users who may send 100 requests a month.
async fn subscribe(admin: &Actor, users: &[&str]) {
    admin.post(ADMIN_PLANS, plan_with_quota("pro", 100)).await.ok(201);
    for user in users {
        admin.put(&subscription_of(user), json!({"plan_id": "pro"})).await.ok(201);
    }
}

async fn record(by: &Actor, amount: u32) -> Value {
    by.post(USAGE, json!({"metric": "requests", "amount": amount})).await.ok(201)
}

/// Who reached which threshold with what, in order.
fn told(calls: &[Call]) -> Vec<(String, u64, u64)> {
    let mut told: Vec<_> = calls
        .iter()
        .map(|call| {
            assert_eq!(call.kind(), "quota.threshold");
            let data = &call.payload()["data"];
            let number = |value: &Value| value.as_u64().unwrap();
            let user = data["user_id"].as_str().unwrap().to_owned();
            (user, number(&data["threshold"]), number(&data["usage"]["current_usage"]))
        })
        .collect();
    told.sort();
    told
}

fn as_told(expected: &[(&str, u64, u64)]) -> Vec<(String, u64, u64)> {
    let told =
        expected.iter().map(|(user, threshold, used)| ((*user).to_owned(), *threshold, *used));
    told.collect()
}

/// What was told in all, once that is delivered and nothing waits.
async fn all_told(admin: &Actor, endpoint: &str, receiver: &Receiver, count: usize) -> Vec<Call> {
    let calls = receiver.calls_when(count).await;
    delivery_when(admin, endpoint, is("delivered")).await;
    let all = admin.get(&deliveries_of(endpoint)).await.ok(200);
    assert_eq!(all["total"], count, "{all:#}");
    calls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_that_race_past_a_quota_tell_each_threshold_once() {
    let (app, receiver) = (start().await, Receiver::start().await);
    let admin = app.admin();
    subscribe(&admin, &["bob"]).await;
    let (endpoint, secret) = listen(&admin, &receiver, &["quota.*"]).await;
    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let bob = app.user("bob");
        racing.spawn(async move {
            for _ in 0..10 {
                record(&bob, 1).await;
            }
        });
    }
    racing.join_all().await;
    let calls = all_told(&admin, &endpoint, &receiver, 2).await;
    for (threshold, used) in told(&calls).into_iter().map(|(_, threshold, used)| (threshold, used))
    {
        assert!((threshold..=160).contains(&used), "{used} at {threshold}");
    }
    let first = calls.iter().find(|call| call.payload()["data"]["threshold"] == 80).unwrap();
    assert!(first.is_signed_by(&secret));
    let payload = first.payload();
    let used = payload["data"]["usage"]["current_usage"].clone();
    let expected = json!({
        "type": "quota.threshold", "timestamp": "2025-02-05T08:00:00Z", "data": {
            "user_id": "bob", "threshold": 80, "usage": {
                "metric": "requests", "current_usage": used, "quota_limit": 100,
                "remaining": 100 - used.as_u64().unwrap().min(100),
                "period_start": NOW, "period_end": NOW + 28 * DAY,
            },
        },
    });
    assert_eq!(payload, expected);
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_tells_of_each_of_its_users_what_it_made_them_reach() {
    let (app, receiver) = (start().await, Receiver::start().await);
    let admin = app.admin();
    subscribe(&admin, &["bob", "eve", "tom"]).await;
    let (endpoint, _) = listen(&admin, &receiver, &["quota.threshold"]).await;
    let event = |user: &str, metric: &str, amount: u32, enforce: bool| json!({"user_id": user, "metric": metric, "amount": amount, "enforce": enforce});
    let events = json!({"events": [
        event("bob", "requests", 50, false),
        event("eve", "requests", 79, true),
        event("tom", "requests", 30, false),
        event("bob", "requests", 70, false),
        // Past the quota, so it does not count.
        event("eve", "requests", 22, true),
        event("tom", "requests", 50, true),
        // Without a limit: another metric, and a user without a plan.
        event("tom", "images", 1_000_000, false),
        event("zoe", "requests", 1_000_000, true),
    ]});
    let outcome = admin.post(BATCH, events.clone()).await.ok(200);
    assert_eq!((&outcome["accepted"], &outcome["rejected"][0]["index"]), (&json!(7), &json!(4)));
    let expected = [("bob", 80, 120), ("bob", 100, 120), ("tom", 80, 80)];
    let calls = all_told(&admin, &endpoint, &receiver, 3).await;
    assert_eq!(told(&calls), as_told(&expected));
    // The next one of the window tells what is new in it.
    admin.post(BATCH, json!({"events": [event("eve", "requests", 1, true)]})).await.ok(200);
    admin.post(BATCH, events).await.ok(200);
    let calls = all_told(&admin, &endpoint, &receiver, 5).await;
    let expected = [expected[0], expected[1], ("eve", 80, 80), expected[2], ("tom", 100, 110)];
    assert_eq!(told(&calls), as_told(&expected));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_enforce_the_last_that_passes_tells_and_who_is_refused_does_not_again() {
    let (app, receiver) = (start().await, Receiver::start().await);
    let admin = app.admin();
    subscribe(&admin, &["bob"]).await;
    let (endpoint, _) = listen(&admin, &receiver, &["quota.threshold"]).await;
    let bob = app.user("bob");
    let mut passed = 0;
    loop {
        let body = json!({"metric": "requests", "amount": 7, "enforce": true});
        match bob.post(USAGE, body).await.status.as_u16() {
            201 => passed += 7,
            other => break assert_eq!(other, 429),
        }
    }
    // 98 are used, and another 7 are past the quota.
    assert_eq!(passed, 98);
    let last = json!({"metric": "requests", "amount": 2, "enforce": true});
    bob.post(USAGE, last.clone()).await.ok(201);
    bob.post(USAGE, last).await.problem(429);
    let calls = all_told(&admin, &endpoint, &receiver, 2).await;
    assert_eq!(told(&calls), as_told(&[("bob", 80, 84), ("bob", 100, 100)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_window_is_told_of_also_by_events_that_come_late_and_forgotten_when_none_can() {
    let (app, receiver) = (start().await, Receiver::start().await);
    let admin = app.admin();
    subscribe(&admin, &["bob"]).await;
    let (endpoint, _) = listen(&admin, &receiver, &["quota.threshold"]).await;
    let bob = app.user("bob");
    record(&bob, 79).await;
    // Half a day into the next window, which is paid by nobody but has its days of grace.
    app.advance(28 * DAY + DAY / 2).await;
    record(&bob, 85).await;
    let late = json!({"metric": "requests", "amount": 3, "timestamp": NOW + 27 * DAY});
    bob.post(USAGE, late.clone()).await.ok(201);
    bob.post(USAGE, late).await.ok(201);
    let calls = all_told(&admin, &endpoint, &receiver, 2).await;
    assert_eq!(told(&calls), as_told(&[("bob", 80, 82), ("bob", 80, 85)]));
    let mut starts: Vec<i64> = calls
        .iter()
        .map(|call| call.payload()["data"]["usage"]["period_start"].as_i64().unwrap())
        .collect();
    starts.sort_unstable();
    assert_eq!(starts, [NOW, NOW + 28 * DAY]);

    // As late as an event may be, also for a server that starts anew: it is told already.
    app.clock.advance(35 * DAY - DAY / 2 - 1);
    let app = restarted(app).await;
    let latest = json!({"metric": "requests", "timestamp": NOW + 28 * DAY - 1});
    let reached = app.user("bob").post(USAGE, latest).await.ok(201);
    assert_eq!(reached["current_usage"], 86);
    let waiting = app.admin().get(&deliveries_of(&endpoint)).await.ok(200);
    assert_eq!((&waiting["total"], receiver.calls().len()), (&json!(0), 2), "{waiting:#}");
    // A day later none can come, and what was told of that window goes.
    app.advance(DAY + 1).await;
    let (_folder, file) = app.stop().await;
    assert_eq!(remembered(&file).await, [NOW + 28 * DAY]);
    assert_agrees(&file).await;
}

/// The starts of the windows of which a store remembers what was told.
async fn remembered(file: &Path) -> Vec<i64> {
    let store = RedbStore::open(file, Options::default()).unwrap();
    let all = Key::in_space(&Space::Host, "quota-threshold").prefix();
    let found = store.snapshot().await.unwrap().scan(&all, Scan::first(10)).await.unwrap();
    let start = |key: &Key| match key.parts().as_slice() {
        [.., Part::Number(start), Part::Text(_)] => i64::try_from(*start).unwrap(),
        other => panic!("{other:?}"),
    };
    found.iter().map(|(key, _)| start(key)).collect()
}

/// Another server on the same data, which has looked at nothing yet.
async fn restarted(app: App) -> App {
    app.restart_with(0, super::may_call_this_machine).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_that_is_raised_later_is_not_told_of_twice_in_its_window() {
    let (app, receiver) = (start().await, Receiver::start().await);
    let admin = app.admin();
    subscribe(&admin, &["bob"]).await;
    let (endpoint, _) = listen(&admin, &receiver, &["quota.threshold"]).await;
    record(&app.user("bob"), 80).await;
    all_told(&admin, &endpoint, &receiver, 1).await;
    admin.put(&of_plan("pro"), json!({"quotas": {"requests": 200}})).await.ok(200);
    record(&app.user("bob"), 80).await;
    record(&app.user("bob"), 40).await;
    let expected = [("bob", 80, 80), ("bob", 100, 200)];
    let calls = all_told(&admin, &endpoint, &receiver, 2).await;
    assert_eq!(told(&calls), as_told(&expected));
    // Whoever starts anew knows what was told.
    let app = restarted(app).await;
    let admin = app.admin();
    record(&app.user("bob"), 1).await;
    let calls = all_told(&admin, &endpoint, &receiver, 2).await;
    assert_eq!(told(&calls), as_told(&expected));
    // An admin gives bob another count, from which all begins again.
    let again = json!({"plan_id": "pro", "reset_usage": true});
    admin.put(&subscription_of("bob"), again).await.ok(200);
    record(&app.user("bob"), 160).await;
    let calls = all_told(&admin, &endpoint, &receiver, 3).await;
    assert_eq!(calls[2].payload()["data"]["usage"]["current_usage"], 160);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_crash_left_untold_is_told_by_a_repeat_or_by_who_is_refused() {
    let app = start().await;
    let admin = app.admin();
    subscribe(&admin, &["bob", "eve"]).await;
    let event = |user: &str| {
        json!({
            "metric": "requests", "amount": 100, "user_id": user, "event_id": "all", "enforce": true,
        })
    };
    for user in ["bob", "eve"] {
        admin.post(USAGE, event(user)).await.ok(201);
    }
    // Both were counted and not told: by a server that nobody listened to, as by one that was killed just then.
    let app = restarted(app).await;
    let (admin, receiver) = (app.admin(), Receiver::start().await);
    let (endpoint, _) = listen(&admin, &receiver, &["quota.threshold"]).await;
    admin.post(USAGE, event("bob")).await.ok(200);
    all_told(&admin, &endpoint, &receiver, 2).await;
    let more = json!({"user_id": "eve", "metric": "requests", "enforce": true});
    let outcome = admin.post(BATCH, json!({"events": [more]})).await.ok(200);
    assert_eq!(outcome["accepted"], 0);
    let calls = all_told(&admin, &endpoint, &receiver, 4).await;
    let expected = [("bob", 80, 100), ("bob", 100, 100), ("eve", 80, 100), ("eve", 100, 100)];
    assert_eq!(told(&calls), as_told(&expected));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_listens_an_event_is_one_change_set_as_ever() {
    let (app, receiver) = (start().await, Receiver::start().await);
    let admin = app.admin();
    subscribe(&admin, &["bob"]).await;
    let (endpoint, _) = listen(&admin, &receiver, &["plan.*", "subscription.*"]).await;
    let before = app.change_sets();
    for _ in 0..12 {
        record(&app.user("bob"), 10).await;
    }
    assert_eq!(app.change_sets() - before, 12);
    // Nor where what listens is switched off.
    let path = format!("{WEBHOOKS}/{endpoint}");
    let off = json!({"events": [], "enabled": false});
    admin.put(&path, off).await.ok(200);
    let before = app.change_sets();
    record(&app.user("bob"), 10).await;
    assert_eq!(app.change_sets() - before, 1);
    let (_folder, file) = app.stop().await;
    assert_eq!(remembered(&file).await, [0; 0]);
}

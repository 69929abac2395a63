//! Receivers that fail, hang, redirect or are gone, and a server that is killed.

use std::time::{Duration, Instant};

use planwright_store::{ChangeSet, Key, Options, RedbStore, Space, Store};
use serde_json::json;

use super::receiver::{How, Receiver};
use super::{WEBHOOKS, deliveries_of, delivery_when, is, is_tried, listen, start};
use crate::api::metrics::{figure, metrics};
use crate::api::{ADMIN_PLANS, AUDIT, plan};
use crate::harness::App;
use crate::harness::process::Process;
use crate::worker::{DAY, NOW, assert_agrees};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_is_tried_again_later_under_the_same_id_and_no_redirect_is_followed() {
    let (app, receiver) = (start().await, Receiver::start().await);
    let admin = app.admin();
    let (id, secret) = listen(&admin, &receiver, &[]).await;
    receiver.answers(&[How::Status(500), How::Redirect, How::Status(204)]);
    admin.post(ADMIN_PLANS, plan("a")).await.ok(201);
    let tried = delivery_when(&admin, &id, is_tried(1)).await;
    let attempt = &tried["attempts"][0];
    assert_eq!((&attempt["status"], &attempt["detail"]), (&json!(500), &json!("said so")));
    let next = tried["next_attempt_at"].as_i64().unwrap();
    assert!((NOW + 5..=NOW + 6).contains(&next), "{next}");
    let shown = admin.get(&format!("{WEBHOOKS}/{id}")).await.ok(200);
    assert_eq!((&shown["failing_since"], &shown["pending"]), (&json!(NOW), &json!(1)));
    // Not a moment earlier.
    app.clock.advance(next - NOW - 1);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(receiver.calls().len(), 1);
    app.clock.advance(1);
    let redirected = delivery_when(&admin, &id, is_tried(2)).await;
    assert_eq!(
        (&redirected["state"], &redirected["attempts"][1]["status"]),
        (&json!("pending"), &json!(307))
    );
    app.clock.advance(340);
    let done = delivery_when(&admin, &id, is("delivered")).await;
    assert_eq!(done["attempts"].as_array().unwrap().len(), 3);
    let calls = receiver.calls();
    assert_eq!(calls.len(), 3);
    for call in &calls {
        assert!(call.id == calls[0].id && call.path == "/hooks" && call.is_signed_by(&secret));
    }
    let shown = admin.get(&format!("{WEBHOOKS}/{id}")).await.ok(200);
    assert_eq!((&shown["failing_since"], &shown["pending"]), (&json!(null), &json!(0)));

    // What is done is cleared away after 30 days, to the second.
    let total = async || admin.get(&deliveries_of(&id)).await.ok(200)["total"].clone();
    app.advance(30 * DAY - 1).await;
    assert_eq!(total().await, 1);
    app.advance(1).await;
    assert_eq!(total().await, 0);
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_hangs_holds_up_no_other() {
    let app = start().await;
    let admin = app.admin();
    let (slow, quick) = (Receiver::start().await, Receiver::start().await);
    slow.answers(&[How::Hang; 100]);
    listen(&admin, &slow, &["plan.*"]).await;
    listen(&admin, &quick, &["plan.*"]).await;
    let began = Instant::now();
    for at in 0..50 {
        admin.post(ADMIN_PLANS, plan(&format!("p{at}"))).await.ok(201);
    }
    quick.calls_when(50).await;
    // A call that hangs takes 15.
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(slow.calls().len() <= 8, "{} at once", slow.calls().len());
    // And a stop does not wait for it.
    let began = Instant::now();
    app.stop().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_and_what_waits_is_counted() {
    let (app, receiver) = (start().await, Receiver::start().await);
    let admin = app.admin();
    let (id, _) = listen(&admin, &receiver, &["plan.*"]).await;
    let calls = |state: &str| {
        format!("planwright_webhook_calls_total{{event=\"plan.created\",state=\"{state}\"}}")
    };
    let waiting = "planwright_webhooks_waiting";
    let found = metrics(&app).await;
    assert!(!found.contains("planwright_webhook_calls_total") && figure(&found, waiting) == 0);
    receiver.answers(&[How::Status(500), How::Status(503)]);
    admin.post(ADMIN_PLANS, plan("a")).await.ok(201);
    delivery_when(&admin, &id, is_tried(1)).await;
    app.clock.advance(10);
    delivery_when(&admin, &id, is_tried(2)).await;
    let began = Instant::now();
    // It is counted right after it is noted.
    let found = loop {
        let found = metrics(&app).await;
        if found.contains(&calls("pending")) && figure(&found, &calls("pending")) == 2 {
            break found;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{found}");
    };
    assert_eq!(figure(&found, waiting), 1);
    app.clock.advance(600);
    delivery_when(&admin, &id, is("delivered")).await;
    while !metrics(&app).await.contains(&calls("delivered")) {
        assert!(began.elapsed() < Duration::from_secs(20));
    }
    let found = metrics(&app).await;
    assert_eq!((figure(&found, &calls("delivered")), figure(&found, waiting)), (1, 0));
    assert_eq!(figure(&found, &calls("pending")), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_takes_nothing_for_days_or_is_gone_is_switched_off_and_says_why() {
    let (app, receiver) = (start().await, Receiver::start().await);
    let admin = app.admin();
    let (id, _) = listen(&admin, &receiver, &[]).await;
    receiver.answers(&[How::Status(500); 11]);
    admin.post(ADMIN_PLANS, plan("a")).await.ok(201);
    let mut now = NOW;
    for attempt in 1..10 {
        let tried = delivery_when(&admin, &id, is_tried(attempt)).await;
        let next = tried["next_attempt_at"].as_i64().unwrap();
        app.clock.advance(next - now);
        now = next;
    }
    let failed = delivery_when(&admin, &id, is("failed")).await;
    assert_eq!(failed["attempts"].as_array().unwrap().len(), 10);
    assert_eq!(failed["next_attempt_at"], json!(null));
    let days = (now - NOW) / DAY;
    assert_eq!(days, 3);
    let path = format!("{WEBHOOKS}/{id}");
    assert_eq!(admin.get(&path).await.ok(200)["enabled"], true);
    app.clock.advance(2 * DAY);
    admin.post(ADMIN_PLANS, plan("b")).await.ok(201);
    delivery_when(&admin, &id, is_tried(1)).await;
    let off = admin.get(&path).await.ok(200);
    let reason = off["disabled_reason"].as_str().unwrap();
    assert!(off["enabled"] == false && reason.contains("nothing since 2025-02-05"), "{off}");

    // Switched on, it has time to prove itself anew; one that says it is gone has not.
    let on = admin.put(&path, json!({"enabled": true})).await.ok(200);
    assert_eq!((&on["disabled_reason"], &on["failing_since"]), (&json!(null), &json!(null)));
    receiver.answers(&[How::Status(410)]);
    app.clock.advance(1);
    admin.post(&format!("{path}/test"), json!({})).await.ok(202);
    let gone =
        delivery_when(&admin, &id, |one| one["event_type"] == "webhook.test" && is("failed")(one))
            .await;
    assert_eq!(gone["attempts"][0]["status"], 410);
    let off = admin.get(&path).await.ok(200);
    assert_eq!(off["disabled_reason"], "It answered 410 Gone.");
    // Nobody did it, and the audit log has it.
    let log = admin.get(&format!("{AUDIT}?action=webhook_disabled")).await.ok(200);
    assert_eq!(log["total"], 2);
    let newest = &log["items"][0];
    assert_eq!((&newest["user_id"], &newest["entity_id"]), (&json!("planwright"), &json!(id)));
    assert_eq!(newest["audit_metadata"], json!({"by_itself": true}));
    assert_eq!(newest["changes"]["enabled"], json!({"old": true, "new": false}));
    assert_eq!(newest["changes"]["disabled_reason"]["new"], "It answered 410 Gone.");
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_between_a_change_and_its_delivery_tells_it_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let allowed = [
        ("PLANWRIGHT_WEBHOOKS_ALLOW_HTTP", "true"),
        ("PLANWRIGHT_WEBHOOKS_ALLOW_PRIVATE_NETWORKS", "true"),
    ];
    let receiver = Receiver::start().await;
    let process = Process::start_with(&data_dir, &allowed);
    let (_, secret) = listen(&process.admin(), &receiver, &["plan.*"]).await;
    // Whatever is sent before the end is not answered.
    receiver.answers(&[How::Hang; 8]);
    for at in 0..8 {
        process.admin().post(ADMIN_PLANS, plan(&format!("p{at}"))).await.ok(201);
    }
    process.kill();
    let sent = receiver.calls().len();
    let process = Process::start_with(&data_dir, &allowed);
    // Those that hung had used their answers up; the rest hangs once more until its time is over.
    let told = |calls: &[super::receiver::Call]| {
        let ids: std::collections::BTreeSet<String> = calls
            .iter()
            .skip(sent)
            .filter(|call| call.is_signed_by(&secret))
            .map(|call| call.payload()["data"]["id"].as_str().unwrap().to_owned())
            .collect();
        ids.len()
    };
    let began = Instant::now();
    while told(&receiver.calls()) < 8 {
        assert!(began.elapsed() < Duration::from_secs(60), "{:#?}", receiver.calls());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(process.terminate(), Some(0));
    assert_agrees(&data_dir.join("planwright.redb")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn for_an_endpoint_that_waits_for_ten_thousand_more_is_counted_and_not_kept() {
    let app = App::start().await;
    let draft = json!({"url": "https://localhost/", "events": ["plan.*"]});
    let made = app.admin().post(WEBHOOKS, draft).await.ok(201);
    let id = made["id"].as_str().unwrap();
    let (folder, file) = app.stop().await;
    let store = RedbStore::open(&file, Options::default()).unwrap();
    let counter = Key::in_space(&Space::Tenant("default".to_owned()), "webhook-deliveries");
    let mut change = ChangeSet::new();
    change.add(&counter.text(id).text("pending").key(), 9_999);
    store.commit(change).await.unwrap();
    drop(store);
    let app = App::with_compiler(folder, crate::harness::compiler()).await;
    let admin = app.admin();
    for name in ["a", "b", "c"] {
        admin.post(ADMIN_PLANS, plan(name)).await.ok(201);
    }
    let shown = admin.get(&format!("{WEBHOOKS}/{id}")).await.ok(200);
    assert_eq!((&shown["pending"], &shown["missed"]), (&json!(10_000), &json!(2)));
    admin.post(&format!("{WEBHOOKS}/{id}/test"), json!({})).await.problem(409);
}

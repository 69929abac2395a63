//! Webhook endpoints: made, shown, changed, deleted; their secrets are shown once.

use planwright_store::{Key, LogScan, Options, RedbStore, Snapshot, Space, Store};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::App;
use crate::webhooks::WEBHOOKS;

#[tokio::test]
async fn an_endpoint_is_made_shown_without_its_secret_changed_and_deleted() {
    let app = App::start().await;
    let admin = app.admin();
    let draft =
        json!({"url": "https://shop.example/hooks", "description": " shop ", "events": ["plan.*"]});
    let answer = admin.post(WEBHOOKS, draft).await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    let mut made = answer.ok(201);
    let secret = made.as_object_mut().unwrap().remove("secret").unwrap();
    let secret = secret.as_str().unwrap();
    assert!(secret.starts_with("whsec_") && secret.len() == 50, "{secret}");
    let expected = json!({
        "id": made["id"], "url": "https://shop.example/hooks", "description": "shop", "events": ["plan.*"],
        "enabled": true, "disabled_reason": null, "old_secret_until": null, "created_at": 1_738_742_400,
        "updated_at": 1_738_742_400, "failing_since": null, "pending": 0, "missed": 0,
    });
    assert_eq!(made, expected);
    let path = format!("{WEBHOOKS}/{}", made["id"].as_str().unwrap());
    assert_eq!(admin.get(&path).await.ok(200), made);
    assert_eq!(admin.get(WEBHOOKS).await.ok(200)["items"], json!([made]));

    app.clock.advance(1);
    let changed = admin.put(&path, json!({"events": []})).await.ok(200);
    assert_eq!((&changed["events"], &changed["updated_at"]), (&json!([]), &json!(1_738_742_401)));
    // What was read can be sent back.
    assert_eq!(admin.put(&path, changed.clone()).await.ok(200), changed);
    admin.delete(&path).await.ok(204);
    admin.delete(&path).await.problem(404);
    admin.get(&path).await.problem(404);
    admin.get(&format!("{WEBHOOKS}/{}", "x".repeat(3_000))).await.problem(404);
    app.covers(&[
        "webhooks_create",
        "webhooks_get",
        "webhooks_list",
        "webhooks_update",
        "webhooks_delete",
    ]);
}

#[tokio::test]
async fn a_wrong_draft_or_patch_is_400_with_the_field() {
    let app = App::start().await;
    let admin = app.admin();
    for (draft, field, code) in [
        (json!({}), "url", "missing_field"),
        (json!({"url": "http://shop.example/"}), "url", "invalid_url"),
        (json!({"url": "https://10.0.0.1/"}), "url", "invalid_url"),
        (
            json!({"url": "https://a.example", "events": ["plan.made"]}),
            "events[0]",
            "unknown_event",
        ),
        (json!({"url": "https://a.example", "secret": "whsec_x"}), "secret", "unknown_field"),
    ] {
        let answer = admin.post(WEBHOOKS, draft).await;
        answer.problem(400);
        assert_eq!(answer.field_errors(), [(field.to_owned(), code.to_owned())]);
    }
    let made = admin.post(WEBHOOKS, json!({"url": "https://a.example"})).await.ok(201);
    let path = format!("{WEBHOOKS}/{}", made["id"].as_str().unwrap());
    let answer = admin.put(&path, json!({"url": "https://[::1]/"})).await;
    answer.problem(400);
    assert_eq!(answer.field_errors(), [("url".to_owned(), "invalid_url".to_owned())]);
    let answer = admin.post(&format!("{path}/rotate"), json!({"overlap_hours": 169})).await;
    answer.problem(400);
    assert_eq!(answer.field_errors()[0].0, "overlap_hours");
    let before = admin.get(&path).await.ok(200);
    assert_eq!(
        (&before["url"], &before["old_secret_until"]),
        (&json!("https://a.example/"), &json!(null))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_are_ten_endpoints_at_most_also_when_many_are_made_at_once() {
    let app = App::start().await;
    let mut making = tokio::task::JoinSet::new();
    for at in 0..14 {
        let admin = app.admin();
        let draft = json!({"url": format!("https://a{at}.example/")});
        making.spawn(async move { admin.post(WEBHOOKS, draft).await.status.as_u16() });
    }
    let statuses = making.join_all().await;
    let count = |status: u16| statuses.iter().filter(|one| **one == status).count();
    assert_eq!((count(201), count(409)), (10, 4), "{statuses:?}");
    assert_eq!(app.admin().get(WEBHOOKS).await.ok(200)["total"], 10);
}

#[tokio::test]
async fn a_repeat_is_told_what_was_made_and_a_secret_is_in_no_answer_log_or_audit_again() {
    let app = App::start().await;
    let admin = app.admin();
    let keyed = async |path: &str, body: Value| {
        let headers = [("idempotency-key", "once")];
        admin.send_with(&headers, Method::POST, path, &body.to_string()).await
    };
    let draft = json!({"url": "https://shop.example/hooks"});
    let made = keyed(WEBHOOKS, draft.clone()).await.ok(201);
    let id = made["id"].as_str().unwrap();
    assert!(keyed(WEBHOOKS, draft).await.problem(409).contains(id));
    let rotate = format!("{WEBHOOKS}/{id}/rotate");
    let rotated = keyed(&rotate, json!({})).await.ok(200);
    assert!(keyed(&rotate, json!({})).await.problem(409).contains(id));
    assert_eq!(admin.get(WEBHOOKS).await.ok(200)["total"], 1);

    let secrets = [&made["secret"], &rotated["secret"]].map(|one| one.as_str().unwrap().to_owned());
    for path in [WEBHOOKS, &format!("{WEBHOOKS}/{id}"), "/api/v1/admin/audit"] {
        let said = admin.get(path).await.ok(200).to_string();
        assert!(secrets.iter().all(|secret| !said.contains(secret)), "{said}");
    }
    let (_folder, file) = app.stop().await;
    let store = RedbStore::open(&file, Options::default()).unwrap();
    let snapshot = store.snapshot().await.unwrap();
    let space = Space::Tenant("default".to_owned());
    let log = Key::in_space(&space, "audit").key();
    let entries = snapshot.log(&log, LogScan::oldest(10)).await.unwrap();
    let entries: Vec<Value> = entries.iter().map(|entry| entry.decode().unwrap()).collect();
    let actions: Vec<&Value> = entries.iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["webhook_created", "webhook_rotated"]);
    let all = Value::from(entries).to_string();
    assert!(secrets.iter().all(|secret| !all.contains(secret)), "{all}");
    // Kept answers name what was made and nothing more.
    let answers = Key::in_space(&space, "answer").prefix();
    let kept = snapshot.scan(&answers, planwright_store::Scan::first(10)).await.unwrap();
    assert_eq!(kept.len(), 2);
    for (_, record) in kept {
        let text = String::from_utf8_lossy(record.bytes()).into_owned();
        assert!(text.contains(id) && secrets.iter().all(|secret| !text.contains(secret)), "{text}");
    }
}

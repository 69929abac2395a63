//! API keys: made, shown once, listed, used, expired and revoked.

use std::time::Duration;

use planwright_store::{Key, LogScan, Options, Prefix, RedbStore, Scan, Snapshot, Space, Store};
use serde_json::{Value, json};

use super::{ADMIN_PLANS, API_KEYS, PLANS, TENANTS, of_plan, plan, subscription_of};
use crate::harness::{Actor, App, by_hand};

async fn make(by: &Actor, draft: Value) -> (String, String) {
    let made = by.post(API_KEYS, draft).await.ok(201);
    let text = |field: &str| made[field].as_str().unwrap().to_owned();
    (text("id"), text("key"))
}

#[tokio::test]
async fn a_key_is_shown_once_and_listed_without_it_newest_first() {
    let app = App::start().await;
    let admin = app.admin();
    let draft = json!({"name": " ci ", "role": "admin", "expires_at": 1_738_800_000});
    let answer = admin.post(API_KEYS, draft).await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    let mut made = answer.ok(201);
    let key = made["key"].as_str().unwrap().to_owned();
    assert!(key.len() == 67 && key.starts_with("sk-"), "{key}");
    let expected = json!({
        "id": made["id"], "name": "ci", "role": "admin", "user_id": "root", "created_by": "root",
        "created_at": 1_738_742_400, "expires_at": 1_738_800_000, "last_used_at": null, "key": key,
    });
    assert_eq!(made, expected);

    app.clock.advance(1);
    make(&admin, json!({"name": "newer", "role": "user", "user_id": "bob"})).await;
    let listed = admin.get(API_KEYS).await.ok(200);
    assert_eq!((&listed["total"], &listed["items"][0]["name"]), (&json!(2), &json!("newer")));
    made.as_object_mut().unwrap().remove("key");
    assert_eq!(listed["items"][1], made);
    let second = admin.get(&format!("{API_KEYS}?page=2&page_size=1")).await.ok(200);
    assert_eq!(second["items"], json!([made]));
    admin.get(&format!("{API_KEYS}?name=ci")).await.problem(400);
    app.covers(&["api_keys_create", "api_keys_list"]);
}

/// More than are read at once, in another order than that of their ids.
#[tokio::test]
async fn every_page_of_many_keys_is_given_newest_first() {
    let app = App::start().await;
    make(&app.admin(), json!({"name": "first", "role": "user"})).await;
    let (folder, file) = app.stop().await;
    let family = || Key::in_space(&Space::Tenant("default".to_owned()), "api-key");
    let (_, like) = by_hand::records(&file, &family().prefix()).await.remove(0);
    let keys = (0..1_100).map(|number| {
        let id = format!("key_{number:04}");
        let mut record = like.clone();
        record["api_key"]["id"] = json!(id);
        record["api_key"]["created_at"] = json!(1 + number * 7 % 1_100);
        (family().text(&id).key(), record)
    });
    by_hand::put(&file, keys.collect()).await;

    let app = App::start_on(folder).await;
    for (page, first, last) in [(1, 1_738_742_400, 1_002), (6, 601, 502), (12, 1, 1)] {
        let listed = format!("{API_KEYS}?page={page}&page_size=100");
        let listed = app.admin().get(&listed).await.ok(200);
        assert_eq!(listed["total"], 1_101);
        let items = listed["items"].as_array().unwrap();
        let made = |key: Option<&Value>| key.unwrap()["created_at"].as_i64();
        assert_eq!((made(items.first()), made(items.last())), (Some(first), Some(last)), "{page}");
    }
}

#[tokio::test]
async fn a_key_has_its_role_its_user_and_its_tenant() {
    let app = App::start().await;
    app.make_tenants(&["acme"]).await;
    let acme = app.of_tenant("acme", "root", "admin");
    let mut hidden = plan("hidden");
    hidden["is_active"] = json!(false);
    acme.post(ADMIN_PLANS, hidden).await.ok(201);
    acme.put(&subscription_of("bob"), json!({"plan_id": "hidden"})).await.ok(201);

    // An inactive plan is shown to who is on it.
    let path = format!("{PLANS}/hidden");
    let (_, bob) = make(&acme, json!({"name": "a", "role": "user", "user_id": "bob"})).await;
    let (_, eve) = make(&acme, json!({"name": "b", "role": "user", "user_id": "eve"})).await;
    let (_, admin) = make(&acme, json!({"name": "c", "role": "admin"})).await;
    app.with_key(&bob).get(&path).await.ok(200);
    app.with_key(&bob).get(ADMIN_PLANS).await.problem(401);
    app.with_key(&eve).get(&path).await.problem(404);
    app.with_key(&admin).get(&of_plan("hidden")).await.ok(200);
    app.admin().get(&of_plan("hidden")).await.problem(404);
}

#[tokio::test]
async fn nobody_makes_or_revokes_a_key_above_the_own_role() {
    let app = App::start().await;
    let (admin, operator) = (app.admin(), app.operator());
    let above = json!({"name": "a", "role": "operator"});
    assert!(admin.post(API_KEYS, above.clone()).await.problem(401).contains("operator"));
    let (id, key) = make(&operator, above.clone()).await;
    app.with_key(&key).get(TENANTS).await.ok(200);
    admin.delete(&format!("{API_KEYS}/{id}")).await.problem(401);
    // A key is no way around it.
    let (_, by_key) = make(&admin, json!({"name": "b", "role": "admin"})).await;
    app.with_key(&by_key).post(API_KEYS, above).await.problem(401);
    operator.delete(&format!("{API_KEYS}/{id}")).await.ok(204);
    app.with_key(&key).get(TENANTS).await.problem(401);
}

#[tokio::test]
async fn a_wrong_draft_is_400_with_the_field() {
    let app = App::start().await;
    for (draft, field, code) in [
        (json!({"name": "", "role": "user"}), "name", "invalid_name"),
        (json!({"name": "a", "role": "user", "user_id": ""}), "user_id", "invalid_user_id"),
        (json!({"name": "a", "role": "pending"}), "role", "wrong_type"),
        (json!({"name": "a"}), "role", "missing_field"),
        (
            json!({"name": "a", "role": "user", "expires_at": 1_738_742_400}),
            "expires_at",
            "not_in_the_future",
        ),
        (json!({"name": "a", "role": "user", "expires_at": "soon"}), "expires_at", "wrong_type"),
        (json!({"name": "a", "role": "user", "key": "sk-mine"}), "key", "unknown_field"),
    ] {
        let answer = app.admin().post(API_KEYS, draft).await;
        answer.problem(400);
        assert_eq!(answer.field_errors(), [(field.to_owned(), code.to_owned())]);
    }
}

#[tokio::test]
async fn a_key_that_expired_or_was_revoked_is_401() {
    let app = App::start().await;
    let admin = app.admin();
    let draft = json!({"name": "a", "role": "user", "expires_at": 1_738_742_460});
    let (_, brief) = make(&admin, draft).await;
    let (id, revoked) = make(&admin, json!({"name": "b", "role": "user"})).await;
    for key in [&brief, &revoked] {
        app.with_key(key).get(PLANS).await.ok(200);
    }
    app.clock.advance(60);
    assert!(app.with_key(&brief).get(PLANS).await.problem(401).contains("expired"));

    admin.delete(&format!("{API_KEYS}/{id}")).await.ok(204);
    assert!(app.with_key(&revoked).get(PLANS).await.problem(401).contains("revoked"));
    admin.delete(&format!("{API_KEYS}/{id}")).await.problem(404);
    admin.delete(&format!("{API_KEYS}/{}", "x".repeat(3_000))).await.problem(404);
    let app = app.restart().await;
    app.with_key(&revoked).get(PLANS).await.problem(401);
    app.covers(&["api_keys_revoke"]);
}

#[tokio::test]
async fn chance_that_repeats_itself_is_drawn_again() {
    let app = App::start().await;
    let draft = json!({"name": "a", "role": "user"});
    let (_, first) = make(&app.admin(), draft.clone()).await;
    // The seed is the same after the restart, and so is what is drawn, once two requests have drawn their
    // ids in the place of the first start's secret.
    let app = app.restart().await;
    for _ in 0..2 {
        app.admin().get(PLANS).await.ok(200);
    }
    let (_, second) = make(&app.admin(), draft).await;
    assert_ne!(first, second);
    for key in [first, second] {
        app.with_key(&key).get(PLANS).await.ok(200);
    }
}

#[tokio::test]
async fn the_last_use_is_kept_at_most_every_five_minutes() {
    let app = App::start().await;
    let admin = app.admin();
    let (_, key) = make(&admin, json!({"name": "a", "role": "user"})).await;
    // It is kept beside the request, so it may take a moment.
    for (seconds, expected) in [(0, 1_738_742_400), (299, 1_738_742_400), (1, 1_738_742_700)] {
        app.clock.advance(seconds);
        app.with_key(&key).get(PLANS).await.ok(200);
        let mut used = Value::Null;
        for _ in 0..100 {
            used = admin.get(API_KEYS).await.ok(200)["items"][0]["last_used_at"].clone();
            if used == expected {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(used, expected);
    }
}

#[tokio::test]
async fn what_is_kept_of_a_key_does_not_lead_back_to_it() {
    let app = App::start().await;
    app.make_tenants(&["acme"]).await;
    let draft = json!({"name": "ci", "role": "admin"});
    let made = app.operator().post(&format!("{API_KEYS}?tenant=acme"), draft).await.ok(201);
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let by_key = app.with_key(key);
    by_key.post(ADMIN_PLANS, plan("a")).await.ok(201);
    by_key.delete(&format!("{API_KEYS}/{id}")).await.ok(204);
    let (_folder, file) = app.stop().await;

    let bytes = std::fs::read(&file).unwrap();
    for secret in [key, &key[3..]] {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "the key is in the store's file");
    }

    let store = RedbStore::open(&file, Options::default()).unwrap();
    let snapshot = store.snapshot().await.unwrap();
    let acme = Space::Tenant("acme".to_owned());
    let log = Key::in_space(&acme, "audit").key();
    let entries: Vec<Value> = snapshot
        .log(&log, LogScan::oldest(10))
        .await
        .unwrap()
        .iter()
        .map(|entry| entry.decode().unwrap())
        .collect();
    let actions: Vec<&Value> = entries.iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["api_key_created", "plan_created", "api_key_revoked"]);
    assert!(entries.iter().all(|entry| !entry.to_string().contains(&key[3..])));
    // Who did it is known, also where a user's id alone would not tell.
    assert_eq!(entries[0]["entity_id"], id);
    assert_eq!(entries[0]["audit_metadata"]["operator_of"], "default");
    assert_eq!(entries[1]["audit_metadata"]["api_key"], id);

    // Revoked, it leaves nothing but the log.
    for space in [Space::Host, acme] {
        let prefix: Prefix = Key::in_space(&space, "api-key").prefix();
        assert!(snapshot.scan(&prefix, Scan::first(1)).await.unwrap().is_empty());
    }
}

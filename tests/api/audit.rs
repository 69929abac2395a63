//! Reading what admins did.

use serde_json::{Value, json};

use super::{ADMIN_PLANS, AUDIT, AUDIT_VERIFY, of_plan, plan, subscription_of};
use crate::harness::App;

async fn page(app: &App, query: &str) -> Value {
    app.admin().get(&format!("{AUDIT}{query}")).await.ok(200)
}

fn sequences(page: &Value) -> Vec<u64> {
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["sequence"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn an_entry_tells_who_did_what_to_what_and_every_field_that_changed() {
    let app = App::start().await;
    let admin = app.admin();
    admin.post(ADMIN_PLANS, plan("basic")).await.ok(201);
    app.clock.advance(5);
    let changed = admin.put(&of_plan("basic"), json!({"price": 500.5})).await;
    let request_id = changed.headers["x-request-id"].to_str().unwrap().to_owned();
    changed.ok(200);
    let found = page(&app, "").await;
    let (updated, created) = (&found["items"][0], &found["items"][1]);
    for (field, expected) in [
        ("sequence", json!(2)),
        ("user_id", json!("root")),
        ("action", json!("plan_updated")),
        ("entity_type", json!("plan")),
        ("entity_id", json!("basic")),
        ("description", json!("Updated plan 'Plan'")),
        ("changes", json!({"price": {"old": 490, "new": 500.5}})),
        ("audit_metadata", json!({"request_id": request_id})),
        ("created_at", json!(1_738_742_405)),
        ("previous_hash", created["hash"].clone()),
    ] {
        assert_eq!(updated[field], expected, "{field}");
    }
    assert!(updated["id"].as_str().unwrap().starts_with("aud_"));
    assert_eq!(updated["hash"].as_str().unwrap().len(), 64);
    assert_eq!(created["changes"]["price"], json!({"old": null, "new": 490}));
    assert_eq!(found["total"], 2);
}

#[tokio::test]
async fn pages_come_newest_first_and_filters_add_up() {
    let app = App::start().await;
    let admin = app.admin();
    // Sequence 1 to 3 at second 0, 4 to 6 at second 10, and so on.
    for round in 0..4 {
        let id = format!("plan_{round}");
        admin.post(ADMIN_PLANS, plan(&id)).await.ok(201);
        admin.put(&subscription_of("bob"), json!({"plan_id": id})).await;
        app.actor("alice", "admin").patch(&format!("{}/toggle", of_plan(&id))).await.ok(200);
        app.clock.advance(10);
    }
    let second = |after: i64| 1_738_742_400 + after;
    for (query, expected, total) in [
        (String::new(), (1..=12).rev().collect::<Vec<_>>(), 12),
        ("?page_size=5".to_owned(), vec![12, 11, 10, 9, 8], 12),
        ("?page_size=5&page=3".to_owned(), vec![2, 1], 12),
        ("?page_size=5&page=4".to_owned(), vec![], 12),
        ("?page=18446744073709551615".to_owned(), vec![], 12),
        ("?user_id=alice".to_owned(), vec![12, 9, 6, 3], 4),
        ("?user_id=alice&page_size=3&page=2".to_owned(), vec![3], 4),
        ("?entity_type=subscription".to_owned(), vec![11, 8, 5, 2], 4),
        ("?entity_type=plan&entity_id=plan_2".to_owned(), vec![9, 7], 2),
        ("?action=plan_created&entity_id=plan_2".to_owned(), vec![7], 1),
        (format!("?from={}", second(30)), vec![12, 11, 10], 3),
        (format!("?from={}&to={}", second(10), second(20)), vec![6, 5, 4], 3),
        (format!("?to={}&action=plan_deactivated", second(10)), vec![3], 1),
        ("?entity_id=nobody".to_owned(), vec![], 0),
    ] {
        let found = page(&app, &query).await;
        assert_eq!((sequences(&found), &found["total"]), (expected, &json!(total)), "{query}");
    }
    app.covers(&["audit_list"]);
}

#[tokio::test]
async fn a_filter_that_is_wrong_is_refused_not_dropped() {
    let app = App::start().await;
    for (query, field) in [
        ("?actoin=plan_created", ""),
        ("?from=yesterday", ""),
        ("?from=20&to=10", "to"),
        ("?page=0", "page"),
        ("?page_size=101", "page_size"),
    ] {
        let answer = app.admin().get(&format!("{AUDIT}{query}")).await;
        answer.problem(400);
        assert_eq!(answer.field_errors()[0].0, field, "{query}");
    }
    app.admin().get(&format!("{AUDIT_VERIFY}?deep=true")).await.problem(400);
}

#[tokio::test]
async fn verify_walks_the_chain_to_its_head() {
    let app = App::start().await;
    let verify = async || app.admin().get(AUDIT_VERIFY).await.ok(200);
    let empty = verify().await;
    assert_eq!((&empty["valid"], &empty["entries"]), (&json!(true), &json!(0)));
    for round in 0..3 {
        app.admin().post(ADMIN_PLANS, plan(&format!("plan_{round}"))).await.ok(201);
    }
    let head = page(&app, "").await["items"][0]["hash"].clone();
    assert_eq!(verify().await, json!({"valid": true, "entries": 3, "head": head}));
    let first = page(&app, "?page=3&page_size=1").await;
    assert_eq!(first["items"][0]["previous_hash"], empty["head"], "the hash of the log's own key");
    app.covers(&["audit_verify"]);
}

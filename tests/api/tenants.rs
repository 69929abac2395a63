//! Tenants: nothing of one is seen by another, and an operator sees them all.

use planwright_store::{Key, Space};
use serde_json::{Value, json};

use super::{PLANS, TENANTS};
use crate::harness::{App, by_hand};

#[tokio::test]
async fn an_operator_makes_tenants_and_lists_them_by_id() {
    let app = App::start().await;
    let operator = app.operator();
    let draft = json!({"id": "zebra", "name": " Zebra Ltd. ", "sandbox": true});
    let made = operator.post(TENANTS, draft).await.ok(201);
    let zebra = json!({
        "id": "zebra", "name": "Zebra Ltd.", "sandbox": true, "created_at": 1_738_742_400,
    });
    assert_eq!(made, zebra);
    app.make_tenants(&["acme"]).await;

    let listed = operator.get(TENANTS).await.ok(200);
    let ids: Vec<&Value> = listed["items"].as_array().unwrap().iter().map(|t| &t["id"]).collect();
    assert_eq!(ids, ["acme", "default", "zebra"]);
    let second = operator.get(&format!("{TENANTS}?page=2&page_size=2")).await.ok(200);
    let expected =
        json!({"items": [zebra], "total": 3, "page": 2, "page_size": 2, "total_pages": 2});
    assert_eq!(second, expected);
    app.covers(&["tenants_create", "tenants_list"]);
}

/// More than are read at once.
#[tokio::test]
async fn every_page_of_many_tenants_is_given() {
    let app = App::start().await;
    let (folder, file) = app.stop().await;
    let tenants = (0..1_100).map(|number| {
        let id = format!("t{number:04}");
        let tenant = json!({"id": id, "name": id, "sandbox": false, "created_at": 1});
        (Key::in_space(&Space::Host, "tenant").text(&id).key(), json!({"tenant": tenant}))
    });
    by_hand::put(&file, tenants.collect()).await;

    let app = App::start_on(folder).await;
    for (page, items, first) in
        [(1, 100, "default"), (6, 100, "t0499"), (12, 1, "t1099"), (13, 0, "")]
    {
        let listed = format!("{TENANTS}?page={page}&page_size=100");
        let listed = app.operator().get(&listed).await.ok(200);
        assert_eq!((&listed["total"], &listed["total_pages"]), (&json!(1_101), &json!(12)));
        assert_eq!(listed["items"].as_array().unwrap().len(), items, "{page}");
        assert_eq!(listed["items"][0]["id"].as_str().unwrap_or_default(), first, "{page}");
    }
}

#[tokio::test]
async fn a_tenant_that_is_taken_or_wrong_is_400_with_the_field() {
    let app = App::start().await;
    let operator = app.operator();
    app.make_tenants(&["acme"]).await;
    for (draft, field, code) in [
        (json!({"id": "acme", "name": "Acme"}), "id", "tenant_exists"),
        (json!({"id": "default", "name": "Default"}), "id", "tenant_exists"),
        (json!({"id": "Acme", "name": "Acme"}), "id", "wrong_type"),
        (json!({"id": "a".repeat(64), "name": "Acme"}), "id", "wrong_type"),
        (json!({"id": "a", "name": " "}), "name", "invalid_name"),
        (json!({"id": "a"}), "name", "missing_field"),
        (json!({"id": "a", "name": "A", "plan": "x"}), "plan", "unknown_field"),
    ] {
        let answer = operator.post(TENANTS, draft).await;
        answer.problem(400);
        assert_eq!(answer.field_errors(), [(field.to_owned(), code.to_owned())]);
    }
    let answer = operator.post(TENANTS, json!({"id": "acme", "name": "Acme"})).await;
    assert!(answer.problem(400).contains("already exists"), "{}", answer.json);
    for query in ["?page=0", "?tenant=acme", "?q=a"] {
        operator.get(&format!("{TENANTS}{query}")).await.problem(400);
    }
}

#[tokio::test]
async fn of_ten_who_make_the_same_tenant_in_the_same_instant_one_does() {
    let app = App::start().await;
    let asks = (0..10).map(|_| {
        let operator = app.operator();
        tokio::spawn(async move { operator.post(TENANTS, json!({"id": "a", "name": "A"})).await })
    });
    let mut made = 0;
    for ask in asks.collect::<Vec<_>>() {
        let answer = ask.await.unwrap();
        if answer.status == 201 {
            made += 1;
        } else {
            answer.problem(400);
        }
    }
    assert_eq!(made, 1);
}

#[tokio::test]
async fn a_tenant_outlives_a_restart_and_its_tokens_are_taken_at_once() {
    let app = App::start().await;
    app.of_tenant("acme", "a", "admin").get(PLANS).await.problem(401);
    app.make_tenants(&["acme"]).await;
    app.of_tenant("acme", "a", "admin").get(PLANS).await.ok(200);
    let app = app.restart().await;
    app.of_tenant("acme", "a", "admin").get(PLANS).await.ok(200);
    assert_eq!(app.operator().get(TENANTS).await.ok(200)["total"], 2);
}

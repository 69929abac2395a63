//! Tenants: nothing of one is seen by another, and an operator sees them all.

use serde_json::{Value, json};

use super::routes::every_route;
use super::{ADMIN_PLANS, API_KEYS, AUDIT, PLANS, TENANTS, of_plan, plan, subscription_of};
use crate::harness::{Actor, App};

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

/// A tenant with a plan, a subscriber and an API key. Gives the key's id.
async fn fill(app: &App, tenant: &str) -> String {
    let admin = app.of_tenant(tenant, "root", "admin");
    let mut draft = plan("hidden_plan");
    draft["name"] = json!("Hidden name");
    admin.post(ADMIN_PLANS, draft).await.ok(201);
    admin.put(&subscription_of("hidden_user"), json!({"plan_id": "hidden_plan"})).await.ok(201);
    let key = json!({"name": "hidden key", "role": "service", "user_id": "hidden_user"});
    let made = admin.post(API_KEYS, key).await.ok(201);
    made["id"].as_str().unwrap().to_owned()
}

/// All that an admin can read of a tenant.
async fn everything(admin: &Actor) -> Vec<Value> {
    let mut read = Vec::new();
    let subscribers = of_plan("hidden_plan/subscribers");
    for path in [ADMIN_PLANS, PLANS, subscribers.as_str(), API_KEYS, AUDIT] {
        read.push(admin.get(path).await.ok(200));
    }
    read
}

#[tokio::test]
async fn nothing_of_a_tenant_is_read_or_written_by_another_on_any_route() {
    let app = App::start().await;
    app.make_tenants(&["acme", "beta"]).await;
    let key_id = fill(&app, "acme").await;
    let acme = app.of_tenant("acme", "root", "admin");
    let before = everything(&acme).await;

    let beta = app.of_tenant("beta", "root", "admin");
    let mut others = Vec::new();
    for role in ["user", "service", "admin"] {
        others.push(app.of_tenant("beta", "hidden_user", role));
        let draft = json!({"name": role, "role": role, "user_id": "hidden_user"});
        let made = beta.post(API_KEYS, draft).await.ok(201);
        others.push(app.with_key(made["key"].as_str().unwrap()));
    }
    for other in &others {
        for route in every_route("hidden_plan", "hidden_user", &key_id) {
            let shown = format!("{} {}", route.method, route.path);
            let answer = route.ask(other, "").await;
            if route.names_something {
                assert!([401, 404].contains(&answer.status.as_u16()), "{shown}: {}", answer.json);
            }
            let said = answer.json.to_string();
            assert!(!said.contains("Hidden") && !said.contains("hidden key"), "{shown}: {said}");
            route.ask(other, "?tenant=acme").await.problem(401);
        }
    }
    assert_eq!(everything(&acme).await, before);
}

#[tokio::test]
async fn an_operator_acts_in_any_tenant_that_there_is() {
    let app = App::start().await;
    app.make_tenants(&["acme"]).await;
    let key_id = fill(&app, "acme").await;
    let operator = app.operator();
    for route in every_route("hidden_plan", "hidden_user", &key_id) {
        if !route.is_of_a_tenant() {
            continue;
        }
        route.ask(&operator, "?tenant=nowhere").await.problem(404);
        route.ask(&operator, "?tenant=Not+one").await.problem(404);
        route.ask(&operator, "?tenant=acme&tenant=default").await.problem(400);
        let answer = route.ask(&operator, "?tenant=acme").await;
        // What the operator has there is no subscription, and it costs something.
        let of_the_operator = ["not_subscribed", "payment_required"]
            .iter()
            .any(|code| answer.json["type"] == format!("urn:planwright:problem:{code}"));
        let done =
            !answer.status.is_client_error() || answer.json["status"] == 400 || of_the_operator;
        assert!(done, "{} {}: {}", route.method, route.path, answer.json);
    }
    // The other parameters are read as ever.
    let found = operator.get(&format!("{ADMIN_PLANS}?tenant=acme&q=hidden")).await.ok(200);
    assert_eq!(found[0]["plan"]["price"], 1);
    operator.get(&format!("{ADMIN_PLANS}?tenant=acme&qq=hidden")).await.problem(400);
    // All of it was done there and nothing here.
    assert_eq!(operator.get(ADMIN_PLANS).await.ok(200), json!([]));
    assert_eq!(operator.get(API_KEYS).await.ok(200)["total"], 0);
}

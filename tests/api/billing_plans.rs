//! Billing plans as wholes: groups that move, copies, what keeps one from being deleted.

use reqwest::Method;
use serde_json::{Value, json};

use super::entries::{change, product, region};
use super::{ADMIN_PLANS, AUDIT, BILLING_PLANS, PRODUCTS, USER_GROUPS, USERS, of_plan, plan};
use crate::harness::{Actor, App};

/// A billing plan, number 1, that has product 1 with a trial and tiers in region 1.
pub(super) async fn cloud(admin: &Actor) {
    region(admin, "eu").await;
    admin.post(PRODUCTS, product("cpu", 1000)).await.ok(201);
    admin.post(BILLING_PLANS, json!({"billing_plan": {"name": "Cloud"}})).await.ok(201);
    let resources = format!("{BILLING_PLANS}/1/billing_resources");
    let resource = json!({"billing_resource": {"product_id": 1, "tier_mode": "graduated"}});
    admin.post(&resources, resource).await.ok(201);
    let phases = format!("{resources}/1/billing_phases");
    let trial = json!({"phase_type": "trial", "duration_unit": "days", "duration_qty": 7});
    admin.post(&phases, json!({"billing_phase": trial})).await.ok(201);
    for (phase, max_qty, price) in
        [(2, Value::Null, "0"), (1, json!(10), "0.5"), (1, Value::Null, "0.25")]
    {
        let prices = format!("{phases}/{phase}/billing_resource_prices");
        let price =
            json!({"currency": "USD", "max_qty": max_qty, "price": price, "region_ids": [1]});
        admin.post(&prices, json!({"billing_resource_price": price})).await.ok(201);
    }
}

async fn group(admin: &Actor, name: &str) {
    admin.post(USER_GROUPS, json!({"user_group": {"name": name}})).await.ok(201);
}

#[tokio::test]
async fn a_billing_plan_is_shown_as_the_document_has_it() {
    let app = App::start().await;
    let admin = app.admin();
    cloud(&admin).await;
    group(&admin, "staff").await;
    let at = "2025-02-05T08:00:00Z";
    let path = format!("{BILLING_PLANS}/1");
    change(&admin, &path, json!({"billing_plan": {"user_group_ids": [1]}})).await.ok(200);
    let view = admin.get(&path).await;
    assert_eq!(view.headers["etag"], "\"1-6\"");
    let price = |id: u64, max_qty: Value, price: Value| {
        json!({
            "id": id, "currency": "USD", "max_qty": max_qty, "price": price,
            "regions": [{"id": 1, "name": "eu"}],
        })
    };
    let expected = json!({"billing_plans": [{
        "id": 1, "name": "Cloud", "created_at": at, "updated_at": at,
        "user_groups": [{"id": 1, "name": "staff", "created_at": at, "updated_at": at}],
        "billing_resources": [{
            "id": 1, "external_id": "cpu", "tier_mode": "graduated",
            "product": {
                "id": 1, "label": "A product", "resource_kind": "resource", "unit": 1000,
                "unit_type": "GB", "external_id": "cpu", "package": null,
            },
            "billing_phases": [
                {"id": 2, "phase_type": "trial", "duration_unit": "days", "duration_qty": 7,
                 "billing_resource_prices": [price(1, Value::Null, json!(0))]},
                {"id": 1, "phase_type": "final", "duration_unit": null, "duration_qty": null,
                 "billing_resource_prices": [
                    price(2, json!(10), json!(0.5)), price(3, Value::Null, json!(0.25))]},
            ],
        }],
    }]});
    assert_eq!(view.ok(200), expected);
    let list = admin.get(BILLING_PLANS).await;
    assert_eq!(list.headers["total"], "1");
    let list = list.ok(200);
    assert_eq!(list["billing_plans"][0]["user_groups"][0]["name"], "staff");
    assert!(list["billing_plans"][0].get("billing_resources").is_none());
    app.covers(&["billing_plans_list", "billing_plans_get", "billing_plans_update"]);
}

#[tokio::test]
async fn a_clone_has_all_parts_and_a_group_moves_to_whoever_names_it() {
    let app = App::start().await;
    let admin = app.admin();
    cloud(&admin).await;
    group(&admin, "staff").await;
    group(&admin, "guests").await;
    let path = format!("{BILLING_PLANS}/1");
    change(&admin, &path, json!({"billing_plan": {"user_group_ids": [1, 2]}})).await.ok(200);
    let draft = json!({"billing_plan": {"name": "Copy", "clone": 1, "user_group_ids": [2]}});
    let copy = admin.post(BILLING_PLANS, draft).await.ok(201);
    let resource = &copy["billing_plan"]["billing_resources"][0];
    assert_eq!((&resource["id"], &resource["billing_phases"][0]["id"]), (&json!(2), &json!(3)));
    let original = admin.get(&path).await.ok(200)["billing_plans"][0].clone();
    let tiers = |plan: &Value| {
        let phase = &plan["billing_resources"][0]["billing_phases"][1];
        let prices = phase["billing_resource_prices"].as_array().unwrap().clone();
        prices.iter().map(|one| one["price"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(tiers(&copy["billing_plan"]), tiers(&original));
    let names = |plan: &Value| {
        let groups = plan["user_groups"].as_array().unwrap();
        groups.iter().map(|one| one["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&original), ["staff"]);
    assert_eq!(names(&copy["billing_plan"]), ["guests"]);
    let moved = admin.get(&format!("{AUDIT}?entity_type=user_group&entity_id=2")).await.ok(200);
    assert_eq!(moved["items"][0]["changes"]["billing_plan_id"], json!({"old": 1, "new": 2}));
    // What is not said stays, and an empty list clears.
    change(&admin, &path, json!({"billing_plan": {"name": "Cloud 2"}})).await.ok(200);
    assert_eq!(names(&admin.get(&path).await.ok(200)["billing_plans"][0]), ["staff"]);
    change(&admin, &path, json!({"billing_plan": {"user_group_ids": []}})).await.ok(200);
    assert!(names(&admin.get(&path).await.ok(200)["billing_plans"][0]).is_empty());
    for (draft, field) in [
        (json!({"name": "X", "clone": 9}), "clone"),
        (json!({"name": "X", "user_group_ids": [1, 9]}), "user_group_ids[1]"),
        (json!({"name": ""}), "name"),
    ] {
        let refused = admin.post(BILLING_PLANS, json!({"billing_plan": draft})).await;
        refused.problem(422);
        assert_eq!(refused.field_errors()[0].0, field);
    }
    app.covers(&["billing_plans_create"]);
}

#[tokio::test]
async fn what_is_named_is_not_deleted_and_what_is_stale_is_not_changed() {
    let app = App::start().await;
    let admin = app.admin();
    cloud(&admin).await;
    let path = format!("{BILLING_PLANS}/1");
    group(&admin, "staff").await;
    change(&admin, &path, json!({"billing_plan": {"user_group_ids": [1]}})).await.ok(200);
    let mut metered = plan("metered");
    metered["billing_plan_id"] = json!(9);
    let refused = admin.post(ADMIN_PLANS, metered.clone()).await;
    refused.problem(400);
    assert_eq!(refused.field_errors()[0].0, "billing_plan_id");
    metered["billing_plan_id"] = json!(1);
    admin.post(ADMIN_PLANS, metered).await.ok(201);
    let said = admin.delete(&path).await;
    let said = said.problem(422);
    assert!(said.contains("the user groups 'staff' and the plans 'metered'"), "{said}");
    assert_eq!(admin.delete(&format!("{USER_GROUPS}/1")).await.status, 204);
    assert!(admin.delete(&path).await.problem(422).contains("the plans 'metered'"));
    admin.put(&of_plan("metered"), json!({"billing_plan_id": null})).await.ok(200);
    let stale = [("if-match", "\"1-1\"")];
    admin.send_with(&stale, Method::DELETE, &path, "").await.problem(412);
    let renamed = json!({"billing_plan": {"name": "Other"}}).to_string();
    admin.send_with(&stale, Method::PATCH, &path, &renamed).await.problem(412);
    let fresh = [("if-match", "\"1-6\"")];
    assert_eq!(admin.send_with(&fresh, Method::DELETE, &path, "").await.status, 204);
    admin.get(&path).await.problem(404);
    // Nothing is named by it any more.
    assert_eq!(admin.delete(&format!("{PRODUCTS}/1")).await.status, 204);
    app.covers(&["billing_plans_delete"]);
}

#[tokio::test]
async fn a_plan_may_name_the_metrics_of_products() {
    let app = App::start().await;
    let admin = app.admin();
    let mut stored = plan("stored");
    stored["quotas"] = json!({"disk_gb": 5});
    admin.post(ADMIN_PLANS, stored.clone()).await.problem(400);
    admin.post(PRODUCTS, product("disk_gb", 1)).await.ok(201);
    admin.post(ADMIN_PLANS, stored).await.ok(201);
}

#[tokio::test]
async fn a_change_that_comes_again_is_made_once() {
    let app = App::start().await;
    let admin = app.admin();
    cloud(&admin).await;
    let key = [("idempotency-key", "once")];
    for (path, body) in [
        (BILLING_PLANS, json!({"billing_plan": {"name": "Copy", "clone": 1}})),
        (PRODUCTS, product("disk", 1)),
        (USER_GROUPS, json!({"user_group": {"name": "staff", "billing_plan_id": 1}})),
        (USERS, json!({"user": {"id": "bob", "user_group_id": 1, "region_id": 1}})),
    ] {
        let body = body.to_string();
        let first = admin.send_with(&key, Method::POST, path, &body).await.ok(201);
        assert_eq!(admin.send_with(&key, Method::POST, path, &body).await.ok(201), first);
    }
    let price = json!({"currency": "EUR", "price": "0.123456789", "region_ids": [1]});
    let body = json!({"billing_resource_price": price}).to_string();
    let path =
        format!("{BILLING_PLANS}/1/billing_resources/1/billing_phases/1/billing_resource_prices");
    let first = admin.send_with(&key, Method::POST, &path, &body).await.ok(201);
    assert_eq!(admin.send_with(&key, Method::POST, &path, &body).await.ok(201), first);
    assert_eq!(first["billing_resource_price"]["price"].to_string(), "0.123456789");
}

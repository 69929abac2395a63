//! What price books are made of: regions, products, user groups and users.

use reqwest::Method;
use serde_json::{Value, json};

use super::{AUDIT, BILLING_PLANS, PRODUCTS, REGIONS, USER_GROUPS, USERS};
use crate::harness::{Actor, Answer, App, claims};

pub(super) async fn change(actor: &Actor, path: &str, body: Value) -> Answer {
    actor.send(Method::PATCH, path, &body.to_string()).await
}

pub(super) fn product(external_id: &str, unit: u64) -> Value {
    json!({"product": {
        "label": "A product", "resource_kind": "resource", "unit": unit, "unit_type": "GB",
        "external_id": external_id,
    }})
}

pub(super) async fn region(admin: &Actor, name: &str) -> u64 {
    let made = admin.post(REGIONS, json!({"region": {"name": name}})).await.ok(201);
    made["region"]["id"].as_u64().unwrap()
}

#[tokio::test]
async fn regions_are_made_listed_renamed_and_deleted() {
    let app = App::start().await;
    let admin = app.admin();
    for name in ["eu", "us", "asia"] {
        region(&admin, name).await;
    }
    let page = admin.get(&format!("{REGIONS}?page=2&per_page=2")).await;
    assert_eq!(page.headers["total"], "3");
    assert_eq!(page.headers["per-page"], "2");
    let asia = json!({
        "id": 3, "name": "asia",
        "created_at": "2025-02-05T08:00:00Z", "updated_at": "2025-02-05T08:00:00Z",
    });
    assert_eq!(page.ok(200), json!({"regions": [asia]}));
    for (query, field) in [("page=0", "page"), ("per_page=101", "per_page")] {
        let refused = admin.get(&format!("{REGIONS}?{query}")).await;
        refused.problem(400);
        assert_eq!(refused.field_errors()[0].0, field);
    }

    let asia = format!("{REGIONS}/3");
    app.clock.advance(60);
    let renamed = change(&admin, &asia, json!({"region": {"name": "apac", "id": 9}})).await.ok(200);
    assert_eq!(renamed["region"]["name"], "apac");
    assert_eq!(renamed["region"]["updated_at"], "2025-02-05T08:01:00Z");
    assert_eq!(admin.get(&asia).await.ok(200), renamed);
    for name in ["eu", ""] {
        let refused = change(&admin, &asia, json!({"region": {"name": name}})).await;
        refused.problem(422);
        assert_eq!(refused.field_errors()[0].0, "name");
    }
    assert_eq!(admin.delete(&asia).await.status, 204);
    admin.get(&asia).await.problem(404);
    admin.delete(&asia).await.problem(404);
    // A number is never given again.
    assert_eq!(region(&admin, "asia").await, 4);
    for odd in ["x", "01", "-1", "18446744073709551616"] {
        admin.get(&format!("{REGIONS}/{odd}")).await.problem(404);
    }
    let log = admin.get(&format!("{AUDIT}?entity_type=region&entity_id=3")).await.ok(200);
    let actions: Vec<_> =
        log["items"].as_array().unwrap().iter().map(|one| &one["action"]).collect();
    assert_eq!(actions, ["region_deleted", "region_updated", "region_created"]);
    app.covers(&[
        "regions_list",
        "regions_get",
        "regions_create",
        "regions_update",
        "regions_delete",
    ]);
}

#[tokio::test]
async fn a_product_is_checked_field_by_field_and_stays_while_it_is_priced() {
    let app = App::start().await;
    let admin = app.admin();
    let package = json!({"product": {
        "label": "Small machine", "resource_kind": "package", "unit_type": "machine",
        "external_id": "small",
        "package": {"cpu": "0.5", "memory": 512, "memory_swappiness": 60},
    }});
    let small = admin.post(PRODUCTS, package.clone()).await.ok(201);
    assert_eq!(
        small["product"]["package"],
        json!({
            "id": 1, "cpu": 0.5, "memory": 512, "storage": 0, "bandwidth": 0, "local_disk": 0,
            "memory_swap": 0, "memory_swappiness": 60, "backup": 0,
        })
    );
    assert_eq!(small["product"]["unit"], 1);
    for (pointer, value, field) in [
        ("/product/label", json!(""), "label"),
        ("/product/external_id", json!("a b"), "external_id"),
        ("/product/external_id", json!("small"), "external_id"),
        ("/product/unit_type", json!("x".repeat(51)), "unit_type"),
        ("/product/package", json!(null), "package"),
        ("/product/package/cpu", json!(0), "package.cpu"),
        ("/product/package/memory_swappiness", json!(101), "package.memory_swappiness"),
        ("/product/resource_kind", json!("resource"), "package"),
    ] {
        let mut draft = package.clone();
        draft["product"]["external_id"] = json!("other");
        *draft.pointer_mut(pointer).unwrap() = value;
        let refused = admin.post(PRODUCTS, draft).await;
        refused.problem(422);
        assert_eq!(refused.field_errors()[0].0, field, "{pointer}");
    }
    for (body, field) in [
        (json!({"product": {"label": "A"}}), "product.resource_kind"),
        (json!({"product": {"lable": "A"}}), "product.lable"),
        (json!({"label": "A"}), "label"),
    ] {
        let refused = admin.post(PRODUCTS, body).await;
        refused.problem(400);
        assert_eq!(refused.field_errors()[0].0, field);
    }

    admin.post(BILLING_PLANS, json!({"billing_plan": {"name": "Cloud"}})).await.ok(201);
    let resources = format!("{BILLING_PLANS}/1/billing_resources");
    admin.post(&resources, json!({"billing_resource": {"product_id": 1}})).await.ok(201);
    let small = format!("{PRODUCTS}/1");
    for body in [json!({"unit": 2}), json!({"external_id": "tiny"})] {
        let refused = change(&admin, &small, json!({"product": body})).await;
        let sentence = refused.problem(422);
        assert!(sentence.contains("cannot have another "), "{sentence}");
        assert!(sentence.contains("the billing plans 'Cloud' price it"), "{sentence}");
    }
    assert!(admin.delete(&small).await.problem(422).contains("'Cloud'"));
    let relabelled = json!({"product": {"label": "Tiny", "package": {"cpu": 1}}});
    let relabelled = change(&admin, &small, relabelled).await.ok(200);
    assert_eq!(relabelled["product"]["package"]["memory"], 512);
    assert_eq!(admin.delete(&format!("{resources}/1")).await.status, 204);
    assert_eq!(admin.delete(&small).await.status, 204);
    admin.post(PRODUCTS, product("disk", 1)).await.ok(201);
    let list = admin.get(PRODUCTS).await.ok(200);
    assert_eq!(list["products"][0]["id"], 2);
    admin.get(&format!("{PRODUCTS}/2")).await.ok(200);
    app.covers(&[
        "products_list",
        "products_get",
        "products_create",
        "products_update",
        "products_delete",
    ]);
}

#[tokio::test]
async fn one_group_is_the_default_and_a_group_with_users_stays() {
    let app = App::start().await;
    let admin = app.admin();
    let group = |name: &str, is_default: bool| json!({"user_group": {"name": name, "is_default": is_default}});
    for name in ["staff", "guests"] {
        admin.post(USER_GROUPS, group(name, true)).await.ok(201);
    }
    let list = admin.get(USER_GROUPS).await.ok(200);
    let defaults = |list: &Value| {
        let groups = list["user_groups"].as_array().unwrap();
        groups.iter().map(|one| one["is_default"] == true).collect::<Vec<_>>()
    };
    assert_eq!(defaults(&list), [false, true]);
    let staff = format!("{USER_GROUPS}/1");
    change(&admin, &staff, json!({"user_group": {"is_default": true}})).await.ok(200);
    assert_eq!(defaults(&admin.get(USER_GROUPS).await.ok(200)), [true, false]);
    for (body, field) in [
        (json!({"name": "guests"}), "name"),
        (json!({"name": "x"}), "name"),
        (json!({"billing_plan_id": 7}), "billing_plan_id"),
    ] {
        let refused = change(&admin, &staff, json!({"user_group": body})).await;
        refused.problem(422);
        assert_eq!(refused.field_errors()[0].0, field);
    }
    let bob = json!({"user": {"id": "bob", "user_group_id": 1}});
    admin.post(USERS, bob).await.ok(201);
    assert!(admin.delete(&staff).await.problem(422).contains("users are in it"));
    change(&admin, &format!("{USERS}/bob"), json!({"user": {"user_group_id": null}})).await.ok(200);
    assert_eq!(admin.delete(&staff).await.status, 204);
    admin.get(&format!("{USER_GROUPS}/2")).await.ok(200);
    app.covers(&[
        "user_groups_list",
        "user_groups_get",
        "user_groups_create",
        "user_groups_update",
        "user_groups_delete",
    ]);
}

#[tokio::test]
async fn a_user_is_noted_by_an_admin_and_by_credentials() {
    let app = App::start().await;
    let admin = app.admin();
    let eu = region(&admin, "eu").await;
    let draft = json!({"user": {
        "id": "alice", "region_id": eu, "currency": "USD", "phase_started": "2025-02-05T10:00:00+02:00",
    }});
    let alice = admin.post(USERS, draft.clone()).await.ok(201);
    assert_eq!(
        alice,
        json!({"user": {
            "id": "alice", "email": null, "name": null, "user_group_id": null, "region_id": eu,
            "currency": "USD", "phase_started": "2025-02-05T08:00:00Z",
        }})
    );
    let again = admin.post(USERS, draft).await;
    again.problem(422);
    assert_eq!(again.field_errors(), [("id".to_owned(), "taken".to_owned())]);
    assert!(admin.delete(&format!("{REGIONS}/{eu}")).await.problem(422).contains("users"));
    for (body, field) in [
        (json!({"region_id": 9}), "region_id"),
        (json!({"user_group_id": 9}), "user_group_id"),
        (json!({"email": ""}), "email"),
    ] {
        let refused = change(&admin, &format!("{USERS}/alice"), json!({"user": body})).await;
        refused.problem(422);
        assert_eq!(refused.field_errors()[0].0, field);
    }
    for body in [json!({"currency": "usd"}), json!({"phase_started": 1})] {
        change(&admin, &format!("{USERS}/alice"), json!({"user": body})).await.problem(400);
    }
    admin.get(&format!("{USERS}/bob")).await.problem(404);
    // What credentials say is kept beside what is noted.
    let mut said = claims("alice", "user");
    said.email = Some("alice@example.com".to_owned());
    app.with_claims(&said).get(super::SUBSCRIPTION).await.ok(200);
    let alice = admin.get(&format!("{USERS}/alice")).await.ok(200);
    assert_eq!(alice["user"]["email"], "alice@example.com");
    assert_eq!(alice["user"]["region_id"], eu);
    let moved = json!({"user": {"name": "Alice", "region_id": null}});
    let alice = change(&admin, &format!("{USERS}/alice"), moved).await.ok(200);
    assert_eq!(alice["user"]["name"], "Alice");
    assert_eq!(admin.delete(&format!("{REGIONS}/{eu}")).await.status, 204);
    let list = admin.get(&format!("{USERS}?per_page=1")).await;
    assert_eq!(list.headers["total"], "1");
    assert_eq!(list.ok(200)["users"][0], alice["user"]);
    app.covers(&["users_list", "users_get", "users_create", "users_update"]);
}

#[tokio::test]
async fn a_tenant_has_a_currency_and_a_region_for_whoever_has_none() {
    const SETTINGS: &str = "/api/v1/admin/settings";
    let app = App::start().await;
    let admin = app.admin();
    let eu = region(&admin, "eu").await;
    for (body, field) in [
        (json!({"region_id": 9}), "region_id"),
        (json!({"region_id": "eu"}), "region_id"),
        (json!({"currency": "euro"}), "currency"),
    ] {
        let refused = admin.put(SETTINGS, body).await;
        refused.problem(400);
        assert_eq!(refused.field_errors()[0].0, field);
    }
    let set = admin.put(SETTINGS, json!({"region_id": eu, "currency": "EUR"})).await.ok(200);
    assert_eq!((&set["region_id"], &set["currency"]), (&json!(eu), &json!("EUR")));
    let path = format!("{REGIONS}/{eu}");
    assert!(admin.delete(&path).await.problem(422).contains("the settings"));
    admin.put(SETTINGS, json!({"region_id": null})).await.ok(200);
    assert_eq!(admin.delete(&path).await.status, 204);
}

#[tokio::test]
async fn the_same_name_from_many_at_once_is_had_by_one() {
    let app = App::start().await;
    let made = (0..8).map(|_| {
        let admin = app.admin();
        tokio::spawn(async move {
            admin.post(REGIONS, json!({"region": {"name": "eu"}})).await.status.as_u16()
        })
    });
    let made: Vec<_> = made.collect();
    let mut statuses = Vec::new();
    for one in made {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 422, 422, 422, 422, 422, 422, 422]);
    assert_eq!(app.admin().get(REGIONS).await.headers["total"], "1");
}

//! A tenant's whole catalog as one document: read, put elsewhere, pruned, and refused as a whole.

use reqwest::Method;
use serde_json::{Value, json};

use super::billing_plans::cloud;
use super::entries::{change, region};
use super::{
    ADMIN_PLANS, AUDIT, BILLING_PLANS, PRODUCTS, REGIONS, SETTINGS, USER_GROUPS, USERS, of_plan,
    subscription_of,
};
use crate::harness::{Actor, Answer, App};

pub(crate) const CATALOG: &str = "/api/v1/admin/catalog";

/// Two regions, two products, a price book of both, a group and a plan that name it.
fn shop() -> Value {
    let prices = |product: &str| {
        let of = |max_qty: Value, price: &str| json!({"currency": "USD", "max_qty": max_qty, "price": price, "regions": ["us", "eu"]});
        json!({"product": product, "tier_mode": "graduated", "billing_phases": [
            {"phase_type": "trial", "duration_unit": "days", "duration_qty": 7, "billing_resource_prices": [of(Value::Null, "0")]},
            {"phase_type": "final", "billing_resource_prices": [of(Value::Null, "0.25"), of(json!(10), "0.5")]},
        ]})
    };
    json!({
        "regions": [{"name": "us"}, {"name": "eu"}],
        "products": [
            {"external_id": "vm", "label": "VM", "resource_kind": "package", "package": {"cpu": 2, "memory": 4}},
            {"external_id": "cpu", "label": "CPU", "resource_kind": "resource", "unit": 1000, "unit_type": "Core"},
        ],
        "billing_plans": [{"name": "Cloud", "billing_resources": [prices("vm"), prices("cpu")]}],
        "user_groups": [{"name": "staff", "is_default": true, "billing_plan": "Cloud"}],
        "plans": [
            {
                "id": "pro", "name": "Pro", "price": "490.50", "currency": "RUB", "interval": "month",
                "quotas": {"cpu": 5, "requests": 100}, "billing_plan": "Cloud",
            },
            {"id": "free", "name": "Free", "price": 0, "currency": "RUB", "interval": "month"},
        ],
    })
}

async fn put(admin: &Actor, query: &str, document: &Value) -> Answer {
    admin.put(&format!("{CATALOG}{query}"), document.clone()).await
}

/// What was created, updated and deleted, by name, and how many are unchanged.
fn told(done: &Value) -> ([Vec<&str>; 3], u64) {
    let names = |list: &str| {
        done[list].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
    };
    (["created", "updated", "deleted"].map(names), done["unchanged"].as_u64().unwrap())
}

async fn entries_of_log(admin: &Actor) -> u64 {
    admin.get(AUDIT).await.ok(200)["total"].as_u64().unwrap()
}

#[tokio::test]
async fn a_catalog_is_put_in_one_commit_and_is_the_same_elsewhere() {
    let app = App::start().await;
    app.make_tenants(&["acme"]).await;
    let (admin, acme) = (app.admin(), app.of_tenant("acme", "a", "admin"));
    // Made by hand there, under other numbers.
    region(&acme, "asia").await;

    let entries = entries_of_log(&admin).await;
    let before = app.change_sets();
    let done = put(&admin, "", &shop()).await;
    let tag = done.headers["etag"].clone();
    let done = done.ok(200);
    let made = vec!["eu", "us", "cpu", "vm", "Cloud", "staff", "free", "pro"];
    assert_eq!(told(&done), ([made.clone(), vec![], vec![]], 0));
    assert_eq!(app.change_sets() - before, 1);
    assert_eq!(entries_of_log(&admin).await - entries, 8, "one for each");

    let read = admin.get(CATALOG).await;
    assert_eq!(read.headers["etag"], tag);
    let read = read.ok(200);
    assert_eq!(read["plans"][1]["price"], 490.5);
    let cpu = &read["billing_plans"][0]["billing_resources"][0];
    assert_eq!(
        cpu["billing_phases"][1]["billing_resource_prices"][0],
        json!({"currency": "USD", "max_qty": 10, "price": 0.5, "regions": ["eu", "us"]})
    );
    for document in [&shop(), &read] {
        let again = put(&admin, "?prune=true", document).await;
        assert_eq!(again.headers["etag"], tag);
        assert_eq!(told(&again.ok(200)), ([vec![], vec![], vec![]], 8));
    }
    assert_eq!(entries_of_log(&admin).await - entries, 8);

    let done = put(&acme, "?prune=true", &read).await.ok(200);
    assert_eq!(told(&done), ([made, vec![], vec!["asia"]], 0));
    assert_eq!(acme.get(CATALOG).await.ok(200), read);
    assert_eq!(admin.get(CATALOG).await.ok(200), read);
    // It can be used at once: the plan's price book prices in the new regions.
    let line = json!({"external_id": "cpu", "quantity": 11_000});
    let quote = json!({"currency": "USD", "region": "eu", "lines": [line]});
    let quote = acme.post(&format!("{BILLING_PLANS}/1/quote"), quote).await.ok(200);
    assert_eq!(quote["total"], 5.25);
    app.covers(&["catalog_get", "catalog_put"]);
}

#[tokio::test]
async fn what_was_shown_is_what_is_applied_and_a_dry_run_changes_nothing() {
    let app = App::start().await;
    let admin = app.admin();
    put(&admin, "", &shop()).await.ok(200);
    let before = admin.get(CATALOG).await.ok(200);
    let mut wanted = shop();
    wanted["plans"][0]["price"] = json!(590);
    wanted["billing_plans"][0]["billing_resources"][1]["billing_phases"][1]["billing_resource_prices"]
        [1]["price"] = json!("0.45");
    wanted["regions"].as_array_mut().unwrap().push(json!({"name": "asia"}));

    let shown = put(&admin, "?dry_run=true", &wanted).await;
    let tag = shown.headers["etag"].to_str().unwrap().to_owned();
    let shown = shown.ok(200);
    assert_eq!(told(&shown), ([vec!["asia"], vec!["Cloud", "pro"], vec![]], 6));
    let place = "billing_resources[cpu].billing_phases[final].billing_resource_prices[USD in eu, us up to 10].price";
    assert_eq!(shown["updated"][0]["changes"], json!({place: {"old": 0.5, "new": 0.45}}));
    assert_eq!(shown["updated"][1]["changes"], json!({"price": {"old": 490.5, "new": 590}}));
    assert_eq!(admin.get(CATALOG).await.ok(200), before);

    let body = wanted.to_string();
    let apply =
        async |tag: &str| admin.send_with(&[("if-match", tag)], Method::PUT, CATALOG, &body).await;
    // Somebody changes something else meanwhile: a plan, then a thing that is priced.
    admin.post(ADMIN_PLANS, super::plan("other")).await.ok(201);
    assert!(apply(&tag).await.problem(412).contains("catalog"));
    let tag = put(&admin, "?dry_run=true", &wanted).await.headers["etag"].clone();
    region(&admin, "africa").await;
    apply(tag.to_str().unwrap()).await.problem(412);
    let tag = put(&admin, "?dry_run=true", &wanted).await.headers["etag"].clone();
    let mut done = apply(tag.to_str().unwrap()).await.ok(200);
    assert_eq!((&done["dry_run"], &done["unchanged"]), (&json!(false), &json!(8)));
    (done["dry_run"], done["unchanged"]) = (shown["dry_run"].clone(), shown["unchanged"].clone());
    assert_eq!(done, shown);
    apply(tag.to_str().unwrap()).await.problem(412);
}

#[tokio::test]
async fn a_repeat_under_a_key_is_the_same_answer_and_one_change() {
    let app = App::start().await;
    let admin = app.admin();
    let key = [("idempotency-key", "k1")];
    let body = shop().to_string();
    let first = admin.send_with(&key, Method::PUT, CATALOG, &body).await;
    let again = admin.send_with(&key, Method::PUT, CATALOG, &body).await;
    assert_eq!(again.headers["etag"], first.headers["etag"]);
    assert_eq!(again.ok(200), first.ok(200));
    assert_eq!(entries_of_log(&admin).await, 8);
}

#[tokio::test]
async fn what_is_refused_is_named_by_its_place_and_nothing_of_the_rest_is_done() {
    let app = App::start().await;
    let admin = app.admin();
    put(&admin, "", &shop()).await.ok(200);
    admin.put(&subscription_of("bob"), json!({"plan_id": "free"})).await.ok(201);
    let before = admin.get(CATALOG).await.ok(200);
    let entries = entries_of_log(&admin).await;
    let price =
        "billing_plans[0].billing_resources[0].billing_phases[1].billing_resource_prices[0]";
    let price_pointer =
        "/billing_plans/0/billing_resources/0/billing_phases/1/billing_resource_prices/0";
    for (pointer, value, field, part) in [
        (
            "/plans/1/quotas",
            json!({"requests": 5}),
            "plans[1].quotas.requests",
            "active subscriptions",
        ),
        ("/plans/0/quotas", json!({"gpu": 5}), "plans[0].quotas.gpu", "Invalid metric"),
        ("/plans/0/price", json!(-1), "plans[0].price", "0 or more"),
        ("/plans/0/billing_plan", json!("Edge"), "plans[0].billing_plan", "no billing plan 'Edge'"),
        ("/products/1/unit", json!(10), "products[1].unit", "price it"),
        ("/products/0/external_id", json!("cpu"), "products[1].external_id", "twice"),
        (
            &format!("{price_pointer}/regions"),
            json!(["mars"]),
            &format!("{price}.regions[0]"),
            "no region 'mars'",
        ),
        (&format!("{price_pointer}/price"), json!("-1"), &format!("{price}.price"), "0 or more"),
    ] {
        let mut wanted = shop();
        wanted["regions"].as_array_mut().unwrap().push(json!({"name": "asia"}));
        // What is absent is made, so that it can be pointed at.
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        wanted.pointer_mut(parent).unwrap()[name] = value;
        for query in ["", "?dry_run=true"] {
            let refused = put(&admin, query, &wanted).await;
            assert!(refused.problem(422).contains(part), "{pointer}: {}", refused.json);
            assert_eq!(refused.field_errors()[0].0, field, "{}", refused.json);
        }
    }
    for (body, field) in [
        (json!({"regoins": []}), "regoins"),
        (json!({"plans": [{"id": "a", "nmae": "A"}]}), "plans[0].nmae"),
        (
            json!({"plans": [{"id": "a", "name": "A", "price": 1, "currency": "rub"}]}),
            "plans[0].currency",
        ),
    ] {
        let refused = put(&admin, "", &body).await;
        refused.problem(400);
        assert_eq!(refused.field_errors()[0].0, field);
    }
    put(&admin, "?dry_run=maybe", &shop()).await.problem(400);
    // Everything that is wrong is told at once.
    let mut wanted = shop();
    wanted["plans"][0]["quotas"] = json!({"gpu": 1, "tpu": 2});
    wanted["plans"][1]["quotas"] = json!({"requests": 5});
    let refused = put(&admin, "", &wanted).await;
    let fields: Vec<String> = refused.field_errors().into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["plans[0].quotas.gpu", "plans[0].quotas.tpu", "plans[1].quotas.requests"]);
    assert_eq!(admin.get(CATALOG).await.ok(200), before);
    assert_eq!(entries_of_log(&admin).await, entries);
}

#[tokio::test]
async fn a_prune_takes_away_what_nobody_rests_on_and_all_of_it_at_once() {
    let app = App::start().await;
    let admin = app.admin();
    put(&admin, "", &shop()).await.ok(200);
    let nothing = json!({});
    // What the document does not have stays without it.
    assert_eq!(told(&put(&admin, "", &nothing).await.ok(200)), ([vec![], vec![], vec![]], 8));

    admin.put(&subscription_of("bob"), json!({"plan_id": "free"})).await.ok(201);
    admin.post(USERS, json!({"user": {"id": "eve", "user_group_id": 1}})).await.ok(201);
    admin.put(SETTINGS, json!({"default_plan": "pro", "region_id": 1})).await.ok(200);
    let refused = put(&admin, "?prune=true", &nothing).await;
    let said = refused.problem(422).to_owned();
    for part in ["Region 'us' cannot be deleted", "User group 'staff' cannot be deleted"] {
        assert!(said.contains(part), "{said}");
    }
    admin.put(SETTINGS, json!({"region_id": null})).await.ok(200);
    change(&admin, &format!("{USERS}/eve"), json!({"user": {"user_group_id": null}})).await.ok(200);
    let refused = put(&admin, "?prune=true", &nothing).await;
    let said = refused.problem(422).to_owned();
    for part in ["Cannot delete plan", "default plan"] {
        assert!(said.contains(part), "{said}");
    }
    let kept = json!({"plans": [shop()["plans"][1]]});
    admin.put(SETTINGS, json!({"default_plan": null})).await.ok(200);
    let done = put(&admin, "?prune=true", &kept).await.ok(200);
    let gone = vec!["eu", "us", "cpu", "vm", "Cloud", "staff", "pro"];
    assert_eq!(told(&done), ([vec![], vec![], gone], 1));
    for path in [REGIONS, PRODUCTS, BILLING_PLANS, USER_GROUPS] {
        assert_eq!(admin.get(path).await.headers["total"], "0", "{path}");
    }
    admin.get(&of_plan("pro")).await.problem(404);
    // It can be put back, under new numbers.
    put(&admin, "", &shop()).await.ok(200);
    let book = admin.get(&of_plan("pro")).await.ok(200)["plan"]["billing_plan_id"].clone();
    assert_eq!(book, 2);
}

#[tokio::test]
async fn billing_plans_of_one_name_are_told_apart_before_a_document_is_made() {
    let app = App::start().await;
    let admin = app.admin();
    cloud(&admin).await;
    admin.post(BILLING_PLANS, json!({"billing_plan": {"name": "Cloud"}})).await.ok(201);
    for answer in [admin.get(CATALOG).await, put(&admin, "", &json!({})).await] {
        assert!(answer.problem(422).contains("PATCH /api/admin/billing_plans/2"));
    }
    change(&admin, &format!("{BILLING_PLANS}/2"), json!({"billing_plan": {"name": "Edge"}}))
        .await
        .ok(200);
    assert_eq!(admin.get(CATALOG).await.ok(200)["billing_plans"][1]["name"], "Edge");
}

/// 500 plans and 50 price books of 20 products each, in two regions and two currencies.
fn large() -> Value {
    let products: Vec<Value> = (0..100)
        .map(|at| json!({"external_id": format!("p{at}"), "label": "P", "resource_kind": "resource"}))
        .collect();
    let tier = |currency: &str, max_qty: Value, price: String| json!({"currency": currency, "max_qty": max_qty, "price": price, "regions": ["eu", "us"]});
    let book = |at: usize| {
        let resources: Vec<Value> = (0..20)
            .map(|product| {
                let prices: Vec<Value> = ["USD", "EUR"]
                    .into_iter()
                    .flat_map(|currency| {
                        [
                            tier(currency, json!(100), format!("0.{at}5")),
                            tier(currency, json!(null), format!("0.{at}1")),
                        ]
                    })
                    .collect();
                json!({"product": format!("p{}", (at + product) % 100), "tier_mode": "graduated", "billing_phases": [
                    {"phase_type": "final", "billing_resource_prices": prices},
                ]})
            })
            .collect();
        json!({"name": format!("Book {at:02}"), "billing_resources": resources})
    };
    let plan = |at: usize| {
        json!({
            "id": format!("plan_{at:03}"), "name": format!("Plan {at}"), "price": at, "currency": "RUB",
            "interval": "month", "quotas": {"requests": 1000, format!("p{}", at % 100): 10},
            "billing_plan": format!("Book {:02}", at % 50),
        })
    };
    json!({
        "regions": [{"name": "eu"}, {"name": "us"}],
        "products": products,
        "billing_plans": (0..50).map(book).collect::<Vec<_>>(),
        "plans": (0..500).map(plan).collect::<Vec<_>>(),
    })
}

#[tokio::test]
async fn a_large_catalog_is_one_commit() {
    let app = App::start().await;
    let admin = app.admin();
    admin.get(CATALOG).await.ok(200);
    let before = app.change_sets();
    let done = put(&admin, "", &large()).await.ok(200);
    assert_eq!(done["created"].as_array().unwrap().len(), 652);
    assert_eq!(app.change_sets() - before, 1);
    let read = admin.get(CATALOG).await.ok(200);
    assert_eq!(
        (read["plans"].as_array().unwrap().len(), read["billing_plans"].as_array().unwrap().len()),
        (500, 50)
    );
    assert!(read.to_string().len() < 1 << 20, "the next test is about larger ones");
    assert_eq!(
        told(&put(&admin, "?prune=true", &read).await.ok(200)),
        ([vec![], vec![], vec![]], 652)
    );
    let done = put(&admin, "?prune=true", &json!({})).await.ok(200);
    assert_eq!(done["deleted"].as_array().unwrap().len(), 652);
}

#[tokio::test]
async fn documents_may_be_larger_than_other_bodies_and_not_without_end() {
    let app = App::with(|config| {
        config.limits.body_bytes = 1_000;
        config.limits.batch_bytes = 4_000;
    })
    .await;
    let admin = app.admin();
    admin.post(BILLING_PLANS, json!({"billing_plan": {"name": "Cloud"}})).await.ok(201);
    let document = format!("{BILLING_PLANS}/1/document");
    let padded = |json: &str, bytes: usize| format!("{json}{}", " ".repeat(bytes - json.len()));
    for (path, body) in
        [(CATALOG, "{}"), (document.as_str(), r#"{"billing_plan":{"name":"Cloud"}}"#)]
    {
        for headers in [&[][..], &[("idempotency-key", "k")][..]] {
            let fits = admin.send_with(headers, Method::PUT, path, &padded(body, 4_000)).await;
            assert_eq!(fits.status, 200, "{path}: {}", fits.json);
            let large = admin.send_with(headers, Method::PUT, path, &padded(body, 4_001)).await;
            assert!(large.problem(413).contains("4000 bytes"), "{}", large.json);
        }
    }
    // Others are what they were.
    let body = padded(r#"{"region":{"name":"eu"}}"#, 1_001);
    admin.send(Method::POST, REGIONS, &body).await.problem(413);
}

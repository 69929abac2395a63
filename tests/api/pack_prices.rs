//! Packs with price books: installed together or not at all, and ready to quote.

use serde_json::{Value, json};

use super::catalog::CATALOG;
use super::entries::{change, product};
use super::template_packs::{PACKS, lists, with_pack};
use super::{ADMIN_PLANS, AUDIT, BILLING_PLANS, PRODUCTS, of_plan};
use crate::harness::{Actor, App};

const PRODUCT_IDS: [&str; 8] = [
    "cpu_hours",
    "memory_gb_hours",
    "storage_gb_hours",
    "traffic_gb",
    "backup_gb",
    "vm_small",
    "vm_medium",
    "vm_large",
];

/// All that the pack's group of prices has, in its order.
fn everything() -> Vec<&'static str> {
    [&["eu-central", "us-east"][..], &PRODUCT_IDS, &["Cloud hosting"]].concat()
}

async fn install(admin: &Actor, body: Value) -> Value {
    admin.post(&format!("{PACKS}/cloud-hosting/install"), body).await.ok(200)
}

/// The names that were created, updated, skipped and refused.
fn prices(done: &Value) -> [Vec<&str>; 4] {
    ["created", "updated", "skipped", "refused"].map(|list| {
        let list = done["price_catalog"][list].as_array().unwrap();
        list.iter().map(|one| one["name"].as_str().unwrap()).collect()
    })
}

#[tokio::test]
async fn a_price_book_is_installed_with_all_it_names_and_quotes_at_once() {
    let app = App::start().await;
    let admin = app.admin();
    let rehearsed = install(&admin, json!({"dry_run": true})).await;
    assert_eq!(admin.get(ADMIN_PLANS).await.ok(200), json!([]));
    assert_eq!(admin.get(BILLING_PLANS).await.headers["total"], "0");
    let before = app.change_sets();
    let done = install(&admin, json!({})).await;
    assert_eq!(app.change_sets() - before, 3, "the prices at once, and then each plan");
    let plans = vec!["pay_as_you_go", "team"];
    assert_eq!(lists(&done), [plans.clone(), vec![], vec![], vec![]]);
    assert_eq!(prices(&done), [everything(), vec![], vec![], vec![]]);
    assert_eq!(done["default_plan"], Value::Null);
    let mut said = rehearsed;
    said["dry_run"] = json!(false);
    assert_eq!(said, done, "a dry run says what happens");
    assert_eq!(done["price_catalog"]["created"][0]["warnings"], Value::Null);
    assert_eq!(admin.get(AUDIT).await.ok(200)["total"], 13, "an entry for each");

    // 1,500 core hours: 1,000 at 0.02, 500 at 0.016; 250 GB of backups are three packages.
    let quote = json!({"currency": "USD", "region": "eu-central", "lines": [
        {"external_id": "cpu_hours", "quantity": 1_500}, {"external_id": "backup_gb", "quantity": 250},
        {"external_id": "vm_small", "quantity": 730},
    ]});
    let quote = admin.post(&format!("{BILLING_PLANS}/1/quote"), quote).await.ok(200);
    let amounts: Vec<&Value> =
        quote["charges"].as_array().unwrap().iter().map(|one| &one["amount"]).collect();
    assert_eq!(amounts, [&json!(28), &json!(6), &json!(5.84)]);
    let team = admin.get(&of_plan("team")).await.ok(200)["plan"].clone();
    assert_eq!(
        (&team["billing_plan_id"], &team["overage"]),
        (&json!(1), &json!({"traffic_gb": "bill"}))
    );
    let small = admin.get(&format!("{PRODUCTS}/6")).await.ok(200)["product"].clone();
    assert_eq!(
        (&small["external_id"], &small["package"]["cpu"]),
        (&json!("vm_small"), &json!(0.5))
    );

    let again = install(&admin, json!({})).await;
    assert_eq!(lists(&again), [vec![], vec![], plans, vec![]]);
    assert_eq!(prices(&again), [vec![], vec![], everything(), vec![]]);
    let listed = admin.get(PACKS).await.ok(200);
    let group = &listed["items"][1]["groups"][0];
    assert_eq!((&group["name"], &group["plans"]), (&json!("prices"), &json!([])));
    let first = json!({"kind": "region", "name": "eu-central", "installed": true});
    assert_eq!(group["price_catalog"][0], first);
    assert_eq!(group["price_catalog"].as_array().unwrap().len(), 11);
}

#[tokio::test]
async fn force_makes_prices_what_the_pack_has_and_leaves_what_is_so() {
    let app = App::start().await;
    let admin = app.admin();
    install(&admin, json!({})).await;
    let shown = admin.get(CATALOG).await.ok(200);
    change(&admin, &format!("{PRODUCTS}/1"), json!({"product": {"label": "Mine"}})).await.ok(200);
    let prices_of =
        format!("{BILLING_PLANS}/1/billing_resources/1/billing_phases/3/billing_resource_prices");
    let all = admin.get(&format!("{BILLING_PLANS}/1")).await.ok(200);
    let phase = &all["billing_plans"][0]["billing_resources"][0]["billing_phases"][2];
    assert_eq!(phase["id"], 3, "{phase}");
    let price = phase["billing_resource_prices"][0]["id"].clone();
    let dearer = json!({"billing_resource_price": {"price": "0.99"}});
    change(&admin, &format!("{prices_of}/{price}"), dearer).await.ok(200);
    admin.put(&of_plan("team"), json!({"billing_plan_id": null})).await.ok(200);

    let skipped = install(&admin, json!({})).await;
    assert_eq!(prices(&skipped), [vec![], vec![], everything(), vec![]]);
    for dry_run in [true, false] {
        let done = install(&admin, json!({"force": true, "dry_run": dry_run})).await;
        let mut rest = everything();
        rest.retain(|name| !["cpu_hours", "Cloud hosting"].contains(name));
        let updated = vec!["cpu_hours", "Cloud hosting"];
        assert_eq!(prices(&done), [vec![], updated, rest, vec![]], "dry run: {dry_run}");
        assert_eq!(lists(&done)[1], ["pay_as_you_go", "team"]);
    }
    assert_eq!(admin.get(CATALOG).await.ok(200), shown, "as it was installed, the plan's book too");
}

#[tokio::test]
async fn prices_are_refused_together_and_a_plan_without_its_book_is_refused_for_that() {
    let app = App::start().await;
    let admin = app.admin();
    // The tenant measures processors otherwise, and has them priced.
    admin.post(PRODUCTS, product("cpu_hours", 60)).await.ok(201);
    admin.post(BILLING_PLANS, json!({"billing_plan": {"name": "Own"}})).await.ok(201);
    let resources = format!("{BILLING_PLANS}/1/billing_resources");
    admin.post(&resources, json!({"billing_resource": {"product_id": 1}})).await.ok(201);
    let before = admin.get(CATALOG).await.ok(200);
    for dry_run in [true, false] {
        let done = install(&admin, json!({"force": true, "dry_run": dry_run})).await;
        assert_eq!(prices(&done), [vec![], vec![], vec![], everything()]);
        let refused = done["price_catalog"]["refused"].as_array().unwrap();
        let cpu = refused.iter().find(|one| one["name"] == "cpu_hours").unwrap();
        assert_eq!(cpu["errors"][0]["field"], "unit");
        assert!(refused[0]["reason"].as_str().unwrap().contains("some are refused"), "{done}");
        assert_eq!(lists(&done)[3], ["pay_as_you_go", "team"]);
        let reason = done["refused"][0]["reason"].as_str().unwrap();
        assert!(reason.contains("There is no billing plan 'Cloud hosting'"), "{reason}");
    }
    assert_eq!(admin.get(CATALOG).await.ok(200), before);
    // Without force, the tenant's own product stays, and the book prices it by its unit.
    let done = install(&admin, json!({})).await;
    assert_eq!(prices(&done)[2], ["cpu_hours"]);
    assert_eq!(lists(&done)[0], ["pay_as_you_go", "team"]);
    // Of two books of that name, none is guessed to be the one.
    admin.delete(&of_plan("team")).await.ok(200);
    admin.post(BILLING_PLANS, json!({"billing_plan": {"name": "Cloud hosting"}})).await.ok(201);
    let done = install(&admin, json!({"groups": ["plans"]})).await;
    let reason = done["refused"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("Several billing plans are called 'Cloud hosting'"), "{reason}");
}

#[tokio::test]
async fn a_book_that_names_what_there_is_not_keeps_the_packs_prices_out() {
    let app = with_pack("bad-prices").await;
    let admin = app.admin();
    let before = admin.get(CATALOG).await.ok(200);
    let done = admin.post(&format!("{PACKS}/own/install"), json!({})).await.ok(200);
    assert_eq!(prices(&done), [vec![], vec![], vec![], vec!["eu", "Own prices"]]);
    let book = &done["price_catalog"]["refused"][1];
    assert_eq!(book["errors"][0]["field"], "billing_resources[0].product");
    assert_eq!(lists(&done)[3], ["own_bad", "own_basic"]);
    assert_eq!(admin.get(CATALOG).await.ok(200), before);
    app.covers(&["template_packs_install"]);
}

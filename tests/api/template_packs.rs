//! Template packs: what is listed, what is installed, and what is refused of it.

use planwright_server::config::PluginConfig;
use serde_json::{Value, json};

use super::{ADMIN_PLANS, AUDIT, of_plan, plan, subscription_of};
use crate::harness::{Actor, App};

pub(super) const PACKS: &str = "/api/v1/admin/template-packs";
const INSTALL: &str = "/api/v1/admin/template-packs/saas-tiers/install";
const SETTINGS: &str = "/api/v1/admin/settings";
const OWN: &str = env!("WASM_PLANWRIGHT_TEST_TEMPLATES");

const DEFAULT: [&str; 4] = ["free", "starter", "pro", "business"];
const ALL: [&str; 8] = [
    "free",
    "starter",
    "pro",
    "business",
    "starter_annual",
    "pro_annual",
    "business_annual",
    "newyear",
];

fn all() -> Value {
    json!({"groups": ["default", "annual", "promo"]})
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

/// The ids that were created, updated, skipped and refused.
pub(super) fn lists(done: &Value) -> [Vec<&str>; 4] {
    ["created", "updated", "skipped", "refused"].map(|list| ids(&done[list]))
}

async fn install(admin: &Actor, body: Value) -> Value {
    admin.post(INSTALL, body).await.ok(200)
}

async fn plan_of(admin: &Actor, id: &str) -> Value {
    admin.get(&of_plan(id)).await.ok(200)["plan"].clone()
}

pub(super) async fn with_pack(behaviour: &str) -> App {
    let settings = toml::Table::from_iter([("behaviour".to_owned(), behaviour.into())]);
    let plugin = PluginConfig { file: Some(OWN.into()), settings };
    App::with(|config| config.plugins.templates.push(plugin)).await
}

#[tokio::test]
async fn the_standard_pack_gives_its_table_and_a_second_time_nothing() {
    let app = App::start().await;
    let admin = app.admin();
    let done = install(&admin, all()).await;
    assert_eq!(lists(&done), [ALL.to_vec(), vec![], vec![], vec![]]);
    assert_eq!(done["default_plan"], "free");
    let quotas = |input: u64, output: u64, requests: u64| json!({"tokens_input": input, "tokens_output": output, "requests": requests});
    const K: u64 = 1_000;
    const M: u64 = 1_000_000;
    let table = [
        ("free", 0, "month", quotas(100 * K, 50 * K, 500), true, 0),
        ("starter", 490, "month", quotas(M, 500 * K, 5 * K), true, 1),
        ("pro", 1490, "month", quotas(5 * M, 2 * M, 20 * K), true, 2),
        ("business", 4990, "month", quotas(20 * M, 10 * M, 100 * K), true, 3),
        ("starter_annual", 4704, "year", quotas(12 * M, 6 * M, 60 * K), true, 5),
        ("pro_annual", 14304, "year", quotas(60 * M, 24 * M, 240 * K), true, 6),
        ("business_annual", 47904, "year", quotas(240 * M, 120 * M, 1200 * K), true, 7),
        ("newyear", 745, "month", quotas(5 * M, 2 * M, 20 * K), false, 10),
    ];
    let listed = admin.get(ADMIN_PLANS).await.ok(200);
    assert_eq!(listed.as_array().unwrap().len(), table.len());
    for ((id, price, interval, quotas, is_active, order), stats) in
        table.into_iter().zip(listed.as_array().unwrap())
    {
        let plan = &stats["plan"];
        assert_eq!(plan["id"], id);
        assert_eq!((&plan["price"], &plan["currency"]), (&json!(price), &json!("RUB")), "{id}");
        assert_eq!((&plan["interval"], &plan["quotas"]), (&json!(interval), &quotas), "{id}");
        assert_eq!(
            (&plan["is_active"], &plan["display_order"]),
            (&json!(is_active), &json!(order))
        );
        assert!(plan["name_ru"].is_string() && plan["description_ru"].is_string(), "{id}");
    }
    // The clock stands at 1738742400; 90 days later.
    let promo = &listed[7]["plan"]["metadata"];
    assert_eq!(promo["promo_ends"], "1746518400");
    assert!(promo["promo"].is_string() && promo["promo_code"].is_string(), "{promo}");

    let again = install(&admin, all()).await;
    assert_eq!(lists(&again), [vec![], vec![], ALL.to_vec(), vec![]]);
    assert_eq!(again["default_plan"], Value::Null, "it was set before");
    assert!(again["skipped"][0]["reason"].as_str().unwrap().contains("force"), "{again}");
    assert_eq!(admin.get(ADMIN_PLANS).await.ok(200), listed, "nothing changed");
    app.covers(&["template_packs_install"]);
}

#[tokio::test]
async fn without_groups_the_default_ones_are_installed() {
    let app = App::start().await;
    for body in ["", "{}", r#"{"groups":null}"#] {
        let answer = app.admin().send(reqwest::Method::POST, INSTALL, body).await.ok(200);
        assert!(ids(&answer["created"]) == DEFAULT || ids(&answer["skipped"]) == DEFAULT, "{body}");
    }
}

#[tokio::test]
async fn force_updates_through_the_rules_and_leaves_alone_what_a_pack_cannot_know() {
    let app = App::start().await;
    let admin = app.admin();
    install(&admin, json!({})).await;
    let edited = json!({"price": 99, "is_active": false, "metadata": {"note": "mine"}});
    admin.put(&of_plan("pro"), edited).await.ok(200);
    // More than the pack allows, and somebody is on it: nothing may be taken away.
    let generous =
        json!({"quotas": {"tokens_input": 9_000_000, "tokens_output": 500_000, "requests": 5_000}});
    admin.put(&of_plan("starter"), generous).await.ok(200);
    admin.put(&subscription_of("u"), json!({"plan_id": "starter"})).await.ok(201);

    let before = admin.get(ADMIN_PLANS).await.ok(200);
    let rehearsed = install(&admin, json!({"force": true, "dry_run": true})).await;
    assert_eq!(rehearsed["dry_run"], true);
    assert_eq!(admin.get(ADMIN_PLANS).await.ok(200), before, "a dry run changes nothing");
    let done = install(&admin, json!({"force": true})).await;
    assert_eq!(lists(&done), lists(&rehearsed), "a dry run says what happens");
    let updated = vec!["free", "pro", "business"];
    assert_eq!(lists(&done), [vec![], updated, vec![], vec!["starter"]]);

    let pro = plan_of(&admin, "pro").await;
    assert_eq!((&pro["price"], &pro["is_active"]), (&json!(1490), &json!(false)));
    assert_eq!(pro["metadata"], json!({"note": "mine"}));
    let refused = &done["refused"][0];
    assert_eq!(
        refused["reason"],
        "Cannot decrease quota 'tokens_input' from 9000000 to 1000000 while plan has active \
         subscriptions. Create a new plan instead."
    );
    assert_eq!(refused["errors"][0]["field"], "quotas.tokens_input");
    assert_eq!(plan_of(&admin, "starter").await["quotas"]["tokens_input"], 9_000_000);
}

/// What the audit log tells of plans, newest first: which one, what was done, and the fields that changed.
async fn told(admin: &Actor) -> Vec<(String, String, Vec<String>)> {
    let log = admin.get(&format!("{AUDIT}?entity_type=plan&page_size=100")).await.ok(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let entries = log["items"].as_array().unwrap().iter().map(|entry| {
        let fields = entry["changes"].as_object().unwrap().keys().cloned().collect();
        (text(&entry["entity_id"]), text(&entry["action"]), fields)
    });
    entries.collect()
}

#[tokio::test]
async fn force_has_an_entry_in_the_audit_log_for_every_plan_that_was_there_and_is_one_tenants_alone()
 {
    let app = App::start().await;
    app.make_tenants(&["acme"]).await;
    let (admin, acme) = (app.admin(), app.of_tenant("acme", "a", "admin"));
    for tenant in [&admin, &acme] {
        install(tenant, json!({})).await;
        tenant.put(&of_plan("pro"), json!({"price": 99})).await.ok(200);
        tenant.patch(&format!("{}/toggle", of_plan("business"))).await.ok(200);
    }
    let untouched = (admin.get(ADMIN_PLANS).await.ok(200), told(&admin).await);
    let before = (plan_of(&acme, "free").await, told(&acme).await.len());
    app.clock.advance(60);

    let done = install(&acme, json!({"force": true})).await;
    assert_eq!(lists(&done), [vec![], DEFAULT.to_vec(), vec![], vec![]]);
    let all = told(&acme).await;
    let entry = |id: &str, fields: &[&str]| {
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        (id.to_owned(), "plan_updated".to_owned(), fields)
    };
    let expected = [
        entry("business", &[]),
        entry("pro", &["price"]),
        entry("starter", &[]),
        entry("free", &[]),
    ];
    assert_eq!(all[..all.len() - before.1], expected);
    // What was as the pack has it keeps its version; what is switched off stays off.
    assert_eq!(plan_of(&acme, "free").await, before.0);
    assert_eq!(plan_of(&acme, "pro").await["version"], 3);
    assert_eq!(plan_of(&acme, "business").await["is_active"], false);
    assert_eq!((admin.get(ADMIN_PLANS).await.ok(200), told(&admin).await), untouched);
}

#[tokio::test]
async fn a_plan_that_time_has_freed_is_not_protected_from_force() {
    let app = App::start().await;
    let admin = app.admin();
    install(&admin, json!({})).await;
    let generous =
        json!({"quotas": {"tokens_input": 9_000_000, "tokens_output": 500_000, "requests": 5_000}});
    admin.put(&of_plan("starter"), generous).await.ok(200);
    admin.put(&subscription_of("u"), json!({"plan_id": "starter"})).await.ok(201);
    // Nobody pays, and the worker does not come by.
    app.clock.advance(365 * 86_400);
    let done = install(&admin, json!({"force": true})).await;
    assert_eq!(lists(&done)[1], DEFAULT, "{done}");
    assert_eq!(plan_of(&admin, "starter").await["quotas"]["tokens_input"], 1_000_000);
}

#[tokio::test]
async fn a_dry_run_on_an_empty_tenant_says_all_and_makes_nothing() {
    let app = App::start().await;
    let admin = app.admin();
    let mut body = all();
    body["dry_run"] = json!(true);
    let done = install(&admin, body).await;
    assert_eq!(lists(&done), [ALL.to_vec(), vec![], vec![], vec![]]);
    assert_eq!(done["default_plan"], "free");
    assert_eq!(admin.get(ADMIN_PLANS).await.ok(200), json!([]));
    assert_eq!(admin.get(SETTINGS).await.ok(200)["default_plan"], Value::Null);
}

#[tokio::test]
async fn an_unknown_pack_is_404_and_an_unknown_group_400_by_its_place() {
    let app = App::start().await;
    let admin = app.admin();
    let answer = admin.post(&format!("{PACKS}/ghost/install"), json!({})).await;
    assert!(answer.problem(404).contains("'ghost'"), "{}", answer.json);
    for (body, field) in [
        (json!({"groups": ["default", "weekly"]}), "groups[1]"),
        (json!({"groups": []}), "groups"),
        (json!({"groups": "default"}), "groups"),
        (json!({"forced": true}), "forced"),
    ] {
        let answer = admin.post(INSTALL, body.clone()).await;
        answer.problem(400);
        assert_eq!(answer.field_errors()[0].0, field, "{body}");
    }
    assert_eq!(admin.get(ADMIN_PLANS).await.ok(200), json!([]), "nothing was made");
}

#[tokio::test]
async fn the_list_says_what_can_be_installed_and_what_is() {
    let app = App::start().await;
    let admin = app.admin();
    install(&admin, json!({})).await;
    let page = admin.get(PACKS).await.ok(200);
    assert_eq!((&page["total"], &page["page_size"]), (&json!(2), &json!(20)));
    let pack = &page["items"][0];
    assert_eq!((&pack["name"], &pack["available"]), (&json!("saas-tiers"), &json!(true)));
    assert_eq!(pack["default_plan"], "free");
    assert_eq!(pack["plugin"]["name"], "planwright-saas-tiers");
    assert_eq!(pack["plugin"]["digest"].as_str().unwrap().len(), 64);
    for (at, name, by_default) in [(0, "default", true), (1, "annual", false), (2, "promo", false)]
    {
        let group = &pack["groups"][at];
        assert_eq!((&group["name"], &group["by_default"]), (&json!(name), &json!(by_default)));
        assert!(group["title"].is_string(), "{group}");
        for plan in group["plans"].as_array().unwrap() {
            assert_eq!(plan["installed"], by_default, "{plan}");
        }
    }
    assert_eq!(pack["groups"][1]["plans"][0]["price"], 4704);
    assert_eq!(admin.get(&format!("{PACKS}?page=2")).await.ok(200)["items"], json!([]));
    app.covers(&["template_packs_list"]);
}

#[tokio::test]
async fn an_operators_pack_is_installed_beside_the_standard_one_and_a_bad_plan_does_not_hold_up_the_others()
 {
    let app = with_pack("own").await;
    let admin = app.admin();
    let listed = admin.get(PACKS).await.ok(200);
    assert_eq!((&listed["total"], &listed["items"][2]["name"]), (&json!(3), &json!("own")));
    let done = admin.post(&format!("{PACKS}/own/install"), json!({})).await.ok(200);
    assert_eq!(lists(&done), [vec!["own_basic"], vec![], vec![], vec!["own_bad"]]);
    assert!(done["refused"][0]["reason"].as_str().unwrap().contains("Invalid metric: steps"));
    assert_eq!(plan_of(&admin, "own_basic").await["currency"], "USD");
    // It came first, so the default plan is its own.
    assert_eq!(done["default_plan"], "own_basic");
    assert_eq!(install(&admin, json!({})).await["default_plan"], Value::Null);
    assert_eq!(admin.get(SETTINGS).await.ok(200)["default_plan"], "own_basic");
}

#[tokio::test]
async fn a_pack_that_fails_is_unavailable_and_nothing_else_is() {
    for (behaviour, name, part) in [
        ("panic", "planwright-test-templates", "it panicked"),
        ("panic-in-unpack", "planwright-test-templates", "it panicked"),
        ("odd-unit", "planwright-test-templates", "a unit is a whole number"),
        ("same-name", "saas-tiers", "Another pack of this name"),
    ] {
        let app = with_pack(behaviour).await;
        let admin = app.admin();
        let listed = admin.get(PACKS).await.ok(200);
        assert_eq!(listed["items"][0]["available"], true, "{behaviour}: {listed}");
        let failed = &listed["items"][2];
        assert_eq!((&failed["available"], &failed["name"]), (&json!(false), &json!(name)));
        assert!(failed["reason"].as_str().unwrap().contains(part), "{behaviour}: {failed}");
        assert_eq!(ids(&install(&admin, json!({})).await["created"]), DEFAULT, "{behaviour}");
    }
    let app = with_pack("panic").await;
    let answer =
        app.admin().post(&format!("{PACKS}/planwright-test-templates/install"), json!({})).await;
    assert!(answer.problem(503).contains("it panicked"), "{}", answer.json);
    let app = with_pack("panic-in-unpack").await;
    let answer = app.admin().post(&format!("{PACKS}/own/install"), json!({})).await;
    assert!(answer.problem(503).contains("it panicked"), "{}", answer.json);
}

#[tokio::test]
async fn the_default_plan_is_a_setting_and_an_admins_choice_stays() {
    let app = App::start().await;
    let admin = app.admin();
    assert_eq!(admin.get(SETTINGS).await.ok(200)["default_plan"], Value::Null);
    for (body, field) in [
        (json!({"default_plan": "ghost"}), "default_plan"),
        (json!({"default_plan": "a b"}), "default_plan"),
        (json!({"defualt_plan": null}), "defualt_plan"),
    ] {
        let answer = admin.put(SETTINGS, body.clone()).await;
        answer.problem(400);
        assert_eq!(answer.field_errors()[0].0, field, "{body}");
    }
    // That there be none is a choice, too.
    admin.put(SETTINGS, json!({"default_plan": null})).await.ok(200);
    assert_eq!(install(&admin, json!({})).await["default_plan"], Value::Null);
    assert_eq!(admin.get(SETTINGS).await.ok(200)["default_plan"], Value::Null);
    let set = admin.put(SETTINGS, json!({"default_plan": "pro"})).await.ok(200);
    let all = json!({
        "default_plan": "pro", "grace_days": 3, "payments": {"yookassa": null}, "currency": null,
        "region_id": null,
    });
    assert_eq!(set, all);
    assert_eq!(admin.put(SETTINGS, json!({})).await.ok(200), set, "what is absent stays");
    app.covers(&["settings_get", "settings_update"]);
}

#[tokio::test]
async fn a_default_plan_is_not_deleted_until_it_is_none() {
    let app = App::start().await;
    let admin = app.admin();
    install(&admin, json!({})).await;
    let answer = admin.delete(&of_plan("free")).await;
    assert!(answer.problem(400).contains("default plan"), "{}", answer.json);
    admin.put(SETTINGS, json!({"default_plan": null})).await.ok(200);
    admin.delete(&of_plan("free")).await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_plan_never_becomes_the_default_and_is_deleted_in_the_same_instant() {
    let app = App::start().await;
    let admin = app.admin();
    for round in 0..60 {
        let id = format!("p{round}");
        admin.post(ADMIN_PLANS, plan(&id)).await.ok(201);
        let (one, two, path) = (admin.clone(), admin.clone(), of_plan(&id));
        let body = json!({"default_plan": id});
        let chosen = tokio::spawn(async move { one.put(SETTINGS, body).await });
        let deleted = tokio::spawn(async move { two.delete(&path).await });
        let (chosen, deleted) = (chosen.await.unwrap(), deleted.await.unwrap());
        if chosen.status == 200 {
            assert!(deleted.problem(400).contains("default plan"), "round {round}");
        } else {
            assert!(chosen.problem(400).contains("There is no plan"), "round {round}");
            assert_eq!(deleted.status, 200, "round {round}");
        }
        admin.put(SETTINGS, json!({"default_plan": null})).await.ok(200);
    }
}

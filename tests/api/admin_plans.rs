//! Making, changing, copying, switching and deleting plans.

use reqwest::Method;
use serde_json::{Value, json};

use super::{ADMIN_PLANS, PLANS, of_plan, plan, plan_with_quota, subscription_of};
use crate::harness::{Actor, App};

#[tokio::test]
async fn a_plan_that_says_no_more_than_it_must_gets_the_defaults() {
    let app = App::start().await;
    let made = app.admin().post(ADMIN_PLANS, plan("basic")).await.ok(201);
    assert_eq!(
        made,
        json!({
            "id": "basic", "name": "Plan", "name_ru": null, "description": null,
            "description_ru": null, "price": 490, "currency": "RUB", "interval": "month",
            "quotas": {}, "features": [], "is_active": true, "display_order": 0, "metadata": {},
            "trial_days": 0, "billing_plan_id": null, "overage": {}, "version": 1,
            "created_at": 1_738_742_400, "updated_at": 1_738_742_400,
        })
    );
}

#[tokio::test]
async fn bad_drafts_are_refused_by_field() {
    let app = App::start().await;
    let admin = app.admin();
    let long = |count: usize| "x".repeat(count);
    let edits: Vec<(Value, &str)> = vec![
        (json!({"id": "Not Allowed"}), "id"),
        (json!({"id": "UPPER"}), "id"),
        (json!({"id": long(129)}), "id"),
        (json!({"name": ""}), "name"),
        (json!({"name": "   "}), "name"),
        (json!({"name": long(101)}), "name"),
        (json!({"name": null}), "name"),
        (json!({"name_ru": long(101)}), "name_ru"),
        (json!({"description": long(1001)}), "description"),
        (json!({"description_ru": long(1001)}), "description_ru"),
        (json!({"price": -1}), "price"),
        (json!({"price": 1.001}), "price"),
        (json!({"price": "dear"}), "price"),
        (json!({"price": null}), "price"),
        (json!({"currency": "GBP"}), "currency"),
        (json!({"currency": "rub"}), "currency"),
        (json!({"interval": "decade"}), "interval"),
        (json!({"quotas": {"steps": 1}}), "quotas.steps"),
        (json!({"quotas": {"requests": -1}}), "quotas.requests"),
        (json!({"quotas": {"requests": 1.5}}), "quotas.requests"),
        (json!({"quotas": {"requests": null}}), "quotas.requests"),
        (json!({"display_order": -1}), "display_order"),
        (json!({"features": vec!["f"; 101]}), "features"),
        (json!({"features": [long(201)]}), "features[0]"),
        (json!({"overage": {"requests": "maybe"}}), "overage.requests"),
        (json!({"is_active": "yes"}), "is_active"),
        (json!({"quota": {}}), "quota"),
    ];
    for (edit, field) in edits {
        let mut draft = plan("basic");
        for (name, value) in edit.as_object().unwrap() {
            draft[name] = value.clone();
        }
        let answer = admin.post(ADMIN_PLANS, draft).await;
        assert!(!answer.problem(400).is_empty());
        let fields = answer.field_errors();
        assert!(fields.iter().any(|(at, _)| at == field), "{edit}: {fields:?} {}", answer.json);
    }
    assert_eq!(admin.get(ADMIN_PLANS).await.ok(200), json!([]), "nothing was made");
}

#[tokio::test]
async fn the_edges_of_what_is_allowed_are_allowed() {
    let app = App::start().await;
    let admin = app.admin();
    let long = |count: usize| "\u{44f}".repeat(count);
    for (at, edit) in [
        json!({"name": long(100), "name_ru": long(100)}),
        json!({"description": long(1000), "description_ru": long(1000)}),
        json!({"features": vec![long(200); 100]}),
        json!({"price": 0}),
        json!({"price": "12.50"}),
        json!({"price": 1e3}),
        json!({"currency": "EUR", "interval": "year"}),
        json!({"quotas": {"requests": 0, "images": u64::MAX}}),
        json!({"id": "x".repeat(128)}),
        json!({"is_active": false, "display_order": 4_294_967_295_u32}),
        json!({"metadata": {"k": "v"}, "trial_days": 14, "overage": {"requests": "bill"}}),
    ]
    .into_iter()
    .enumerate()
    {
        let mut draft = plan(&format!("edge_{at}"));
        for (name, value) in edit.as_object().unwrap() {
            draft[name] = value.clone();
        }
        admin.post(ADMIN_PLANS, draft).await.ok(201);
    }
}

#[tokio::test]
async fn an_id_is_given_or_made_and_never_taken_twice() {
    let app = App::start().await;
    let admin = app.admin();
    admin.post(ADMIN_PLANS, plan("basic")).await.ok(201);
    let again = admin.post(ADMIN_PLANS, plan("basic")).await;
    assert!(again.problem(400).contains("already exists"), "{}", again.json);

    let mut unnamed = plan("");
    unnamed.as_object_mut().unwrap().remove("id");
    unnamed["name"] = json!("Про-Тариф 2!");
    let first = admin.post(ADMIN_PLANS, unnamed.clone()).await.ok(201);
    let second = admin.post(ADMIN_PLANS, unnamed).await.ok(201);
    let id = first["id"].as_str().unwrap();
    assert_ne!(first["id"], second["id"]);
    let in_alphabet =
        id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    assert!(in_alphabet, "{id}");
}

#[tokio::test]
async fn put_changes_what_it_names_and_get_edit_put_works() {
    let app = App::start().await;
    let admin = app.admin();
    let made = admin.post(ADMIN_PLANS, plan_with_quota("basic", 10)).await.ok(201);
    let same = admin.put(&of_plan("basic"), made.clone()).await.ok(200);
    assert_eq!(same, made, "what was read can be sent back");

    let changed = admin
        .put(&of_plan("basic"), json!({"description": "new", "quotas": {"images": 3}}))
        .await
        .ok(200);
    assert_eq!(changed["quotas"], json!({"images": 3}), "quotas are replaced as a whole");
    assert_eq!((&changed["description"], &changed["version"]), (&json!("new"), &json!(2)));
    let cleared = admin.put(&of_plan("basic"), json!({"description": null})).await.ok(200);
    assert_eq!(cleared["description"], Value::Null);

    for (body, field) in [
        (json!({"name": null}), "name"),
        (json!({"interval": null}), "interval"),
        (json!({"pric": 1}), "pric"),
        (json!({"currency": "XXL"}), "currency"),
    ] {
        let answer = admin.put(&of_plan("basic"), body.clone()).await;
        answer.problem(400);
        assert_eq!(answer.field_errors()[0].0, field, "{body}");
    }
    app.covers(&["admin_plans_update"]);
}

#[tokio::test]
async fn what_is_not_there_is_404_and_names_the_id() {
    let app = App::start().await;
    let (admin, user) = (app.admin(), app.user("u"));
    for (method, path) in [
        (Method::GET, of_plan("ghost")),
        (Method::DELETE, of_plan("ghost")),
        (Method::PATCH, format!("{}/toggle", of_plan("ghost"))),
        (Method::POST, format!("{}/duplicate", of_plan("ghost"))),
        (Method::GET, format!("{}/subscribers", of_plan("ghost"))),
        (Method::GET, of_plan("gh%20ost")),
    ] {
        let answer = admin.send(method, &path, "").await;
        assert!(answer.problem(404).contains("gh"), "{path}: {}", answer.json);
    }
    admin.put(&of_plan("ghost"), json!({})).await.problem(404);
    admin.put(&subscription_of("u"), json!({"plan_id": "ghost"})).await.problem(404);
    let answer = user.get(&format!("{PLANS}/ghost")).await;
    assert!(answer.problem(404).contains("ghost"));
}

#[tokio::test]
async fn toggle_switches_off_and_on() {
    let app = App::start().await;
    let (admin, user) = (app.admin(), app.user("u"));
    admin.post(ADMIN_PLANS, plan("basic")).await.ok(201);
    let path = format!("{}/toggle", of_plan("basic"));
    assert_eq!(admin.patch(&path).await.ok(200)["is_active"], false);
    assert_eq!(user.get(PLANS).await.ok(200), json!([]));
    assert_eq!(admin.patch(&path).await.ok(200)["is_active"], true);
    assert_eq!(user.get(PLANS).await.ok(200).as_array().unwrap().len(), 1);
    app.covers(&["admin_plans_toggle"]);
}

#[tokio::test]
async fn a_copy_is_inactive_next_in_the_list_and_named_as_one() {
    let app = App::start().await;
    let admin = app.admin();
    let mut draft = plan_with_quota("basic", 10);
    draft["name_ru"] = json!("План");
    draft["display_order"] = json!(3);
    admin.post(ADMIN_PLANS, draft).await.ok(201);
    let path = format!("{}/duplicate", of_plan("basic"));
    let copy = admin.send(Method::POST, &path, "").await.ok(201);
    assert_eq!((&copy["name"], &copy["name_ru"]), (&json!("Plan (Copy)"), &json!("План (Копия)")));
    assert_eq!((&copy["is_active"], &copy["display_order"]), (&json!(false), &json!(4)));
    assert_eq!(copy["quotas"], json!({"requests": 10}));
    assert!(copy["id"].as_str().unwrap().starts_with("plan_copy_"), "{copy}");
    let named = admin.post(&path, json!({"name": "Mine"})).await.ok(201);
    assert_eq!(named["name"], "Mine");
    app.covers(&["admin_plans_duplicate"]);
}

#[tokio::test]
async fn a_deleted_plan_is_gone_and_its_id_is_free() {
    let app = App::start().await;
    let admin = app.admin();
    admin.post(ADMIN_PLANS, plan("basic")).await.ok(201);
    let answer = admin.delete(&of_plan("basic")).await.ok(200);
    assert_eq!(answer["success"], true);
    assert!(answer["message"].as_str().unwrap().contains("basic"));
    admin.get(&of_plan("basic")).await.problem(404);
    admin.delete(&of_plan("basic")).await.problem(404);
    let again = admin.post(ADMIN_PLANS, plan("basic")).await.ok(201);
    assert_eq!(again["version"], 1);
    app.covers(&["admin_plans_delete"]);
}

/// Puts a user on a plan.
async fn subscribe(admin: &Actor, user: &str, plan: &str) -> Value {
    admin.put(&subscription_of(user), json!({"plan_id": plan})).await.ok(201)
}

#[tokio::test]
async fn under_a_live_subscription_nothing_is_taken_away() {
    let app = App::start().await;
    let admin = app.admin();
    let mut draft = plan_with_quota("basic", 1000);
    draft["quotas"]["images"] = json!(5);
    admin.post(ADMIN_PLANS, draft).await.ok(201);
    subscribe(&admin, "u", "basic").await;

    let refused: [(Value, &str); 5] = [
        (
            json!({"quotas": {"requests": 999, "images": 5}}),
            "Cannot decrease quota 'requests' from 1000 to 999 while plan has active \
             subscriptions. Create a new plan instead.",
        ),
        (json!({"quotas": {"requests": 1000, "images": 5, "tokens_input": 9}}), "tokens_input"),
        (json!({"currency": "USD"}), "currency"),
        (json!({"interval": "year"}), "interval"),
        (json!({"quotas": {"requests": 999, "images": 4}}), "images"),
    ];
    for (body, sentence) in refused {
        let answer = admin.put(&of_plan("basic"), body.clone()).await;
        assert!(answer.problem(400).contains(sentence), "{body}: {}", answer.json);
    }
    let answer = admin.delete(&of_plan("basic")).await;
    assert!(answer.problem(400).contains("toggle"), "{}", answer.json);

    let allowed = [
        json!({"quotas": {"requests": 1001, "images": 5}}),
        json!({"quotas": {"requests": 1001}}),
        json!({"quotas": null}),
        json!({"name": "Other"}),
    ];
    for body in allowed {
        admin.put(&of_plan("basic"), body).await.ok(200);
    }
}

#[tokio::test]
async fn without_a_live_subscription_everything_may_change() {
    let app = App::start().await;
    let admin = app.admin();
    admin.post(ADMIN_PLANS, plan_with_quota("basic", 1000)).await.ok(201);
    let body =
        json!({"quotas": {"requests": 1, "images": 1}, "currency": "USD", "interval": "year"});
    admin.put(&of_plan("basic"), body).await.ok(200);
    admin.delete(&of_plan("basic")).await.ok(200);
}

#[tokio::test]
async fn a_price_change_under_subscribers_passes_with_a_warning() {
    let app = App::start().await;
    let admin = app.admin();
    admin.post(ADMIN_PLANS, plan("basic")).await.ok(201);
    let quiet = admin.put(&of_plan("basic"), json!({"price": 500})).await;
    assert!(!quiet.headers.contains_key("warning"));
    subscribe(&admin, "u", "basic").await;
    let loud = admin.put(&of_plan("basic"), json!({"price": 600})).await;
    assert_eq!(loud.json["price"], 600);
    let warning = loud.headers["warning"].to_str().unwrap();
    assert!(warning.starts_with("299 - \"") && warning.contains("500"), "{warning}");
}

//! What holds of every operation that the document has, whoever asks.

use std::cmp::Reverse;

use reqwest::Method;
use serde_json::{Value, json};

use super::plugin_uploads::{REVIEWER, WASM, uploaded, variant};
use super::{
    ADMIN_PLANS, API_KEYS, BILLING_PLANS, PRODUCTS, REGIONS, USAGE, USER_GROUPS, USERS,
    subscription_of,
};
use crate::harness::contract::{Operation, contract};
use crate::harness::{Actor, Answer, App, claims};
use crate::provider::Provider;
use crate::statements::{ADMIN_STATEMENTS, TO_MARCH};
use crate::webhooks::{WEBHOOKS, delivery_when, is_tried};

/// What the documents' examples speak of.
const PLAN: &str = "premium_abc12345";
const USER: &str = "hidden_user";
const PACK: &str = "saas-tiers";
/// What the user has used of a metric.
const HIDDEN_AMOUNT: u32 = 730_511;

/// Things of a tenant, one for each place in a path.
struct Things {
    key_id: String,
    digest: String,
    webhook_id: String,
    delivery_id: String,
    statement_id: String,
}

/// The plugin that the documents' examples bind.
const DIGEST: &str = "3f786850e387550fdab836ed7e6dc881de23001b3f786850e387550fdab836ed";

impl Things {
    /// A plan, a subscriber, an API key, a plugin and a webhook endpoint; their names begin with "Hidden".
    async fn make(app: &App, tenant: &str) -> Self {
        let admin = app.of_tenant(tenant, "root", "admin");
        price_catalog(&admin).await;
        let statement_id = statement(app, &admin).await;
        // With the quotas of the document's example, which its example of a change raises.
        let mut draft: Value =
            serde_json::from_str(&operation("admin_plans_create").example()).unwrap();
        draft["id"] = json!(PLAN);
        draft["name"] = json!("Hidden plan");
        // So that the document's example subscribes without a payment.
        draft["trial_days"] = json!(7);
        admin.post(ADMIN_PLANS, draft).await.ok(201);
        admin.put(&subscription_of(USER), json!({"plan_id": PLAN})).await.ok(201);
        let used = json!({"metric": "requests", "amount": HIDDEN_AMOUNT, "user_id": USER});
        admin.post(USAGE, used).await.ok(201);
        let key = json!({"name": "Hidden key", "role": "service", "user_id": USER});
        let made = admin.post(API_KEYS, key).await.ok(201);
        let key_id = made["id"].as_str().unwrap().to_owned();
        // Another one than the operation that uploads does.
        let digest = uploaded(&admin, "", &variant(REVIEWER, 7)).await;
        let (webhook_id, delivery_id) = tried_webhook(&admin).await;
        Self { key_id, digest, webhook_id, delivery_id, statement_id }
    }

    /// Things that there are not.
    fn none() -> Self {
        Self {
            key_id: "key_none".to_owned(),
            digest: DIGEST.to_owned(),
            webhook_id: "whe_none".to_owned(),
            delivery_id: "whd_none".to_owned(),
            statement_id: "sta_none".to_owned(),
        }
    }

    /// An operation's path with these things in it.
    fn path_of(&self, operation: &Operation) -> String {
        let path = operation
            .path
            .replace("/plans/{id}", &format!("/plans/{PLAN}"))
            .replace("/api-keys/{id}", &format!("/api-keys/{}", self.key_id))
            .replace("/plugins/{digest}", &format!("/plugins/{}", self.digest))
            .replace("/webhooks/{id}", &format!("/webhooks/{}", self.webhook_id))
            .replace("/deliveries/{delivery_id}", &format!("/deliveries/{}", self.delivery_id))
            .replace("/statements/{id}", &format!("/statements/{}", self.statement_id))
            .replace("/plugin-bindings/{hook}", "/plugin-bindings/validation")
            .replace("/users/{user_id}", &format!("/users/{USER}"))
            .replace("/usage/{metric}", "/usage/requests")
            .replace("/admin/users/{id}", &format!("/admin/users/{USER}"))
            .replace("/regions/{id}", &format!("/regions/{LAST}"))
            .replace("/products/{id}", &format!("/products/{LAST}"))
            .replace("/user_groups/{id}", &format!("/user_groups/{LAST}"))
            .replace("/billing_plans/{id}", &format!("/billing_plans/{LAST}"))
            // A product's only place is the first one, and so is its price; its trial was made second.
            .replace("{resource_id}", "1")
            .replace("{phase_id}", "2")
            .replace("{price_id}", "1")
            .replace("/template-packs/{pack}", &format!("/template-packs/{PACK}"));
        assert!(!path.contains('{'), "name here what stands in {path}, and make one");
        path
    }

    /// Asks an operation as the document's own example does; `query` begins with `?` or is empty.
    async fn ask(&self, actor: &Actor, operation: &Operation, query: &str) -> Answer {
        let path = format!("{}{query}", self.path_of(operation));
        if operation.takes_a_component() {
            return actor.upload(&[WASM], &path, REVIEWER.to_vec()).await;
        }
        let body = operation.example().replace(DIGEST, &self.digest);
        actor.send(operation.method.clone(), &path, &body).await
    }
}

/// A statement of what the user used in the month before.
async fn statement(app: &App, admin: &Actor) -> String {
    let used = json!({"metric": "cpu", "amount": HIDDEN_AMOUNT, "user_id": USER});
    admin.post(USAGE, used).await.ok(201);
    app.advance(TO_MARCH).await;
    let page = admin.get(ADMIN_STATEMENTS).await.ok(200);
    page["items"][0]["id"].as_str().unwrap().to_owned()
}

/// An endpoint with a delivery that was tried once and waits, as it does while the clock stands still.
async fn tried_webhook(admin: &Actor) -> (String, String) {
    let draft = json!({
        // It leads inside, so nobody is called.
        "url": "https://localhost/", "description": "Hidden endpoint", "events": ["plan.deleted"],
    });
    let made = admin.post(WEBHOOKS, draft).await.ok(201);
    let id = made["id"].as_str().unwrap().to_owned();
    admin.post(&format!("{WEBHOOKS}/{id}/test"), json!({})).await.ok(202);
    let tried = delivery_when(admin, &id, is_tried(1)).await;
    (id, tried["id"].as_str().unwrap().to_owned())
}

/// Of regions, products, groups and billing plans. Others make some, too, and theirs begin at 1.
const LAST: u64 = 4;

/// A billing plan that prices the first product in the first region, and everybody's group with it.
async fn price_catalog(admin: &Actor) {
    for at in 1..=LAST {
        let hidden = if at == LAST { "Hidden " } else { "" };
        let region = if at == 1 { "eu".to_owned() } else { format!("{hidden}region {at}") };
        admin.post(REGIONS, json!({"region": {"name": region}})).await.ok(201);
        let id = if at == 1 { "cpu".to_owned() } else { format!("product_{at}") };
        let label = format!("{hidden}product");
        let product = json!({"label": label, "resource_kind": "resource", "external_id": id});
        admin.post(PRODUCTS, json!({"product": product})).await.ok(201);
        let name = format!("{hidden}plan {at}");
        admin.post(BILLING_PLANS, json!({"billing_plan": {"name": name}})).await.ok(201);
        let group = json!({"name": format!("{hidden}group {at}"), "is_default": at == 1});
        admin.post(USER_GROUPS, json!({"user_group": group})).await.ok(201);
    }
    let user = json!({"id": USER, "name": "Hidden user", "currency": "USD", "region_id": 1});
    admin.post(USERS, json!({"user": user})).await.ok(201);
    let plan = format!("{BILLING_PLANS}/{LAST}");
    let groups = json!({"billing_plan": {"user_group_ids": [1]}});
    admin.send(Method::PATCH, &plan, &groups.to_string()).await.ok(200);
    let resources = format!("{plan}/billing_resources");
    admin.post(&resources, json!({"billing_resource": {"product_id": 1}})).await.ok(201);
    let phases = format!("{resources}/1/billing_phases");
    let trial = json!({"phase_type": "trial", "duration_unit": "days", "duration_qty": 7});
    admin.post(&phases, json!({"billing_phase": trial})).await.ok(201);
    for (phase, price) in [(2, "0"), (1, "0.015")] {
        let prices = format!("{phases}/{phase}/billing_resource_prices");
        let price = json!({"currency": "USD", "price": price, "region_ids": [1]});
        admin.post(&prices, json!({"billing_resource_price": price})).await.ok(201);
    }
}

fn operation(id: &str) -> &'static Operation {
    contract().operations.iter().find(|one| one.id == id).unwrap()
}

/// Those that need credentials; what switches off at the end, and what deletes behind it.
fn guarded() -> Vec<&'static Operation> {
    let mut all: Vec<&Operation> =
        contract().operations.iter().filter(|one| !one.is_public()).collect();
    let last = [Method::PATCH, Method::DELETE];
    // What is inside of something else is deleted before it.
    let depth = |one: &Operation| one.path.matches('/').count();
    all.sort_by_key(|one| {
        let deleted = (one.method == Method::DELETE).then(|| Reverse(depth(one)));
        (last.iter().position(|method| *method == one.method), deleted)
    });
    all
}

#[tokio::test]
async fn without_good_credentials_all_that_is_not_public_is_401() {
    let app = App::start().await;
    let mut over = claims("a", "admin");
    over.exp = 1_738_742_400;
    let unknown_key = format!("sk-{}", "0".repeat(64));
    let strangers = [
        app.stranger(),
        app.with_claims(&over),
        app.of_tenant("acme", "a", "admin"),
        app.of_tenant("acme", "a", "operator"),
        app.of_tenant("Not a tenant", "a", "admin"),
        app.actor("a", "pending"),
        app.actor("a", "root"),
        app.actor("", "admin"),
        app.with_key("sk-unknown"),
        app.with_key(&unknown_key),
    ];
    for stranger in &strangers {
        for operation in &contract().operations {
            let answer = Things::none().ask(stranger, operation, "").await;
            if operation.is_public() {
                assert_ne!(answer.status, 401, "{}", operation.id);
                continue;
            }
            answer.problem(401);
            assert_ne!(answer.json["type"], "urn:planwright:problem:not_allowed");
            assert_eq!(answer.headers["www-authenticate"], "Bearer", "{}", operation.id);
        }
    }
}

#[tokio::test]
async fn a_role_may_use_what_the_document_says_and_nothing_else() {
    let app = App::start().await;
    for role in ["user", "service", "admin", "operator"] {
        let draft = json!({"name": role, "role": role, "user_id": "a"});
        let made = app.operator().post(API_KEYS, draft).await.ok(201);
        let by_key = app.with_key(made["key"].as_str().unwrap());
        for actor in [app.actor("a", role), by_key] {
            for operation in guarded() {
                let answer = Things::none().ask(&actor, operation, "").await;
                if operation.is_for(role) {
                    assert_ne!(answer.status, 401, "{role} {}", operation.id);
                } else {
                    answer.problem(401);
                    assert_eq!(answer.json["type"], "urn:planwright:problem:not_allowed");
                }
            }
        }
    }
}

/// All that an admin can read of the own tenant.
async fn everything(admin: &Actor, things: &Things) -> Vec<Value> {
    let mut read = Vec::new();
    for operation in guarded() {
        if operation.method == Method::GET && operation.is_for("admin") {
            read.push(things.ask(admin, operation, "").await.ok(200));
        }
    }
    read
}

#[tokio::test]
async fn nothing_of_a_tenant_is_read_or_written_by_another_on_any_route() {
    let app = App::start().await;
    app.make_tenants(&["acme", "beta"]).await;
    let things = Things::make(&app, "acme").await;
    let acme = app.of_tenant("acme", "root", "admin");
    let before = everything(&acme, &things).await;

    let beta = app.of_tenant("beta", "root", "admin");
    let mut others = Vec::new();
    for role in ["user", "service", "admin"] {
        others.push(app.of_tenant("beta", USER, role));
        let draft = json!({"name": role, "role": role, "user_id": USER});
        let made = beta.post(API_KEYS, draft).await.ok(201);
        others.push(app.with_key(made["key"].as_str().unwrap()));
    }
    for other in &others {
        for operation in guarded() {
            let path = things.path_of(operation);
            let answer = things.ask(other, operation, "").await;
            if names_something_of_a_tenant(operation) {
                let hidden = [401, 404].contains(&answer.status.as_u16());
                assert!(hidden, "{}: {}", operation.id, answer.json);
            }
            let said = answer.json.to_string();
            assert!(!said.contains("Hidden"), "{}: {said}", operation.id);
            let told = path.contains(&things.key_id) || !said.contains(&things.key_id);
            assert!(told, "{}: {said}", operation.id);
            assert!(!said.contains(&HIDDEN_AMOUNT.to_string()), "{}: {said}", operation.id);
            things.ask(other, operation, "?tenant=acme").await.problem(401);
        }
    }
    assert_eq!(everything(&acme, &things).await, before);
}

/// Packs are the host's, for every tenant, and hooks and metrics are everybody's. Any tenant may have a user of the same
/// id, who has used nothing yet.
fn names_something_of_a_tenant(operation: &Operation) -> bool {
    let places =
        ["{pack}", "{hook}", "{metric}", "/users/{user_id}/usage", "/users/{user_id}/statements"];
    let is_everybodys = places.iter().any(|place| operation.path.contains(place));
    operation.path.contains('{') && !is_everybodys
}

#[tokio::test]
async fn an_operator_acts_in_any_tenant_that_there_is() {
    let app = App::start().await;
    app.make_tenants(&["acme"]).await;
    let things = Things::make(&app, "acme").await;
    let operator = app.operator();
    for operation in guarded() {
        if !operation.is_of_a_tenant() {
            things.ask(&operator, operation, "?tenant=acme").await.problem(400);
            continue;
        }
        things.ask(&operator, operation, "?tenant=nowhere").await.problem(404);
        things.ask(&operator, operation, "?tenant=Not+one").await.problem(404);
        things.ask(&operator, operation, "?tenant=acme&tenant=default").await.problem(400);
        let answer = things.ask(&operator, operation, "?tenant=acme").await;
        let done = !answer.status.is_client_error()
            || [json!(400), json!(422)].contains(&answer.json["status"]);
        assert!(done, "{}: {}", operation.id, answer.json);
    }
    // The other parameters are read as ever.
    let found = operator.get(&format!("{ADMIN_PLANS}?tenant=acme&q=hidden")).await.ok(200);
    assert!(found[0]["plan"]["price"].is_number(), "{found}");
    // All of it was done there and nothing here.
    assert_eq!(operator.get(ADMIN_PLANS).await.ok(200), json!([]));
    assert_eq!(operator.get(API_KEYS).await.ok(200)["total"], 0);
}

#[tokio::test]
async fn a_parameter_that_nobody_knows_is_refused_on_every_route() {
    let app = App::start().await;
    let things = Things::make(&app, "default").await;
    let before = everything(&app.admin(), &things).await;
    for operation in guarded() {
        let answer = things.ask(&app.operator(), operation, "?nobody_knows=1").await;
        answer.problem(400);
        assert_eq!(answer.field_errors()[0].1, "wrong_query", "{}", operation.id);
    }
    assert_eq!(everything(&app.admin(), &things).await, before);
}

#[tokio::test]
async fn every_example_in_the_document_works() {
    let provider = Provider::start().await;
    let app = App::with(|config| provider.configure(config)).await;
    let things = Things::make(&app, "default").await;
    for operation in guarded() {
        // What is in use is not deleted, and the time of what is no sandbox is not set.
        if ["admin_plans_delete", "billing_plans_delete", "clock_set"]
            .contains(&operation.id.as_str())
        {
            continue;
        }
        let answer = things.ask(&app.operator(), operation, "").await;
        assert!(answer.status.is_success(), "{}: {}", operation.id, answer.json);
    }
}

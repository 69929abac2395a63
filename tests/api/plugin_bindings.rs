//! Bindings by tenant: what decides where, what is refused, and what becomes of a tenant whose plugin fails.

use std::time::{Duration, Instant};

use planwright_server::config::PluginConfig;
use reqwest::Method;
use serde_json::{Value, json};

use super::payments::{begin, tell, text, with_provider};
use super::plugin_uploads::{
    MISBEHAVING, OWN_PACK, PLUGINS, PRICING, REVIEWER, upload, uploaded, variant,
};
use super::{ADMIN_PLANS, AUDIT, plan};
use crate::harness::{Actor, App};
use crate::worker::assert_agrees;

pub(crate) const BINDINGS: &str = "/api/v1/admin/plugin-bindings";
const PACKS: &str = "/api/v1/admin/template-packs";

pub(crate) fn of_hook(hook: &str) -> String {
    format!("{BINDINGS}/{hook}")
}

/// A binding of one plugin that is told how to behave.
pub(crate) fn told(digest: &str, behaviour: &str) -> Value {
    json!({"plugins": [{"digest": digest, "settings": {"behaviour": behaviour}}]})
}

/// Name and source of all that is live for a hook, and the binding's own source.
async fn live(actor: &Actor, hook: &str, query: &str) -> (Vec<(String, String)>, String) {
    let binding = actor.get(&format!("{}{query}", of_hook(hook))).await.ok(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let plugins = binding["plugins"].as_array().unwrap();
    let named = plugins.iter().map(|plugin| (text(&plugin["name"]), text(&plugin["source"])));
    (named.collect(), text(&binding["source"]))
}

/// What becomes of a plan whose price ends in .99.
async fn odd_price(actor: &Actor, id: &str) -> u16 {
    let mut draft = plan(id);
    draft["price"] = json!(9.99);
    actor.post(ADMIN_PLANS, draft).await.status.as_u16()
}

#[tokio::test]
async fn a_tenants_own_rules_decide_there_and_nowhere_else_and_come_back_out() {
    let app = App::start().await;
    app.make_tenants(&["acme"]).await;
    let (acme, other) = (app.of_tenant("acme", "a", "admin"), app.admin());
    let rules = uploaded(&acme, "", REVIEWER).await;
    let ids = uploaded(&acme, "", MISBEHAVING).await;
    let pack = uploaded(&acme, "", OWN_PACK).await;

    let bound = acme.put(&of_hook("validation"), told(&rules, "no-99")).await.ok(200);
    assert_eq!(bound, acme.get(&of_hook("validation")).await.ok(200));
    assert_eq!((&bound["source"], &bound["standard"]), (&json!("tenant"), &json!(true)));
    let named = &bound["plugins"][1];
    let expected = json!({
        "digest": rules, "name": "planwright-test-validation", "version": "0.1.0",
        "settings": {"behaviour": "no-99"}, "source": "tenant",
    });
    assert_eq!(*named, expected);
    assert_eq!(bound["plugins"][0]["source"], "configuration", "the standard one is asked first");
    acme.put(&of_hook("identity"), told(&ids, "same")).await.ok(200);
    acme.put(&of_hook("templates"), told(&pack, "own")).await.ok(200);

    assert_eq!((odd_price(&acme, "odd").await, odd_price(&other, "odd").await), (400, 201));
    let unnamed = json!({"name": "Pro", "price": 1, "interval": "month"});
    let (here, there) =
        (acme.post(ADMIN_PLANS, unnamed.clone()).await, other.post(ADMIN_PLANS, unnamed).await);
    assert_eq!(here.ok(201)["id"], "always_the_same");
    assert!(there.ok(201)["id"].as_str().unwrap().starts_with("pro_"));
    acme.post(&format!("{PACKS}/own/install"), json!({})).await.ok(200);
    other.post(&format!("{PACKS}/own/install"), json!({})).await.problem(404);
    assert_eq!(acme.get(PACKS).await.ok(200)["total"], 3);

    for hook in ["validation", "identity", "templates"] {
        let default = acme.delete(&of_hook(hook)).await.ok(200);
        assert_eq!(default["source"], "configuration", "{hook}");
        assert_eq!(default, other.get(&of_hook(hook)).await.ok(200), "{hook}");
        assert_eq!(acme.delete(&of_hook(hook)).await.ok(200), default, "again");
    }
    assert_eq!(odd_price(&acme, "odd").await, 201);
    acme.post(&format!("{PACKS}/own/install"), json!({})).await.problem(404);
    let log = acme.get(&format!("{AUDIT}?entity_type=plugin_binding")).await.ok(200);
    let told: Vec<&str> =
        log["items"].as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap()).collect();
    assert_eq!(told, [["plugin_unbound"; 3], ["plugin_bound"; 3]].concat());
}

#[tokio::test]
async fn a_tenants_binding_comes_before_the_hosts_and_that_before_the_configurations() {
    let file = PluginConfig {
        file: Some(env!("WASM_PLANWRIGHT_TEST_VALIDATION").into()),
        ..PluginConfig::default()
    };
    let app = App::with(|config| config.plugins.validation.then.push(file)).await;
    app.make_tenants(&["acme"]).await;
    let (acme, operator) = (app.of_tenant("acme", "a", "admin"), app.operator());
    let name = |name: &str, source: &str| (format!("planwright-{name}"), source.to_owned());
    let configured = name("validation", "configuration");
    let (found, source) = live(&acme, "validation", "").await;
    assert_eq!(found, [configured.clone(), name("test-validation", "configuration")]);
    assert_eq!(source, "configuration");

    let digest = uploaded(&operator, "?tenant=*", REVIEWER).await;
    let host = format!("{}?tenant=*", of_hook("validation"));
    operator.put(&host, told(&digest, "no-99")).await.ok(200);
    let expected = (vec![configured.clone(), name("test-validation", "host")], "host".to_owned());
    assert_eq!(live(&acme, "validation", "").await, expected);
    assert_eq!(live(&operator, "validation", "?tenant=*").await, expected);
    assert_eq!(odd_price(&acme, "odd").await, 400);

    // A tenant may bind what is the host's, or leave all of it out.
    acme.put(&of_hook("validation"), told(&digest, "pass")).await.ok(200);
    assert_eq!(live(&acme, "validation", "").await.1, "tenant");
    assert_eq!(odd_price(&acme, "odd").await, 201);
    assert_eq!(odd_price(&app.admin(), "odd").await, 400, "another has the host's");
    let none = json!({"plugins": [], "standard": false});
    acme.put(&of_hook("validation"), none).await.ok(200);
    assert_eq!(live(&acme, "validation", "").await, (vec![], "tenant".to_owned()));

    // The host's changes go past whoever has something of its own.
    operator.delete(&host).await.ok(200);
    assert_eq!(odd_price(&app.admin(), "odd").await, 201);
    assert_eq!(live(&acme, "validation", "").await.1, "tenant");
    let all = acme.get(BINDINGS).await.ok(200);
    let sources: Vec<&Value> =
        all["bindings"].as_array().unwrap().iter().map(|one| &one["source"]).collect();
    assert_eq!(sources, ["configuration", "configuration", "tenant", "configuration"]);
    acme.delete(&of_hook("validation")).await.ok(200);
    assert_eq!(live(&acme, "validation", "").await.1, "configuration");
    app.covers(&[
        "plugin_bindings_list",
        "plugin_bindings_get",
        "plugin_bindings_bind",
        "plugin_bindings_unbind",
    ]);
}

#[tokio::test]
async fn what_cannot_be_bound_is_refused_by_its_field() {
    let app = App::start().await;
    app.make_tenants(&["acme"]).await;
    let admin = app.admin();
    let rules = uploaded(&admin, "", REVIEWER).await;
    let ids = uploaded(&admin, "", MISBEHAVING).await;
    let pack = uploaded(&admin, "", OWN_PACK).await;
    let pack_again = uploaded(&admin, "", &variant(OWN_PACK, 1)).await;
    let theirs = uploaded(&app.of_tenant("acme", "a", "admin"), "", &variant(REVIEWER, 9)).await;
    let one = |digest: &str| json!({"plugins": [{"digest": digest}]});
    let two = json!({"plugins": [{"digest": pack}, {"digest": pack_again}]});
    let nobodys = "0".repeat(64);
    for (hook, body, field, code) in [
        ("validation", one(&nobodys), "plugins[0].digest", "unknown_plugin"),
        ("validation", one(&theirs), "plugins[0].digest", "unknown_plugin"),
        ("validation", one("abc"), "plugins[0].digest", "wrong_type"),
        ("validation", one(&ids), "plugins[0].digest", "wrong_hook"),
        ("pricing", one(&rules), "plugins[0].digest", "wrong_hook"),
        ("validation", told(&rules, "dance"), "plugins[0].settings", "bad_settings"),
        ("identity", told(&ids, "refuse-settings"), "plugins[0].settings", "bad_settings"),
        ("identity", told(&ids, "panic-in-configure"), "plugins[0].settings", "plugin_failed"),
        ("identity", json!({"plugins": []}), "plugins", "not_one"),
        ("validation", json!({"plugins": [], "standrad": true}), "standrad", "unknown_field"),
        ("templates", told(&pack, "panic"), "plugins[0].digest", "plugin_failed"),
        ("templates", told(&pack, "same-name"), "plugins[0].digest", "pack_name_taken"),
        ("templates", two, "plugins[1].digest", "pack_name_taken"),
    ] {
        let answer = admin.put(&of_hook(hook), body.clone()).await;
        answer.problem(400);
        assert_eq!(answer.field_errors(), [(field.to_owned(), code.to_owned())], "{hook} {body}");
    }
    let answer = admin.put(&of_hook("identity"), told(&ids, "refuse-settings")).await;
    assert!(answer.problem(400).contains("These settings are refused, as asked."));
    admin.put(&of_hook("payments"), one(&rules)).await.problem(404);
    for hook in ["validation", "identity", "templates", "pricing"] {
        assert_eq!(live(&admin, hook, "").await.1, "configuration", "nothing went live");
    }
}

#[tokio::test]
async fn a_plugin_that_is_bound_stays_until_it_is_not() {
    let app = App::start().await;
    app.make_tenants(&["acme"]).await;
    let (acme, operator) = (app.of_tenant("acme", "a", "admin"), app.operator());
    let own = uploaded(&acme, "", REVIEWER).await;
    let shared = uploaded(&operator, "?tenant=*", &variant(REVIEWER, 1)).await;
    let both = json!({"plugins": [{"digest": own}, {"digest": shared}]});
    acme.put(&of_hook("validation"), both.clone()).await.ok(200);
    let refused = async |actor: &Actor, digest: &str, query: &str| {
        let answer = actor.delete(&format!("{PLUGINS}/{digest}{query}")).await;
        assert!(answer.problem(409).contains("the hook 'validation'"), "{}", answer.json);
    };
    refused(&acme, &own, "").await;
    refused(&operator, &shared, "?tenant=*").await;
    // The same again changes nothing, and what is left out is free.
    acme.put(&of_hook("validation"), both).await.ok(200);
    acme.put(&of_hook("validation"), json!({"plugins": [{"digest": shared}]})).await.ok(200);
    acme.delete(&format!("{PLUGINS}/{own}")).await.ok(204);
    refused(&operator, &shared, "?tenant=*").await;
    acme.delete(&of_hook("validation")).await.ok(200);
    operator.delete(&format!("{PLUGINS}/{shared}?tenant=*")).await.ok(204);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_plugin_is_never_bound_and_deleted_in_the_same_instant() {
    let app = App::start().await;
    let admin = app.admin();
    let digest = uploaded(&admin, "", REVIEWER).await;
    let began = Instant::now();
    admin.put(&of_hook("validation"), told(&digest, "pass")).await.ok(200);
    let binding_takes = began.elapsed();
    admin.delete(&of_hook("validation")).await.ok(200);
    let mut outcomes = [0, 0];
    for round in 0..40 {
        let digest = uploaded(&admin, "", REVIEWER).await;
        let (one, two) = (admin.clone(), admin.clone());
        let (body, path) = (told(&digest, "no-99"), format!("{PLUGINS}/{digest}"));
        // Each begins in turn, and the other one follows: from at once to when it is long done.
        let pause = binding_takes * (round / 2 % 8) / 2;
        let pauses = if round % 2 == 0 { [Duration::ZERO, pause] } else { [pause, Duration::ZERO] };
        let bound = tokio::spawn(async move {
            tokio::time::sleep(pauses[0]).await;
            one.put(&of_hook("validation"), body).await
        });
        let deleted = tokio::spawn(async move {
            tokio::time::sleep(pauses[1]).await;
            two.delete(&path).await
        });
        let (bound, deleted) = (bound.await.unwrap(), deleted.await.unwrap());
        if bound.status == 200 {
            outcomes[0] += 1;
            deleted.problem(409);
            assert_eq!(odd_price(&admin, "odd").await, 400);
            admin.delete(&of_hook("validation")).await.ok(200);
            admin.delete(&format!("{PLUGINS}/{digest}")).await.ok(204);
        } else {
            outcomes[1] += 1;
            bound.problem(400);
            assert_eq!(deleted.status, 204);
        }
    }
    assert!(outcomes.iter().all(|count| *count > 0), "both came first now and then: {outcomes:?}");
}

#[tokio::test]
async fn a_plugin_that_fails_closes_its_hook_for_its_tenant_and_nothing_else() {
    let app = App::start().await;
    app.make_tenants(&["acme"]).await;
    let (acme, other) = (app.of_tenant("acme", "a", "admin"), app.admin());
    let rules = uploaded(&acme, "", REVIEWER).await;
    let pack = uploaded(&acme, "", OWN_PACK).await;
    acme.put(&of_hook("validation"), told(&rules, "panic")).await.ok(200);
    let answer = acme.post(ADMIN_PLANS, plan("basic")).await;
    assert!(answer.problem(503).contains("planwright-test-validation"), "{}", answer.json);
    other.post(ADMIN_PLANS, plan("basic")).await.ok(201);
    acme.get(ADMIN_PLANS).await.ok(200);
    assert_eq!(acme.get(PACKS).await.ok(200)["items"][0]["available"], true);

    acme.delete(&of_hook("validation")).await.ok(200);
    acme.put(&of_hook("templates"), told(&pack, "panic-in-unpack")).await.ok(200);
    let packs = acme.get(PACKS).await.ok(200);
    let available: Vec<&Value> =
        packs["items"].as_array().unwrap().iter().map(|pack| &pack["available"]).collect();
    assert_eq!(available, [true, true, false]);
    acme.post(&format!("{PACKS}/saas-tiers/install"), json!({})).await.ok(200);
    acme.post(&format!("{PACKS}/own/install"), json!({})).await.problem(503);
    let only = json!({"plugins": [{"digest": pack}], "standard": false});
    acme.put(&of_hook("templates"), only).await.ok(200);
    let packs = acme.get(PACKS).await.ok(200);
    assert_eq!((&packs["total"], &packs["items"][0]["name"]), (&json!(1), &json!("own")));
}

#[tokio::test]
async fn bindings_outlive_a_restart_and_have_a_tag() {
    let app = App::start().await;
    let admin = app.admin();
    let digest = uploaded(&admin, "", REVIEWER).await;
    let path = of_hook("validation");
    let before = admin.get(&path).await.headers["etag"].to_str().unwrap().to_owned();
    let put = async |admin: &Actor, tag: &str, behaviour: &str| {
        let body = told(&digest, behaviour).to_string();
        admin.send_with(&[("if-match", tag)], Method::PUT, &path, &body).await
    };
    let bound = put(&admin, &before, "no-99").await;
    let tag = bound.headers["etag"].to_str().unwrap().to_owned();
    bound.ok(200);
    assert!(put(&admin, &before, "warn").await.problem(412).contains("If-Match"));
    assert_eq!(admin.get(&path).await.headers["etag"].to_str().unwrap(), tag);
    // What was read can be sent back.
    let read = admin.get(&path).await.ok(200);
    assert_eq!(admin.put(&path, read.clone()).await.ok(200), read);

    let app = app.restart().await;
    let admin = app.admin();
    assert_eq!(admin.get(&path).await.ok(200), read);
    assert_eq!(odd_price(&admin, "odd").await, 400);
    put(&admin, &tag, "pass").await.ok(200);
    assert_eq!(odd_price(&admin, "odd").await, 201);
}

#[tokio::test]
async fn a_binding_that_comes_again_is_done_once() {
    let app = App::start().await;
    let admin = app.admin();
    let digest = uploaded(&admin, "", REVIEWER).await;
    let keyed = [("idempotency-key", "k")];
    let (path, body) = (of_hook("validation"), told(&digest, "no-99").to_string());
    let first = admin.send_with(&keyed, Method::PUT, &path, &body).await.ok(200);
    admin.delete(&path).await.ok(200);
    let again = admin.send_with(&keyed, Method::PUT, &path, &body).await.ok(200);
    assert_eq!(first, again, "the answer that it had, and nothing is done");
    assert_eq!(live(&admin, "validation", "").await.1, "configuration");
}

#[tokio::test]
async fn figures_of_tenants_plugins_are_shown_by_component() {
    let app = App::start().await;
    let admin = app.admin();
    let digest = uploaded(&admin, "", REVIEWER).await;
    for behaviour in ["pass", "warn"] {
        admin.put(&of_hook("validation"), told(&digest, behaviour)).await.ok(200);
        admin.post(ADMIN_PLANS, plan(behaviour)).await.ok(201);
    }
    let url = format!("http://{}/metrics", app.address());
    let metrics = reqwest::get(url).await.unwrap().text().await.unwrap();
    let calls = format!(
        "planwright_plugin_calls_total{{hook=\"validation\",plugin=\"planwright-test-validation\",\
         digest=\"{digest}\"}} 2"
    );
    assert!(metrics.contains(&calls), "{metrics}");
}

#[tokio::test]
async fn the_same_component_is_ready_for_another_at_once() {
    let app = App::start().await;
    app.make_tenants(&["acme"]).await;
    let digest = uploaded(&app.admin(), "", REVIEWER).await;
    let acme = app.of_tenant("acme", "a", "admin");
    let theirs = upload(&acme, "", REVIEWER).await.ok(201);
    assert_eq!((&theirs["state"], &theirs["digest"]), (&json!("ready"), &json!(digest)));
    acme.put(&of_hook("validation"), told(&digest, "no-99")).await.ok(200);
    assert_eq!((odd_price(&acme, "odd").await, odd_price(&app.admin(), "odd").await), (400, 201));
}

#[tokio::test]
async fn a_plugin_that_priced_something_is_kept_for_whoever_asks_it_again() {
    let (app, provider) = with_provider().await;
    let (admin, operator) = (app.admin(), app.operator());
    let own = uploaded(&admin, "", PRICING).await;
    let shared = uploaded(&operator, "?tenant=*", &variant(PRICING, 1)).await;
    let plugin = |digest: &str, query: &str| format!("{PLUGINS}/{digest}{query}");
    let buy = async |user: &str| {
        let id = text(&begin(&app.user(user), "pro").await["payment_id"]);
        provider.pay(&id);
        tell(&app, "payment.succeeded", json!({"id": id})).await;
    };

    // What is only asked has priced nothing that is kept.
    let mine = json!({"plugins": [{"digest": own}]});
    admin.put(&of_hook("pricing"), mine.clone()).await.ok(200);
    begin(&app.user("eve"), "pro").await;
    admin.delete(&of_hook("pricing")).await.ok(200);
    admin.delete(&plugin(&own, "")).await.ok(204);

    let own = uploaded(&admin, "", PRICING).await;
    admin.put(&of_hook("pricing"), mine).await.ok(200);
    buy("bob").await;
    let refused = async |actor: &Actor, path: &str, code: &str| {
        let answer = actor.delete(path).await;
        let kind = format!("urn:planwright:problem:{code}");
        assert_eq!(answer.json["type"], kind.as_str(), "{}", answer.json);
        answer.problem(409).to_owned()
    };
    refused(&admin, &plugin(&own, ""), "plugin_bound").await;
    admin.delete(&of_hook("pricing")).await.ok(200);
    let detail = refused(&admin, &plugin(&own, ""), "plugin_priced").await;
    assert!(detail.starts_with(&format!("Plugin '{own}' has priced")), "{detail}");

    // Where the host's priced, the host keeps it; a tenant that has the same bytes need not.
    let host = json!({"plugins": [{"digest": shared}]});
    operator.put(&format!("{}?tenant=*", of_hook("pricing")), host).await.ok(200);
    let copy = uploaded(&admin, "", &variant(PRICING, 1)).await;
    buy("tom").await;
    operator.delete(&format!("{}?tenant=*", of_hook("pricing"))).await.ok(200);
    admin.delete(&plugin(&copy, "")).await.ok(204);
    refused(&operator, &plugin(&shared, "?tenant=*"), "plugin_priced").await;
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

//! An operator's plugins, from files that the configuration names: what they decide, and what becomes of
//! requests when they fail.

use std::time::{Duration, Instant};

use planwright_server::config::{Config, PluginConfig};
use serde_json::json;

use super::{ADMIN_PLANS, of_plan, plan};
use crate::harness::App;

const IDENTITY: &str = env!("WASM_PLANWRIGHT_TEST_IDENTITY");
const VALIDATION: &str = env!("WASM_PLANWRIGHT_TEST_VALIDATION");

fn plugin(file: &str, behaviour: &str) -> PluginConfig {
    let settings = toml::Table::from_iter([("behaviour".to_owned(), behaviour.into())]);
    PluginConfig { file: Some(file.into()), settings }
}

fn unnamed() -> serde_json::Value {
    json!({"name": "Pro", "price": 1, "interval": "month"})
}

#[tokio::test]
async fn a_rule_of_an_operators_own_adds_to_the_standard_ones() {
    let app = App::with(|config| {
        config.plugins.validation.then.push(plugin(VALIDATION, "no-99"));
    })
    .await;
    let admin = app.admin();
    for (price, name, codes) in [
        (json!(490), "Pro", vec![]),
        (json!(489.99), "Pro", vec!["price_ends_in_99"]),
        (json!(489.99), "", vec!["name_empty", "price_ends_in_99"]),
    ] {
        let mut draft = plan(&format!("p{}", codes.len()));
        draft["price"] = price;
        draft["name"] = json!(name);
        let answer = admin.post(ADMIN_PLANS, draft).await;
        let found: Vec<String> = answer.field_errors().into_iter().map(|(_, code)| code).collect();
        assert_eq!(found, codes, "{}", answer.json);
        assert_eq!(answer.status.as_u16(), if codes.is_empty() { 201 } else { 400 });
    }
}

#[tokio::test]
async fn the_standard_rules_have_settings_and_can_be_switched_off() {
    let app = App::with(|config| {
        let currencies = toml::Value::Array(vec!["GBP".into()]);
        config.plugins.validation.settings.insert("currencies".to_owned(), currencies);
    })
    .await;
    let mut pounds = plan("pounds");
    pounds["currency"] = json!("GBP");
    app.admin().post(ADMIN_PLANS, pounds.clone()).await.ok(201);
    app.admin().post(ADMIN_PLANS, plan("roubles")).await.problem(400);

    let app = App::with(|config| config.plugins.validation.standard = false).await;
    let mut odd = plan("Odd-Id");
    odd["quotas"] = json!({"steps": 1});
    app.admin().under_other_rules().post(ADMIN_PLANS, odd).await.ok(201);
    let mut negative = plan("negative");
    negative["price"] = json!(-1);
    let answer = app.admin().post(ADMIN_PLANS, negative).await;
    assert!(answer.problem(400).contains("price"), "the host keeps what no plugin may break");
}

#[tokio::test]
async fn an_identity_plugin_that_fails_closes_its_door_and_no_other() {
    for (behaviour, part) in [
        ("loop", "used up the instructions"),
        ("allocate", "memory"),
        ("recurse", "nest too deep"),
        ("panic", "panicked"),
        ("exit", "ended itself"),
        ("huge", "memory"),
        ("empty", "cannot be used"),
        ("wrong-alphabet", "as the id of a plan"),
    ] {
        let app = App::with(|config| config.plugins.identity = plugin(IDENTITY, behaviour)).await;
        let admin = app.admin();
        let began = Instant::now();
        let answer = admin.post(ADMIN_PLANS, unnamed()).await;
        assert!(began.elapsed() < Duration::from_secs(30), "{behaviour}");
        let detail = answer.problem(503);
        assert!(detail.contains("planwright-test-identity"), "{behaviour}: {detail}");
        assert!(detail.contains(part), "{behaviour}: {detail}");
        assert_eq!(
            admin.get(ADMIN_PLANS).await.ok(200),
            json!([]),
            "{behaviour}: nothing was made"
        );
        // An id that is given needs no identity plugin.
        admin.post(ADMIN_PLANS, plan("given")).await.ok(201);
    }
}

#[tokio::test]
async fn an_identity_plugin_may_refuse_a_name() {
    let app = App::with(|config| config.plugins.identity = plugin(IDENTITY, "refuse")).await;
    let answer = app.admin().post(ADMIN_PLANS, unnamed()).await;
    assert!(answer.problem(400).contains("No id for 'Pro'"), "{}", answer.json);
    assert_eq!(answer.field_errors()[0], ("name".to_owned(), "refused_as_asked".to_owned()));
}

#[tokio::test]
async fn an_identity_plugin_that_ignores_its_entropy_is_told_so_on_the_first_clash() {
    let app = App::with(|config| config.plugins.identity = plugin(IDENTITY, "same")).await;
    app.admin().post(ADMIN_PLANS, unnamed()).await.ok(201);
    let answer = app.admin().post(ADMIN_PLANS, unnamed()).await;
    assert!(answer.problem(503).contains("entropy"), "{}", answer.json);
}

#[tokio::test]
async fn a_validation_plugin_that_fails_lets_nothing_through() {
    for behaviour in ["panic", "flood"] {
        let app = App::with(|config| {
            config.plugins.validation.then.push(plugin(VALIDATION, behaviour));
        })
        .await;
        let answer = app.admin().post(ADMIN_PLANS, plan("basic")).await;
        assert!(answer.problem(503).contains("planwright-test-validation"), "{}", answer.json);
        app.admin().get(&of_plan("basic")).await.problem(404);
    }
}

#[tokio::test]
async fn a_warning_of_a_plugin_is_in_the_answer() {
    let app = App::with(|config| {
        config.plugins.validation.then.push(plugin(VALIDATION, "warn"));
    })
    .await;
    let answer = app.admin().post(ADMIN_PLANS, plan("basic")).await;
    let warning = answer.headers["warning"].to_str().unwrap();
    assert!(warning.contains("This change is warned of, as asked."), "{warning}");
}

#[tokio::test]
async fn what_fails_to_load_never_goes_live() {
    type Configure = fn(&mut Config);
    let cases: [(Configure, &str); 7] = [
        (|config| config.plugins.identity = plugin("/nowhere.wasm", "behave"), "/nowhere.wasm"),
        (|config| config.plugins.identity = plugin(VALIDATION, "pass"), "identity-plugin"),
        (|config| config.plugins.identity = plugin(IDENTITY, "refuse-settings"), "its settings"),
        (|config| config.plugins.identity = plugin(IDENTITY, "loop-in-configure"), "instructions"),
        (
            |config| {
                config.plugins.validation.then.push(PluginConfig::default());
            },
            "needs a `file`",
        ),
        (
            |config| {
                config.plugins.templates.push(PluginConfig::default());
            },
            "each [[plugins.templates]] needs a `file`",
        ),
        (|config| config.plugins.templates.push(plugin(VALIDATION, "pass")), "template-pack"),
    ];
    for (configure, part) in cases {
        let Err(error) = App::try_with(configure).await else { panic!("{part}: it started") };
        assert!(error.to_string().contains(part), "{part}: {error}");
    }
}

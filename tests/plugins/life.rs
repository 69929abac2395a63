//! Plugins that were loaded, asked together and one by one.

use std::sync::Arc;

use bytes::Bytes;
use planwright_domain::plan::review::Severity;
use planwright_plugin_host::{Hook, HostConfig, Plugin, PluginHost, Prepared, Reuse, review_plan};

use super::{
    IDENTITY, PRICING, REVIEWER, VALIDATION, candidate, config, context, creation, host, now,
};

async fn load(
    host: &PluginHost,
    hook: Hook,
    component: &'static [u8],
    settings: &str,
) -> Arc<Plugin> {
    host.load(candidate(hook, component, settings), now()).await.unwrap()
}

#[tokio::test]
async fn findings_of_all_validation_plugins_add_up() {
    let host = host();
    let mut plugins = vec![load(&host, Hook::Validation, VALIDATION, "{}").await];
    let review = async |plugins: &[Arc<Plugin>], price| {
        let findings = review_plan(plugins, &context(), &creation(price)).await.unwrap();
        findings.into_iter().map(|finding| (finding.code, finding.severity)).collect::<Vec<_>>()
    };
    assert_eq!(review(&plugins, "490.99").await, []);
    let no_99 = load(&host, Hook::Validation, REVIEWER, r#"{"behaviour":"no-99"}"#).await;
    let warn = load(&host, Hook::Validation, REVIEWER, r#"{"behaviour":"warn"}"#).await;
    plugins.extend([no_99, warn]);
    let (refused, warned) = (
        ("price_ends_in_99".to_owned(), Severity::Error),
        ("warned_as_asked".to_owned(), Severity::Warning),
    );
    assert_eq!(review(&plugins, "490.99").await, [refused, warned.clone()]);
    assert_eq!(review(&plugins, "490").await, [warned]);
}

#[tokio::test]
async fn a_price_that_does_not_fit_the_contract_is_refused_by_name() {
    let plugins = [load(&host(), Hook::Validation, VALIDATION, "{}").await];
    let mut change = creation("490");
    if let Some(plan) = &mut change.after {
        plan.price = "92233720368547758080.01".parse().unwrap();
    }
    let error = review_plan(&plugins, &context(), &change).await.unwrap_err();
    assert_eq!(error.code(), "bad_question");
    assert!(error.to_string().contains("price 92233720368547758080.01"), "{error}");
}

#[tokio::test]
async fn a_plugin_is_asked_only_what_it_was_loaded_for() {
    let pricing = load(&host(), Hook::Pricing, PRICING, "{}").await;
    let error = pricing.new_id("plan", "Pro", [0; 32], now()).await.unwrap_err();
    assert_eq!(error.code(), "wrong_world");
}

#[tokio::test]
async fn the_same_question_has_the_same_id() {
    let identity = load(&host(), Hook::Identity, IDENTITY, "{}").await;
    let id =
        async |entropy| identity.new_id("plan", "Pro Plan", [entropy; 32], now()).await.unwrap();
    let first = id(1).await;
    assert!(first.starts_with("pro_plan_"), "{first}");
    assert_eq!(id(1).await, first);
    assert_ne!(id(2).await, first);
}

#[tokio::test]
async fn what_was_prepared_is_loaded_without_its_bytes_and_what_was_not_is_not_compiled() {
    let folder = tempfile::tempdir().unwrap();
    let config =
        HostConfig { cache_dir: folder.path().to_owned(), cache_is_shared: false, ..config() };
    let host = PluginHost::new(config).unwrap();
    let component = Bytes::from_static(REVIEWER);
    let inspection = host.inspect(component.clone()).await.unwrap();
    assert_eq!(inspection.hook, Hook::Validation);
    let prepared = Prepared {
        hook: inspection.hook,
        digest: inspection.digest,
        name: "rules".to_owned(),
        imports: inspection.imports,
        settings: r#"{"behaviour":"no-99"}"#.to_owned(),
        reuse: Reuse::Fresh,
    };
    let error = host.load_prepared(prepared.clone(), now()).await.unwrap_err();
    assert_eq!((error.code(), error.plugin()), ("not_compiled", Some("validation plugin 'rules'")));

    let turn = host.turn("acme", component.len()).await;
    let about =
        host.prepare(turn, inspection.hook, &inspection.digest, component, now()).await.unwrap();
    assert_eq!(about.name, "planwright-test-validation");
    let plugin = host.load_prepared(prepared.clone(), now()).await.unwrap();
    let found = plugin.review_plan(&context(), &creation("490.99")).await.unwrap();
    assert_eq!(found[0].code, "price_ends_in_99");
    assert_eq!((plugin.digest(), plugin.stats().calls), (&*inspection.digest.to_string(), 1));

    // Figures go on when a plugin is loaded anew, and outlive it.
    drop(plugin);
    let again = host.load_prepared(prepared, now()).await.unwrap();
    again.review_plan(&context(), &creation("490")).await.unwrap();
    assert_eq!((again.stats().calls, host.tallies()[0].stats.calls), (1, 2));
    assert!(host.has_native(&inspection.digest).await.unwrap());
    host.forget(&inspection.digest);
    assert!(!host.has_native(&inspection.digest).await.unwrap());
}

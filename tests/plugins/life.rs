//! The table of live plugins: asked whole, swapped whole.

use std::sync::Arc;

use planwright_domain::review::Severity;
use planwright_plugin_host::{Bindings, Hook, LiveBindings, Plugin, PluginHost};

use super::{IDENTITY, PRICING, REVIEWER, VALIDATION, candidate, context, creation, host, now};

async fn load(
    host: &PluginHost,
    hook: Hook,
    component: &'static [u8],
    settings: &str,
) -> Arc<Plugin> {
    host.load(candidate(hook, component, settings), now()).await.unwrap()
}

async fn standard(host: &PluginHost) -> Bindings {
    Bindings {
        identity: load(host, Hook::Identity, IDENTITY, "{}").await,
        validation: vec![load(host, Hook::Validation, VALIDATION, "{}").await],
        pricing: load(host, Hook::Pricing, PRICING, "{}").await,
        templates: Vec::new(),
    }
}

#[tokio::test]
async fn findings_of_all_validation_plugins_add_up() {
    let host = host();
    let mut bindings = standard(&host).await;
    let review = async |bindings: &Bindings, price| {
        let findings = bindings.review_plan(&context(), &creation(price)).await.unwrap();
        findings.into_iter().map(|finding| (finding.code, finding.severity)).collect::<Vec<_>>()
    };
    assert_eq!(review(&bindings, "490.99").await, []);
    let no_99 = load(&host, Hook::Validation, REVIEWER, r#"{"behaviour":"no-99"}"#).await;
    let warn = load(&host, Hook::Validation, REVIEWER, r#"{"behaviour":"warn"}"#).await;
    bindings.validation.extend([no_99, warn]);
    let (refused, warned) = (
        ("price_ends_in_99".to_owned(), Severity::Error),
        ("warned_as_asked".to_owned(), Severity::Warning),
    );
    assert_eq!(review(&bindings, "490.99").await, [refused, warned.clone()]);
    assert_eq!(review(&bindings, "490").await, [warned]);
}

#[tokio::test]
async fn a_price_that_does_not_fit_the_contract_is_refused_by_name() {
    let bindings = standard(&host()).await;
    let mut change = creation("490");
    if let Some(plan) = &mut change.after {
        plan.price = "92233720368547758080.01".parse().unwrap();
    }
    let error = bindings.review_plan(&context(), &change).await.unwrap_err();
    assert_eq!(error.code(), "bad_question");
    assert!(error.to_string().contains("price 92233720368547758080.01"), "{error}");
}

#[tokio::test]
async fn whoever_pinned_the_old_table_keeps_it() {
    let host = host();
    let live = LiveBindings::new(standard(&host).await);
    let pinned = live.pin();
    let mut swapped = Bindings::clone(&pinned);
    swapped.validation.clear();
    live.publish(swapped);
    assert_eq!(pinned.validation.len(), 1);
    assert_eq!(live.pin().validation.len(), 0);
    assert_eq!(live.pin().plugins().count(), 2);
}

#[tokio::test]
async fn a_plugin_is_asked_only_what_it_was_loaded_for() {
    let mut bindings = standard(&host()).await;
    bindings.identity = Arc::clone(&bindings.pricing);
    let error = bindings.new_id("plan", "Pro", [0; 32], now()).await.unwrap_err();
    assert_eq!(error.code(), "wrong_world");
}

#[tokio::test]
async fn the_same_question_has_the_same_id() {
    let bindings = standard(&host()).await;
    let id =
        async |entropy| bindings.new_id("plan", "Pro Plan", [entropy; 32], now()).await.unwrap();
    let first = id(1).await;
    assert!(first.starts_with("pro_plan_"), "{first}");
    assert_eq!(id(1).await, first);
    assert_ne!(id(2).await, first);
}

//! The plugin host from outside: what plugins may do, what they may not, and what becomes of the host.
#![allow(
    clippy::unwrap_used,
    reason = "a test has nobody to hand an error to, in its helpers neither"
)]

mod compiling;
mod hostile;
mod life;
mod loading;
mod sandbox;

use std::sync::Arc;

use bytes::Bytes;
use planwright_domain::money::Currency;
use planwright_domain::period::Interval;
use planwright_domain::plan::Plan;
use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::plan::review::{PlanChange, ReviewContext, SubscriptionCounts};
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_plugin_host::{
    Candidate, Hook, HostConfig, Limits, Plugin, PluginError, PluginHost, Reuse,
};

use crate::harness::compiled_plugins;
use crate::harness::process::PLANWRIGHT;

/// The standard plugins.
pub(crate) const IDENTITY: &[u8] = include_bytes!(env!("WASM_PLANWRIGHT_IDENTITY"));
pub(crate) const VALIDATION: &[u8] = include_bytes!(env!("WASM_PLANWRIGHT_VALIDATION"));
pub(crate) const PRICING: &[u8] = include_bytes!(env!("WASM_PLANWRIGHT_PRICING"));
/// Do what their settings say.
const MISBEHAVING: &[u8] = include_bytes!(env!("WASM_PLANWRIGHT_TEST_IDENTITY"));
const REVIEWER: &[u8] = include_bytes!(env!("WASM_PLANWRIGHT_TEST_VALIDATION"));
/// Has a name of 10 MB.
const BOASTER: &[u8] = include_bytes!(env!("WASM_PLANWRIGHT_TEST_BOASTER"));

/// 2026-11-21T00:00:00Z.
const NOW: i64 = 1_795_219_200;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// A host like a server's. All tests share one cache, so that each guest is compiled once.
pub(crate) fn host() -> PluginHost {
    PluginHost::new(config()).unwrap()
}

fn config() -> HostConfig {
    HostConfig {
        compiler: vec![PLANWRIGHT.into(), planwright_server::server::COMPILE.into()],
        cache_dir: compiled_plugins(),
        cache_is_shared: true,
        cache_key: [7; 32],
        limits: Limits::default(),
    }
}

pub(crate) fn candidate(hook: Hook, component: &'static [u8], settings: &str) -> Candidate {
    Candidate {
        hook,
        label: "candidate.wasm".to_owned(),
        component: Bytes::from_static(component),
        settings: settings.to_owned(),
        reuse: Reuse::Fresh,
    }
}

/// The guest that misbehaves, told how.
async fn misbehaving(host: &PluginHost, behaviour: &str) -> Result<Arc<Plugin>, PluginError> {
    let settings = format!(r#"{{"behaviour":"{behaviour}"}}"#);
    let candidate = candidate(Hook::Identity, MISBEHAVING, &settings);
    host.load(candidate, now()).await
}

async fn new_id(plugin: &Arc<Plugin>) -> Result<String, PluginError> {
    plugin.new_id("plan", "Pro", [0xab; 32], now()).await
}

fn context() -> ReviewContext {
    ReviewContext { tenant: TenantId::default(), user_id: Some("admin".to_owned()), at: now() }
}

/// A plan about to be made.
fn creation(price: &str) -> PlanChange {
    let plan = Plan {
        id: PlanId::new("pro").unwrap(),
        name: "Pro".to_owned(),
        name_ru: None,
        description: None,
        description_ru: None,
        price: price.parse().unwrap(),
        currency: Currency::RUB,
        interval: Interval::Month,
        quotas: [("requests".to_owned(), 1_000)].into(),
        features: vec!["Support".to_owned()],
        is_active: true,
        display_order: 0,
        metadata: [].into(),
        trial_days: 0,
        billing_plan_id: None,
        overage: [].into(),
        version: 1,
        created_at: now(),
        updated_at: now(),
    };
    PlanChange {
        before: None,
        after: Some(plan),
        subscriptions: SubscriptionCounts::default(),
        pending_payments: 0,
        known_metrics: vec!["requests".to_owned()],
    }
}

//! A call of a plugin, in a fresh instance and in a used one, beside the same Rust code called natively.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use planwright_domain::plan::Plan;
use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::plan::review::{PlanChange, ReviewContext, SubscriptionCounts};
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_domain::usage::metric::BUILT_IN;
use planwright_plugin_host::{Candidate, Hook, HostConfig, Limits, Plugin, PluginHost, Reuse};
use planwright_sdk::{Identity, NoSettings, Validation};

use crate::server::{compiler, draft};
use crate::{ROUNDS, TURN, median};

const IDENTITY: &[u8] = include_bytes!(env!("WASM_PLANWRIGHT_IDENTITY"));
const VALIDATION: &[u8] = include_bytes!(env!("WASM_PLANWRIGHT_VALIDATION"));
const ENTROPY: [u8; 32] = [0xab; 32];
const NAME: &str = "Premium";

pub(crate) fn run() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let host = PluginHost::new(HostConfig {
        compiler: compiler(),
        cache_dir: folder.path().join("plugins"),
        cache_is_shared: false,
        cache_key: [7; 32],
        limits: Limits::default(),
    })
    .unwrap();
    let load = |hook, component, reuse| {
        let candidate = Candidate {
            hook,
            label: "benchmark".to_owned(),
            component: Bytes::from_static(component),
            settings: "{}".to_owned(),
            reuse,
        };
        runtime.block_on(host.load(candidate, Timestamp::UNIX_EPOCH)).unwrap()
    };
    let warm = Reuse::Warm { calls: 10_000 };
    println!("calls                          fresh µs   used µs   native µs   used ÷ native");
    let id = |plugin: Arc<Plugin>| {
        runtime.block_on(time_async(async || {
            plugin.new_id("plan", NAME, ENTROPY, Timestamp::UNIX_EPOCH).await.unwrap()
        }))
    };
    print(
        "make an id",
        || id(load(Hook::Identity, IDENTITY, Reuse::Fresh)),
        || id(load(Hook::Identity, IDENTITY, warm)),
        || time(|| planwright_identity::Standard::new_id(&NoSettings {}, "plan", NAME, &ENTROPY)),
    );
    let change = creation();
    let context = ReviewContext {
        tenant: TenantId::default(),
        user_id: Some("admin".to_owned()),
        at: Timestamp::UNIX_EPOCH,
    };
    let review = |plugin: Arc<Plugin>| {
        runtime.block_on(time_async(async || plugin.review_plan(&context, &change).await.unwrap()))
    };
    let settings = planwright_validation::Settings::default();
    let (native_context, native_change) = native(&context, &change);
    print(
        "review a plan",
        || review(load(Hook::Validation, VALIDATION, Reuse::Fresh)),
        || review(load(Hook::Validation, VALIDATION, warm)),
        || {
            time(|| {
                planwright_validation::Standard::review_plan(
                    &settings,
                    &native_context,
                    &native_change,
                )
            })
        },
    );
}

fn print(
    name: &str,
    mut fresh: impl FnMut() -> f64,
    mut used: impl FnMut() -> f64,
    mut native: impl FnMut() -> f64,
) {
    let (mut all_fresh, mut all_used, mut all_native, mut ratios) =
        (vec![], vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        all_fresh.push(fresh());
        let (one_used, one_native) = (used(), native());
        ratios.push(one_used / one_native);
        all_used.push(one_used);
        all_native.push(one_native);
    }
    println!(
        "{name:<30} {:>8.1} {:>9.1} {:>11.2} {:>15.1}",
        median(all_fresh),
        median(all_used),
        median(all_native),
        median(ratios)
    );
}

/// Microseconds a call.
fn time<T>(mut call: impl FnMut() -> T) -> f64 {
    let began = Instant::now();
    let mut count = 0_u32;
    while began.elapsed() < TURN / 4 {
        for _ in 0..100 {
            black_box(call());
        }
        count += 100;
    }
    microseconds(began.elapsed(), count)
}

/// The same for a call that is awaited.
async fn time_async<T>(mut call: impl AsyncFnMut() -> T) -> f64 {
    for _ in 0..100 {
        black_box(call().await);
    }
    let began = Instant::now();
    let mut count = 0_u32;
    while began.elapsed() < TURN / 4 {
        black_box(call().await);
        count += 1;
    }
    microseconds(began.elapsed(), count)
}

fn microseconds(elapsed: Duration, count: u32) -> f64 {
    elapsed.as_secs_f64() * 1e6 / f64::from(count)
}

fn creation() -> PlanChange {
    let draft = serde_json::from_str(&draft().to_string()).unwrap();
    let id = PlanId::new("premium_abc12345").unwrap();
    PlanChange {
        before: None,
        after: Some(Plan::from_draft(id, draft, Timestamp::UNIX_EPOCH).unwrap()),
        subscriptions: SubscriptionCounts::default(),
        pending_payments: 0,
        known_metrics: BUILT_IN.map(str::to_owned).to_vec(),
    }
}

/// The same question in the plugin's own words.
fn native(
    context: &ReviewContext,
    change: &PlanChange,
) -> (planwright_sdk::types::Context, planwright_sdk::validation::PlanChange) {
    use planwright_sdk::types::{Context, Currency, Decimal, Plan, Quota};
    use planwright_sdk::validation::{PlanChange, SubscriptionCounts};
    let plan = change.after.as_ref().unwrap();
    let after = Plan {
        id: plan.id.to_string(),
        name: plan.name.clone(),
        name_ru: plan.name_ru.clone(),
        description: plan.description.clone(),
        description_ru: plan.description_ru.clone(),
        price: Decimal { coefficient: 2_990, scale: 0 },
        currency: Currency { code: "RUB".to_owned(), digits: 2 },
        interval: plan.interval.as_str().to_owned(),
        quotas: plan
            .quotas
            .iter()
            .map(|(metric, limit)| Quota { metric: metric.clone(), limit: *limit })
            .collect(),
        overage: Vec::new(),
        features: plan.features.clone(),
        trial_days: 0,
        billing_plan_id: None,
        is_active: true,
        display_order: 4,
        metadata: Vec::new(),
    };
    let context = Context {
        tenant: context.tenant.to_string(),
        user_id: context.user_id.clone(),
        user_group: None,
        region: None,
        at: 0,
        attributes: Vec::new(),
    };
    let subscriptions = SubscriptionCounts { trialing: 0, active: 0, past_due: 0, canceled: 0 };
    let change = PlanChange {
        before: None,
        after: Some(after),
        subscriptions,
        pending_payments: 0,
        known_metrics: change.known_metrics.clone(),
    };
    (context, change)
}

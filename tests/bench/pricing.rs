//! What pricing usage costs: lines a second through the standard plugin beside the same Rust code called natively, and
//! quotes over HTTP beside the bare route that reads and writes the same JSON.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use hyper::{Method, StatusCode};
use planwright_domain::billing_plan::charge::{LinePhase, MOST_LINES, UsageLine, UsageQuestion};
use planwright_domain::billing_plan::tier::Tier;
use planwright_domain::billing_plan::{PhaseType, TierMode};
use planwright_domain::money::Currency;
use planwright_domain::plan::review::ReviewContext;
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_plugin_host::{Candidate, Hook, HostConfig, Limits, Plugin, PluginHost, Reuse};
use planwright_sdk::{NoSettings, Pricing};
use serde_json::{Value, json};
use tokio::runtime::Builder;

use crate::load::Ask;
use crate::requests::{self, Case, compare};
use crate::server::{Running, compiler};
use crate::{ROUNDS, TURN, bare, median, server};

const PRICING: &[u8] = include_bytes!(env!("WASM_PLANWRIGHT_PRICING"));
/// Up to 100 at 0.02, up to 1,000 at 0.015, then 0.0125: a line reaches the last one.
const TIERS: [(Option<i64>, i64); 3] = [(Some(100), 200), (Some(1_000), 150), (None, 125)];
const QUANTITY: i64 = 1_500;
const REGION: &str = "eu";

pub(crate) fn run() {
    lines();
    quotes();
}

fn lines() {
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let host = PluginHost::new(HostConfig {
        compiler: compiler(),
        cache_dir: folder.path().join("plugins"),
        cache_is_shared: false,
        cache_key: [7; 32],
        limits: Limits::default(),
    })
    .unwrap();
    let candidate = Candidate {
        hook: Hook::Pricing,
        label: "benchmark".to_owned(),
        component: Bytes::from_static(PRICING),
        settings: "{}".to_owned(),
        reuse: Reuse::Warm { calls: 10_000 },
    };
    let plugin = runtime.block_on(host.load(candidate, Timestamp::UNIX_EPOCH)).unwrap();
    println!("pricing, lines a second           plugin      native   plugin ÷ native");
    for count in [1, 10, 100, 1_000] {
        // A question has so many lines at most; more of them are more calls.
        let a_call = count.min(MOST_LINES);
        let calls = count / a_call;
        let (question, native) = (question(a_call), native_question(a_call));
        let (mut ours, mut theirs, mut ratios) = (vec![], vec![], vec![]);
        for _ in 0..ROUNDS {
            let plugin_lines = runtime.block_on(through_the_plugin(&plugin, &question, calls));
            let native_lines = natively(&native, calls);
            ratios.push(plugin_lines / native_lines);
            ours.push(plugin_lines);
            theirs.push(native_lines);
        }
        let name = if calls == 1 {
            format!("{count} lines in a call")
        } else {
            format!("{count} lines in {calls} calls")
        };
        println!(
            "{name:<30} {:>9.0} {:>11.0} {:>17.3}",
            median(ours),
            median(theirs),
            median(ratios)
        );
    }
    println!();
}

async fn through_the_plugin(plugin: &Arc<Plugin>, question: &UsageQuestion, calls: usize) -> f64 {
    let context = ReviewContext {
        tenant: TenantId::default(),
        user_id: Some("bench".to_owned()),
        at: Timestamp::UNIX_EPOCH,
    };
    let began = Instant::now();
    let mut lines = 0_usize;
    while began.elapsed() < TURN / 4 {
        for _ in 0..calls {
            let charges = plugin.price_usage(&context, question).await.unwrap().unwrap();
            lines += black_box(charges).len();
        }
    }
    lines as f64 / began.elapsed().as_secs_f64()
}

fn natively(question: &planwright_sdk::pricing::UsageQuestion, calls: usize) -> f64 {
    let began = Instant::now();
    let mut lines = 0_usize;
    while began.elapsed() < TURN / 4 {
        for _ in 0..calls {
            let charges = planwright_pricing::Standard::price_usage(&NoSettings {}, question);
            lines += black_box(charges.unwrap()).len();
        }
    }
    lines as f64 / began.elapsed().as_secs_f64()
}

fn question(lines: usize) -> UsageQuestion {
    let tier = |(end, price): (Option<i64>, i64)| Tier {
        currency: Currency::USD,
        max_qty: end.map(Into::into),
        price: rust_decimal::Decimal::new(price, 4),
        regions: vec![REGION.to_owned()],
    };
    let line = |at| UsageLine {
        external_id: product(at),
        quantity: QUANTITY.into(),
        unit: 1,
        tier_mode: TierMode::Graduated,
        used_at: Timestamp::UNIX_EPOCH,
        phases: vec![LinePhase {
            phase_type: PhaseType::Final,
            starts_at: Timestamp::UNIX_EPOCH,
            ends_at: None,
            prices: TIERS.map(tier).to_vec(),
        }],
    };
    UsageQuestion {
        user_group: None,
        region: Some(REGION.to_owned()),
        currency: Currency::USD,
        lines: (0..lines).map(line).collect(),
    }
}

/// The same question in the plugin's own words.
fn native_question(lines: usize) -> planwright_sdk::pricing::UsageQuestion {
    use planwright_sdk::price_book::Price;
    use planwright_sdk::pricing::{Line, PhaseWindow, UsageQuestion};
    use planwright_sdk::types::{Context, Currency, Decimal};
    let whole = |coefficient| Decimal { coefficient, scale: 0 };
    let tier = |(end, price): (Option<i64>, i64)| Price {
        currency: "USD".to_owned(),
        max_quantity: end.map(whole),
        amount: Decimal { coefficient: price, scale: 4 },
        regions: vec![REGION.to_owned()],
    };
    let line = |at: usize| Line {
        reference: u32::try_from(at).unwrap(),
        product: product(at),
        quantity: whole(QUANTITY),
        unit: whole(1),
        tier_mode: "graduated".to_owned(),
        used_at: 0,
        phases: vec![PhaseWindow {
            kind: "final".to_owned(),
            starts_at: 0,
            ends_at: None,
            prices: TIERS.map(tier).to_vec(),
        }],
    };
    let context = Context {
        tenant: "default".to_owned(),
        user_id: Some("bench".to_owned()),
        user_group: None,
        region: Some(REGION.to_owned()),
        at: 0,
        attributes: Vec::new(),
    };
    let currency = Currency { code: "USD".to_owned(), digits: 2 };
    UsageQuestion { context, currency, lines: (0..lines).map(line).collect() }
}

fn product(at: usize) -> String {
    format!("product_{at}")
}

/// A price book of a hundred products, and what a quote of some of them costs.
fn quotes() {
    let serving = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let asking = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let running = serving.block_on(server::start(|_| {}));
    let bare = serving.block_on(bare::start(Vec::new()));
    asking.block_on(put_catalog(&running));
    println!("quotes                       clients   ours/s   bare/s   ratio   p50 µs   p99 µs");
    for (name, lines, clients) in [
        ("quote 1 line", 1, 1),
        ("quote 1 line", 1, 16),
        ("quote 10 lines", 10, 16),
        ("quote 100 lines", 100, 16),
    ] {
        let body = Bytes::from(quote(lines).to_string());
        let ask = |address, path: &str| Ask {
            method: Method::POST,
            body: body.clone(),
            expected: StatusCode::OK,
            ..requests::ask(address, path, running.token("admin"))
        };
        let ours = ask(running.server.address(), "/api/admin/billing_plans/1/quote");
        compare(&asking, &running, &Case { name, clients, ours, bare: ask(bare, "/quote") });
    }
    println!();
    serving.block_on(running.server.stop());
}

fn quote(lines: usize) -> Value {
    let line = |at| json!({"external_id": product(at), "quantity": QUANTITY});
    json!({"currency": "USD", "region": REGION, "lines": (0..lines).map(line).collect::<Vec<_>>()})
}

async fn put_catalog(running: &Running) {
    let prices = TIERS.map(|(max_qty, price)| {
        let price = rust_decimal::Decimal::new(price, 4).to_string();
        json!({"currency": "USD", "max_qty": max_qty, "price": price, "regions": [REGION]})
    });
    let phase = json!({"phase_type": "final", "billing_resource_prices": prices});
    let resource =
        |at| json!({"product": product(at), "tier_mode": "graduated", "billing_phases": [phase]});
    let made =
        |at| json!({"external_id": product(at), "label": "Product", "resource_kind": "resource"});
    let catalog = json!({
        "regions": [{"name": REGION}],
        "products": (0..MOST_LINES).map(made).collect::<Vec<_>>(),
        "billing_plans": [
            {"name": "Book", "billing_resources": (0..MOST_LINES).map(resource).collect::<Vec<_>>()},
        ],
    });
    running.put("/api/v1/admin/catalog", &catalog).await;
}

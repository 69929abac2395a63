//! Statements: what is metered is billed, once, by the prices that held, whatever comes in between.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod journey;
mod kills;
mod late;
pub(crate) mod payments;
mod plugins;
mod prices_kept;
mod quotas;
mod races;
mod replays;
mod too_large;

use serde_json::{Value, json};

use crate::api::{BILLING_PLANS, PRODUCTS, REGIONS, SETTINGS, USAGE, USER_GROUPS};
use crate::harness::{Actor, App};

pub(crate) const STATEMENTS: &str = "/api/v1/billing/statements";
pub(crate) const UPCOMING: &str = "/api/v1/billing/statements/upcoming";
pub(crate) const ADMIN_STATEMENTS: &str = "/api/v1/admin/billing/statements";

pub(crate) const DAY: i64 = 86_400;
/// 2025-03-01T00:00:00Z. The manual clock begins on 2025-02-05T08:00:00Z, 1,738,742,400.
pub(crate) const MARCH: i64 = 1_740_787_200;
/// How far that is from where the clock begins.
pub(crate) const TO_MARCH: i64 = MARCH - 1_738_742_400;

/// A phase of a price book: how long, and its prices in USD for a region, up to a quantity or without end.
pub(crate) fn phase(
    kind: &str,
    long: Option<(&str, u32)>,
    prices: &[(&str, Value, &str)],
) -> Value {
    let prices = prices.iter().map(|(region, max_qty, price)| {
        json!({"currency": "USD", "max_qty": max_qty, "price": price, "regions": [region]})
    });
    let mut phase =
        json!({"phase_type": kind, "billing_resource_prices": prices.collect::<Vec<_>>()});
    if let Some((unit, quantity)) = long {
        phase["duration_unit"] = json!(unit);
        phase["duration_qty"] = json!(quantity);
    }
    phase
}

/// A product of a price book.
pub(crate) fn priced(product: &str, tier_mode: &str, phases: &[Value]) -> Value {
    json!({"product": product, "tier_mode": tier_mode, "billing_phases": phases})
}

/// Two regions, products with their units, and a price book that everybody is priced by, in USD and in the first region.
pub(crate) async fn cloud(admin: &Actor, products: &[(&str, u64)], book: &[Value]) {
    for region in ["eu", "us"] {
        admin.post(REGIONS, json!({"region": {"name": region}})).await.ok(201);
    }
    for (external_id, unit) in products {
        let product = json!({
            "label": external_id, "resource_kind": "resource", "unit": unit,
            "external_id": external_id,
        });
        admin.post(PRODUCTS, json!({"product": product})).await.ok(201);
    }
    admin.post(BILLING_PLANS, json!({"billing_plan": {"name": "Cloud"}})).await.ok(201);
    put_book(admin, book).await;
    let group = json!({"name": "everybody", "is_default": true, "billing_plan_id": 1});
    admin.post(USER_GROUPS, json!({"user_group": group})).await.ok(201);
    admin.put(SETTINGS, json!({"currency": "USD", "region_id": 1})).await.ok(200);
}

/// Other prices.
pub(crate) async fn put_book(admin: &Actor, book: &[Value]) {
    let document = json!({"billing_plan": {"name": "Cloud", "billing_resources": book}});
    admin.put(&format!("{BILLING_PLANS}/1/document"), document).await.ok(200);
}

/// A product at 1 a unit, for ever.
pub(crate) fn at_one(product: &str) -> Value {
    priced(product, "volume", &[phase("final", None, &[("eu", Value::Null, "1")])])
}

/// Something was used now.
pub(crate) async fn uses(user: &Actor, metric: &str, amount: impl Into<Value>) {
    user.post(USAGE, json!({"metric": metric, "amount": amount.into()})).await.ok(201);
}

/// Something was used then.
pub(crate) async fn used(app: &App, user: &str, metric: &str, amount: u64, at: i64) {
    let event = json!({"metric": metric, "amount": amount, "timestamp": at, "user_id": user});
    app.admin().post(USAGE, event).await.ok(201);
}

/// A user's statements, the newest first.
pub(crate) async fn statements(user: &Actor) -> Vec<Value> {
    user.get(STATEMENTS).await.ok(200)["items"].as_array().unwrap().clone()
}

/// The only statement of a user.
pub(crate) async fn only_statement(user: &Actor) -> Value {
    let mut all = statements(user).await;
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

/// `usage cpu trial eu 5000: 0`, a line each, and `total 2 due 2 open`.
pub(crate) fn said(statement: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let lines = statement["lines"].as_array().unwrap().iter().map(|line| {
        let [kind, of, phase, region] =
            ["kind", "external_id", "phase", "region"].map(|name| text(&line[name]));
        format!("{kind} {of} {phase} {region} {}: {}", line["quantity"], line["amount"])
    });
    let (total, due) = (&statement["total"], &statement["due"]);
    let status = statement["status"].as_str().unwrap_or("upcoming");
    lines.chain([format!("total {total} due {due} {status}")]).collect()
}

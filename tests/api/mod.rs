//! The REST surface, through a real server.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod admin_plans;
mod again;
mod api_keys;
mod audit;
mod billing_documents;
mod billing_parts;
mod billing_plans;
pub(crate) mod catalog;
mod clock;
mod document;
mod entries;
mod every_operation;
mod limits;
pub(crate) mod metrics;
mod numbers;
mod overviews;
mod pack_prices;
pub(crate) mod payments;
mod plan_lists;
pub(crate) mod plugin_bindings;
mod plugin_swaps;
pub(crate) mod plugin_uploads;
mod plugins;
mod quotes;
mod races;
mod seed_billing_plans;
mod seed_examples;
mod subscription_life;
mod subscriptions;
mod template_packs;
mod tenants;
mod token_keys;
mod usage;
mod user_reports;
mod webhooks;

use serde_json::{Value, json};

pub(crate) const PLANS: &str = "/api/v1/billing/plans";
pub(crate) const ADMIN_PLANS: &str = "/api/v1/admin/billing/plans";

pub(crate) const SUBSCRIPTION: &str = "/api/v1/billing/subscription";
pub(crate) const SUBSCRIPTIONS: &str = "/api/v1/admin/billing/subscriptions";
pub(crate) const ME: &str = "/api/v1/billing/me";
pub(crate) const PAYMENT: &str = "/api/v1/billing/payment";
pub(crate) const WEBHOOK: &str = "/api/v1/billing/webhook/yookassa";
pub(crate) const TRANSACTIONS: &str = "/api/v1/billing/transactions";
pub(crate) const SETTINGS: &str = "/api/v1/admin/settings";
pub(crate) const USAGE: &str = "/api/v1/billing/usage";
pub(crate) const CHECK: &str = "/api/v1/billing/usage/check";
pub(crate) const BATCH: &str = "/api/v1/billing/usage/batch";
pub(crate) const CLOCK: &str = "/api/v1/admin/clock";

pub(crate) const TENANTS: &str = "/api/v1/admin/tenants";
pub(crate) const API_KEYS: &str = "/api/v1/admin/api-keys";
pub(crate) const AUDIT: &str = "/api/v1/admin/audit";
pub(crate) const AUDIT_VERIFY: &str = "/api/v1/admin/audit/verify";

pub(crate) const REGIONS: &str = "/api/admin/regions";
pub(crate) const PRODUCTS: &str = "/api/admin/products";
pub(crate) const USER_GROUPS: &str = "/api/admin/user_groups";
pub(crate) const USERS: &str = "/api/admin/users";
pub(crate) const USER_REPORTS: &str = "/api/v1/admin/users";
pub(crate) const BILLING_PLANS: &str = "/api/admin/billing_plans";

/// A plan that says no more than it must.
pub(crate) fn plan(id: &str) -> Value {
    json!({"id": id, "name": "Plan", "price": 490, "interval": "month"})
}

/// A plan with one quota.
pub(crate) fn plan_with_quota(id: &str, requests: u64) -> Value {
    json!({
        "id": id, "name": "Plan", "price": 490, "interval": "month", "quotas": {"requests": requests},
    })
}

pub(crate) fn of_plan(id: &str) -> String {
    format!("{ADMIN_PLANS}/{id}")
}

pub(crate) fn subscription_of(user: &str) -> String {
    format!("/api/v1/admin/billing/users/{user}/subscription")
}

pub(crate) fn usage_of(user: &str) -> String {
    format!("/api/v1/admin/billing/users/{user}/usage")
}

//! The REST surface, through a real server.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod admin_plans;
mod audit;
mod auth;
mod limits;
mod plan_lists;
mod plugins;
mod races;
mod seed_examples;
mod subscriptions;

use serde_json::{Value, json};

pub(crate) const PLANS: &str = "/api/v1/billing/plans";
pub(crate) const ADMIN_PLANS: &str = "/api/v1/admin/billing/plans";

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

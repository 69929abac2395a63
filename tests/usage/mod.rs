//! Usage under load: what is counted is counted once, and no quota lets one more pass than it has.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod clearing;
mod kills;
mod races;

use serde_json::{Value, json};

use crate::api::{ADMIN_PLANS, subscription_of, usage_of};
use crate::harness::Actor;

/// A plan with these quotas, and a user who has it.
async fn subscribe(admin: &Actor, user: &str, quotas: Value) {
    let plan =
        json!({"id": "pro", "name": "Pro", "price": 490, "interval": "month", "quotas": quotas});
    admin.post(ADMIN_PLANS, plan).await.ok(201);
    admin.put(&subscription_of(user), json!({"plan_id": "pro"})).await.ok(201);
}

/// What an admin sees that a user has used of a metric.
async fn used(admin: &Actor, user: &str, metric: &str) -> Value {
    let all = admin.get(&usage_of(user)).await.ok(200);
    let one = all.as_array().unwrap().iter().find(|one| one["metric"] == metric);
    one.unwrap()["current_usage"].clone()
}

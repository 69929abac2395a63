//! Every route there is, for what holds of all of them.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    ADMIN_PLANS, API_KEYS, AUDIT, AUDIT_VERIFY, CLOCK, PLANS, SUBSCRIPTION, SUBSCRIPTIONS, TENANTS,
    plan, subscription_of,
};
use crate::harness::{Actor, Answer};

/// A route, with a request to it that does something where it may.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: String,
    body: Value,
    /// The least role that may use it.
    pub(crate) needs: &'static str,
    /// Whether the path names something of a tenant.
    pub(crate) names_something: bool,
}

impl Route {
    /// Asks; `query` begins with `?` or is empty.
    pub(crate) async fn ask(&self, actor: &Actor, query: &str) -> Answer {
        let body = if self.body.is_null() { String::new() } else { self.body.to_string() };
        actor.send(self.method.clone(), &format!("{}{query}", self.path), &body).await
    }

    /// Whether a role may use it. What is a service's alone is not there yet.
    pub(crate) fn is_for(&self, role: &str) -> bool {
        match role {
            "user" => self.needs == "user",
            "admin" => self.needs != "operator",
            "operator" => true,
            _ => false,
        }
    }

    /// Whether it is about one tenant, and so takes an operator's `?tenant=`.
    pub(crate) fn is_of_a_tenant(&self) -> bool {
        self.needs != "operator"
    }
}

/// Every route, its paths naming this plan, this user and this API key.
pub(crate) fn every_route(plan_id: &str, user_id: &str, key_id: &str) -> Vec<Route> {
    let of_plan = |end: &str| format!("{ADMIN_PLANS}/{plan_id}{end}");
    let list = |path: &str, needs| (Method::GET, path.to_owned(), Value::Null, needs, false);
    let make = |path: &str, body, needs| (Method::POST, path.to_owned(), body, needs, false);
    let one = |method, path, body, needs| (method, path, body, needs, true);
    let key = json!({"name": "another", "role": "user"});
    let tenant = json!({"id": "another", "name": "Another"});
    let grant = json!({"plan_id": plan_id});
    let change = json!({"plan_id": plan_id, "when": "period_end"});
    let routes = [
        list(PLANS, "user"),
        one(Method::GET, format!("{PLANS}/{plan_id}"), Value::Null, "user"),
        list(SUBSCRIPTION, "user"),
        make(SUBSCRIPTION, json!({"plan_id": plan_id}), "user"),
        make(&format!("{SUBSCRIPTION}/change"), change, "user"),
        make(&format!("{SUBSCRIPTION}/cancel"), Value::Null, "user"),
        make(&format!("{SUBSCRIPTION}/resume"), Value::Null, "user"),
        list(SUBSCRIPTIONS, "admin"),
        list(CLOCK, "admin"),
        (Method::PUT, CLOCK.to_owned(), json!({"now": 9_000_000_000_u64}), "admin", false),
        list(ADMIN_PLANS, "admin"),
        make(ADMIN_PLANS, plan("another"), "admin"),
        one(Method::GET, of_plan(""), Value::Null, "admin"),
        one(Method::PUT, of_plan(""), json!({"price": 1}), "admin"),
        one(Method::DELETE, of_plan(""), Value::Null, "admin"),
        one(Method::PATCH, of_plan("/toggle"), Value::Null, "admin"),
        one(Method::POST, of_plan("/duplicate"), Value::Null, "admin"),
        one(Method::GET, of_plan("/subscribers"), Value::Null, "admin"),
        one(Method::PUT, subscription_of(user_id), grant, "admin"),
        list(API_KEYS, "admin"),
        make(API_KEYS, key, "admin"),
        one(Method::DELETE, format!("{API_KEYS}/{key_id}"), Value::Null, "admin"),
        list("/api/v1/admin/settings", "admin"),
        (
            Method::PUT,
            "/api/v1/admin/settings".to_owned(),
            json!({"default_plan": null}),
            "admin",
            false,
        ),
        list("/api/v1/admin/template-packs", "admin"),
        make("/api/v1/admin/template-packs/saas-tiers/install", json!({"dry_run": true}), "admin"),
        list(AUDIT, "admin"),
        list(AUDIT_VERIFY, "admin"),
        list(TENANTS, "operator"),
        make(TENANTS, tenant, "operator"),
    ];
    let route = |(method, path, body, needs, names_something)| Route {
        method,
        path,
        body,
        needs,
        names_something,
    };
    routes.into_iter().map(route).collect()
}

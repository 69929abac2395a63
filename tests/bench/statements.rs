//! Statements: how fast windows close that are due at once, each with twenty metered lines.

use std::time::Instant;

use planwright_server::token::{self, Claims};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::runtime::Builder;

use crate::server::{self, Running};

/// How many users' months end at once. Without optimisation ten thousand would take minutes.
const USERS: usize = if cfg!(debug_assertions) { 1_000 } else { 10_000 };
const LINES: usize = 20;
/// Events in a batch, each of all lines.
const EVENTS: usize = 500;
const MONTH: i64 = 32 * 24 * 60 * 60;

pub(crate) fn run() {
    let serving = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let running = serving.block_on(server::start(|_| {}));
    println!("statements                     windows    lines/s   windows/s   change sets");
    serving.block_on(close(&running));
    println!();
    serving.block_on(running.server.stop());
}

/// A tenant whose time is set by hand.
struct Lab<'a> {
    running: &'a Running,
    client: reqwest::Client,
}

impl Lab<'_> {
    async fn send(&self, method: Method, path: &str, role: &str, body: &Value) -> Value {
        let (status, answer) = self.ask(method, path, role, body).await;
        assert!(status.is_success(), "{path}: {answer}");
        answer
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        role: &str,
        body: &Value,
    ) -> (StatusCode, Value) {
        let tenant = (role == "admin").then(|| "lab".to_owned());
        let claims = Claims { tenant, ..Claims::new("bench", role, 200_000_000_000) };
        let token = token::issue(self.running.server.secret(), &claims).unwrap();
        let url = format!("http://{}{path}", self.running.server.address());
        let request = self.client.request(method, url).bearer_auth(token);
        let request = request.header("content-type", "application/json").body(body.to_string());
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let answer = serde_json::from_slice(&answer.bytes().await.unwrap());
        (status, answer.unwrap_or_default())
    }

    async fn post(&self, path: &str, body: Value) {
        self.send(Method::POST, path, "admin", &body).await;
    }

    /// A price book of many products, and everybody priced by it.
    async fn price_book(&self) {
        self.post("/api/admin/regions", json!({"region": {"name": "eu"}})).await;
        for at in 0..LINES {
            let product = json!({
                "label": "A product", "resource_kind": "resource", "external_id": metric(at),
            });
            self.post("/api/admin/products", json!({"product": product})).await;
        }
        let price = |max_qty: Value, price: &str| json!({"currency": "USD", "max_qty": max_qty, "price": price, "regions": ["eu"]});
        let tiers =
            json!([price(json!(10), "0.5"), price(json!(100), "0.25"), price(json!(null), "0.1")]);
        let resource = |at| {
            let phase = json!({"phase_type": "final", "billing_resource_prices": tiers});
            json!({"product": metric(at), "tier_mode": "graduated", "billing_phases": [phase]})
        };
        let resources: Vec<Value> = (0..LINES).map(resource).collect();
        self.post("/api/admin/billing_plans", json!({"billing_plan": {"name": "Cloud"}})).await;
        let document = json!({"billing_plan": {"name": "Cloud", "billing_resources": resources}});
        self.send(Method::PUT, "/api/admin/billing_plans/1/document", "admin", &document).await;
        let group = json!({"name": "everybody", "is_default": true, "billing_plan_id": 1});
        self.post("/api/admin/user_groups", json!({"user_group": group})).await;
        let settings = json!({"currency": "USD", "region_id": 1});
        self.send(Method::PUT, "/api/v1/admin/settings", "admin", &settings).await;
    }

    /// Everybody uses something of everything.
    async fn meter(&self) {
        for begin in (0..USERS).step_by(EVENTS) {
            let event = |user: usize| {
                let amounts: Value =
                    (0..LINES).map(|at| (metric(at), json!(user % 200 + at))).collect();
                json!({"user_id": format!("user_{user}"), "amounts": amounts})
            };
            let events: Vec<Value> = (begin..(begin + EVENTS).min(USERS)).map(event).collect();
            self.post("/api/v1/billing/usage/batch", json!({"events": events})).await;
        }
    }
}

fn metric(at: usize) -> String {
    format!("product_{at}")
}

async fn close(running: &Running) {
    let lab = Lab { running, client: planwright_server::outbound::client().build().unwrap() };
    let tenant = json!({"id": "lab", "name": "Lab", "sandbox": true});
    lab.send(Method::POST, "/api/v1/admin/tenants", "operator", &tenant).await;
    lab.price_book().await;
    lab.meter().await;
    let clock = lab.send(Method::GET, "/api/v1/admin/clock", "admin", &Value::Null).await;
    let later = json!({"now": clock["now"].as_i64().unwrap() + MONTH});
    let (before, began) = (running.server.store_stats().change_sets, Instant::now());
    // It may take longer than a request may; the server closes by itself what is left then.
    lab.ask(Method::PUT, "/api/v1/admin/clock", "admin", &later).await;
    let list = "/api/v1/admin/billing/statements?page_size=1";
    while lab.send(Method::GET, list, "admin", &Value::Null).await["total"] != USERS {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let (took, sets) =
        (began.elapsed().as_secs_f64(), running.server.store_stats().change_sets - before);
    let (windows, lines) = (USERS as f64 / took, (USERS * LINES) as f64 / took);
    println!("{:<28} {USERS:>9} {lines:>10.0} {windows:>11.0} {sets:>13}", "twenty lines each");
}

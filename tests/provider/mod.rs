//! Stands in for the payment provider: YooKassa's shapes over HTTP, its memory of keys, and failures to be switched on.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

pub(crate) mod till;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use planwright_domain::payment::payment_settings::Secret;
use planwright_server::config::Config;
use planwright_server::outbound;
use serde_json::{Value, json};

/// The shop of the host in these tests, and what it is known by.
pub(crate) const SHOP: (&str, &str) = ("100500", "live_of_the_host");

/// A provider that runs.
#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<Shops>>,
}

#[derive(Default)]
struct Shops {
    payments: BTreeMap<String, Value>,
    refunds: BTreeMap<String, Value>,
    /// Payments by shop and key.
    keys: BTreeMap<String, String>,
    asked: Vec<String>,
    trouble: Trouble,
    /// What was sent with the last order.
    last_order: Value,
}

/// What goes wrong until it is switched off.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trouble {
    /// So many questions are answered with 500, whatever was done.
    pub(crate) fail: usize,
    /// Orders are done and never answered.
    pub(crate) swallow_orders: bool,
    /// Every question takes so long.
    pub(crate) slow: Duration,
    /// Orders are refused for good.
    pub(crate) refuse: bool,
    /// Who is told of a payment before its order is answered.
    pub(crate) tell_first: Option<String>,
}

type Shared = State<Arc<Mutex<Shops>>>;

impl Provider {
    pub(crate) async fn start() -> Self {
        let state = Arc::<Mutex<Shops>>::default();
        let routes = axum::Router::new()
            .route("/v3/payments", post(create))
            .route("/v3/payments/{id}", get(payment))
            .route("/v3/refunds/{id}", get(refund))
            .with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { address, state }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v3", self.address)
    }

    /// Has a server take payments here, by the host's shop.
    pub(crate) fn configure(&self, config: &mut Config) {
        let yookassa = &mut config.payments.yookassa;
        yookassa.base_url = self.base_url();
        yookassa.shop_id = Some(SHOP.0.to_owned());
        let key = Secret::new(SHOP.1.to_owned());
        yookassa.secret_key = Some(key);
    }

    /// Switches failures on or off.
    pub(crate) fn trouble(&self, trouble: Trouble) {
        self.state.lock().unwrap().trouble = trouble;
    }

    /// What it was asked, in order: `POST payments`, `GET payments/…`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }

    /// All payments that it has.
    pub(crate) fn payments(&self) -> Vec<Value> {
        self.state.lock().unwrap().payments.values().cloned().collect()
    }

    pub(crate) fn last_order(&self) -> Value {
        self.state.lock().unwrap().last_order.clone()
    }

    /// Lets something happen to a payment.
    pub(crate) fn set(&self, id: &str, field: &str, value: Value) {
        self.state.lock().unwrap().payments.get_mut(id).unwrap()[field] = value;
    }

    /// The user pays.
    pub(crate) fn pay(&self, id: &str) {
        self.set(id, "status", json!("succeeded"));
        self.set(id, "paid", json!(true));
    }

    /// Some of it is given back.
    pub(crate) fn give_back(&self, id: &str, payment_id: &str, value: &str) {
        let refund = json!({
            "id": id, "status": "succeeded", "created_at": "2025-02-05T08:00:00.000Z",
            "amount": {"value": value, "currency": "RUB"}, "payment_id": payment_id,
        });
        self.state.lock().unwrap().refunds.insert(id.to_owned(), refund);
    }
}

/// What it calls when something happened to a payment.
#[allow(clippy::needless_pass_by_value, reason = "what is told is made where it is told")]
pub(crate) fn told(event: &str, object: Value) -> Value {
    json!({"type": "notification", "event": event, "object": object})
}

fn error(status: u16, code: &str) -> Response {
    let body = json!({"type": "error", "id": "ab5a11cd", "code": code, "description": "No."});
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

/// Notes the question, and lets go wrong what is to.
async fn meet(state: &Arc<Mutex<Shops>>, what: String) {
    let slow = {
        let mut shops = state.lock().unwrap();
        shops.asked.push(what);
        shops.trouble.slow
    };
    tokio::time::sleep(slow).await;
}

/// Whether this question fails.
fn fails(state: &Arc<Mutex<Shops>>) -> bool {
    let trouble = &mut state.lock().unwrap().trouble;
    let fails = trouble.fail > 0;
    trouble.fail = trouble.fail.saturating_sub(1);
    fails
}

/// By which shop somebody asks, if it is one.
fn shop(headers: &HeaderMap) -> Option<String> {
    let sent = headers.get("authorization").and_then(|sent| sent.to_str().ok()).unwrap_or_default();
    for (shop, key) in [SHOP, ("200600", "live_of_acme")] {
        let pair = BASE64_STANDARD.encode(format!("{shop}:{key}"));
        if sent == format!("Basic {pair}") {
            return Some(shop.to_owned());
        }
    }
    None
}

async fn create(
    State(state): Shared,
    headers: HeaderMap,
    Json(order): Json<Value>,
) -> Result<Json<Value>, Response> {
    let shop = shop(&headers).ok_or_else(|| error(401, "invalid_credentials"))?;
    let key = headers["idempotence-key"].to_str().unwrap().to_owned();
    meet(&state, format!("POST payments {key}")).await;
    let (payment, trouble) = {
        let mut shops = state.lock().unwrap();
        if shops.trouble.refuse {
            return Err(error(400, "invalid_request"));
        }
        shops.last_order = order.clone();
        let number = shops.payments.len() + 1;
        let key = format!("{shop} {key}");
        let id = shops
            .keys
            .entry(key)
            .or_insert_with(|| format!("2d96ec52-000f-5000-9000-{number:012}"));
        let id = id.clone();
        let made = json!({
            "id": id, "status": "pending", "paid": false, "amount": order["amount"],
            "confirmation": {
                "type": "redirect",
                "confirmation_url": format!("https://yoomoney.example/pay?orderId={id}"),
            },
            "created_at": "2025-02-05T08:00:00.000Z", "description": order["description"],
            "metadata": order["metadata"], "recipient": {"account_id": shop, "gateway_id": "1"},
            "refundable": false, "test": false,
        });
        let payment = shops.payments.entry(id).or_insert(made).clone();
        (payment, shops.trouble.clone())
    };
    if let Some(url) = trouble.tell_first {
        state.lock().unwrap().payments.get_mut(payment["id"].as_str().unwrap()).unwrap()["status"] =
            json!("succeeded");
        let client = outbound::client().build().unwrap();
        let said = client.post(url).json(&told("payment.succeeded", payment.clone())).send();
        assert_eq!(said.await.unwrap().status(), 200);
    }
    if trouble.swallow_orders {
        std::future::pending::<()>().await;
    }
    if fails(&state) {
        return Err(error(500, "internal_server_error"));
    }
    Ok(Json(payment))
}

async fn payment(
    State(state): Shared,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, Response> {
    let shop = shop(&headers).ok_or_else(|| error(401, "invalid_credentials"))?;
    meet(&state, format!("GET payments/{id}")).await;
    if fails(&state) {
        return Err(error(500, "internal_server_error"));
    }
    let found = state.lock().unwrap().payments.get(&id).cloned();
    let own = found.filter(|payment| payment["recipient"]["account_id"] == shop.as_str());
    own.map(Json).ok_or_else(|| error(404, "not_found"))
}

async fn refund(
    State(state): Shared,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, Response> {
    shop(&headers).ok_or_else(|| error(401, "invalid_credentials"))?;
    meet(&state, format!("GET refunds/{id}")).await;
    let found = state.lock().unwrap().refunds.get(&id).cloned();
    found.map(Json).ok_or_else(|| error(404, "not_found"))
}

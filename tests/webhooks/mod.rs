//! What happens is told to those who listen: signed, at least once, and to nobody else.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod faults;
mod life;
mod payments;
mod reach;
pub(crate) mod receiver;
mod secure;
mod statements;
mod thresholds;

use std::time::{Duration, Instant};

use planwright_server::config::Config;
use serde_json::{Value, json};

use crate::harness::{Actor, App};
use receiver::Receiver;

pub(crate) const WEBHOOKS: &str = "/api/v1/admin/webhooks";

/// A server that may call receivers on this machine.
async fn start() -> App {
    App::with(may_call_this_machine).await
}

fn may_call_this_machine(config: &mut Config) {
    config.webhooks.allow_http = true;
    config.webhooks.allow_private_networks = true;
}

/// Makes an endpoint; gives its id and its secret.
pub(crate) async fn listen(by: &Actor, receiver: &Receiver, events: &[&str]) -> (String, String) {
    let draft = json!({"url": receiver.url(), "events": events});
    let made = by.post(WEBHOOKS, draft).await.ok(201);
    let text = |field: &str| made[field].as_str().unwrap().to_owned();
    (text("id"), text("secret"))
}

fn deliveries_of(endpoint: &str) -> String {
    format!("{WEBHOOKS}/{endpoint}/deliveries")
}

/// The newest delivery of an endpoint, once it is as it is to be.
pub(crate) async fn delivery_when(
    admin: &Actor,
    endpoint: &str,
    is_so: impl Fn(&Value) -> bool,
) -> Value {
    let began = Instant::now();
    loop {
        let listed = admin.get(&deliveries_of(endpoint)).await.ok(200);
        let newest = &listed["items"][0];
        if is_so(newest) {
            return newest.clone();
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{listed:#}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub(crate) fn is_tried(times: usize) -> impl Fn(&Value) -> bool {
    move |delivery| delivery["attempts"].as_array().is_some_and(|all| all.len() == times)
}

pub(crate) fn is(state: &'static str) -> impl Fn(&Value) -> bool {
    move |delivery| delivery["state"] == state
}

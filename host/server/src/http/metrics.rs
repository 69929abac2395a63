//! `/metrics`, in the text format that Prometheus reads: requests, commits, calls of plugins and of webhooks.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::extract::State;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use planwright_domain::webhook::delivery::DeliveryState;
use planwright_domain::webhook::event::EventType;
use planwright_plugin_host::Tally;
use planwright_service::webhooks::sending;
use planwright_store::Stats;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::Web;
use super::problem::Problem;

/// Bounds of the histogram, in seconds: from what a read takes to what nobody waits for.
const SECONDS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0];

/// What is counted as requests go by.
pub(crate) struct Metrics {
    requests: Family<Answered, Counter>,
    seconds: Family<Asked, Histogram, fn() -> Histogram>,
    webhooks: Family<Sent, Counter>,
}

/// A call of an endpoint: no label that a tenant could make up.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Sent {
    event: &'static str,
    /// Of its delivery from then on: `pending` where it is tried again.
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    method: String,
    /// The route's pattern and not the path, so that their number is bounded.
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asking {
    hook: String,
    plugin: String,
    digest: String,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(SECONDS);
        Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(histogram),
            webhooks: Family::default(),
        }
    }

    /// A request that was answered. `route` is none where there is no such route.
    pub(crate) fn answered(
        &self,
        method: &Method,
        route: Option<&str>,
        status: StatusCode,
        took: Duration,
    ) {
        let route = route.unwrap_or("none").to_owned();
        // A method of somebody's own making must not make a label of its own.
        let method = if is_known(method) { method.to_string() } else { "OTHER".to_owned() };
        let asked = Asked { method: method.clone(), route: route.clone() };
        self.seconds.get_or_create(&asked).observe(took.as_secs_f64());
        self.requests.get_or_create(&Answered { method, route, status: status.as_u16() }).inc();
    }

    /// A webhook was sent, and its delivery is in this state then.
    pub(crate) fn sent(&self, event: EventType, state: DeliveryState) {
        let sent = Sent { event: event.as_str(), state: state.as_str() };
        self.webhooks.get_or_create(&sent).inc();
    }
}

fn is_known(method: &Method) -> bool {
    [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ]
    .contains(method)
}

/// What Prometheus reads: requests, commits, calls of plugins and of webhooks.
#[utoipa::path(
    get, path = "/metrics", tag = "server", operation_id = "metrics", security(()),
    responses((status = 200, content_type = "application/openmetrics-text", body = String)),
)]
pub(crate) async fn show(State(web): State<Arc<Web>>) -> Result<Response, Problem> {
    let mut registry = Registry::with_prefix("planwright");
    let requests = web.metrics.requests.clone();
    registry.register("http_requests", "Requests answered, by route and status", requests);
    let seconds = web.metrics.seconds.clone();
    registry.register("http_request_seconds", "How long an answer took, by route", seconds);
    store(&mut registry, web.app.store().stats());
    let sent = web.metrics.webhooks.clone();
    registry.register("webhook_calls", "Calls of webhook endpoints, by what came of them", sent);
    // Where the store does not answer, the rest is shown all the same.
    if let Ok(waiting) = sending::waiting(&web.app).await {
        let waiting = ConstGauge::new(i64::try_from(waiting).unwrap_or(i64::MAX));
        registry.register("webhooks_waiting", "Deliveries that wait to be sent", waiting);
    }
    plugins(&mut registry, web.app.plugin_tallies());
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|_| Problem::internal())?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

fn store(registry: &mut Registry, stats: Stats) {
    let up = ConstGauge::new(i64::from(stats.healthy));
    registry.register("store_up", "1 while the store answers, 0 while it heals", up);
    for (name, help, count) in [
        ("store_commits", "Commits, each one sync for all that waited", stats.commits),
        ("store_change_sets", "Change sets kept", stats.change_sets),
        ("store_conflicts", "Change sets that lost a race", stats.conflicts),
        ("store_failures", "Commits that failed because of the storage", stats.failures),
    ] {
        registry.register(name, help, ConstCounter::new(count));
    }
}

fn plugins(registry: &mut Registry, tallies: Vec<Tally>) {
    let mut families = [
        ("plugin_calls", "Calls of plugins", Calls::default()),
        (
            "plugin_traps",
            "Calls that gave no usable answer by the plugin's fault",
            Calls::default(),
        ),
        ("plugin_fuel", "Instructions that plugins spent, roughly", Calls::default()),
    ];
    for Tally { hook, name, digest, stats } in tallies {
        let labels = Asking { hook: hook.to_string(), plugin: name, digest };
        let counts = [stats.calls, stats.traps, stats.fuel];
        for ((_, _, family), count) in families.iter_mut().zip(counts) {
            family.get_or_create(&labels).inc_by(count);
        }
    }
    for (name, help, family) in families {
        registry.register(name, help, family);
    }
}

type Calls = Family<Asking, Counter<u64, AtomicU64>>;

//! What requests feel of a compiler that works beside them: latencies while nothing is compiled, and while a
//! component of 20 MB or a hostile one is taken in and compiled, in turns.

use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::{Method, StatusCode};
use planwright_server::outbound;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::components;
use crate::load::{Ask, Clients};
use crate::server::{self, ADMIN_PLANS, Running, draft};
use crate::{TURN, median};

const CLIENTS: usize = 4;
/// Each compiles two components, which takes a minute or two.
pub(crate) const ROUNDS: u64 = 3;
/// How long one side of one round takes, for each kind of request.
const LONG: Duration = TURN.saturating_mul(4);
/// As long as an upload of the large component takes until it is being compiled.
const SENDING: Duration = TURN;

/// As large as a program in JavaScript is with its interpreter and its libraries.
const LARGE_BYTES: usize = 20_000_000;

pub(crate) fn run() {
    let serving = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let asking = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // What is under way at the end of a turn has said all that it says here, and need not have much longer.
    let running = serving.block_on(server::start(|config| config.plugins.compile_seconds = 60));
    asking.block_on(running.fill());

    let title = format!("beside a compiler ({CLIENTS} clients)");
    println!("{title:<42} alone p99 µs   beside p99 µs   ratio");
    compare(&asking, &running, "20 MB", |seed| components::large(LARGE_BYTES, seed));
    compare(&asking, &running, "hostile", components::hostile);
    println!();
    serving.block_on(running.server.stop());
}

/// A kind of request, and what its latencies were.
struct Traffic {
    name: &'static str,
    clients: Clients,
    turn: Duration,
    alone: Vec<f64>,
    beside: Vec<f64>,
}

impl Traffic {
    async fn new(name: &'static str, ask: Ask, turn: Duration) -> Self {
        let clients = Clients::connect(ask, CLIENTS).await;
        Self { name, clients, turn, alone: Vec::new(), beside: Vec::new() }
    }

    /// All clients at once for a while; gives the latency that 99 of 100 requests stayed within, in microseconds.
    async fn p99(&mut self) -> f64 {
        self.clients.turn(self.turn).await.latency(99) as f64
    }
}

fn compare(asking: &Runtime, running: &Running, name: &str, component: impl Fn(u64) -> Vec<u8>) {
    let mut traffic = asking.block_on(async {
        [
            Traffic::new("get a plan as it is sent", read(running), SENDING).await,
            Traffic::new("get a plan", read(running), LONG).await,
            Traffic::new("create a plan, durable", create(running), LONG).await,
        ]
    });
    for round in 0..ROUNDS {
        for kind in &mut traffic {
            let alone = asking.block_on(kind.p99());
            kind.alone.push(alone);
        }
        // The first kind feels how it is taken in, the others how it is compiled.
        let uploading = asking.spawn(upload(Owner::of(running), component(round)));
        for kind in &mut traffic {
            let beside = asking.block_on(kind.p99());
            kind.beside.push(beside);
        }
        asking.block_on(async {
            let (owner, digest) = uploading.await.unwrap();
            assert_eq!(owner.state(&digest).await, "compiling", "{name} says nothing: too soon");
            owner.finished(&digest).await;
        });
    }
    for Traffic { name: kind, alone, beside, .. } in traffic {
        let ratios = alone.iter().zip(&beside).map(|(alone, beside)| beside / alone).collect();
        let case = format!("{name}: {kind}");
        let [alone, beside, ratio] = [alone, beside, ratios].map(median);
        println!("{case:<42} {alone:>12.0} {beside:>15.0} {ratio:>7.2}");
    }
}

fn read(running: &Running) -> Ask {
    Ask {
        address: running.server.address(),
        method: Method::GET,
        path: "/api/v1/billing/plans/plan_0".to_owned(),
        token: running.token("user"),
        body: Bytes::new(),
        expected: StatusCode::OK,
    }
}

fn create(running: &Running) -> Ask {
    Ask {
        method: Method::POST,
        path: ADMIN_PLANS.to_owned(),
        token: running.token("admin"),
        body: Bytes::from(draft().to_string()),
        expected: StatusCode::CREATED,
        ..read(running)
    }
}

/// Whoever uploads components.
struct Owner {
    plugins: String,
    token: String,
    client: reqwest::Client,
}

impl Owner {
    fn of(running: &Running) -> Self {
        let plugins = format!("http://{}/api/v1/admin/plugins", running.server.address());
        Self { plugins, token: running.token("admin"), client: outbound::client().build().unwrap() }
    }

    async fn state(&self, digest: &str) -> String {
        let request = self.client.get(format!("{}/{digest}", self.plugins));
        let response = request.bearer_auth(&self.token).send().await.unwrap();
        let plugin: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        plugin["state"].as_str().unwrap().to_owned()
    }

    /// So that one round's work is not another's.
    async fn finished(&self, digest: &str) {
        let began = Instant::now();
        while self.state(digest).await == "compiling" {
            assert!(began.elapsed() < Duration::from_secs(900), "it never ends");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Gives its digest.
async fn upload(owner: Owner, component: Vec<u8>) -> (Owner, String) {
    let request = owner
        .client
        .post(&owner.plugins)
        .bearer_auth(&owner.token)
        .header("content-type", "application/wasm")
        .body(component);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    let uploaded: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    (owner, uploaded["digest"].as_str().unwrap().to_owned())
}

//! What requests feel of a compiler that works beside them: latencies while nothing is compiled, and while a
//! component of 20 MB or a hostile one is taken in and compiled, in turns.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
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

/// What is sent at once, and how long that takes on the way.
const PIECE: usize = 64 << 10;
const BETWEEN_PIECES: Duration = Duration::from_micros(500);

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
        self.clients.connect_again().await;
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
        let owner = Owner::of(running);
        let request = owner.request(&component(round));
        let uploading = std::thread::spawn(move || upload(owner, &request));
        for kind in &mut traffic {
            let beside = asking.block_on(kind.p99());
            kind.beside.push(beside);
        }
        let (owner, digest) = uploading.join().unwrap();
        asking.block_on(async {
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
    address: SocketAddr,
    plugins: String,
    token: String,
    client: reqwest::Client,
}

impl Owner {
    fn of(running: &Running) -> Self {
        let address = running.server.address();
        let plugins = format!("http://{address}/api/v1/admin/plugins");
        Self {
            address,
            plugins,
            token: running.token("admin"),
            client: outbound::client().build().unwrap(),
        }
    }

    /// All that is sent to upload a component.
    fn request(&self, component: &[u8]) -> Vec<u8> {
        let head = format!(
            "POST /api/v1/admin/plugins HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {}\r\n\
             content-type: application/wasm\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            self.token,
            component.len()
        );
        [head.as_bytes(), component].concat()
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

/// Sends it as a network does that carries a gigabit a second, from a thread of its own: what sending costs is not the
/// server's, and whoever asks meanwhile has threads of their own too. Gives the digest.
fn upload(owner: Owner, request: &[u8]) -> (Owner, String) {
    let mut stream = TcpStream::connect(owner.address).unwrap();
    for piece in request.chunks(PIECE) {
        stream.write_all(piece).unwrap();
        std::thread::sleep(BETWEEN_PIECES);
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 201"), "{answer}");
    let uploaded: Value = serde_json::from_str(body).unwrap();
    (owner, uploaded["digest"].as_str().unwrap().to_owned())
}

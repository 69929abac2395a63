//! Usage: checks and records beside bare routes that parse the same bodies, batches beside the same batch in redb
//! itself, and whether any of it costs more the more was recorded.

use std::time::Instant;

use bytes::Bytes;
use hyper::{Method, StatusCode};
use redb::{Database, ReadableTable, TableDefinition};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::load::{Ask, Clients};
use crate::requests::{Case, ask, compare};
use crate::server::{self, ADMIN_PLANS, Running};
use crate::{ROUNDS, TURN, bare, median};

const CHECK: &str = "/api/v1/billing/usage/check";
const USAGE: &str = "/api/v1/billing/usage";
const BATCH: &str = "/api/v1/billing/usage/batch";
/// Events in a batch.
const EVENTS: u64 = 10_000;
/// What "many" recorded events are. Without optimisation they would take a quarter of an hour to record.
const MANY: u64 = if cfg!(debug_assertions) { 100_000 } else { 10_000_000 };
const FEW: u64 = 10;

const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");
const COUNTERS: TableDefinition<'_, &str, i64> = TableDefinition::new("counters");

pub(crate) fn run() {
    let serving = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let asking = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let running = serving.block_on(server::start(|_| {}));
    let bare = serving.block_on(bare::start(Vec::new()));
    asking.block_on(subscribe(&running, &["few", "many", "crowd"]));

    println!("usage                        clients   ours/s   bare/s   ratio   p50 µs   p99 µs");
    for case in cases(&running, bare) {
        compare(&asking, &running, &case);
    }
    batches(&asking, &running);
    few_and_many(&asking, &running);
    println!();
    serving.block_on(running.server.stop());
}

/// A plan whose quota is never reached, and users who have it.
async fn subscribe(running: &Running, users: &[&str]) {
    let client = planwright_server::outbound::client().build().unwrap();
    let base = format!("http://{}", running.server.address());
    let quotas = json!({"requests": 9_000_000_000_000_u64, "tokens_input": 9_000_000_000_000_u64});
    let plan =
        json!({"id": "pro", "name": "Pro", "price": 490, "interval": "month", "quotas": quotas});
    let send = async |request: reqwest::RequestBuilder, body: Value| {
        let request = request.bearer_auth(running.token("admin")).body(body.to_string());
        assert!(request.send().await.unwrap().status().is_success());
    };
    send(client.post(format!("{base}{ADMIN_PLANS}")), plan).await;
    for user in users {
        let url = format!("{base}/api/v1/admin/billing/users/{user}/subscription");
        send(client.put(url), json!({"plan_id": "pro"})).await;
    }
}

fn post(address: std::net::SocketAddr, path: &str, token: &str, body: &Value) -> Ask {
    Ask {
        method: Method::POST,
        body: Bytes::from(body.to_string()),
        ..ask(address, path, token.to_owned())
    }
}

fn cases(running: &Running, bare: std::net::SocketAddr) -> Vec<Case> {
    let (address, token) = (running.server.address(), running.token("service"));
    let check = json!({"user_id": "crowd", "metric": "requests", "amount": 1});
    let consume = json!({"user_id": "crowd", "metric": "requests", "amount": 1, "enforce": true});
    let both = |name, clients, ours, theirs, body, expected| {
        let expecting = |asked: Ask| Ask { expected, ..asked };
        Case {
            name,
            clients,
            ours: expecting(post(address, ours, &token, body)),
            bare: expecting(post(bare, theirs, &token, body)),
        }
    };
    let (ok, created) = (StatusCode::OK, StatusCode::CREATED);
    vec![
        both("check", 1, CHECK, "/check", &check, ok),
        both("check", 16, CHECK, "/check", &check, ok),
        both("consume, durable", 1, USAGE, "/usage", &consume, created),
        both("consume, durable", 64, USAGE, "/usage", &consume, created),
    ]
}

/// A batch of a user's events, each with an id of its own if it is to have one.
fn batch(user: &str, begin: u64, count: u64, with_ids: bool) -> Value {
    let event = |at| {
        let mut event = json!({"user_id": user, "metric": "requests", "amount": 1});
        if with_ids {
            event["event_id"] = format!("e{:012}", begin + at).into();
        }
        event
    };
    json!({"events": (0..count).map(event).collect::<Vec<_>>()})
}

async fn send(running: &Running, body: Value) {
    let asked = post(running.server.address(), BATCH, &running.token("service"), &body);
    let mut clients = Clients::connect(asked, 1).await;
    clients.once().await;
}

/// Batches of events with ids over HTTP, beside the same records and the same counter in one commit of redb each.
fn batches(asking: &Runtime, running: &Running) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::create(folder.path().join("bare.redb")).unwrap();
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let begin = u64::try_from(round).unwrap() * EVENTS;
        let body = batch("crowd", begin, EVENTS, true);
        let began = Instant::now();
        asking.block_on(send(running, body.clone()));
        let our = EVENTS as f64 / began.elapsed().as_secs_f64();
        let began = Instant::now();
        in_redb(&database, &body);
        let their = EVENTS as f64 / began.elapsed().as_secs_f64();
        ratios.push(our / their);
        ours.push(our);
        theirs.push(their);
    }
    println!(
        "batches of {EVENTS} events, durable: {:.0} events/s; the same batch in redb: {:.0}; ratio {:.2}",
        median(ours),
        median(theirs),
        median(ratios)
    );
}

/// Each event as a record under its id, and their sum, in one durable commit.
fn in_redb(database: &Database, batch: &Value) {
    let change = database.begin_write().unwrap();
    {
        let mut records = change.open_table(RECORDS).unwrap();
        let mut sum = 0;
        for event in batch["events"].as_array().unwrap() {
            let key = format!("crowd/{}", event["event_id"].as_str().unwrap());
            records.insert(key.as_str(), event.to_string().as_bytes()).unwrap();
            sum += event["amount"].as_i64().unwrap();
        }
        let mut counters = change.open_table(COUNTERS).unwrap();
        let before = counters.get("crowd").unwrap().map_or(0, |held| held.value());
        counters.insert("crowd", before + sum).unwrap();
    }
    change.commit().unwrap();
}

/// The same questions about a user with few events and about one with many, in turns.
fn few_and_many(asking: &Runtime, running: &Running) {
    let began = Instant::now();
    asking.block_on(async {
        send(running, batch("few", 0, FEW, true)).await;
        for at in 0..MANY / EVENTS {
            // Every tenth batch has ids, each of which is a record.
            send(running, batch("many", at * EVENTS, EVENTS, at % 10 == 0)).await;
        }
    });
    let took = began.elapsed().as_secs();
    println!(
        "recorded {FEW} events of one user and {MANY} of another, through batches of {EVENTS}, every tenth with \
         event ids, in {took} s"
    );
    println!("usage after                     {FEW:>9}/s  {MANY:>9}/s   ratio");
    let (service, user) = (running.token("service"), |name: &str| running.token_of(name, "user"));
    let address = running.server.address();
    let check = |name: &str| {
        post(address, CHECK, &service, &json!({"user_id": name, "metric": "requests"}))
    };
    let consume = |name: &str| {
        let body = json!({"user_id": name, "metric": "requests", "enforce": true});
        Ask { expected: StatusCode::CREATED, ..post(address, USAGE, &service, &body) }
    };
    let total = |name: &str| ask(address, "/api/v1/billing/usage/requests", user(name));
    in_turns(asking, "total", total("few"), total("many"));
    in_turns(asking, "check", check("few"), check("many"));
    in_turns(asking, "consume, durable", consume("few"), consume("many"));
}

fn in_turns(asking: &Runtime, name: &str, few: Ask, many: Ask) {
    let (mut few, mut many) = asking
        .block_on(async { (Clients::connect(few, 16).await, Clients::connect(many, 16).await) });
    let (mut of_few, mut of_many, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (one, other) = asking.block_on(async { (few.turn(TURN).await, many.turn(TURN).await) });
        ratios.push(other.a_second / one.a_second);
        of_few.push(one.a_second);
        of_many.push(other.a_second);
    }
    println!(
        "{name:<28} {:>14.0} {:>12.0} {:>7.2}",
        median(of_few),
        median(of_many),
        median(ratios)
    );
}

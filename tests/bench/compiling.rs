//! What requests feel of a compiler that works beside them: latencies while nothing is compiled, and while a
//! component of 20 MB or a hostile one is, in turns.

use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use wasm_encoder::{
    CodeSection, Function, FunctionSection, InstructionSink, Module, RawSection, Section,
    TypeSection, ValType,
};

use crate::load::{Ask, Clients, Turn};
use crate::server::{self, Running};
use crate::{TURN, median};

const VALIDATION: &[u8] = include_bytes!(env!("WASM_PLANWRIGHT_VALIDATION"));
const PLUGINS: &str = "/api/v1/admin/plugins";
const CLIENTS: usize = 4;
const ROUNDS: u64 = 3;

/// As large as a program in JavaScript is with its interpreter and its libraries.
const LARGE_BYTES: usize = 20_000_000;

/// In a component: what follows is a core module.
const CORE_MODULE: u8 = 1;

pub(crate) fn run() {
    let serving = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let asking = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let running = serving.block_on(server::start());
    asking.block_on(running.fill());

    println!("beside a compiler ({CLIENTS} clients)       alone p99 µs   beside p99 µs   ratio");
    compare(&asking, &running, "a component of 20 MB", large);
    compare(&asking, &running, "a hostile component", hostile);
    println!();
    serving.block_on(running.server.stop());
}

fn compare(asking: &Runtime, running: &Running, name: &str, component: fn(u64) -> Vec<u8>) {
    let read = Ask {
        address: running.server.address(),
        method: Method::GET,
        path: "/api/v1/billing/plans/plan_0".to_owned(),
        token: running.token("user"),
        body: Bytes::new(),
        expected: StatusCode::OK,
    };
    let mut clients = asking.block_on(Clients::connect(read, CLIENTS));
    let (mut alone, mut beside, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let turn = p99(&asking.block_on(clients.turn(TURN * 3)));
        let digest = asking.block_on(upload(running, component(round)));
        let worked = asking.block_on(clients.turn(TURN * 3));
        let is_long = asking.block_on(state(running, &digest)) == "compiling";
        assert!(is_long, "{name} was compiled too soon to say anything");
        alone.push(turn);
        beside.push(p99(&worked));
        ratios.push(p99(&worked) / turn);
        asking.block_on(finished(running, &digest));
    }
    println!("{name:<35} {:>12.0} {:>15.0} {:>7.2}", median(alone), median(beside), median(ratios));
}

fn p99(turn: &Turn) -> f64 {
    turn.latency(99) as f64
}

async fn upload(running: &Running, component: Vec<u8>) -> String {
    let request = reqwest::Client::new()
        .post(format!("http://{}{PLUGINS}", running.server.address()))
        .bearer_auth(running.token("admin"))
        .header("content-type", "application/wasm")
        .body(component);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    let uploaded: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    uploaded["digest"].as_str().unwrap().to_owned()
}

async fn state(running: &Running, digest: &str) -> String {
    let request = reqwest::Client::new()
        .get(format!("http://{}{PLUGINS}/{digest}", running.server.address()))
        .bearer_auth(running.token("admin"));
    let response = request.send().await.unwrap();
    let plugin: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    plugin["state"].as_str().unwrap().to_owned()
}

/// So that one round's work is not another's.
async fn finished(running: &Running, digest: &str) {
    let began = Instant::now();
    while state(running, digest).await == "compiling" {
        assert!(began.elapsed() < Duration::from_secs(300), "it never ends");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The standard validation plugin, carrying a core module that nobody calls: a program with libraries.
fn large(round: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(round);
    let mut functions = Vec::new();
    let mut bytes = 0;
    while bytes < LARGE_BYTES {
        let mut function = Function::new([(4, ValType::I32)]);
        for _ in 0..400 {
            some_arithmetic(&mut function.instructions(), &mut random);
        }
        function.instructions().local_get(0).end();
        bytes += function.byte_len();
        functions.push(function);
    }
    carrying(VALIDATION, &functions)
}

/// One function that keeps a register allocator busy: as large as a function may be, everything alive to its
/// end, and a branch at every step.
fn hostile(round: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(round);
    let mut function = Function::new([(2_000, ValType::I32)]);
    let mut code = function.instructions();
    for _ in 0..200_000 {
        let (from, to) = (random.u32(1..2_000), random.u32(1..2_000));
        code.local_get(from).if_(wasm_encoder::BlockType::Empty);
        code.local_get(to).local_get(from).i32_add().local_set(to);
        code.end();
    }
    for local in 1..2_000 {
        code.local_get(local).local_get(0).i32_add().local_set(0);
    }
    code.local_get(0).end();
    carrying(VALIDATION, &[function])
}

fn some_arithmetic(code: &mut InstructionSink<'_>, random: &mut fastrand::Rng) {
    let mut local = || random.u32(0..5);
    let (left, right, to) = (local(), local(), local());
    code.local_get(left).local_get(right).i32_add();
    code.i32_const(random.i32(..)).i32_xor().local_set(to);
}

/// A component with one more core module in it, which takes an i32 and gives one in each function.
fn carrying(component: &[u8], functions: &[Function]) -> Vec<u8> {
    let (mut types, mut declared, mut code) =
        (TypeSection::new(), FunctionSection::new(), CodeSection::new());
    types.ty().function([ValType::I32], [ValType::I32]);
    for function in functions {
        declared.function(0);
        code.function(function);
    }
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&code);
    let mut carrying = component.to_vec();
    RawSection { id: CORE_MODULE, data: module.as_slice() }.append_to(&mut carrying);
    carrying
}

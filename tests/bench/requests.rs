//! Requests over HTTP, beside the bare route that reads and writes the same JSON.

use bytes::Bytes;
use hyper::{Method, StatusCode};
use planwright_store::Stats;
use tokio::runtime::{Builder, Runtime};

use crate::load::{Ask, Clients};
use crate::server::{self, ADMIN_PLANS, Running, draft};
use crate::{ROUNDS, TURN, bare, disk, median};

/// One comparison.
struct Case {
    name: &'static str,
    clients: usize,
    ours: Ask,
    bare: Ask,
}

pub(crate) fn run() {
    let serving = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let asking = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let running = serving.block_on(server::start(|_| {}));
    let plans = asking.block_on(running.fill());
    let bare = serving.block_on(bare::start(plans));

    println!("requests                     clients   ours/s   bare/s   ratio   p50 µs   p99 µs");
    for case in reads(&running, bare).iter().chain(&creates(&running, bare)) {
        compare(&asking, &running, case);
    }
    let folder = tempfile::tempdir().unwrap();
    let appends =
        median((0..ROUNDS).map(|_| disk::durable_appends(folder.path(), TURN / 4)).collect());
    println!("the disk itself: {appends:.0} durable appends of 4 KiB a second\n");
    serving.block_on(running.server.stop());
}

fn ask(address: std::net::SocketAddr, path: &str, token: String) -> Ask {
    Ask {
        address,
        method: Method::GET,
        path: path.to_owned(),
        token,
        body: Bytes::new(),
        expected: StatusCode::OK,
    }
}

fn reads(running: &Running, bare: std::net::SocketAddr) -> Vec<Case> {
    let address = running.server.address();
    let token = running.token("user");
    let read = |name, clients, ours: &str, theirs: &str| Case {
        name,
        clients,
        ours: ask(address, ours, token.clone()),
        bare: ask(bare, theirs, token.clone()),
    };
    vec![
        read("list 8 plans", 1, "/api/v1/billing/plans", "/plans"),
        read("list 8 plans", 16, "/api/v1/billing/plans", "/plans"),
        read("get a plan", 1, "/api/v1/billing/plans/plan_0", "/plans/one"),
        read("get a plan", 16, "/api/v1/billing/plans/plan_0", "/plans/one"),
    ]
}

/// Durable, and each asks two plugins: one for the id, one for the rules.
fn creates(running: &Running, bare: std::net::SocketAddr) -> Vec<Case> {
    let create = |address, path| Ask {
        method: Method::POST,
        body: Bytes::from(draft().to_string()),
        expected: StatusCode::CREATED,
        ..ask(address, path, running.token("admin"))
    };
    [1, 64]
        .map(|clients| Case {
            name: "create a plan, durable",
            clients,
            ours: create(running.server.address(), ADMIN_PLANS),
            bare: create(bare, "/plans"),
        })
        .into()
}

fn compare(asking: &Runtime, running: &Running, case: &Case) {
    let before = running.server.store_stats();
    let (mut ours, mut bare) = asking.block_on(async {
        let ours = Clients::connect(case.ours.clone(), case.clients).await;
        (ours, Clients::connect(case.bare.clone(), case.clients).await)
    });
    let mut turns = Vec::new();
    let mut bare_figures = Vec::new();
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let (our_turn, bare_turn) =
            asking.block_on(async { (ours.turn(TURN).await, bare.turn(TURN).await) });
        ratios.push(our_turn.a_second / bare_turn.a_second);
        bare_figures.push(bare_turn.a_second);
        turns.push(our_turn);
    }
    let latency =
        |percent| median(turns.iter().map(|turn| turn.latency(percent) as f64).collect::<Vec<_>>());
    println!(
        "{:<28} {:>7} {:>8.0} {:>8.0} {:>7.2} {:>8.0} {:>8.0}{}",
        case.name,
        case.clients,
        median(turns.iter().map(|turn| turn.a_second).collect()),
        median(bare_figures),
        median(ratios),
        latency(50),
        latency(99),
        commits(before, running.server.store_stats()),
    );
}

/// How many change sets shared a commit, where there were some.
fn commits(before: Stats, after: Stats) -> String {
    let commits = after.commits - before.commits;
    if commits == 0 {
        return String::new();
    }
    let change_sets = after.change_sets - before.change_sets;
    format!("   {:.1} change sets a commit", change_sets as f64 / commits as f64)
}

//! Swapping plugins under load, each made as the README says: no request fails for it, and what was bound decides
//! each request that begins after the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::json;

use super::plugin_bindings::of_hook;
use super::plugin_uploads::uploaded;
use super::{ADMIN_PLANS, plan};
use crate::harness::{Actor, App, walk};

const SWAPS: u64 = 12;
const WRITERS: usize = 6;
const INSTALL: &str = "/api/v1/admin/template-packs/bakery/install";

/// What is certainly in force: counts on with each step, so that a request knows whether one was taken while it
/// ran.
#[derive(Default)]
struct Phase(AtomicU64);

impl Phase {
    /// Four steps: nothing bound, being bound, bound, being taken out.
    fn step(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Whether plugins were bound (or not) from before a request until after it; nothing where that changed.
    fn between(before: u64, after: u64) -> Option<bool> {
        match (before == after, before % 4) {
            (true, 0) => Some(false),
            (true, 2) => Some(true),
            _ => None,
        }
    }
}

/// What a writer saw.
#[derive(Default)]
struct Seen {
    made: u64,
    refused: u64,
}

/// Makes plans that the tenant's rule refuses, and asks for ids that its plugin makes, until it is told to stop.
async fn write(actor: Actor, writer: usize, phase: Arc<Phase>, stop: Arc<AtomicBool>) -> Seen {
    let mut seen = Seen::default();
    for at in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let mut draft = plan(&format!("w{writer}_{at}"));
        draft["price"] = json!(9.99);
        let before = phase.now();
        let answer = actor.post(ADMIN_PLANS, draft).await;
        let bound = Phase::between(before, phase.now());
        match answer.status.as_u16() {
            201 => seen.made += 1,
            400 => {
                seen.refused += 1;
                let code = ("price".to_owned(), "price_ends_in_99".to_owned());
                assert_eq!(answer.field_errors(), [code]);
            }
            status => panic!("{status}: {}", answer.json),
        }
        if let Some(bound) = bound {
            assert_eq!(answer.status == 400, bound, "step {before}: {}", answer.json);
        }

        let draft = json!({"name": "Odd", "price": 1, "interval": "month"});
        let before = phase.now();
        let made = actor.post(ADMIN_PLANS, draft).await.ok(201);
        let own = made["id"].as_str().unwrap().starts_with("bakery_plan_");
        if let Some(bound) = Phase::between(before, phase.now()) {
            assert_eq!(own, bound, "step {before}: {made}");
        }
    }
    seen
}

/// The same in a tenant that has nothing of its own.
async fn write_elsewhere(actor: Actor, stop: Arc<AtomicBool>) {
    for at in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let mut draft = plan(&format!("other_{at}"));
        draft["price"] = json!(9.99);
        actor.post(ADMIN_PLANS, draft).await.ok(201);
        actor.post(INSTALL, json!({"dry_run": true})).await.problem(404);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn plugins_of_all_hooks_go_in_and_out_under_load_and_no_request_fails() {
    let app = App::start().await;
    app.make_tenants(&["acme"]).await;
    let acme = app.of_tenant("acme", "a", "admin");
    let mut bindings = Vec::new();
    for (hook, mark, name) in [
        ("validation", "plugin", "bakery-rules"),
        ("identity", "identity plugin", "bakery-ids"),
        ("templates", "templates plugin", "bakery-plans"),
    ] {
        let component = tokio::task::spawn_blocking(|| walk::made(mark, name)).await.unwrap();
        let digest = uploaded(&acme, "", &component).await;
        bindings.push((hook, json!({"plugins": [{"digest": digest}]})));
    }

    let (phase, stop) = (Arc::new(Phase::default()), Arc::new(AtomicBool::new(false)));
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let (actor, phase, stop) = (acme.clone(), Arc::clone(&phase), Arc::clone(&stop));
        writers.push(tokio::spawn(write(actor, writer, phase, stop)));
    }
    let elsewhere = tokio::spawn(write_elsewhere(app.admin(), Arc::clone(&stop)));

    for _ in 0..SWAPS {
        phase.step();
        for (hook, binding) in &bindings {
            acme.put(&of_hook(hook), binding.clone()).await.ok(200);
        }
        phase.step();
        let rehearsed = acme.post(INSTALL, json!({"dry_run": true})).await.ok(200);
        assert_eq!(rehearsed["created"][0]["id"], "daily_bread");
        phase.step();
        for (hook, _) in &bindings {
            acme.delete(&of_hook(hook)).await.ok(200);
        }
        phase.step();
        acme.post(INSTALL, json!({"dry_run": true})).await.problem(404);
    }
    stop.store(true, Ordering::SeqCst);
    let mut all = Seen::default();
    for writer in writers {
        let Seen { made, refused } = writer.await.unwrap();
        all.made += made;
        all.refused += refused;
    }
    elsewhere.await.unwrap();
    assert!(all.made > 0 && all.refused > 0, "{} made, {} refused", all.made, all.refused);
}

//! `planwright check` finds whatever is edited, cut or out of step, and names it; a store that nobody
//! touched it finds clean.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod damage;
mod edits;
mod money;
mod payments;
mod plugin_edits;
mod price_catalog;
mod quota_thresholds;
mod statements;

use std::path::{Path, PathBuf};
use std::process::Output;

use planwright_store::{Options, RedbStore, Space};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::api::plugin_bindings::{of_hook, told};
use crate::api::plugin_uploads::{OWN_PACK, REVIEWER, uploaded};
use crate::api::{ADMIN_PLANS, API_KEYS, USAGE, of_plan, plan, subscription_of};
use crate::harness::Actor;
use crate::harness::process::{Process, planwright};
use crate::webhooks::{WEBHOOKS, delivery_when, is};

/// A data folder with a store that has something of everything in it, and no server on it.
struct Data {
    /// Deletes it in the end.
    _folder: TempDir,
    path: PathBuf,
}

impl Data {
    /// What a server has left, once for all tests; each has a copy of its own.
    async fn make() -> Self {
        static LEFT: OnceCell<Vec<u8>> = OnceCell::const_new();
        Self::of(LEFT.get_or_init(left_by_a_server).await)
    }

    /// A copy of a store.
    fn of(store: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = Self { path: folder.path().to_owned(), _folder: folder };
        std::fs::write(data.file(), store).unwrap();
        data
    }

    fn file(&self) -> PathBuf {
        self.path.join("planwright.redb")
    }

    fn store(&self) -> RedbStore {
        RedbStore::open(self.file(), Options::default()).unwrap()
    }
}

/// The bytes of a store after some work and a clean stop.
async fn left_by_a_server() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path());
    let admin = process.admin();
    for id in ["pro", "free", "old", "again"] {
        let body = plan(id).to_string();
        let headers = [("idempotency-key", id)];
        admin.send_with(&headers, Method::POST, ADMIN_PLANS, &body).await.ok(201);
    }
    admin.put(&of_plan("pro"), json!({"price": 500})).await.ok(200);
    admin.delete(&of_plan("old")).await.ok(200);
    admin.delete(&of_plan("again")).await.ok(200);
    admin.post(ADMIN_PLANS, plan("again")).await.ok(201);
    for (user, plan) in [("bob", "pro"), ("eve", "again"), ("bob", "free"), ("bob", "pro")] {
        let given = admin.put(&subscription_of(user), json!({"plan_id": plan})).await;
        assert!(given.status.is_success());
    }
    for (metric, event_id) in [("requests", "chat-1"), ("images", "chat-2")] {
        let event = json!({"metric": metric, "amount": 2, "user_id": "bob", "event_id": event_id});
        admin.post(USAGE, event).await.ok(201);
    }
    let trial = json!({"plan_id": "free", "trial_days": 7});
    admin.put(&subscription_of("tom"), trial).await.ok(201);
    admin.post(API_KEYS, json!({"name": "Key", "role": "user"})).await.ok(201);
    let operator = process.operator();
    let own = uploaded(&admin, "", REVIEWER).await;
    let shared = uploaded(&operator, "?tenant=*", OWN_PACK).await;
    admin.put(&of_hook("validation"), told(&own, "pass")).await.ok(200);
    admin.put(&of_hook("templates"), told(&shared, "own")).await.ok(200);
    operator.put(&format!("{}?tenant=*", of_hook("templates")), told(&shared, "own")).await.ok(200);
    leave_deliveries(&admin).await;
    assert_eq!(process.terminate(), Some(0));
    std::fs::read(folder.path().join("planwright.redb")).unwrap()
}

/// An endpoint that fails, with a delivery that waits, and one with a delivery that was given up. Both lead inside, so
/// nobody is called.
async fn leave_deliveries(admin: &Actor) {
    let draft = json!({"url": "https://localhost/", "events": ["plan.deleted"]});
    let mut endpoints = Vec::new();
    for _ in 0..2 {
        let made = admin.post(WEBHOOKS, draft.clone()).await.ok(201);
        let path = format!("{WEBHOOKS}/{}", made["id"].as_str().unwrap());
        admin.post(&format!("{path}/test"), json!({})).await.ok(202);
        endpoints.push((made["id"].as_str().unwrap().to_owned(), path));
    }
    let [(fails, _), (given_up, path)] = &endpoints[..] else { unreachable!("there are two") };
    admin.put(path, json!({"enabled": false})).await.ok(200);
    delivery_when(admin, given_up, is("failed")).await;
    // Whoever switches it on forgets how it fared.
    admin.put(path, json!({"enabled": true})).await.ok(200);
    let was_tried = |one: &Value| one["attempts"].as_array().is_some_and(|all| !all.is_empty());
    delivery_when(admin, fails, was_tried).await;
}

/// 3 plans and 3 users; for each of 3 subscriptions a record, a pointer, 3 places, what is due, and its user's history; 4
/// answers, 2 usage events and an API key, each with what leads to it; the tenant; a component and its owner, twice, and 3
/// bindings; the endpoints, 2 deliveries each with its place, and that an endpoint fails.
const BESIDE_PARTS: u64 = 57;

/// The same with the parts of components, whose number depends on how they were built.
async fn records(data: &Data) -> u64 {
    BESIDE_PARTS + u64::try_from(plugin_edits::parts(data).await.len()).unwrap()
}

fn tenant() -> Space {
    Space::Tenant("default".to_owned())
}

fn check(data_dir: &Path, more: &[&str]) -> Output {
    let arguments = [&["check", "--data-dir", data_dir.to_str().unwrap()], more].concat();
    planwright(&arguments).output().unwrap()
}

/// The exit code and the report.
fn report(data_dir: &Path) -> (Option<i32>, Value) {
    let output = check(data_dir, &["--json"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    (output.status.code(), report)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_leaves_is_clean_and_a_check_changes_nothing_in_it() {
    let data = Data::make().await;
    let (code, found) = report(&data.path);
    assert_eq!((code, &found["clean"]), (Some(0), &json!(true)), "{found}");
    assert_eq!((&found["spaces"], &found["log_entries"]), (&json!(2), &json!(23)), "{found}");
    let records = records(&data).await;
    assert_eq!(found["records"], records, "{found}");
    let (_, again) = report(&data.path);
    assert_eq!(found, again);

    let output = check(&data.path, &[]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.starts_with(&format!("everything agrees: {records} records"))
            && said.lines().count() == 1,
        "{said}"
    );
    let names: Vec<_> = std::fs::read_dir(&data.path).unwrap().map(|file| file.unwrap()).collect();
    assert_eq!(names.len(), 1, "it makes nothing, and needs no secret");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_in_use_and_one_without_a_store_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let output = check(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no store in"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

    let data_dir = folder.path().join("data");
    let process = Process::start(&data_dir);
    let output = check(&data_dir, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is in use"));
    drop(process);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_says_where_its_log_breaks_and_goes_on_behind_a_cut_that_stays_to_be_seen() {
    let data = Data::make().await;
    edits::cut_log(&data, 23);
    let process = Process::start(&data.path);
    let admin = process.admin();
    let verify = async || admin.get("/api/v1/admin/audit/verify").await.ok(200);
    let reason = "Entry 23, the last one, is missing.";
    let broken = json!({"valid": false, "entries": 22, "broken_at": 23, "reason": reason});
    assert_eq!(verify().await, broken);

    admin.post(API_KEYS, json!({"name": "After", "role": "user"})).await.ok(201);
    let newest = admin.get("/api/v1/admin/audit?page_size=1").await.ok(200);
    assert_eq!((&newest["items"][0]["sequence"], &newest["total"]), (&json!(24), &json!(24)));
    let reason = "Entry 23 is missing: entry 24 follows entry 22.";
    let broken = json!({"valid": false, "entries": 22, "broken_at": 23, "reason": reason});
    assert_eq!(verify().await, broken);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_was_given_up_is_cleared_away_at_the_next_start_and_a_younger_one_is_not() {
    let data = Data::make().await;
    let records = records(&data).await;
    edits::leave_uploads(&data, &[("0", 0), ("1", i64::from(u32::MAX))]).await;
    let (_, found) = report(&data.path);
    assert_eq!(
        (&found["clean"], &found["records"]),
        (&json!(true), &json!(records + 4)),
        "{found}"
    );
    assert_eq!(Process::start(&data.path).terminate(), Some(0));
    let (_, found) = report(&data.path);
    assert_eq!(
        (&found["clean"], &found["records"]),
        (&json!(true), &json!(records + 2)),
        "{found}"
    );
}

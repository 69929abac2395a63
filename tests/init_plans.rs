//! `planwright init-plans` as somebody types it: against a running server and on an idle data folder.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::path::Path;
use std::process::Output;

use planwright_store::{Key, LogScan, Options, RedbStore, Snapshot, Space, Store};
use serde_json::{Value, json};

use crate::harness::process::{Process, planwright};

const EVERYTHING: [&str; 3] = ["init-plans", "--include-annual", "--include-promo"];
const PLANS: &str = "/api/v1/admin/billing/plans";

fn run(arguments: &[&str]) -> Output {
    planwright(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What it printed, if it ended as it should.
#[track_caller]
fn printed(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// Every audit entry of an idle data folder, oldest first: who, what, to what.
async fn audit(data_dir: &Path) -> Vec<[String; 3]> {
    let store = RedbStore::open(data_dir.join("planwright.redb"), Options::default()).unwrap();
    let log = Key::in_space(&Space::Tenant("default".to_owned()), "audit").key();
    let entries = store.snapshot().await.unwrap().log(&log, LogScan::oldest(1_000)).await.unwrap();
    let told = entries.iter().map(|entry| {
        let entry: Value = entry.decode().unwrap();
        ["user_id", "action", "entity_id"].map(|field| entry[field].as_str().unwrap().to_owned())
    });
    told.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_an_idle_folder_it_creates_then_skips_then_updates_through_the_rules_with_audit_entries()
{
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let data_dir_text = data_dir.to_str().unwrap();
    Process::start(&data_dir).terminate();
    let here =
        |more: &[&str]| run(&[&EVERYTHING[..], &["--data-dir", data_dir_text], more].concat());

    let rehearsed = printed(&here(&["--dry-run"]), 0);
    assert!(rehearsed.contains("8 created, 0 updated, 0 skipped, 0 refused."), "{rehearsed}");
    assert!(rehearsed.contains("nothing was changed"), "{rehearsed}");
    assert_eq!(audit(&data_dir).await, [[""; 3]; 0]);

    let first = printed(&here(&[]), 0);
    assert!(first.contains("created  business_annual  "), "{first}");
    assert!(first.contains("8 created, 0 updated, 0 skipped, 0 refused."), "{first}");
    assert!(
        first.contains("The default plan, for users without a subscription, is 'free'."),
        "{first}"
    );
    let again = printed(&here(&[]), 0);
    assert!(again.contains("0 created, 0 updated, 8 skipped, 0 refused."), "{again}");
    let made = audit(&data_dir).await;
    assert_eq!(made.len(), 9, "{made:?}");
    assert_eq!(made[0], ["command-line", "plan_created", "free"]);
    assert_eq!(made[8], ["command-line", "settings_updated", "default"]);

    // Somebody changes two plans, and subscribes to one that then gives more than the pack does.
    let process = Process::start(&data_dir);
    let admin = process.admin();
    admin.put(&format!("{PLANS}/pro"), json!({"price": 1})).await.ok(200);
    admin.put(&format!("{PLANS}/starter"), json!({"quotas": {}})).await.ok(200);
    let subscription = "/api/v1/admin/billing/users/u/subscription";
    admin.put(subscription, json!({"plan_id": "starter"})).await.ok(201);
    let busy = here(&["--force"]);
    assert_eq!(printed(&busy, 1), "");
    assert!(text(&busy.stderr).contains("in use by another planwright"), "{:?}", busy.stderr);
    process.terminate();

    let forced = here(&["--force", "--json"]);
    let done: Value = serde_json::from_str(&printed(&forced, 1)).unwrap();
    assert!(text(&forced.stderr).contains("1 plan was refused"), "{}", text(&forced.stderr));
    assert_eq!(done["refused"][0]["id"], "starter");
    let updated: Vec<&str> =
        done["updated"].as_array().unwrap().iter().map(|o| o["id"].as_str().unwrap()).collect();
    assert_eq!(updated.len(), 7, "all but that one: {done}");
    let told = audit(&data_dir).await;
    let by_force: Vec<&str> = told[12..].iter().map(|entry| entry[2].as_str()).collect();
    assert_eq!(by_force, updated, "an entry for each plan that was updated: {told:?}");
    assert!(told[12..].iter().all(|e| e[0] == "command-line" && e[1] == "plan_updated"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_server_is_asked_over_http() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(&folder.path().join("data"));
    let server = format!("http://{}", process.address);
    let admin = process.admin();
    let token = admin.token();
    // A configuration is for the data folder, and in nobody's way here.
    let output = planwright(&["init-plans", "--server", &server, "--token", token])
        .env("PLANWRIGHT_CONFIG", "elsewhere.toml")
        .output()
        .unwrap();
    let first = printed(&output, 0);
    assert!(first.contains("4 created, 0 updated, 0 skipped, 0 refused."), "{first}");
    assert_eq!(admin.get(PLANS).await.ok(200).as_array().unwrap().len(), 4);

    // The same from the environment.
    let output = planwright(&EVERYTHING)
        .env("PLANWRIGHT_URL", &server)
        .env("PLANWRIGHT_TOKEN", token)
        .output()
        .unwrap();
    let second = printed(&output, 0);
    assert!(second.contains("4 created, 0 updated, 4 skipped, 0 refused."), "{second}");

    let refused = run(&["init-plans", "--server", &server, "--token", "sk-unknown"]);
    assert_eq!(printed(&refused, 1), "");
    assert!(text(&refused.stderr).contains("(401"), "{}", text(&refused.stderr));
}

#[test]
fn what_is_wrong_is_said_with_the_right_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let missing = missing.to_str().unwrap();
    let cases: [(&[&str], i32, &str); 6] = [
        (&["--data-dir", missing], 1, "no data folder"),
        (&["--server", "http://127.0.0.1:9"], 1, "--token"),
        (&["--server", "http://127.0.0.1:9", "--token", "t"], 1, "Is it running?"),
        (
            &["--server", "ftp://example.com", "--token", "t"],
            1,
            "must begin with https:// or http://",
        ),
        (&["--server", "http://127.0.0.1:9", "--data-dir", missing], 2, "--data-dir"),
        (&["--include-weekly"], 2, "--include-weekly"),
    ];
    for (arguments, code, part) in cases {
        let output = run(&[&["init-plans"], arguments].concat());
        assert_eq!(printed(&output, code), "", "{arguments:?}");
        let said = text(&output.stderr);
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
    assert!(!Path::new(missing).exists(), "a misspelt folder is not made");
}

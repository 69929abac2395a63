//! `planwright backup` and `planwright restore`, as somebody types them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod damage;
mod serving;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::{ADMIN_PLANS, API_KEYS, AUDIT_VERIFY, of_plan, plan, subscription_of};
use crate::harness::Actor;
use crate::harness::process::{Process, planwright};

/// A folder for one test, with a data folder in it.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// After some work and a clean stop.
    async fn with_data() -> Self {
        let place = Self::new();
        let process = Process::start(&place.path("data"));
        fill(&process.admin()).await;
        assert_eq!(process.terminate(), Some(0));
        place
    }

    fn run(&self, line: &str) -> Output {
        let arguments: Vec<&str> = line.split(' ').collect();
        planwright(&arguments).current_dir(self.0.path()).output().unwrap()
    }

    /// What a command prints that does what it is told to.
    #[track_caller]
    fn json(&self, line: &str) -> Value {
        let output = self.run(&format!("{line} --json"));
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// What a command says that does not.
    #[track_caller]
    fn refused(&self, line: &str) -> String {
        let output = self.run(line);
        let said = stderr(&output);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{line}: {said}");
        said
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The command that asks a running server.
fn of_server(process: &Process, data_dir: &Path) -> String {
    let arguments = ["token", "--user", "o", "--role", "operator", "--data-dir"];
    let output = planwright(&arguments).arg(data_dir).output().unwrap();
    let token = String::from_utf8(output.stdout).unwrap();
    format!("--server http://{} --token {}", process.address, token.trim())
}

/// Some of everything.
async fn fill(admin: &Actor) {
    for id in ["pro", "free", "old"] {
        let body = plan(id).to_string();
        let headers = [("idempotency-key", id)];
        admin.send_with(&headers, Method::POST, ADMIN_PLANS, &body).await.ok(201);
    }
    admin.put(&of_plan("pro"), json!({"price": 500})).await.ok(200);
    admin.delete(&of_plan("old")).await.ok(200);
    admin.put(&subscription_of("bob"), json!({"plan_id": "pro"})).await.ok(201);
    admin.post(API_KEYS, json!({"name": "Key", "role": "user"})).await.ok(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_server_goes_on_where_the_backup_was_taken_and_takes_the_same_credentials() {
    let place = Place::new();
    let process = Process::start(&place.path("data"));
    let admin = process.admin();
    fill(&admin).await;
    let key = json!({"name": "shop", "role": "admin"});
    let key = admin.post(API_KEYS, key).await.ok(201)["key"].as_str().unwrap().to_owned();
    let written = place.json(&format!("backup b {}", of_server(&process, &place.path("data"))));
    let head = admin.get(AUDIT_VERIFY).await.ok(200);
    let plans = admin.get(ADMIN_PLANS).await.ok(200);
    let answer = [("idempotency-key", "pro")];
    let token = admin.token().to_owned();
    assert_eq!(process.terminate(), Some(0));

    let restored = place.json("restore b --data-dir new/data");
    assert_eq!(restored["check"], place.json("check --data-dir data"));
    assert_eq!(restored["check"], place.json("check --data-dir new/data"));
    assert_eq!(restored["check"]["clean"], true);
    for field in ["records", "counters", "log_entries"] {
        assert_eq!(restored["check"][field], written[field], "{field}");
    }
    assert_eq!(restored["store_version"], written["store_version"]);

    let process = Process::start(&place.path("new/data"));
    for credentials in [token, key] {
        let admin = Actor::new(process.address, Some(credentials));
        assert_eq!(admin.get(AUDIT_VERIFY).await.ok(200), head);
        assert_eq!(admin.get(ADMIN_PLANS).await.ok(200), plans);
    }
    let admin = process.admin();
    // What was done once is still done once.
    let again = admin.send_with(&answer, Method::POST, ADMIN_PLANS, &plan("pro").to_string()).await;
    assert_eq!(again.ok(201)["version"], 1);
    admin.post(ADMIN_PLANS, plan("next")).await.ok(201);
    assert_eq!(admin.get(AUDIT_VERIFY).await.ok(200)["valid"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ways_to_take_a_backup_give_the_same_and_a_restored_folder_gives_it_again() {
    let place = Place::with_data().await;
    let process = Process::start(&place.path("data"));
    let server = of_server(&process, &place.path("data"));
    let from_server = place.json(&format!("backup served {server}"));
    assert!(place.refused("backup idle --data-dir data").contains("is in use"));
    assert_eq!(process.terminate(), Some(0));
    let from_folder = place.json("backup idle --data-dir data");
    place.json("restore served --data-dir one");
    place.json("restore idle --data-dir two");
    let again = place.json("backup again --data-dir one");
    for other in [&from_folder, &again] {
        for field in ["store_version", "records", "counters", "log_entries"] {
            assert!(from_server[field].as_u64() > Some(1), "{from_server}");
            assert_eq!(from_server[field], other[field], "{field}");
        }
    }
    let secret = |folder: &str| fs::read_to_string(place.path(folder).join("secret")).unwrap();
    assert_eq!((secret("one"), secret("two")), (secret("data"), secret("data")));
    assert_eq!(from_server["bytes"], fs::metadata(place.path("served")).unwrap().len());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_for_its_owner_alone_and_overwrites_nothing_unless_it_is_told_to() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::with_data().await;
    fs::create_dir(place.path("kept")).unwrap();
    place.json("backup kept/b --data-dir data");
    place.json("restore kept/b --data-dir new");
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("kept/b"), 0o600);
    assert_eq!(
        (mode("new"), mode("new/secret"), mode("new/planwright.redb")),
        (0o700, 0o600, 0o600)
    );
    assert_eq!(place.names("new"), ["planwright.redb", "secret"]);

    fs::write(place.path("kept/b"), "mine").unwrap();
    assert!(place.refused("backup kept/b --data-dir data").contains("--force overwrites it"));
    assert_eq!(fs::read(place.path("kept/b")).unwrap(), b"mine");
    place.json("backup kept/b --data-dir data --force");
    place.json("restore kept/b --data-dir newer");
    // One that fails leaves nothing, and what was there.
    fs::remove_file(place.path("data/secret")).unwrap();
    place.refused("backup kept/b --data-dir data --force");
    place.json("restore kept/b --data-dir newest");
    assert_eq!(place.names("kept"), ["b"], "and no draft is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_wrong_is_said_and_makes_nothing() {
    let place = Place::with_data().await;
    place.json("backup b --data-dir data");
    let store = fs::read(place.path("data/planwright.redb")).unwrap();
    let nobody = "--server http://127.0.0.1:9 --token x";
    for (line, part) in [
        ("restore b --data-dir data", "holds data already"),
        ("restore missing --data-dir new", "cannot use missing"),
        ("restore data/secret --data-dir new", "is not a Planwright backup"),
        ("backup new --data-dir missing", "there is no store in missing"),
        ("backup missing/b --data-dir data", "cannot write missing/b"),
        (&format!("backup new {nobody}"), "Is it running?"),
        ("backup new --server http://127.0.0.1:9", "PLANWRIGHT_TOKEN"),
    ] {
        let said = place.refused(line);
        assert!(said.contains(part), "{line}: {said}");
    }
    assert_eq!(fs::read(place.path("data/planwright.redb")).unwrap(), store);
    assert_eq!(place.names(""), ["b", "data"]);
    for line in ["restore b", "backup", "backup b --server http://a --data-dir data"] {
        assert_eq!(place.run(line).status.code(), Some(2), "{line}");
    }
    for line in ["backup --help", "restore --help"] {
        let output = place.run(line);
        assert!(String::from_utf8_lossy(&output.stdout).contains("Example"), "{line}");
    }
}

/// A store in which something does not agree is worth a backup all the same, and nobody is told that it is well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_did_not_agree_when_the_backup_was_taken_does_not_agree_in_what_is_restored() {
    use planwright_store::{ChangeSet, Key, Options, RedbStore, Space, Store};
    let place = Place::with_data().await;
    let store = RedbStore::open(place.path("data/planwright.redb"), Options::default()).unwrap();
    let plans = Key::in_space(&Space::Tenant("default".to_owned()), "plan").text("pro").key();
    let mut change = ChangeSet::new();
    change.delete(&plans);
    store.commit(change).await.unwrap();
    drop(store);
    place.json("backup b --data-dir data");
    let output = place.run("restore b --data-dir new --json");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("restored as it was backed up"), "{}", stderr(&output));
    let restored: Value = serde_json::from_slice(&output.stdout).unwrap();
    let before = place.run("check --data-dir data --json");
    assert_eq!(restored["check"], serde_json::from_slice::<Value>(&before.stdout).unwrap());
    assert_eq!(place.names("new"), ["planwright.redb", "secret"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_restore_leaves_is_not_served_and_the_next_restore_goes_over_it() {
    let place = Place::with_data().await;
    place.json("backup b --data-dir data");
    let staged = place.path("new/restoring/planwright.redb");
    let mut whole_first = 0;
    for _ in 0..10 {
        let arguments = ["restore", "b", "--data-dir", "new"];
        let mut restore = planwright(&arguments).current_dir(place.0.path()).spawn().unwrap();
        while !staged.exists() && restore.try_wait().unwrap().is_none() {}
        restore.kill().unwrap();
        restore.wait().unwrap();
        if place.path("new/planwright.redb").exists() {
            // It was faster than the kill; then it is whole.
            whole_first += 1;
        } else {
            let served = place.refused("serve --listen 127.0.0.1:0 --data-dir new");
            assert!(served.contains("was not finished"), "{served}");
            place.json("restore b --data-dir new");
        }
        assert_eq!(place.json("check --data-dir new"), place.json("check --data-dir data"));
        fs::remove_dir_all(place.path("new")).unwrap();
    }
    assert!(whole_first < 10, "none was killed in the middle");
}

/// A kill leaves files behind that nobody but the next one can clear away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_backups_left_that_were_killed_is_cleared_away_and_what_is_being_written_is_not() {
    let place = Place::with_data().await;
    for name in [".planwright-backup-old", ".planwright-backup-now", "data/.backup-old"] {
        fs::write(place.path(name), "half").unwrap();
    }
    fs::write(place.path("data/.backups"), "somebody's own").unwrap();
    let now = fs::File::open(place.path(".planwright-backup-now")).unwrap();
    now.lock().unwrap();
    place.json("backup b --data-dir data");
    assert_eq!(place.names("."), [".planwright-backup-now", "b", "data"]);

    assert_eq!(Process::start(&place.path("data")).terminate(), Some(0));
    let names = place.names("data");
    assert!(names.contains(&".backups".to_owned()), "{names:?}");
    assert!(!names.contains(&".backup-old".to_owned()), "{names:?}");
}

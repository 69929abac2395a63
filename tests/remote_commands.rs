//! The commands that ask a running server, as somebody types them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::process::Output;

use serde_json::Value;

use crate::harness::Actor;
use crate::harness::process::{Process, planwright};

/// A server, and an operator at a terminal.
struct Terminal {
    process: Process,
    token: String,
    folder: tempfile::TempDir,
}

impl Terminal {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("data");
        let process = Process::start(&data_dir);
        let data_dir = data_dir.to_str().unwrap();
        let arguments = ["token", "--user", "o", "--role", "operator", "--data-dir", data_dir];
        let token = stdout(&planwright(&arguments).output().unwrap());
        Self { process, token: token.trim().to_owned(), folder }
    }

    fn run_as(&self, token: &str, line: &str) -> Output {
        let arguments: Vec<&str> = line.split(' ').collect();
        planwright(&arguments)
            .env("PLANWRIGHT_URL", format!("http://{}", self.process.address))
            .env("PLANWRIGHT_TOKEN", token)
            .output()
            .unwrap()
    }

    fn run(&self, line: &str) -> String {
        let output = self.run_as(&self.token, line);
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        stdout(&output)
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.run(line)).unwrap()
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_and_its_keys_are_made_listed_and_revoked_from_the_shell() {
    let terminal = Terminal::start();
    let made = terminal.json("tenant create acme --name Acme --sandbox --json");
    assert_eq!((&made["id"], &made["sandbox"]), (&"acme".into(), &true.into()));
    assert!(terminal.run("tenant create beta").contains("beta"));
    let listed = terminal.run("tenant list");
    let first: Vec<&str> = listed.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(first, ["ID", "acme", "beta", "default"]);
    assert_eq!(terminal.json("tenant list --json").as_array().unwrap().len(), 3);

    // The key alone is on standard output, for a script to take.
    let line = "api-key create --name ci --role admin --user bob --ttl 90d --tenant acme";
    let key = terminal.run(line);
    assert_eq!((key.lines().count(), key.trim().len()), (1, 67));
    let by_key = Actor::new(terminal.process.address, Some(key.trim().to_owned()));
    by_key.get("/api/v1/admin/billing/plans").await.ok(200);
    // A key is as good as a token here, too.
    let output = terminal.run_as(key.trim(), "api-key list --json");
    let keys: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(keys[0]["user_id"], "bob");
    assert!(keys[0]["expires_at"].as_i64() > keys[0]["created_at"].as_i64());
    assert!(terminal.run("api-key list --tenant acme").contains("bob"));
    assert_eq!(terminal.run("api-key list").lines().count(), 1, "the titles alone");

    let id = keys[0]["id"].as_str().unwrap();
    let revoked = terminal.json(&format!("api-key revoke {id} --tenant acme --json"));
    assert_eq!(revoked["revoked"], true);
    by_key.get("/api/v1/admin/billing/plans").await.problem(401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_more_than_a_page_is_whole() {
    let terminal = Terminal::start();
    let operator = Actor::new(terminal.process.address, Some(terminal.token.clone()));
    for number in 0..101 {
        let id = format!("t-{number:03}");
        let draft = serde_json::json!({"id": id, "name": id});
        operator.post("/api/v1/admin/tenants", draft).await.ok(201);
    }
    let tenants = terminal.json("tenant list --json");
    let ids: Vec<&str> =
        tenants.as_array().unwrap().iter().map(|tenant| tenant["id"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), ids[0], ids[101]), (102, "default", "t-100"));
}

const REVIEWER: &str = env!("WASM_PLANWRIGHT_TEST_VALIDATION");
const OWN_PACK: &str = env!("WASM_PLANWRIGHT_TEST_TEMPLATES");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_is_uploaded_bound_taken_out_and_deleted_from_the_shell() {
    let terminal = Terminal::start();
    terminal.run("tenant create acme");
    // The digest alone is on standard output, for a script to take.
    let digest = terminal.run(&format!("plugin upload {REVIEWER} --wait --tenant acme"));
    assert_eq!((digest.lines().count(), digest.trim().len()), (1, 64));
    let digest = digest.trim();
    let shown = terminal.json(&format!("plugin show {digest} --tenant acme"));
    assert_eq!((&shown["state"], &shown["hook"]), (&"ready".into(), &"validation".into()));
    assert!(terminal.run("plugin list --tenant acme").contains("planwright-test-validation"));
    assert_eq!(terminal.run("plugin list").lines().count(), 1, "the titles alone");

    let settings = terminal.folder.path().join("settings.json");
    std::fs::write(&settings, r#"{"behaviour":"no-99"}"#).unwrap();
    let line = format!(
        "plugin bind validation {digest} --settings @{} --no-standard --tenant acme --json",
        settings.display()
    );
    let bound = terminal.json(&line);
    assert_eq!((&bound["source"], &bound["standard"]), (&"tenant".into(), &false.into()));
    assert_eq!(bound["plugins"][0]["settings"]["behaviour"], "no-99");
    let live = terminal.run("plugin bindings --tenant acme");
    let rules: Vec<&str> = live.lines().filter(|line| line.starts_with("validation")).collect();
    assert!(rules.len() == 1 && rules[0].contains(" tenant "), "{live}");
    assert_eq!(terminal.json("plugin bindings --json").as_array().unwrap().len(), 4);
    terminal.run("plugin unbind validation --tenant acme");
    let deleted = terminal.json(&format!("plugin delete {digest} --tenant acme --json"));
    assert_eq!(deleted["deleted"], true);

    let shared = terminal.run(&format!("plugin upload {OWN_PACK} --host --wait"));
    terminal.run(&format!("plugin bind templates {} --host", shared.trim()));
    let packs = terminal.run("templates list --tenant acme");
    let own: Vec<&str> = packs.lines().filter(|line| line.starts_with("own ")).collect();
    assert!(own.len() == 1 && own[0].contains("0 of 2"), "{packs}");
    let line = "templates install saas-tiers --group annual --group promo --dry-run --tenant acme";
    assert!(terminal.run(line).contains("4 created, 0 updated, 0 skipped, 0 refused."));
    let output = terminal.run_as(&terminal.token, "templates install own --tenant acme");
    assert_eq!(output.status.code(), Some(1), "one of its plans is refused");
    assert!(stdout(&output).contains("1 created, 0 updated, 0 skipped, 1 refused."));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_wrong_is_said_on_standard_error_with_1() {
    let terminal = Terminal::start();
    let nobody = "http://127.0.0.1:9";
    for (line, part) in [
        ("tenant create default", "already exists"),
        ("tenant create Acme", "1 to 63"),
        ("api-key list --tenant nowhere", "'nowhere' not found"),
        ("api-key revoke key_x", "'key_x' not found"),
        ("api-key create --name a --role user --user ", "user_id"),
        ("tenant list --token sk-old", "may have been revoked"),
        (&format!("tenant list --server {nobody}"), "Is it running?"),
        ("tenant list --server ftp://example.com", "must begin with https:// or http://"),
        ("tenant list --server nonsense", "is no URL"),
        ("plugin upload /nowhere.wasm", "cannot read /nowhere.wasm"),
        ("plugin upload Cargo.toml", "is not a WebAssembly component"),
        ("plugin show abc", "'abc' not found"),
        ("plugin bind identity", "exactly one plugin"),
        ("plugin bind validation --settings {}", "more --settings than plugins"),
        ("templates install ghost", "'ghost' not found"),
    ] {
        let output = terminal.run_as(&terminal.token, line);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{line}: {said}");
        assert!(said.contains(part) && output.stdout.is_empty(), "{line}: {said}");
    }
    let output = planwright(&["tenant", "list"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("PLANWRIGHT_TOKEN"), "{}", stderr(&output));
    for line in [
        "tenant",
        "tenant make",
        "api-key create --name a",
        "api-key revoke",
        "plugin bind payments",
        "plugin bind validation --settings {",
        "plugin list --host --tenant acme",
        "templates install",
    ] {
        assert_eq!(terminal.run_as(&terminal.token, line).status.code(), Some(2), "{line}");
    }
}

#[test]
fn help_has_examples_and_hides_the_token() {
    for line in [
        "tenant",
        "tenant create",
        "tenant list",
        "api-key",
        "api-key create",
        "plugin",
        "plugin upload",
        "plugin bind",
        "templates",
        "templates install",
    ] {
        let mut arguments: Vec<&str> = line.split(' ').collect();
        arguments.push("--help");
        let output = planwright(&arguments).env("PLANWRIGHT_TOKEN", "sk-hidden").output().unwrap();
        let said = stdout(&output);
        assert!(output.status.success() && said.contains("Examples:"), "{line}: {said}");
        assert!(!said.contains("sk-hidden"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_made_tried_out_changed_and_deleted_from_the_shell() {
    let terminal = Terminal::start();
    // The secret alone is on standard output, for a script to take.
    let secret = terminal
        .run("webhook create https://localhost/ --event plan.deleted --event subscription.*");
    assert!(secret.lines().count() == 1 && secret.starts_with("whsec_"), "{secret}");
    let listed = terminal.json("webhook list --json");
    assert_eq!(listed[0]["events"], serde_json::json!(["plan.deleted", "subscription.*"]));
    let id = listed[0]["id"].as_str().unwrap();
    let table = terminal.run("webhook list");
    assert!(table.contains(id) && table.contains("plan.deleted,subscription.*"), "{table}");

    let sent = terminal.json(&format!("webhook test {id} --json"));
    let delivery = sent[0]["id"].as_str().unwrap();
    let again = terminal.run(&format!("webhook redeliver {id} {delivery}"));
    assert!(again.contains("webhook.test") && again.contains("pending"), "{again}");
    for (state, lines) in [("pending", 2), ("delivered", 1)] {
        let table = terminal.run(&format!("webhook deliveries {id} --state {state}"));
        assert_eq!(table.lines().count(), lines, "{table}");
    }
    let rotated = terminal.run(&format!("webhook rotate {id} --overlap-hours 0"));
    assert!(rotated.starts_with("whsec_") && rotated != secret, "{rotated}");
    let off = terminal.json(&format!("webhook update {id} --enabled false --event plan.* --json"));
    assert_eq!(
        (&off[0]["enabled"], &off[0]["events"]),
        (&false.into(), &serde_json::json!(["plan.*"]))
    );
    let output = terminal.run_as(&terminal.token, &format!("webhook test {id}"));
    assert!(!output.status.success() && stderr(&output).contains("is switched off"));
    let deleted = terminal.json(&format!("webhook delete {id} --json"));
    assert_eq!(deleted["deleted"], true);
    assert_eq!(terminal.run("webhook list").lines().count(), 1, "the titles alone");
}

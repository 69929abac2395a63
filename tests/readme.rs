//! The README is true: its walk-through is typed as it stands, and what it shows comes back.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use planwright_server::config::{Config, PluginConfig};
use serde_json::Value;

use crate::api;
use crate::harness::App;
use crate::harness::process::{PLANWRIGHT, Process};

fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    std::fs::read_to_string(path).unwrap()
}

/// A fenced block and the mark above it: `<!-- run -->`.
struct Block {
    mark: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    let readme = readme();
    let mut lines = readme.lines();
    let mut blocks = Vec::new();
    while let Some(line) = lines.next() {
        let mark = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"));
        let Some(mark) = mark else { continue };
        assert!(lines.next().unwrap().starts_with("```"), "{mark} has no block");
        let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        blocks.push(Block { mark: mark.to_owned(), text: text.join("\n") });
    }
    blocks
}

fn block(mark: &str) -> String {
    let found: Vec<Block> = blocks().into_iter().filter(|block| block.mark == mark).collect();
    assert_eq!(found.len(), 1, "one block marked {mark}");
    found.into_iter().next().unwrap().text
}

/// A `cargo` that is the program itself: what comes after `--` are its arguments.
fn stand_in_for_cargo(folder: &Path) {
    let script = format!(
        "#!/bin/sh\nwhile [ \"$1\" != \"--\" ]; do shift; done\nshift\nexec '{PLANWRIGHT}' \"$@\"\n"
    );
    let path = folder.join("cargo");
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_first_five_minutes_give_what_the_readme_shows() {
    const END: &str = "=== end of a block ===";
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(&folder.path().join("planwright-data"));
    let programs = folder.path().join("programs");
    std::fs::create_dir(&programs).unwrap();
    stand_in_for_cargo(&programs);

    let mut script = String::from("set -e\n");
    let mut shown = Vec::new();
    for block in blocks() {
        match block.mark.as_str() {
            "run" => {
                let here = process.address.to_string();
                script += &block.text.replace("localhost:8080", &here);
                script += &format!("\necho; echo '{END}'\n");
                shown.push(None);
            }
            "gives" => *shown.last_mut().unwrap() = Some(block.text),
            _ => {}
        }
    }
    let path = std::env::var("PATH").unwrap();
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env("PATH", format!("{}:{path}", programs.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let said: Vec<&str> = said.split(END).collect();
    assert!(shown.len() >= 6, "the walk-through has its steps");
    for (said, shown) in said.iter().zip(&shown) {
        let Some(shown) = shown else { continue };
        let said: Value = serde_json::from_str(said.trim()).unwrap_or_else(|_| panic!("{said}"));
        assert_alike(&said, &serde_json::from_str(shown).unwrap(), "");
    }
}

/// The same fields with the same values, but for what differs from run to run.
fn assert_alike(said: &Value, shown: &Value, at: &str) {
    const VARY: [&str; 6] = [
        "created_at",
        "updated_at",
        "subscribed_at",
        "current_period_end",
        "request_id",
        "instance",
    ];
    match (said, shown) {
        (Value::Object(said), Value::Object(shown)) => {
            let names = |fields: &serde_json::Map<String, Value>| {
                fields.keys().cloned().collect::<Vec<_>>()
            };
            assert_eq!(names(said), names(shown), "fields at {at}");
            for (name, value) in shown {
                assert_alike(&said[name], value, name);
            }
        }
        (Value::Array(said), Value::Array(shown)) => {
            assert_eq!(said.len(), shown.len(), "{at}");
            for (said, shown) in said.iter().zip(shown) {
                assert_alike(said, shown, at);
            }
        }
        (Value::String(said), Value::String(_)) if at == "id" => {
            assert!(said.starts_with("premium_") && said.len() == 16, "{said}");
        }
        (said, _) if VARY.contains(&at) => assert!(!said.is_null(), "{at}"),
        (said, shown) => assert_eq!(said, shown, "{at}"),
    }
}

#[test]
fn the_configuration_in_the_readme_is_one_and_shows_the_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("planwright.toml");
    std::fs::write(&file, block("configuration")).unwrap();
    let shown = Config::load(Some(&file), &Default::default()).unwrap();
    assert_eq!(format!("{shown:?}"), format!("{:?}", Config::default()));

    std::fs::write(&file, block("plugin configuration")).unwrap();
    let shown = Config::load(Some(&file), &Default::default()).unwrap();
    assert_eq!(shown.plugins.validation.then.len(), 1);
}

#[test]
fn the_readme_says_how_to_start_test_and_measure() {
    for (mark, command) in [
        ("serve", "cargo run --release"),
        ("tests", "cargo test --workspace"),
        ("bench", "cargo bench -p planwright-tests"),
    ] {
        assert_eq!(block(mark), command);
    }
    let readme = readme();
    for path in ["ARCHITECTURE.md", "CHANGELOG.md", "LICENSE", "host/docs"] {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
        assert!(readme.contains(&format!("]({path})")) && target.exists(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_plugin_in_the_readme_builds_from_a_fresh_folder_and_decides() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    // Kept from run to run, as a target folder is.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("round-prices");
    let here = tempfile::tempdir().unwrap();
    std::fs::write(here.path().join("round_prices.rs"), block("plugin")).unwrap();
    let folder = here.path().join("round-prices").display().to_string();
    let lock = format!("cp '{}/Cargo.lock' . && cargo build", root.display());
    let commands = block("plugin build")
        .replace("../round-prices", &folder)
        .replace("$HERE/plugins/sdk", &root.join("plugins/sdk").display().to_string())
        // `cargo new` would make a repository, and the versions are to be those that are tested here.
        .replace("cargo new --lib", "cargo new --vcs none --lib")
        .replace("cargo build", &lock);
    let mut shell = Command::new("sh");
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_") || name.starts_with("RUSTC") {
            shell.env_remove(name);
        }
    }
    shell.args(["-ec", &commands]).current_dir(here.path()).env("CARGO_TARGET_DIR", &target);
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let built = target.join("wasm32-wasip2/release/round_prices.wasm");
    let app = App::with(|config| {
        let plugin = PluginConfig { file: Some(built), ..PluginConfig::default() };
        config.plugins.validation.then.push(plugin);
    })
    .await;
    let mut plan = api::plan("basic");
    plan["price"] = serde_json::json!(9.99);
    let answer = app.admin().post(api::ADMIN_PLANS, plan.clone()).await;
    assert!(answer.problem(400).contains("must not end in .99"), "{}", answer.json);
    plan["price"] = serde_json::json!(10);
    app.admin().post(api::ADMIN_PLANS, plan).await.ok(201);
}

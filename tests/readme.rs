//! The README is true: its walk-through is typed as it stands, and what it shows comes back.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::path::Path;

use planwright_server::config::Config;
use serde_json::Value;

use crate::harness::process::Process;
use crate::harness::walk::{block, blocks, here, readme, root, type_in};

/// Types every block with this mark into one shell, on a server of its own, and compares what comes back with what
/// is shown beneath. `prepare` makes what the reader makes by hand, and says what is elsewhere here.
fn walk(mark: &str, prepare: impl FnOnce(&Path), elsewhere: fn(&str) -> String) -> usize {
    const END: &str = "=== end of a block ===";
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("planwright");
    std::fs::create_dir(&place).unwrap();
    let process = Process::start(&place.join("planwright-data"));
    prepare(&place);

    let mut script = String::new();
    let mut shown = Vec::new();
    let mut is_on_the_walk = false;
    for block in blocks() {
        if block.mark == "gives" {
            if is_on_the_walk {
                *shown.last_mut().unwrap() = Some(block.text);
            }
            continue;
        }
        is_on_the_walk = block.mark == mark;
        if is_on_the_walk {
            let address = process.address.to_string();
            script += &elsewhere(&block.text.replace("localhost:8080", &address));
            script += &format!("\necho; echo '{END}'\n");
            shown.push(None);
        }
    }
    let said = type_in(&place, &script);
    let said: Vec<&str> = said.split(END).collect();
    for (said, shown) in said.iter().zip(&shown) {
        let Some(shown) = shown else { continue };
        let said: Value =
            serde_json::from_str(said.trim()).unwrap_or_else(|_| panic!("no JSON: {said}"));
        assert_alike(&said, &serde_json::from_str(shown).unwrap(), "");
    }
    shown.len()
}

#[test]
fn the_first_five_minutes_give_what_the_readme_shows() {
    let blocks = walk("run", |_| {}, str::to_owned);
    assert!(blocks >= 6, "the walk-through has its steps");
}

#[test]
fn a_product_is_answered_as_the_readme_shows() {
    let blocks = walk("product", |_| {}, str::to_owned);
    assert_eq!(blocks, 5, "the walk-through has its steps");
}

#[test]
fn five_minutes_with_a_plugin_of_ones_own_give_what_the_readme_shows() {
    let save = |folder: &Path| {
        std::fs::write(folder.join("round_prices.rs"), block("plugin")).unwrap();
    };
    let blocks = walk("walk", save, here);
    assert_eq!(blocks, 7, "the walk-through has its steps");
}

#[test]
fn five_minutes_with_a_price_book_give_what_the_readme_shows() {
    let blocks = walk("books", |_| {}, str::to_owned);
    assert_eq!(blocks, 6, "the walk-through has its steps");
}

/// The same fields with the same values, but for what differs from run to run.
fn assert_alike(said: &Value, shown: &Value, at: &str) {
    const VARY: [&str; 9] = [
        "digest",
        "created_at",
        "updated_at",
        "subscribed_at",
        "current_period_end",
        "period_start",
        "period_end",
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
        // The sentence ends with an instant.
        (Value::String(said), Value::String(shown)) if at == "detail" && shown.ends_with("Z.") => {
            let begin = |text: &str| text.rsplit_once(' ').unwrap().0.to_owned();
            assert_eq!(begin(said), begin(shown));
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
        let target = root().join(path);
        assert!(readme.contains(&format!("]({path})")) && target.exists(), "{path}");
    }
}

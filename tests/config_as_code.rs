//! `planwright export` and `planwright apply` as somebody types them: against a running server and on an idle data
//! folder.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::api::catalog::CATALOG;
use crate::harness::process::{Process, planwright};

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

/// Every file of a catalog, by its path in the folder.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for list in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        for file in fs::read_dir(list).unwrap().map(|entry| entry.unwrap().path()) {
            let name = file.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            found.push((name, fs::read_to_string(file).unwrap()));
        }
    }
    found.sort();
    found
}

fn shop() -> Value {
    json!({
        "regions": [{"name": "eu"}, {"name": "Юг"}],
        "products": [{"external_id": "cpu", "label": "CPU", "resource_kind": "resource"}],
        "billing_plans": [{"name": "Cloud 2025", "billing_resources": [{"product": "cpu", "billing_phases": [
            {"phase_type": "final", "billing_resource_prices": [
                {"currency": "USD", "price": "0.015", "regions": ["eu"]},
            ]},
        ]}]}],
        "user_groups": [{"name": "staff", "billing_plan": "Cloud 2025"}],
        "plans": [{
            "id": "pro", "name": "Pro", "price": "490.50", "currency": "RUB", "interval": "month",
            "quotas": {"requests": 5}, "billing_plan": "Cloud 2025",
        }],
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_catalog_is_exported_from_a_server_and_applied_to_a_folder_and_is_the_same_there() {
    let temporary = tempfile::tempdir().unwrap();
    let [here, there, first, second] =
        ["here", "there", "first", "second"].map(|name| temporary.path().join(name));
    let [there_text, first_text, second_text] =
        [&there, &first, &second].map(|path| path.to_str().unwrap());
    Process::start(&there).terminate();
    let process = Process::start(&here);
    let (server, admin) = (format!("http://{}", process.address), process.admin());
    let token = admin.token();
    let on_server = |command: &str, more: &[&str]| {
        run(&[&[command, first_text, "--server", &server, "--token", token], more].concat())
    };
    admin.put(CATALOG, shop()).await.ok(200);
    let wrote = printed(&on_server("export", &[]), 0);
    assert!(
        wrote.contains("2 regions, 1 products, 1 billing plans, 1 user groups, 1 plans"),
        "{wrote}"
    );
    let names: Vec<String> = files(&first).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        (names.len(), names[1].as_str(), names[2].as_str()),
        (6, "plans/pro.json", "products/cpu.json"),
        "{names:?}"
    );
    // No numbers of this server, no times, and nothing that is not said.
    let plan = fs::read_to_string(first.join("plans/pro.json")).unwrap();
    assert_eq!(
        plan,
        "{\n  \"id\": \"pro\",\n  \"name\": \"Pro\",\n  \"price\": 490.5,\n  \"currency\": \"RUB\",\n  \
         \"interval\": \"month\",\n  \"quotas\": {\n    \"requests\": 5\n  },\n  \"is_active\": true,\n  \
         \"display_order\": 0,\n  \"trial_days\": 0,\n  \"billing_plan\": \"Cloud 2025\"\n}\n"
    );

    // There: shown, applied as a whole, and nothing to do a second time.
    let apply =
        |more: &[&str]| run(&[&["apply", first_text, "--data-dir", there_text], more].concat());
    let shown = printed(&apply(&["--dry-run"]), 0);
    assert!(shown.starts_with("+ region eu\n"), "{shown}");
    assert!(
        shown.ends_with("6 created, 0 updated, 0 deleted, 0 unchanged. Nothing is changed yet.\n"),
        "{shown}"
    );
    let unasked = apply(&[]);
    printed(&unasked, 1);
    assert!(text(&unasked.stderr).contains("--yes applies without asking"));
    printed(&apply(&["--yes"]), 0);
    assert_eq!(printed(&apply(&[]), 0), "Nothing to do: 6 things are as they are wanted.\n");
    printed(&run(&["export", second_text, "--data-dir", there_text, "--json"]), 0);
    assert_eq!(files(&second), files(&first));
    let check = printed(&run(&["check", "--data-dir", there_text]), 0);
    assert!(check.contains("everything agrees"), "{check}");

    // Edited, reviewed, applied; with --prune what has no file goes.
    let cheaper = plan.replace("490.5", "390.25");
    fs::write(first.join("plans/pro.json"), cheaper).unwrap();
    let gone = files(&first).into_iter().find(|(_, text)| text.contains("Юг")).unwrap().0;
    fs::remove_file(first.join(&gone)).unwrap();
    let shown = printed(&on_server("apply", &["--dry-run"]), 0);
    assert_eq!(
        shown,
        "~ plan pro\n    price: 490.5 → 390.25\n0 created, 1 updated, 0 deleted, 5 unchanged. Nothing is changed yet.\n"
    );
    let done = printed(&on_server("apply", &["--yes", "--prune", "--json"]), 0);
    let done: Value = serde_json::from_str(&done).unwrap();
    assert_eq!(done["deleted"][0]["name"], "Юг");
    assert_eq!(done["updated"][0]["changes"]["price"], json!({"old": 490.5, "new": 390.25}));

    // An export over it: what is gone goes, and nothing else is touched.
    let refused = on_server("export", &[]);
    assert_eq!(printed(&refused, 1), "");
    assert!(text(&refused.stderr).contains("--force"), "{}", text(&refused.stderr));
    fs::write(first.join("regions/old.json"), json!({"name": "old"}).to_string()).unwrap();
    fs::write(first.join("README.md"), "ours").unwrap();
    let somebodys = first.join("plans/package.json");
    fs::write(&somebodys, json!({"private": true}).to_string()).unwrap();
    let refused = on_server("export", &["--force"]);
    assert_eq!(printed(&refused, 1), "");
    assert!(text(&refused.stderr).contains("package.json"), "{}", text(&refused.stderr));
    fs::remove_file(&somebodys).unwrap();
    printed(&on_server("export", &["--force"]), 0);
    assert!(!first.join("regions/old.json").exists() && first.join("README.md").exists());
    assert_eq!(
        printed(&on_server("apply", &[]), 0),
        "Nothing to do: 5 things are as they are wanted.\n"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_named_by_its_file_and_field() {
    let temporary = tempfile::tempdir().unwrap();
    let (data, catalog) = (temporary.path().join("data"), temporary.path().join("catalog"));
    let process = Process::start(&data);
    let (server, admin) = (format!("http://{}", process.address), process.admin());
    let catalog_text = catalog.to_str().unwrap();
    let arguments = ["--server", &server, "--token", admin.token()];
    admin.put(CATALOG, shop()).await.ok(200);
    printed(&run(&[&["export", catalog_text][..], &arguments].concat()), 0);
    let subscription = "/api/v1/admin/billing/users/u/subscription";
    admin.put(subscription, json!({"plan_id": "pro"})).await.ok(201);

    let refused = |more: &[&str]| {
        let output = run(&[&["apply", catalog_text][..], &arguments, more].concat());
        assert_eq!(printed(&output, 1), "");
        text(&output.stderr)
    };
    let file = catalog.join("plans/pro.json");
    let good = fs::read_to_string(&file).unwrap();
    for (from, to, part) in [
        ("\"requests\": 5", "\"requests\": 4", "plans/pro.json: quotas.requests: Cannot decrease"),
        (
            "\"Cloud 2025\"",
            "\"Edge\"",
            "plans/pro.json: billing_plan: There is no billing plan 'Edge'",
        ),
        ("\"interval\"", "\"intervall\"", "plans/pro.json: intervall: unknown field"),
        ("490.5", "true", "plans/pro.json: price: "),
        ("{\n", "{,", "plans/pro.json: The file is not JSON"),
    ] {
        fs::write(&file, good.replacen(from, to, 1)).unwrap();
        let said = refused(&["--yes"]);
        assert!(said.contains(part), "{to}: {said}");
    }
    // All mistakes of all files at once, by the rules of plans, too, and what no file has by its folder.
    fs::write(&file, good.replacen("\"requests\": 5", "\"requests\": 4", 1)).unwrap();
    let regions = fs::read_dir(catalog.join("regions")).unwrap();
    let south = regions.map(|entry| entry.unwrap().path()).find(|file| !file.ends_with("eu.json"));
    let (south, good_south) = (south.clone().unwrap(), fs::read_to_string(south.unwrap()).unwrap());
    fs::remove_file(&south).unwrap();
    admin.put("/api/v1/admin/settings", json!({"region_id": 2})).await.ok(200);
    let said = refused(&["--yes", "--prune"]);
    for part in [
        "plans/pro.json: quotas.requests: Cannot decrease",
        "catalog/regions: Region 'Юг' cannot be deleted",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    fs::write(&south, good_south).unwrap();
    fs::write(&file, &good).unwrap();
    fs::create_dir(catalog.join("product")).unwrap();
    assert!(refused(&["--dry-run"]).contains("product is none of a catalog's"));
    fs::remove_dir(catalog.join("product")).unwrap();
    fs::write(catalog.join("pro.json"), &good).unwrap();
    assert!(refused(&["--dry-run"]).contains("belongs into one of the folders"));
    fs::remove_file(catalog.join("pro.json")).unwrap();
    assert!(refused(&["--json"]).contains("--yes or --dry-run"));
    assert!(refused(&["--dry-run", "--tenant", "acme"]).contains("(401"));
    let empty = temporary.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let output =
        run(&["apply", empty.to_str().unwrap(), "--prune", "--yes", "--data-dir", "nowhere"]);
    assert!(text(&output.stderr).contains("there is no catalog in"), "{}", text(&output.stderr));
    printed(&output, 1);
}

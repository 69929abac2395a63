//! The program as somebody types it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::process::Output;

use crate::harness::Actor;
use crate::harness::process::{Process, planwright};

fn run(arguments: &[&str]) -> Output {
    planwright(arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_says_what_to_do_next_and_a_token_from_the_folder_works_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let data_dir_text = data_dir.to_str().unwrap();
    let process = Process::start(&data_dir);
    let hint = process.next_line_with("token --user me --role admin");
    assert!(hint.contains("TOKEN=$("), "{hint}");

    let arguments = ["token", "--user", "me", "--role", "admin", "--data-dir", data_dir_text];
    let output = run(&arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    let token = String::from_utf8(output.stdout).unwrap();
    assert_eq!(token.lines().count(), 1, "a token and nothing else");
    let me = Actor::new(process.address, Some(token.trim().to_owned()));
    me.get("/api/v1/admin/billing/plans").await.ok(200);
    assert_eq!(process.terminate(), Some(0), "a stop that was asked for is no failure");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_on_the_same_folder_is_refused_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let process = Process::start(&data_dir);
    let data_dir = data_dir.to_str().unwrap();
    let output = run(&["serve", "--listen", "127.0.0.1:0", "--data-dir", data_dir]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("in use by another planwright"), "{}", stderr(&output));
    drop(process);
}

#[test]
fn what_is_wrong_is_said_with_the_right_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let missing = missing.to_str().unwrap();
    let misspelt = folder.path().join("misspelt.toml");
    std::fs::write(&misspelt, "[server]\nlistn = \"127.0.0.1:0\"\n").unwrap();
    let misspelt = misspelt.to_str().unwrap();
    let not_wasm = folder.path().join("not_wasm.toml");
    std::fs::write(&not_wasm, format!("[plugins.identity]\nfile = \"{misspelt}\"\n")).unwrap();
    let not_wasm = not_wasm.to_str().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let public_key = folder.path().join("public_key.toml");
    let text = "[auth]\nalgorithm = \"RS256\"\npublic_key_file = \"idp.pem\"\n";
    std::fs::write(&public_key, text).unwrap();
    let public_key = public_key.to_str().unwrap();
    let cases: [(&[&str], i32, &str); 11] = [
        (
            &["token", "--user", "a", "--role", "admin", "--config", public_key],
            1,
            "checks tokens with the public key in idp.pem",
        ),
        (&["serve", "--config", public_key, "--data-dir", data], 1, "cannot read idp.pem"),
        (&["token", "--user", "a", "--role", "admin", "--data-dir", missing], 1, "no data folder"),
        (&["token", "--user", "a", "--role", "root", "--data-dir", missing], 2, "root"),
        (&["token", "--user", "", "--role", "user", "--data-dir", missing], 1, "--user"),
        (&["token", "--user", "a", "--role", "user", "--ttl", "soon"], 2, "'soon'"),
        (&["serve", "--config", missing], 1, "cannot read the configuration file"),
        (&["serve", "--config", misspelt], 1, "listn"),
        (&["serve", "--config", not_wasm, "--data-dir", data], 1, "not a WebAssembly component"),
        (&["serve", "--listen", "nowhere"], 2, "nowhere"),
        (&["fly"], 2, "fly"),
    ];
    for (arguments, code, part) in cases {
        let output = run(arguments);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    let output = planwright(&["serve"]).env("PLANWRIGHT_SERVER_LISTN", "x").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("PLANWRIGHT_SERVER_LISTN"), "{}", stderr(&output));
}

#[test]
fn help_has_examples_and_every_setting() {
    for arguments in
        [["serve", "--help"], ["token", "--help"], ["check", "--help"], ["init-plans", "--help"]]
    {
        let output = run(&arguments);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && said.contains("Examples:"), "{said}");
    }
    let output = run(&["serve", "--help"]);
    let said = String::from_utf8(output.stdout).unwrap();
    for (section, key, _) in planwright_server::config::SETTINGS {
        let name = planwright_server::config::variable(section, key);
        assert!(said.contains(&name), "{name} is not in the help");
    }
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let output = run(&["completions", shell]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && said.contains("token"), "{shell}");
        assert!(!said.contains("compile-component"), "{shell} shows what is hidden");
    }
}

/// Somebody who reads one line of what could be many.
#[test]
fn an_answer_that_nobody_reads_is_no_failure_and_one_that_is_lost_is() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    drop(Process::start(&data));
    let data = data.to_str().unwrap();
    let token = ["token", "--user", "me", "--role", "admin", "--data-dir", data];
    let check = ["check", "--data-dir", data, "--json"];
    for arguments in [&token[..], &check, &["completions", "bash"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let unread = planwright(arguments).stdout(writer).output().unwrap();
        assert_eq!((unread.status.code(), stderr(&unread)), (Some(0), String::new()));

        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let lost = planwright(arguments).stdout(full).output().unwrap();
        assert_eq!(lost.status.code(), Some(1), "{arguments:?}");
        let said = stderr(&lost);
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.starts_with("planwright: cannot write to standard output"), "{said}");
    }
}

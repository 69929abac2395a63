//! The document of the surface: it is served as it is, nothing is forgotten in it or in the tests, and a change of
//! it is seen.

use std::collections::BTreeSet;
use std::path::PathBuf;

use reqwest::Method;

use crate::harness::App;
use crate::harness::contract::contract;

/// A change of the API shows here. Once it is meant: `INSTA_UPDATE=always cargo test -p planwright-tests document`.
#[test]
fn the_document_is_the_one_that_was_reviewed() {
    let document = serde_json::to_string_pretty(&contract().document).unwrap();
    insta::assert_snapshot!("openapi", document);
}

#[tokio::test]
async fn it_is_served_to_anybody_and_needs_nothing_from_outside() {
    let app = App::start().await;
    let served = app.stranger().get("/openapi.json").await.ok(200);
    assert_eq!(served, contract().document);
    let page = app.stranger().get("/docs").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("http") && !policy.contains("unsafe"), "{policy}");
    for operation in &contract().operations {
        let anchor = format!("id=\"{}\"", operation.id);
        assert!(page.text.contains(&anchor), "/docs does not show {}", operation.id);
    }
    assert!(!page.text.contains("<script") && !page.text.contains("src="), "something is loaded");
    app.covers(&["server_document", "server_docs"]);
}

#[test]
fn every_operation_says_what_it_is_and_who_may_use_it() {
    let mut ids = BTreeSet::new();
    for operation in &contract().operations {
        assert!(ids.insert(&operation.id), "two operations are called {}", operation.id);
        let declared = &contract().document["paths"][&operation.path]
            [operation.method.as_str().to_lowercase()];
        let summary = declared["summary"].as_str().unwrap_or_default();
        assert!(!summary.is_empty(), "{} has no summary", operation.id);
        let security = declared["security"].as_array().unwrap();
        assert_eq!(security.is_empty(), operation.is_public(), "{}", operation.id);
        let places = operation.path.split('/').filter(|part| part.starts_with('{'));
        let said = operation.parameters().into_iter().filter(|one| one["in"] == "path");
        let said: BTreeSet<String> =
            said.map(|one| format!("{{{}}}", one["name"].as_str().unwrap())).collect();
        assert_eq!(said, places.map(str::to_owned).collect(), "{}", operation.path);
    }
}

/// A test that is about an operation says so, `app.covers(&["plans_get"])`, and fails if it has not asked it.
#[test]
fn every_operation_is_in_a_test_of_its_own() {
    let mut source = String::new();
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR"))];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = std::fs::read_to_string(path).unwrap();
                source.extend(text.lines().filter(|line| !line.trim().starts_with("//")));
            }
        }
    }
    // Written in two, so that this line is none.
    let call = [".covers", "(&["].concat();
    let calls = source.split(&call).skip(1).filter_map(|rest| rest.split_once(']'));
    let covered: BTreeSet<&str> = calls
        .flat_map(|(names, _)| names.split(','))
        .map(|name| name.trim().trim_matches('"'))
        .filter(|name| !name.is_empty())
        .collect();
    let all: BTreeSet<&str> = contract().operations.iter().map(|one| one.id.as_str()).collect();
    let missing: Vec<_> = all.difference(&covered).collect();
    assert!(missing.is_empty(), "no test says that it covers {missing:?}");
    let unknown: Vec<_> = covered.difference(&all).collect();
    assert!(unknown.is_empty(), "the document does not have {unknown:?}");
}

#[tokio::test]
async fn a_path_takes_the_methods_that_the_document_says_and_no_other() {
    let app = App::start().await;
    let paths: BTreeSet<&String> = contract().operations.iter().map(|one| &one.path).collect();
    for path in paths {
        let mut allowed = contract().methods_of(path);
        if allowed.contains(&Method::GET) {
            allowed.push(Method::HEAD);
        }
        let methods = [
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
            Method::TRACE,
        ];
        for method in methods.into_iter().filter(|method| !allowed.contains(method)) {
            let answer =
                app.stranger().send(method.clone(), &path.replace(['{', '}'], ""), "").await;
            assert_eq!(answer.status, 405, "{method} {path}");
            let said = answer.headers["allow"].to_str().unwrap().split(',');
            let said: BTreeSet<&str> = said.map(str::trim).collect();
            let expected = allowed.iter().map(Method::as_str).collect();
            assert_eq!(said, expected, "{method} {path}");
        }
    }
}

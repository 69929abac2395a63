//! What a crate may lean on. Cargo keeps cycles out; this keeps the rooms apart.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::collections::BTreeSet;
use std::path::Path;

/// Crates of ours that a room may use.
const MAY_USE: [(&str, &[&str]); 10] = [
    ("host/domain", &[]),
    ("host/store", &[]),
    ("host/plugin-host", &["planwright-domain"]),
    ("host/service", &["planwright-domain", "planwright-plugin-host", "planwright-store"]),
    (
        "host/server",
        &[
            "planwright-domain",
            "planwright-plugin-host",
            "planwright-service",
            "planwright-store",
            "planwright-guest-build",
        ],
    ),
    ("plugins/identity", &["planwright-sdk"]),
    ("plugins/validation", &["planwright-sdk"]),
    ("plugins/pricing", &["planwright-sdk"]),
    ("templates/saas-tiers", &["planwright-sdk"]),
    ("templates/cloud-hosting", &["planwright-sdk"]),
];

/// Libraries that only some rooms may name.
const ONLY_IN: [(&str, &[&str]); 9] = [
    ("wasmtime", &["host/plugin-host"]),
    ("wasmtime-wasi", &["host/plugin-host"]),
    ("redb", &["host/store"]),
    ("axum", &["host/server"]),
    ("hyper", &["host/server"]),
    // As serde: the shape of what crosses JSON is derived on it.
    ("utoipa", &["host/domain", "host/server"]),
    ("utoipa-axum", &["host/server"]),
    ("getrandom", &["host/server"]),
    ("tokio", &["host/store", "host/plugin-host", "host/service", "host/server"]),
];

fn dependencies(room: &str) -> BTreeSet<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(room).join("Cargo.toml");
    let manifest: toml::Table = std::fs::read_to_string(manifest).unwrap().parse().unwrap();
    ["dependencies", "build-dependencies"]
        .iter()
        .filter_map(|section| manifest.get(*section)?.as_table())
        .flat_map(|section| section.keys().cloned())
        .collect()
}

#[test]
fn every_room_leans_only_on_the_rooms_below_it() {
    for (room, may_use) in MAY_USE {
        for name in dependencies(room).iter().filter(|name| name.starts_with("planwright-")) {
            assert!(may_use.contains(&name.as_str()), "{room} may not use {name}");
        }
    }
}

#[test]
fn every_library_is_named_only_in_its_rooms() {
    for (room, _) in MAY_USE {
        for name in dependencies(room) {
            for (library, rooms) in ONLY_IN {
                assert!(name != library || rooms.contains(&room), "{room} may not use {library}");
            }
        }
    }
}

/// Where the short names of rooms lead, and the names of files that say no room.
const ROOTS: [(&str, &str); 6] = [
    ("domain/", "host/domain/src/"),
    ("plugin-host/", "host/plugin-host/src/"),
    ("server/", "host/server/src/"),
    ("service/", "host/service/src/"),
    ("store/", "host/store/src/"),
    ("http/", "host/server/src/http/"),
];

fn files_below(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            files_below(&path, found);
        }
        found.push(path.to_str().unwrap().to_owned());
    }
}

#[test]
fn every_file_that_the_architecture_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let mut files = Vec::new();
    files_below(&root, &mut files);
    let named: BTreeSet<&str> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| name.ends_with(".rs") || name.ends_with(".md"))
        .filter(|name| !name.contains(['*', '…', ' ']))
        .collect();
    assert!(named.len() > 50, "{named:?}");
    for name in named {
        let short = ROOTS.iter().find_map(|(short, long)| {
            name.strip_prefix(short).map(|rest| format!("/{long}{rest}"))
        });
        let end = short.unwrap_or_else(|| format!("/{name}"));
        assert!(files.iter().any(|file| file.ends_with(&end)), "there is no {name}");
    }
}

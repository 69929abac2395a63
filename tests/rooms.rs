//! What a crate may lean on. Cargo keeps cycles out; this keeps the rooms apart.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::collections::BTreeSet;
use std::path::Path;

/// Crates of ours that a room may use.
const MAY_USE: [(&str, &[&str]); 9] = [
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

//! Components, plugins and bindings that were edited.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use planwright_store::{ChangeSet, Key, Part, Scan, Snapshot, Space, Store};
use serde_json::{Value, json};

use super::edits::{Any, assert_found, commit, first, first_of_host, lines};
use super::{Data, tenant};

/// All parts of components, with their bytes.
pub(super) async fn parts(data: &Data) -> Vec<(Key, Vec<u8>)> {
    let prefix = Key::in_space(&Space::Host, "component-part").prefix();
    let snapshot = data.store().snapshot().await.unwrap();
    let parts = snapshot.scan(&prefix, Scan::first(usize::MAX)).await.unwrap();
    parts.into_iter().map(|(key, part)| (key, part.bytes().to_vec())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_of_components_are_read_in_the_form_before_and_in_no_newer_one() {
    let data = Data::make().await;
    let parts = parts(&data).await;
    commit(&data, |change| {
        for (key, bytes) in &parts {
            change.put(key, &Any(json!({"base64": BASE64_STANDARD.encode(bytes)})));
        }
        change
    })
    .await;
    assert_eq!(lines(&data), [""; 0]);
    let (key, bytes) = parts[0].clone();
    commit(&data, |change| change.put_bytes(&key, 3, bytes.into())).await;
    assert_found(&lines(&data), "host: component-part/", "knows no newer one than 2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_or_wrong_of_plugins_is_found_from_both_sides() {
    type Edit = for<'a> fn(&'a mut ChangeSet, &Key, Value) -> &'a mut ChangeSet;
    let cases: [(&str, Edit, &str, &str); 6] = [
        (
            "component-part",
            |change, key, _| change.delete(key),
            "host: component/",
            "a part is missing",
        ),
        (
            "component-part",
            |change, key, _| change.put_bytes(key, 2, "of another".into()),
            "host: component/",
            "Its parts have the digest",
        ),
        (
            "component",
            |change, key, _| change.delete(key),
            "plugin/",
            "Its component is not there.",
        ),
        (
            "component",
            |change, key, _| change.delete(key),
            "host: component-part/",
            "No component and no upload names it.",
        ),
        (
            "component",
            |change, key, mut value| {
                value["owners"] = serde_json::json!(["acme"]);
                change.put(key, &Any(value))
            },
            "host: component/",
            "It says that it is of 'acme', who does not have it.",
        ),
        (
            "component",
            |change, key, mut value| {
                value["state"] = serde_json::json!({"compiling": {"since": 1}});
                change.put(key, &Any(value))
            },
            "host: component/",
            "It is compiling, and it is not among those that are to be compiled.",
        ),
    ];
    for (family, edit, place, problem) in cases {
        let data = Data::make().await;
        let (key, value) = first_of_host(&data, family).await;
        commit(&data, |change| edit(change, &key, value)).await;
        assert_found(&lines(&data), place, problem);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bindings_and_counters_that_do_not_agree_are_found() {
    let data = Data::make().await;
    let (own, _) = first(&data, "plugin").await;
    let (shared, _) = first_of_host(&data, "plugin").await;
    let Some(Part::Text(digest)) = own.parts().first().cloned() else { panic!("{own}") };
    let Some(Part::Text(shared_digest)) = shared.parts().first().cloned() else { panic!() };
    let stray = Key::in_space(&Space::Host, "uncompiled").text(&digest).key();
    commit(&data, |change| {
        let uses =
            |space: &Space, digest: &str| Key::in_space(space, "plugin-uses").text(digest).key();
        change
            .delete(&own)
            .put(&stray, &Any(serde_json::json!({"digest": digest})))
            .add(&uses(&tenant(), &digest), 1)
            .add(&uses(&Space::Host, &shared_digest), -2)
            .add(&Key::in_space(&tenant(), "binding-generation").key(), -2)
            .add(&Key::in_space(&Space::Host, "plugin-count").key(), 1)
    })
    .await;
    let lines = lines(&data);
    for (place, problem) in [
        ("default: binding/validation", "of 'default', which is not there"),
        ("default: binding/validation", "were never changed"),
        ("host: component/", "It says that it is of 'default', who does not have it."),
        ("host: component/", "It is ready, and it is among those that are to be compiled."),
        ("plugin-count", "It holds 1, and 0 are counted by it."),
        ("host: plugin-count", "It holds 2, and 1 are counted by it."),
        ("plugin-uses/", "It holds 2, and 1 are counted by it."),
        // The host's own binding, and the tenant's.
        ("host: plugin-uses/", "It holds 0, and 2 are counted by it."),
    ] {
        assert_found(&lines, place, problem);
    }
}

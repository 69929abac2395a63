//! What has to agree in the price catalog: things and what names them, numbers, and counters of both.

use planwright_store::{ChangeSet, Key, KeyBuilder};
use serde_json::json;
use tokio::sync::OnceCell;

use super::edits::{assert_found, commit, lines};
use super::{Data, tenant};
use crate::api::{ADMIN_PLANS, BILLING_PLANS, PRODUCTS, REGIONS, USER_GROUPS, USERS, plan};
use crate::harness::process::Process;

/// A price catalog with one of everything, and no server on it: left once, and copied for each edit.
async fn catalog() -> Data {
    static LEFT: OnceCell<Vec<u8>> = OnceCell::const_new();
    Data::of(LEFT.get_or_init(left_by_a_server).await)
}

async fn left_by_a_server() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path());
    let admin = process.admin();
    admin.post(REGIONS, json!({"region": {"name": "eu"}})).await.ok(201);
    let product = json!({"label": "CPU", "resource_kind": "resource", "external_id": "cpu"});
    admin.post(PRODUCTS, json!({"product": product})).await.ok(201);
    admin.post(BILLING_PLANS, json!({"billing_plan": {"name": "Cloud"}})).await.ok(201);
    let document = json!({"billing_plan": {"name": "Cloud", "billing_resources": [{
        "product": "cpu", "billing_phases": [{"phase_type": "final", "billing_resource_prices": [
            {"currency": "USD", "price": 1, "regions": ["eu"]},
            {"currency": "EUR", "price": 1, "regions": ["eu"]},
        ]}],
    }]}});
    admin.put(&format!("{BILLING_PLANS}/1/document"), document).await.ok(200);
    let group = json!({"name": "staff", "billing_plan_id": 1});
    admin.post(USER_GROUPS, json!({"user_group": group})).await.ok(201);
    let bob = json!({"id": "bob", "user_group_id": 1, "region_id": 1});
    admin.post(USERS, json!({"user": bob})).await.ok(201);
    let mut metered = plan("metered");
    metered["billing_plan_id"] = json!(1);
    admin.post(ADMIN_PLANS, metered).await.ok(201);
    admin.put("/api/v1/admin/settings", json!({"region_id": 1})).await.ok(200);
    assert_eq!(process.terminate(), Some(0));
    std::fs::read(folder.path().join("planwright.redb")).unwrap()
}

fn key(family: &str) -> KeyBuilder {
    Key::in_space(&tenant(), family)
}

/// Where an edit shows, and as what.
type Shown = (&'static str, &'static str);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_names_and_counts_things_of_the_price_catalog_agrees_with_them() {
    assert_eq!(lines(&catalog().await), [""; 0], "what a server leaves is clean");
    let of = |kind: &str| key("entry").text(kind).number(1).key();
    let uses = |kind: &str| key("entry-uses").text(kind).number(1).key();
    let numbers = |kind: &str| key("entry-numbers").text(kind).key();
    type Edit = Box<dyn FnOnce(&mut ChangeSet) -> &mut ChangeSet>;
    let delete = |key: Key| -> Edit { Box::new(move |change| change.delete(&key)) };
    let add = |key: Key, amount| -> Edit { Box::new(move |change| change.add(&key, amount)) };
    let reset = |key: Key| -> Edit { Box::new(move |change| change.reset(&key)) };
    let cases: [(Edit, &[Shown]); 10] = [
        (
            delete(of("region")),
            &[
                ("entry/billing_plan", "names the region 1, which is not there"),
                ("user/bob", "names the region 1"),
                ("settings", "names the region 1"),
            ],
        ),
        (delete(of("product")), &[("entry/billing_plan", "names the product 1")]),
        (delete(of("user_group")), &[("user/bob", "names the user_group 1")]),
        (
            delete(of("billing_plan")),
            &[
                ("entry/user_group", "names the billing_plan 1"),
                ("plan/metered", "names the billing_plan 1"),
                ("entry-uses/product", "It holds 1, and it is named 0 times."),
            ],
        ),
        // Two prices, a user and the settings.
        (add(uses("region"), 1), &[("entry-uses/region", "It holds 5, and it is named 4 times.")]),
        (reset(uses("user_group")), &[("entry-uses/user_group", "It holds 0, and it is named 1")]),
        (
            add(numbers("billing_resource_price"), -1),
            &[("entry-numbers/billing_resource_price", "It holds 1, and number 2 is given.")],
        ),
        (reset(numbers("region")), &[("entry-numbers/region", "It holds 0, and number 1")]),
        (
            add(key("user-count").key(), 1),
            &[("user-count", "It holds 2, and 1 records are counted by it.")],
        ),
        (
            add(key("entry-changes").key(), 1),
            &[("entry-changes", "5 changes of the price catalog are in the audit log")],
        ),
    ];
    for (edit, expected) in cases {
        let data = catalog().await;
        commit(&data, edit).await;
        let lines = lines(&data);
        for (place, problem) in expected {
            assert_found(&lines, place, problem);
        }
    }
}

//! A statement that is too large to be kept.

use serde_json::{Map, Value, json};

use super::{TO_MARCH, only_statement};
use crate::api::{BILLING_PLANS, PRODUCTS, REGIONS, SETTINGS, USAGE, USER_GROUPS};
use crate::harness::{Actor, App};
use crate::worker::assert_agrees;

const REGION_COUNT: usize = 100;
const PRODUCT_COUNT: usize = 10;
/// As many prices as one may have, and what they come to is a bit more than a seventeenth of what is kept at once.
const TIERS: usize = 10;
const BOOKS: usize = 17;

/// Regions with long names: the question that a line rests on has them all.
fn regions() -> Vec<String> {
    (0..REGION_COUNT).map(|number| format!("{number:0>100}")).collect()
}

/// A price book with so many tiers of each product, all of them everywhere.
async fn put_book(admin: &Actor, id: usize, tiers: usize) {
    let tier = |most: usize| {
        let most = (most < tiers).then_some(most);
        json!({"currency": "USD", "max_qty": most, "price": 1, "regions": regions()})
    };
    let tiers: Vec<Value> = (1..=tiers).map(tier).collect();
    let phase = json!({"phase_type": "final", "billing_resource_prices": tiers});
    let resources: Vec<Value> = (0..PRODUCT_COUNT)
        .map(|number| json!({"product": format!("m{number}"), "billing_phases": [phase]}))
        .collect();
    let document = json!({"billing_plan": {"name": "Book", "billing_resources": resources}});
    admin.put(&format!("{BILLING_PLANS}/{id}/document"), document).await.ok(200);
}

#[tokio::test]
async fn a_statement_that_is_too_large_fails_says_so_and_is_written_once_it_is_smaller() {
    let app = App::start().await;
    let admin = app.admin();
    for region in regions() {
        admin.post(REGIONS, json!({"region": {"name": region}})).await.ok(201);
    }
    for number in 0..PRODUCT_COUNT {
        let product = json!({
            "label": "M", "resource_kind": "resource", "external_id": format!("m{number}"),
        });
        admin.post(PRODUCTS, json!({"product": product})).await.ok(201);
    }
    admin.put(SETTINGS, json!({"currency": "USD", "region_id": 1})).await.ok(200);
    let group = json!({"user_group": {"name": "everybody", "is_default": true}});
    admin.post(USER_GROUPS, group).await.ok(201);
    let bob = app.user("bob");
    let amounts: Map<String, Value> =
        (0..PRODUCT_COUNT).map(|number| (format!("m{number}"), json!(1))).collect();
    for book in 1..=BOOKS {
        let copy = if book == 1 { Value::Null } else { json!(1) };
        let draft = json!({"name": "Book", "user_group_ids": [1], "clone": copy});
        admin.post(BILLING_PLANS, json!({"billing_plan": draft})).await.ok(201);
        if book == 1 {
            put_book(&admin, book, TIERS).await;
        }
        bob.post(USAGE, json!({"amounts": amounts})).await.ok(201);
    }
    app.advance(TO_MARCH).await;
    let failed = only_statement(&bob).await;
    let reason = failed["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("have more than the 16 MiB that are kept at once"), "{failed}");
    for book in 1..=BOOKS {
        put_book(&admin, book, 1).await;
    }
    app.advance(60).await;
    let written = only_statement(&bob).await;
    assert_eq!(
        (&written["status"], &written["total"]),
        (&json!("open"), &json!(PRODUCT_COUNT * BOOKS))
    );
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

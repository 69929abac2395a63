//! The second seed document, route by route and field by field: what it names is there, and is what it says.

use planwright_domain::time::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::{BILLING_PLANS, PRODUCTS, REGIONS, USER_GROUPS};
use crate::harness::App;

/// Fields of an answer as the document lists them: their names with those around them, and what they are.
type Fields = &'static [(&'static str, &'static str)];

const LISTED: Fields = &[
    ("billing_plans", "Array"),
    ("billing_plans id", "Integer"),
    ("billing_plans name", "String"),
    ("billing_plans user_groups", "Array"),
    ("billing_plans user_groups id", "Integer"),
    ("billing_plans user_groups name", "String"),
    ("billing_plans user_groups created_at", "DateTime"),
    ("billing_plans user_groups updated_at", "DateTime"),
    ("billing_plans created_at", "DateTime"),
    ("billing_plans updated_at", "DateTime"),
];

const VIEWED: Fields = &[
    ("billing_plans billing_resources", "Array"),
    ("billing_plans billing_resources id", "Integer"),
    ("billing_plans billing_resources external_id", "String"),
    ("billing_plans billing_resources product", "Object"),
    ("billing_plans billing_resources product id", "Integer"),
    ("billing_plans billing_resources product label", "String"),
    ("billing_plans billing_resources product resource_kind", "String"),
    ("billing_plans billing_resources product unit", "Integer"),
    ("billing_plans billing_resources product unit_type", "String"),
    ("billing_plans billing_resources product external_id", "String"),
    ("billing_plans billing_resources product package", "Object"),
    ("billing_plans billing_resources product package id", "Integer"),
    ("billing_plans billing_resources product package cpu", "Number"),
    ("billing_plans billing_resources product package memory", "Integer"),
    ("billing_plans billing_resources product package storage", "Integer"),
    ("billing_plans billing_resources product package bandwidth", "Integer"),
    ("billing_plans billing_resources product package local_disk", "Integer"),
    ("billing_plans billing_resources product package memory_swap", "Integer"),
    ("billing_plans billing_resources product package memory_swappiness", "Integer"),
    ("billing_plans billing_resources product package backup", "Integer"),
    ("billing_plans billing_resources billing_phases", "Array"),
    ("billing_plans billing_resources billing_phases id", "Integer"),
    ("billing_plans billing_resources billing_phases phase_type", "String"),
    ("billing_plans billing_resources billing_phases duration_unit", "String"),
    ("billing_plans billing_resources billing_phases duration_qty", "Integer"),
    ("billing_plans billing_resources billing_phases billing_resource_prices", "Array"),
    ("billing_plans billing_resources billing_phases billing_resource_prices id", "Integer"),
    ("billing_plans billing_resources billing_phases billing_resource_prices currency", "String"),
    ("billing_plans billing_resources billing_phases billing_resource_prices max_qty", "Number"),
    ("billing_plans billing_resources billing_phases billing_resource_prices price", "Number"),
    ("billing_plans billing_resources billing_phases billing_resource_prices regions", "Array"),
    (
        "billing_plans billing_resources billing_phases billing_resource_prices regions id",
        "Integer",
    ),
    (
        "billing_plans billing_resources billing_phases billing_resource_prices regions name",
        "String",
    ),
];

/// What is at a path, in every entry of the lists on the way; what is `null` says nothing.
fn found<'a>(value: &'a Value, path: &[&str]) -> Vec<&'a Value> {
    if let Value::Array(list) = value
        && !path.is_empty()
    {
        return list.iter().flat_map(|one| found(one, path)).collect();
    }
    match path.split_first() {
        None => vec![value],
        Some((name, rest)) => match value.get(name) {
            None | Some(Value::Null) => Vec::new(),
            Some(there) => found(there, rest),
        },
    }
}

fn is_a(kind: &str, value: &Value) -> bool {
    match kind {
        "Array" => value.is_array(),
        "Object" => value.is_object(),
        "Integer" => value.is_u64(),
        "Number" => value.is_number(),
        "String" => value.is_string(),
        _ => value.as_str().is_some_and(|text| text.parse::<Timestamp>().is_ok()),
    }
}

#[track_caller]
fn assert_has(answer: &Value, fields: Fields) {
    for (path, kind) in fields {
        let all = found(answer, &path.split(' ').collect::<Vec<_>>());
        assert!(!all.is_empty(), "{path} is nowhere: {answer:#}");
        assert!(all.iter().all(|one| is_a(kind, one)), "{path} is no {kind}: {all:?}");
    }
}

#[tokio::test]
async fn every_route_has_every_field_that_the_document_names() {
    let app = App::start().await;
    let admin = app.admin();
    let of = |id: u64| format!("{BILLING_PLANS}/{id}");
    admin.post(REGIONS, json!({"region": {"name": "eu"}})).await.ok(201);
    let package = json!({
        "cpu": 0.5, "memory": 2048, "storage": 40, "bandwidth": 1000, "local_disk": 1, "memory_swap": 1,
        "memory_swappiness": 60, "backup": 1,
    });
    let product = json!({
        "label": "Small", "resource_kind": "package", "unit": 1, "unit_type": "GB", "external_id": "vm_small",
        "package": package,
    });
    admin.post(PRODUCTS, json!({"product": product})).await.ok(201);
    for name in ["staff", "guests"] {
        admin.post(USER_GROUPS, json!({"user_group": {"name": name}})).await.ok(201);
    }
    let prices = |price: f64, most: Option<f64>| json!({"currency": "EUR", "max_qty": most, "price": price, "regions": ["eu"]});
    let phases = json!([
        {"phase_type": "trial", "duration_unit": "hours", "duration_qty": 36, "billing_resource_prices": []},
        {"phase_type": "final", "billing_resource_prices": [prices(0.5, Some(2.5)), prices(0.25, None)]},
    ]);

    // Create, also as a copy.
    let draft = json!({"billing_plan": {"name": "Cloud", "user_group_ids": [1]}});
    let created = admin.post(BILLING_PLANS, draft).await.ok(201);
    assert_eq!(created["billing_plan"]["user_groups"][0]["name"], "staff");
    let document = json!({"billing_plan": {"name": "Cloud", "billing_resources": [
        {"product": "vm_small", "billing_phases": phases},
    ]}});
    admin.put(&format!("{}/document", of(1)), document).await.ok(200);
    let copy = json!({"billing_plan": {"name": "Copy", "user_group_ids": [2], "clone": 1}});
    admin.post(BILLING_PLANS, copy).await.ok(201);

    // List and view.
    let listed = admin.get(BILLING_PLANS).await.ok(200);
    assert_has(&listed, LISTED);
    let names = found(&listed, &["billing_plans", "name"]);
    assert_eq!(names, ["Cloud", "Copy"]);
    for id in [1, 2] {
        let viewed = admin.get(&of(id)).await.ok(200);
        assert_has(&viewed, LISTED);
        assert_has(&viewed, VIEWED);
        assert_eq!(viewed["billing_plans"].as_array().unwrap().len(), 1);
    }

    // Update: what is omitted stays, and an empty list of groups is one.
    let patch = async |body: Value| {
        let body = json!({"billing_plan": body}).to_string();
        let patched = admin.send(Method::PATCH, &of(2), &body).await.ok(200);
        let plan = &patched["billing_plan"];
        (plan["name"].as_str().unwrap().to_owned(), plan["user_groups"].as_array().unwrap().len())
    };
    assert_eq!(patch(json!({"name": "Other"})).await, ("Other".to_owned(), 1));
    assert_eq!(patch(json!({"user_group_ids": [1, 2]})).await, ("Other".to_owned(), 2));

    // Delete: not while it is assigned to a user group.
    assert!(
        admin
            .delete(&of(2))
            .await
            .problem(422)
            .contains("the user groups 'staff', 'guests' name it")
    );
    assert_eq!(patch(json!({"user_group_ids": []})).await, ("Other".to_owned(), 0));
    admin.delete(&of(2)).await.ok(204);
    admin.get(&of(2)).await.problem(404);
    app.covers(&[
        "billing_plans_list",
        "billing_plans_get",
        "billing_plans_create",
        "billing_plans_update",
        "billing_plans_delete",
    ]);
}

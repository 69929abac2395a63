//! Resources, phases and prices: every bad combination is refused by its field, and what is doubtful is warned of.

use serde_json::{Value, json};

use super::billing_plans::cloud;
use super::entries::{change, product, region};
use super::{AUDIT, BILLING_PLANS, PRODUCTS};
use crate::harness::App;

const RESOURCES: &str = "/api/admin/billing_plans/1/billing_resources";
const PHASES: &str = "/api/admin/billing_plans/1/billing_resources/1/billing_phases";
const FINAL_PRICES: &str =
    "/api/admin/billing_plans/1/billing_resources/1/billing_phases/1/billing_resource_prices";

#[tokio::test]
async fn a_bad_part_is_refused_by_its_field() {
    let app = App::start().await;
    let admin = app.admin();
    cloud(&admin).await;
    let before = admin.get(&format!("{BILLING_PLANS}/1")).await.ok(200);
    let price = |more: Value| {
        let mut price = json!({"currency": "USD", "price": 1, "region_ids": [1]});
        price.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        price
    };
    let (resource, phase, tier) = ("billing_resource", "billing_phase", "billing_resource_price");
    for (path, wrap, body, status, field) in [
        (RESOURCES, resource, json!({"product_id": 1}), 422, "product_id"),
        (RESOURCES, resource, json!({"product_id": 9}), 422, "product_id"),
        (
            RESOURCES,
            resource,
            json!({"product_id": 1, "tier_mode": "flat"}),
            400,
            "billing_resource.tier_mode",
        ),
        (PHASES, phase, json!({"phase_type": "final"}), 422, "phase_type"),
        (PHASES, phase, json!({"phase_type": "discount"}), 422, "duration_unit"),
        (
            PHASES,
            phase,
            json!({"phase_type": "discount", "duration_unit": "days", "duration_qty": 0}),
            422,
            "duration_qty",
        ),
        (
            PHASES,
            phase,
            json!({"phase_type": "trial", "duration_unit": "days", "duration_qty": 1}),
            422,
            "phase_type",
        ),
        (PHASES, phase, json!({"phase_type": "sale"}), 400, "billing_phase.phase_type"),
        (FINAL_PRICES, tier, price(json!({})), 422, "max_qty"),
        (FINAL_PRICES, tier, price(json!({"max_qty": 0})), 422, "max_qty"),
        (FINAL_PRICES, tier, price(json!({"max_qty": 5, "price": -1})), 422, "price"),
        (FINAL_PRICES, tier, price(json!({"max_qty": 5, "price": "0.0000000001"})), 422, "price"),
        (FINAL_PRICES, tier, price(json!({"max_qty": 5, "region_ids": []})), 422, "region_ids"),
        (FINAL_PRICES, tier, price(json!({"max_qty": 5, "region_ids": [9]})), 422, "region_ids"),
        (
            FINAL_PRICES,
            tier,
            price(json!({"currency": "ABC"})),
            400,
            "billing_resource_price.currency",
        ),
    ] {
        let refused = admin.post(path, json!({wrap: body.clone()})).await;
        refused.problem(status);
        assert_eq!(refused.field_errors()[0].0, field, "{path} {body}");
    }
    for (path, wrap, body, field) in [
        (format!("{RESOURCES}/1"), resource, json!({"product_id": 2}), "product_id"),
        (format!("{RESOURCES}/1"), resource, json!({"external_id": ""}), "external_id"),
        (format!("{PHASES}/2"), phase, json!({"phase_type": "discount"}), "phase_type"),
        (format!("{PHASES}/2"), phase, json!({"duration_qty": null}), "duration_qty"),
        (
            format!("{PHASES}/1"),
            phase,
            json!({"duration_unit": "days", "duration_qty": 1}),
            "duration_qty",
        ),
        (format!("{FINAL_PRICES}/2"), tier, json!({"max_qty": null}), "max_qty"),
    ] {
        let refused = change(&admin, &path, json!({wrap: body.clone()})).await;
        refused.problem(422);
        assert_eq!(refused.field_errors()[0].0, field, "{path} {body}");
    }
    assert!(
        admin.delete(&format!("{PHASES}/1")).await.problem(422).contains("The final phase stays")
    );
    for path in [
        format!("{RESOURCES}/9"),
        format!("{PHASES}/9"),
        format!("{FINAL_PRICES}/9"),
        format!("{FINAL_PRICES}/1"),
        format!("{BILLING_PLANS}/9/billing_resources/1"),
    ] {
        admin.delete(&path).await.problem(404);
    }
    assert_eq!(admin.get(&format!("{BILLING_PLANS}/1")).await.ok(200), before);
}

#[tokio::test]
async fn parts_are_changed_and_taken_out_and_doubtful_tiers_are_warned_of() {
    let app = App::start().await;
    let admin = app.admin();
    cloud(&admin).await;
    region(&admin, "us").await;
    admin.post(PRODUCTS, product("disk", 1)).await.ok(201);
    let renamed = json!({"billing_resource": {"external_id": "vcpu", "tier_mode": "volume"}});
    let renamed = change(&admin, &format!("{RESOURCES}/1"), renamed).await;
    // By volume, 11 cost less than 10 now.
    let warning = renamed.headers["warning"].to_str().unwrap().to_owned();
    assert!(warning.contains("falls from 0.5 to 0.25"), "{warning}");
    assert_eq!(renamed.ok(200)["billing_resource"]["external_id"], "vcpu");
    let entry = admin.get(&format!("{AUDIT}?action=billing_resource_updated")).await.ok(200);
    assert_eq!(entry["items"][0]["changes"]["external_id"], json!({"old": "cpu", "new": "vcpu"}));
    assert!(entry["items"][0]["audit_metadata"]["warnings"][0].as_str().unwrap().contains("falls"));
    let longer = json!({"billing_phase": {"duration_unit": "months", "duration_qty": 1}});
    let longer = change(&admin, &format!("{PHASES}/2"), longer).await.ok(200);
    assert_eq!(longer["billing_phase"]["duration_unit"], "months");
    let tier = json!({"billing_resource_price": {"price": 0.75, "region_ids": [2, 1]}});
    let tier = change(&admin, &format!("{FINAL_PRICES}/3"), tier).await.ok(200);
    assert_eq!(
        tier["billing_resource_price"]["regions"],
        json!([
            {"id": 1, "name": "eu"}, {"id": 2, "name": "us"},
        ])
    );
    // A list that ends is warned of.
    let ends = admin.delete(&format!("{FINAL_PRICES}/3")).await;
    assert_eq!(ends.status, 204);
    assert!(ends.headers["warning"].to_str().unwrap().contains("has no price past 10"));
    assert_eq!(admin.delete(&format!("{PHASES}/2")).await.status, 204);
    assert_eq!(admin.delete(&format!("{RESOURCES}/1")).await.status, 204);
    let left = admin.get(&format!("{BILLING_PLANS}/1")).await.ok(200);
    assert_eq!(left["billing_plans"][0]["billing_resources"], json!([]));
    app.covers(&[
        "billing_resources_create",
        "billing_resources_update",
        "billing_resources_delete",
        "billing_phases_create",
        "billing_phases_update",
        "billing_phases_delete",
        "billing_resource_prices_create",
        "billing_resource_prices_update",
        "billing_resource_prices_delete",
    ]);
}

//! A billing plan as one document.

use serde_json::json;

use super::billing_plans::cloud;
use super::entries::region;
use super::{BILLING_PLANS, PRODUCTS, REGIONS};
use crate::harness::App;

const DOCUMENT: &str = "/api/admin/billing_plans/1/document";

#[tokio::test]
async fn a_document_is_read_and_put_back_as_a_whole() {
    let app = App::start().await;
    let admin = app.admin();
    cloud(&admin).await;
    let path = format!("{BILLING_PLANS}/1");
    let read = admin.get(DOCUMENT).await;
    let tag = read.headers["etag"].clone();
    let document = read.ok(200);
    let resource = &document["billing_plan"]["billing_resources"][0];
    assert_eq!(
        (&resource["product"], &resource["tier_mode"]),
        (&json!("cpu"), &json!("graduated"))
    );
    // Put back, it changes nothing.
    let put = admin.put(DOCUMENT, document.clone()).await;
    assert_eq!(put.headers["etag"], tag);
    assert_eq!(put.ok(200), document);

    region(&admin, "us").await;
    let mut wider = document.clone();
    let tier =
        "/billing_plan/billing_resources/0/billing_phases/1/billing_resource_prices/1/regions";
    *wider.pointer_mut(tier).unwrap() = json!(["eu", "us"]);
    assert_eq!(admin.put(DOCUMENT, wider.clone()).await.ok(200), wider);
    assert!(admin.delete(&format!("{REGIONS}/2")).await.problem(422).contains("'Cloud'"));

    let before = admin.get(&path).await.ok(200);
    *wider.pointer_mut(tier).unwrap() = json!(["mars"]);
    let refused = admin.put(DOCUMENT, wider.clone()).await;
    refused.problem(422);
    let place =
        "billing_plan.billing_resources[0].billing_phases[1].billing_resource_prices[1].regions[0]";
    assert_eq!(refused.field_errors(), [(place.to_owned(), "unknown_name".to_owned())]);
    wider["billing_plan"]["billing_resources"][0]["prodct"] = json!("cpu");
    let refused = admin.put(DOCUMENT, wider).await;
    refused.problem(400);
    assert_eq!(refused.field_errors()[0].0, "billing_plan.billing_resources[0].prodct");
    assert_eq!(admin.get(&path).await.ok(200), before);

    let empty = json!({"billing_plan": {"name": "Empty"}});
    admin.put(DOCUMENT, empty).await.ok(200);
    assert_eq!(admin.delete(&format!("{PRODUCTS}/1")).await.status, 204);
    assert_eq!(admin.delete(&format!("{REGIONS}/2")).await.status, 204);
    app.covers(&["billing_plans_get_document", "billing_plans_put_document"]);
}

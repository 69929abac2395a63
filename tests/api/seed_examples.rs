//! The "Practical Examples" of the first seed document, call by call and field by field.

use serde_json::json;

use super::{ADMIN_PLANS, PLANS, of_plan};
use crate::harness::App;

#[tokio::test]
async fn the_practical_examples_give_what_the_document_shows() {
    let app = App::start().await;
    let (admin, user) = (app.admin(), app.user("alice"));
    let premium = json!({
        "name": "Premium",
        "description": "Enhanced features for power users",
        "price": 2990.0,
        "currency": "RUB",
        "interval": "month",
        "quotas": {"tokens_input": 10_000_000, "tokens_output": 5_000_000, "requests": 50_000},
        "features": ["All Pro features", "Priority processing", "Extended API access"],
        "is_active": true,
        "display_order": 4,
    });
    let created = admin.post(ADMIN_PLANS, premium.clone()).await.ok(201);
    for (field, value) in premium.as_object().unwrap() {
        let shown = if field == "price" { &json!(2990) } else { value };
        assert_eq!(&created[field], shown, "{field}");
    }
    assert_eq!(created["created_at"], 1_738_742_400);
    assert_eq!(created["updated_at"], 1_738_742_400);
    let id = created["id"].as_str().unwrap();
    let suffix = id.strip_prefix("premium_").unwrap();
    assert_eq!(suffix.len(), 8, "{id}");
    assert!(suffix.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{id}");

    app.clock.advance(600);
    let update = json!({
        "price": 2490.0,
        "quotas": {"tokens_input": 12_000_000, "tokens_output": 6_000_000, "requests": 60_000},
    });
    let updated = admin.put(&of_plan(id), update.clone()).await.ok(200);
    assert_eq!(updated["quotas"], update["quotas"]);

    let shown = user.get(&format!("{PLANS}/{id}")).await.ok(200);
    assert_eq!(shown, updated);
    assert_eq!(shown["price"], json!(2490));
    assert_eq!(shown["features"], premium["features"]);
    assert_eq!(shown["created_at"], 1_738_742_400);
    assert_eq!(shown["updated_at"], 1_738_743_000);
    assert_eq!(shown["version"], 2);

    let page = admin.get(&format!("{}/subscribers?page=1&page_size=10", of_plan(id))).await.ok(200);
    assert_eq!(
        page,
        json!({"items": [], "total": 0, "page": 1, "page_size": 10, "total_pages": 0})
    );
    app.covers(&["admin_plans_create", "admin_plans_update", "plans_get"]);
}

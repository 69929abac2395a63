//! A tenant's time: the real one, or where an admin sets a sandbox's.

use serde_json::json;

use super::{ADMIN_PLANS, CLOCK, TENANTS, plan, subscription_of};
use crate::harness::App;

const DAY: i64 = 86_400;

#[tokio::test]
async fn a_sandbox_has_the_real_time_until_it_is_set_and_then_stands_still() {
    let app = App::start().await;
    let draft = json!({"id": "lab", "name": "Lab", "sandbox": true});
    app.operator().post(TENANTS, draft).await.ok(201);
    let admin = app.of_tenant("lab", "root", "admin");
    let now = 1_738_742_400;
    assert_eq!(admin.get(CLOCK).await.ok(200), json!({"now": now, "stands_still": false}));
    app.clock.advance(DAY);
    assert_eq!(admin.get(CLOCK).await.ok(200)["now"], now + DAY);
    let set = json!({"now": now + 40 * DAY});
    let stands = json!({"now": now + 40 * DAY, "stands_still": true});
    assert_eq!(admin.put(CLOCK, set.clone()).await.ok(200), stands);
    app.clock.advance(DAY);
    assert_eq!(admin.get(CLOCK).await.ok(200), stands);
    assert_eq!(admin.put(CLOCK, set).await.ok(200), stands, "the same again is no step back");
    let back = admin.put(CLOCK, json!({"now": now + 40 * DAY - 1})).await;
    assert!(back.problem(400).contains("time never goes back"));
    // What begins at the end of the calendar would end after it.
    for now in [221_876_928_000_u64, 253_402_207_200] {
        let late = admin.put(CLOCK, json!({"now": now})).await;
        assert!(late.problem(400).contains("the year 9000"), "{}", late.json);
    }
    for body in [json!({}), json!({"now": "soon"}), json!({"now": -1}), json!({"then": 1})] {
        admin.put(CLOCK, body).await.problem(400);
    }
    // Tokens and answers that are kept live by the real time, the rest by the sandbox's.
    admin.post(ADMIN_PLANS, plan("free")).await.ok(201);
    let given = admin.put(&subscription_of("bob"), json!({"plan_id": "free"})).await.ok(201);
    assert_eq!(given["created_at"], now + 40 * DAY);
    let entry = &admin.get("/api/v1/admin/audit?action=clock_set").await.ok(200)["items"][0];
    assert_eq!(entry["changes"]["now"], json!({"old": now + DAY, "new": now + 40 * DAY}));
    // Nobody else's time is moved, and nobody else may move one.
    assert_eq!(app.admin().get(CLOCK).await.ok(200)["now"], now + 2 * DAY);
    let real = app.admin().put(CLOCK, json!({"now": now + 100 * DAY})).await;
    assert!(real.problem(400).contains("Only that of a sandbox"));
    app.of_tenant("lab", "bob", "user")
        .put(CLOCK, json!({"now": 9_000_000_000_u64}))
        .await
        .problem(401);
    app.covers(&["clock_get", "clock_set"]);
}

//! Users as admins see them: what is known of each, with the subscription that holds.

use planwright_server::token::Claims;
use serde_json::{Value, json};

use super::{ADMIN_PLANS, PLANS, SUBSCRIPTION, USER_REPORTS, USERS, plan, subscription_of};
use crate::harness::{Actor, App, claims};
use crate::worker::{DAY, NOW, assert_agrees};

async fn ids(admin: &Actor, query: &str) -> (Vec<String>, Value) {
    let page = admin.get(&format!("{USER_REPORTS}{query}")).await.ok(200);
    let id = |user: &Value| user["id"].as_str().unwrap().to_owned();
    (page["items"].as_array().unwrap().iter().map(id).collect(), page["total"].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn admins_see_who_there_is_however_that_became_known() {
    let app = App::start().await;
    let admin = app.admin();
    admin.post(ADMIN_PLANS, plan("pro")).await.ok(201);
    // By credentials, by a note and by a subscription; some by two of them.
    let carol = Claims {
        email: Some("Carol@Example.com".to_owned()),
        name: Some("Carol".to_owned()),
        ..claims("u-carol", "user")
    };
    app.with_claims(&carol).get(PLANS).await.ok(200);
    let noted = json!({"id": "dave", "currency": "USD", "phase_started": "2025-02-05T08:00:00Z"});
    admin.post(USERS, json!({"user": noted})).await.ok(201);
    for user in ["bob", "dave"] {
        admin.put(&subscription_of(user), json!({"plan_id": "pro"})).await.ok(201);
    }
    // Of whom nothing is known.
    app.user("nobody").get(PLANS).await.ok(200);

    for (query, expected, total) in [
        ("", &["bob", "dave", "u-carol"][..], 3),
        ("?page_size=2", &["bob", "dave"], 3),
        ("?page=2&page_size=2", &["u-carol"], 3),
        ("?page=3&page_size=2", &[], 3),
        ("?q=carol%40example", &["u-carol"], 1),
        ("?q=B", &["bob"], 1),
        ("?q=A&page_size=1", &["dave"], 2),
        ("?q=a&page=2&page_size=1", &["u-carol"], 2),
        ("?q=eve", &[], 0),
    ] {
        let (found, in_all) = ids(&admin, query).await;
        assert_eq!(
            (found.as_slice(), in_all),
            (&expected.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>()[..], json!(total)),
            "{query}"
        );
    }
    let of = async |id: &str| admin.get(&format!("{USER_REPORTS}/{id}")).await.ok(200);
    let expected = json!({
        "id": "u-carol", "email": "Carol@Example.com", "name": "Carol", "user_group_id": null,
        "region_id": null, "currency": null, "phase_started": null, "subscription": null, "credit": {},
    });
    assert_eq!(of("u-carol").await, expected);
    let dave = of("dave").await;
    assert_eq!((&dave["currency"], &dave["phase_started"]), (&json!("USD"), &json!(NOW)));
    assert_eq!(dave["subscription"], app.user("dave").get(SUBSCRIPTION).await.ok(200));
    assert_eq!(dave["subscription"]["plan_id"], "pro");
    for query in ["?page=0", "?page_size=101", "?limit=1"] {
        admin.get(&format!("{USER_REPORTS}{query}")).await.problem(400);
    }
    for id in ["nobody", "BOB", "%07"] {
        admin.get(&format!("{USER_REPORTS}/{id}")).await.problem(404);
    }

    // What should have ended is shown as it is, whoever looks first.
    app.clock.advance(28 * DAY + DAY);
    assert_eq!(of("bob").await["subscription"]["status"], "past_due");
    app.clock.advance(3 * DAY);
    let listed = admin.get(USER_REPORTS).await.ok(200);
    assert_eq!(listed["items"][0]["subscription"], Value::Null);
    assert_eq!(of("dave").await["subscription"], Value::Null);
    app.covers(&["user_reports_list", "user_reports_get"]);
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_user_who_becomes_known_in_many_ways_at_once_is_counted_once() {
    let app = App::start().await;
    let admin = app.admin();
    let free = json!({"id": "free", "name": "Free", "price": 0, "interval": "month"});
    admin.post(ADMIN_PLANS, free).await.ok(201);
    let mut racing = tokio::task::JoinSet::new();
    for at in 0..8 {
        let email = Some(format!("bob{at}@example.com"));
        let said = app.with_claims(&Claims { email, ..claims("bob", "user") });
        racing.spawn(async move {
            said.get(PLANS).await.ok(200);
            let started = said.post(SUBSCRIPTION, json!({"plan_id": "free"})).await;
            assert!([201, 409].contains(&started.status.as_u16()), "{}", started.json);
        });
        let admin = admin.clone();
        racing.spawn(async move {
            let noted = admin.post(USERS, json!({"user": {"id": "bob"}})).await;
            assert!([201, 422].contains(&noted.status.as_u16()), "{}", noted.json);
        });
    }
    racing.join_all().await;
    assert_eq!(ids(&admin, "").await, (vec!["bob".to_owned()], json!(1)));
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

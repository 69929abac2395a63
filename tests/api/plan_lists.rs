//! Lists of plans, and who sees what.

use serde_json::{Value, json};

use super::{ADMIN_PLANS, PLANS, of_plan, plan, subscription_of};
use crate::harness::App;

fn ids(plans: &Value) -> Vec<&str> {
    plans.as_array().unwrap().iter().map(|plan| plan["id"].as_str().unwrap()).collect()
}

fn ids_in_stats(stats: &Value) -> Vec<&str> {
    stats.as_array().unwrap().iter().map(|one| one["plan"]["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn users_see_active_plans_by_order_then_price_then_id() {
    let app = App::start().await;
    let admin = app.admin();
    for (id, order, price, is_active) in [
        ("d", 1, 5, true),
        ("c", 0, 9, true),
        ("b", 0, 9, true),
        ("a", 0, 10, true),
        ("off", 0, 1, false),
    ] {
        let mut draft = plan(id);
        draft["display_order"] = json!(order);
        draft["price"] = json!(price);
        draft["is_active"] = json!(is_active);
        admin.post(ADMIN_PLANS, draft).await.ok(201);
    }
    assert_eq!(ids(&app.user("u").get(PLANS).await.ok(200)), ["b", "c", "a", "d"]);
    let all = admin.get(ADMIN_PLANS).await.ok(200);
    assert_eq!(ids_in_stats(&all), ["off", "b", "c", "a", "d"]);
    admin.delete(&of_plan("c")).await.ok(200);
    assert_eq!(ids(&app.user("u").get(PLANS).await.ok(200)), ["b", "a", "d"]);
    app.covers(&["plans_list"]);
}

#[tokio::test]
async fn an_inactive_plan_is_shown_only_to_its_subscribers_and_admins() {
    let app = App::start().await;
    let admin = app.admin();
    let mut draft = plan("hidden");
    draft["is_active"] = json!(false);
    admin.post(ADMIN_PLANS, draft).await.ok(201);
    admin.post(ADMIN_PLANS, plan("other")).await.ok(201);
    admin.put(&subscription_of("in"), json!({"plan_id": "hidden"})).await.ok(201);
    admin.put(&subscription_of("out"), json!({"plan_id": "other"})).await.ok(201);
    let path = format!("{PLANS}/hidden");
    app.user("in").get(&path).await.ok(200);
    admin.get(&path).await.ok(200);
    app.user("out").get(&path).await.problem(404);
    app.user("nobody").get(&path).await.problem(404);
}

#[tokio::test]
async fn admins_filter_plans_and_a_misspelt_filter_is_refused() {
    let app = App::start().await;
    let admin = app.admin();
    for (id, name, currency, interval, is_active) in [
        ("pro", "Pro", "RUB", "month", true),
        ("pro_annual", "Pro yearly", "RUB", "year", true),
        ("team", "Team", "USD", "month", false),
    ] {
        let draft = json!({
            "id": id, "name": name, "name_ru": format!("Имя {name}"), "price": 1,
            "currency": currency, "interval": interval, "is_active": is_active,
        });
        admin.post(ADMIN_PLANS, draft).await.ok(201);
    }
    for (query, expected) in [
        ("", vec!["pro", "pro_annual", "team"]),
        ("?is_active=false", vec!["team"]),
        ("?currency=RUB", vec!["pro", "pro_annual"]),
        ("?interval=month", vec!["pro", "team"]),
        ("?interval=month&currency=RUB", vec!["pro"]),
        ("?q=YEAR", vec!["pro_annual"]),
        ("?q=%D0%B8%D0%BC%D1%8F", vec!["pro", "pro_annual", "team"]),
        ("?q=annual", vec!["pro_annual"]),
        ("?q=none", vec![]),
    ] {
        let found = admin.get(&format!("{ADMIN_PLANS}{query}")).await.ok(200);
        assert_eq!(ids_in_stats(&found), expected, "{query}");
    }
    for query in ["?is_actve=false", "?is_active=no", "?interval=decade", "?currency=roubles"] {
        let answer = admin.get(&format!("{ADMIN_PLANS}{query}")).await;
        assert!(!answer.problem(400).is_empty(), "{query}");
    }
    app.user("u").get(&format!("{PLANS}?limit=1")).await.problem(400);
    app.covers(&["admin_plans_list"]);
}

#[tokio::test]
async fn stats_count_subscribers_and_the_monthly_revenue_of_active_ones() {
    let app = App::start().await;
    let admin = app.admin();
    let mut draft = plan("yearly");
    draft["price"] = json!(100);
    draft["interval"] = json!("year");
    admin.post(ADMIN_PLANS, draft).await.ok(201);
    for user in ["a", "b"] {
        admin.put(&subscription_of(user), json!({"plan_id": "yearly"})).await.ok(201);
    }
    let trial = json!({"plan_id": "yearly", "trial_days": 7});
    admin.put(&subscription_of("c"), trial).await.ok(201);
    let stats = admin.get(&of_plan("yearly")).await.ok(200);
    for (field, expected) in [
        ("active_subscriptions", json!(2)),
        ("trialing_subscriptions", json!(1)),
        ("canceled_subscriptions", json!(0)),
        ("total_subscriptions", json!(3)),
        ("mrr", json!(16.67)),
    ] {
        assert_eq!(stats[field], expected, "{field}");
    }
    assert_eq!(stats["plan"]["id"], "yearly");
    app.covers(&["admin_plans_get"]);
}

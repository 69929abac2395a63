//! What users do with their own subscription, and what time does with it.

use serde_json::{Value, json};

use super::{ADMIN_PLANS, SUBSCRIPTION, SUBSCRIPTIONS, of_plan, subscription_of};
use crate::harness::{Actor, Answer, App};

const DAY: i64 = 86_400;
/// 2025-02-05T08:00:00Z, when the manual clock begins.
const NOW: i64 = 1_738_742_400;
/// A month later.
const MARCH: i64 = 1_741_161_600;
/// Two months later.
const APRIL: i64 = 1_743_840_000;

/// A server with plans: two that are free, three that cost something, one of them with free days.
async fn shop() -> App {
    let app = App::start().await;
    let admin = app.admin();
    for (id, price, interval, trial_days) in [
        ("free", 0, "month", 0),
        ("gift", 0, "month", 0),
        ("starter", 490, "month", 0),
        ("pro", 1490, "month", 0),
        ("tried", 490, "month", 7),
        ("daily", 10, "day", 0),
        ("free_daily", 0, "day", 0),
    ] {
        let plan = json!({
            "id": id, "name": id, "price": price, "interval": interval, "trial_days": trial_days,
        });
        admin.post(ADMIN_PLANS, plan).await.ok(201);
    }
    app
}

async fn subscribe(user: &Actor, plan: &str) -> Answer {
    user.post(SUBSCRIPTION, json!({"plan_id": plan})).await
}

async fn change(user: &Actor, plan: &str, when: &str) -> Answer {
    user.post(&format!("{SUBSCRIPTION}/change"), json!({"plan_id": plan, "when": when})).await
}

async fn cancel(user: &Actor, immediate: bool) -> Answer {
    user.post(&format!("{SUBSCRIPTION}/cancel"), json!({"immediate": immediate})).await
}

async fn resume(user: &Actor) -> Answer {
    user.post(&format!("{SUBSCRIPTION}/resume"), json!({})).await
}

async fn current(user: &Actor) -> Value {
    user.get(SUBSCRIPTION).await.ok(200)
}

async fn give(app: &App, user: &str, plan: &str) -> Value {
    let given = app.admin().put(&subscription_of(user), json!({"plan_id": plan})).await;
    assert!(given.status.is_success(), "{}", given.json);
    given.json
}

/// `status plan start..end`.
fn said(subscription: &Value) -> String {
    let text = |field: &str| subscription[field].as_str().unwrap_or("none").to_owned();
    let day = |field: &str| (subscription[field].as_i64().unwrap() - NOW) / DAY;
    let (start, end) = (day("current_period_start"), day("current_period_end"));
    format!("{} {} {start}..{end}", text("status"), text("plan_id"))
}

#[tokio::test]
async fn who_has_no_subscription_is_told_null_and_cannot_cancel_it() {
    let app = shop().await;
    let bob = app.user("bob");
    assert_eq!(bob.get(SUBSCRIPTION).await.ok(200), Value::Null);
    for answer in [cancel(&bob, false).await, cancel(&bob, true).await, resume(&bob).await] {
        assert!(answer.problem(404).contains("There is no subscription"));
    }
    change(&bob, "free", "now").await.problem(404);
}

#[tokio::test]
async fn a_free_plan_begins_at_once_and_one_that_costs_something_says_what() {
    let app = shop().await;
    let bob = app.user("bob");
    let due = subscribe(&bob, "starter").await;
    assert!(due.problem(402).contains("POST /api/v1/billing/payment"));
    assert_eq!((&due.json["amount_due"], &due.json["currency"]), (&json!(490), &json!("RUB")));
    subscribe(&bob, "nowhere").await.problem(404);
    app.admin().patch(&format!("{}/toggle", of_plan("gift"))).await.ok(200);
    assert_eq!(
        subscribe(&bob, "gift").await.problem(400),
        "Plan 'gift' is not active. GET /api/v1/billing/plans lists those that are."
    );

    let made = subscribe(&bob, "free").await.ok(201);
    assert_eq!(said(&made), "active free 0..28");
    for (field, expected) in [
        ("user_id", json!("bob")),
        ("plan_version", json!(1)),
        ("anchor", json!(NOW)),
        ("paid_until", json!(MARCH)),
        ("cancel_at_period_end", json!(false)),
        ("canceled_at", Value::Null),
        ("trial_end", Value::Null),
        ("pending_plan_id", Value::Null),
        ("metadata", json!({})),
        ("created_at", json!(NOW)),
        ("updated_at", json!(NOW)),
    ] {
        assert_eq!(made[field], expected, "{field}");
    }
    let fields = made.as_object().unwrap().len();
    assert_eq!(fields, 16, "the fields of the contract and no others: {made}");
    assert_eq!(current(&bob).await, made);
    subscribe(&bob, "free").await.problem(409);
    assert!(subscribe(&bob, "pro").await.problem(409).contains("already"));
}

#[tokio::test]
async fn a_request_that_comes_again_subscribes_once() {
    let app = shop().await;
    let bob = app.user("bob");
    let body = json!({"plan_id": "free"}).to_string();
    let again = [("idempotency-key", "k")];
    let first = bob.send_with(&again, reqwest::Method::POST, SUBSCRIPTION, &body).await.ok(201);
    cancel(&bob, true).await.ok(200);
    let second = bob.send_with(&again, reqwest::Method::POST, SUBSCRIPTION, &body).await.ok(201);
    assert_eq!(second, first);
    assert_eq!(current(&bob).await, Value::Null);
}

#[tokio::test]
async fn free_days_are_had_once_and_end_past_due_where_nothing_is_paid() {
    let app = shop().await;
    let bob = app.user("bob");
    let made = subscribe(&bob, "tried").await.ok(201);
    assert_eq!(said(&made), "trialing tried 0..7");
    assert_eq!(
        (&made["trial_end"], &made["anchor"]),
        (&json!(NOW + 7 * DAY), &json!(NOW + 7 * DAY))
    );
    // Who leaves and comes back has the rest of them, and no more.
    app.clock.advance(2 * DAY);
    cancel(&bob, true).await.ok(200);
    app.clock.advance(DAY);
    let back = subscribe(&bob, "tried").await.ok(201);
    assert_eq!(
        (said(&back), &back["trial_end"]),
        ("trialing tried 0..7".to_owned(), &made["trial_end"])
    );
    app.clock.advance(4 * DAY);
    assert_eq!(said(&current(&bob).await), "past_due tried 7..35");
    app.clock.advance(3 * DAY - 1);
    assert_eq!(current(&bob).await["status"], "past_due");
    app.clock.advance(1);
    assert_eq!(current(&bob).await, Value::Null);
    assert_eq!(
        subscribe(&bob, "tried").await.problem(402),
        "Plan 'tried' costs 490 RUB now. Pay with POST /api/v1/billing/payment, and it takes effect."
    );
}

#[tokio::test]
async fn nobody_has_second_free_days_from_a_plan_of_the_same_id() {
    let app = shop().await;
    let bob = app.user("bob");
    subscribe(&bob, "tried").await.ok(201);
    cancel(&bob, true).await.ok(200);
    app.admin().delete(&of_plan("tried")).await.ok(200);
    let plan =
        json!({"id": "tried", "name": "t", "price": 1, "interval": "month", "trial_days": 7});
    app.admin().post(ADMIN_PLANS, plan).await.ok(201);
    subscribe(&bob, "tried").await.problem(402);
    subscribe(&app.user("eve"), "tried").await.ok(201);
}

#[tokio::test]
async fn a_cancel_at_the_end_keeps_everything_until_then_and_can_be_taken_back() {
    let app = shop().await;
    let bob = app.user("bob");
    give(&app, "bob", "pro").await;
    app.clock.advance(DAY);
    let asked = cancel(&bob, false).await.ok(200);
    assert_eq!(
        (&asked["cancel_at_period_end"], &asked["status"]),
        (&json!(true), &json!("active"))
    );
    assert_eq!((&asked["canceled_at"], &asked["updated_at"]), (&Value::Null, &json!(NOW + DAY)));
    app.clock.advance(DAY);
    assert_eq!(cancel(&bob, false).await.ok(200), asked, "twice is the same as once");
    let back = resume(&bob).await.ok(200);
    assert_eq!(back["cancel_at_period_end"], false);
    assert_eq!(resume(&bob).await.ok(200), back);
    // No body means the same as at the end.
    bob.send(reqwest::Method::POST, &format!("{SUBSCRIPTION}/cancel"), "").await.ok(200);
    app.clock.advance(26 * DAY - 1);
    assert_eq!(current(&bob).await["status"], "active");
    app.clock.advance(1);
    assert_eq!(current(&bob).await, Value::Null);
    let over = app.admin().get(&format!("{SUBSCRIPTIONS}?user_id=bob")).await.ok(200);
    assert_eq!(
        (&over["items"][0]["status"], &over["items"][0]["canceled_at"]),
        (&json!("canceled"), &json!(MARCH))
    );
    resume(&bob).await.problem(404);
    cancel(&bob, false).await.problem(404);
    app.covers(&["subscriptions_get", "subscriptions_cancel", "subscriptions_resume"]);
}

#[tokio::test]
async fn a_cancel_at_once_ends_it_and_what_was_paid_stays_paid() {
    let app = shop().await;
    let bob = app.user("bob");
    let given = give(&app, "bob", "pro").await;
    app.clock.advance(DAY);
    let over = cancel(&bob, true).await.ok(200);
    assert_eq!((&over["status"], &over["canceled_at"]), (&json!("canceled"), &json!(NOW + DAY)));
    assert_eq!(cancel(&bob, true).await.ok(200), over, "twice is the same as once");
    assert_eq!(current(&bob).await, Value::Null);
    // It is paid to the end of the window, and goes on with it.
    app.clock.advance(DAY);
    let back = subscribe(&bob, "pro").await.ok(201);
    assert_ne!(back["id"], given["id"]);
    assert_eq!(said(&back), "active pro 0..28");
    assert_eq!((&back["anchor"], &back["paid_until"]), (&given["anchor"], &given["paid_until"]));
    // Behind what is paid it costs what it costs.
    cancel(&bob, true).await.ok(200);
    app.clock.advance(26 * DAY);
    assert_eq!(subscribe(&bob, "pro").await.json["amount_due"], 1490);
}

#[tokio::test]
async fn a_free_window_that_was_left_goes_on_and_a_new_one_begins_behind_it() {
    let app = shop().await;
    let bob = app.user("bob");
    subscribe(&bob, "free").await.ok(201);
    app.clock.advance(10 * DAY);
    cancel(&bob, true).await.ok(200);
    assert_eq!(said(&subscribe(&bob, "free").await.ok(201)), "active free 0..28");
    // Away and back, too.
    assert_eq!(said(&change(&bob, "gift", "now").await.ok(200)), "active gift 10..38");
    app.clock.advance(DAY);
    assert_eq!(said(&change(&bob, "free", "now").await.ok(200)), "active free 0..28");
    assert_eq!(said(&change(&bob, "gift", "now").await.ok(200)), "active gift 10..38");
    cancel(&bob, true).await.ok(200);
    app.clock.advance(20 * DAY);
    assert_eq!(said(&subscribe(&bob, "free").await.ok(201)), "active free 31..62");
    app.covers(&["subscriptions_start", "subscriptions_change"]);
}

#[tokio::test]
async fn a_dearer_plan_is_paid_first_and_a_cheaper_one_takes_effect_at_once() {
    let app = shop().await;
    let bob = app.user("bob");
    subscribe(&bob, "free").await.ok(201);
    let due = change(&bob, "pro", "now").await;
    due.problem(402);
    assert_eq!((&due.json["amount_due"], &due.json["plan_id"]), (&json!(1490), &json!("pro")));
    assert_eq!(said(&current(&bob).await), "active free 0..28", "nothing changed");
    assert!(change(&bob, "free", "now").await.problem(409).contains("already"));
    change(&bob, "nowhere", "now").await.problem(404);
    app.admin().patch(&format!("{}/toggle", of_plan("gift"))).await.ok(200);
    change(&bob, "gift", "now").await.problem(400);
    change(&bob, "gift", "period_end").await.problem(400);
    for (body, field) in [
        (json!({"plan_id": "free"}), "when"),
        (json!({"plan_id": "free", "when": "later"}), "when"),
        (json!({"when": "now"}), "plan_id"),
    ] {
        let answer = bob.post(&format!("{SUBSCRIPTION}/change"), body).await;
        answer.problem(400);
        assert_eq!(answer.field_errors()[0].0, field);
    }
    // A present is not credit: what was not paid is not given back.
    give(&app, "eve", "pro").await;
    let eve = app.user("eve");
    app.clock.advance(DAY);
    assert_eq!(said(&change(&eve, "free", "now").await.ok(200)), "active free 1..29");
    assert_eq!(change(&eve, "starter", "now").await.json["amount_due"], 490);
}

#[tokio::test]
async fn a_change_at_the_end_waits_and_can_be_taken_back() {
    let app = shop().await;
    let bob = app.user("bob");
    give(&app, "bob", "pro").await;
    cancel(&bob, false).await.ok(200);
    let asked = change(&bob, "free", "period_end").await.ok(200);
    assert_eq!((&asked["pending_plan_id"], &asked["plan_id"]), (&json!("free"), &json!("pro")));
    assert_eq!(asked["cancel_at_period_end"], false, "who says how to go on does not leave");
    let back = change(&bob, "pro", "period_end").await.ok(200);
    assert_eq!(back["pending_plan_id"], Value::Null);
    change(&bob, "free", "period_end").await.ok(200);
    app.clock.advance(28 * DAY);
    let changed = current(&bob).await;
    assert_eq!(said(&changed), "active free 28..59");
    assert_eq!((&changed["pending_plan_id"], &changed["anchor"]), (&Value::Null, &json!(NOW)));
    assert_eq!(changed["paid_until"], APRIL);
}

#[tokio::test]
async fn a_dearer_plan_at_the_end_is_past_due_until_it_is_paid_and_then_over() {
    let app = shop().await;
    let bob = app.user("bob");
    subscribe(&bob, "free").await.ok(201);
    change(&bob, "pro", "period_end").await.ok(200);
    app.clock.advance(28 * DAY);
    assert_eq!(said(&current(&bob).await), "past_due pro 28..59");
    app.clock.advance(3 * DAY);
    assert_eq!(current(&bob).await, Value::Null);
}

#[tokio::test]
async fn a_plan_that_somebody_waits_for_is_not_deleted() {
    let app = shop().await;
    let (bob, eve) = (app.user("bob"), app.user("eve"));
    for user in [&bob, &eve] {
        subscribe(user, "free").await.ok(201);
        change(user, "gift", "period_end").await.ok(200);
    }
    let delete = async || app.admin().delete(&of_plan("gift")).await;
    assert!(delete().await.problem(400).contains("2 subscriptions change to it"));
    change(&eve, "free", "period_end").await.ok(200);
    let refused = delete().await;
    assert!(refused.problem(400).contains("1 subscription changes to it"), "{}", refused.json);
    assert_eq!(current(&bob).await["pending_plan_id"], "gift");
    // Whoever leaves waits for nothing.
    cancel(&bob, true).await.ok(200);
    delete().await.ok(200);
    app.clock.advance(28 * DAY);
    assert_eq!(said(&current(&eve).await), "active free 28..59");
}

#[tokio::test]
async fn a_plan_that_was_waited_for_and_has_come_is_had() {
    let app = shop().await;
    let bob = app.user("bob");
    subscribe(&bob, "free").await.ok(201);
    change(&bob, "gift", "period_end").await.ok(200);
    app.clock.advance(28 * DAY);
    // The deletion works what is due first.
    let refused = app.admin().delete(&of_plan("gift")).await;
    assert!(refused.problem(400).contains("with active subscriptions"), "{}", refused.json);
    app.admin().delete(&of_plan("free")).await.ok(200);
}

#[tokio::test]
async fn a_payment_that_does_not_come_leaves_the_days_of_grace_that_the_tenant_gives() {
    let app = shop().await;
    let settings = "/api/v1/admin/settings";
    for (days, user) in [(3, "bob"), (0, "eve"), (10, "tom")] {
        app.admin().put(settings, json!({"grace_days": days})).await.ok(200);
        let start = app.admin().get("/api/v1/admin/clock").await.ok(200)["now"].as_i64().unwrap();
        let given = give(&app, user, "daily").await;
        assert_eq!(given["paid_until"], start + DAY);
        let actor = app.user(user);
        app.clock.advance(DAY);
        let now = current(&actor).await;
        if days == 0 {
            assert_eq!(now, Value::Null);
            continue;
        }
        assert_eq!(
            (&now["status"], &now["current_period_start"]),
            (&json!("past_due"), &json!(start + DAY))
        );
        app.clock.advance(days * DAY - 1);
        let now = current(&actor).await;
        // Windows go on inside the grace; what is paid does not.
        assert_eq!((&now["status"], &now["paid_until"]), (&json!("past_due"), &json!(start + DAY)));
        assert_eq!(now["current_period_start"], start + days * DAY);
        app.clock.advance(1);
        assert_eq!(current(&actor).await, Value::Null);
    }
    let refused = app.admin().put(settings, json!({"grace_days": 91})).await;
    refused.problem(400);
    assert_eq!(refused.field_errors()[0].0, "grace_days");
}

#[tokio::test]
async fn what_rests_on_counts_sees_what_should_have_ended() {
    let app = shop().await;
    let admin = app.admin();
    for user in ["bob", "eve"] {
        give(&app, user, "pro").await;
    }
    cancel(&app.user("eve"), false).await.ok(200);
    admin.delete(&of_plan("pro")).await.problem(400);
    app.clock.advance(28 * DAY);
    let stats = admin.get(&of_plan("pro")).await.ok(200);
    let counts = ["active_subscriptions", "canceled_subscriptions", "total_subscriptions", "mrr"];
    assert_eq!(counts.map(|field| stats[field].as_i64().unwrap()), [0, 1, 2, 0]);
    admin.delete(&of_plan("pro")).await.problem(400);
    let page = admin.get(&format!("{}/subscribers?status=past_due", of_plan("pro"))).await.ok(200);
    assert_eq!((&page["total"], &page["items"][0]["user_id"]), (&json!(1), &json!("bob")));
    app.clock.advance(3 * DAY);
    let all = admin.get(ADMIN_PLANS).await.ok(200);
    let pro = all.as_array().unwrap().iter().find(|stats| stats["plan"]["id"] == "pro").unwrap();
    assert_eq!(pro["canceled_subscriptions"], 2);
    admin.delete(&of_plan("pro")).await.ok(200);
}

#[tokio::test]
async fn admins_list_all_subscriptions_by_plan_status_and_user() {
    let app = shop().await;
    let admin = app.admin();
    for (user, plan) in [("a", "free"), ("b", "free"), ("c", "pro")] {
        app.clock.advance(1);
        give(&app, user, plan).await;
    }
    cancel(&app.user("a"), true).await.ok(200);
    app.clock.advance(1);
    subscribe(&app.user("a"), "gift").await.ok(201);
    for (query, expected, total) in [
        ("", vec!["a gift", "c pro", "b free", "a free"], 4),
        ("?page=2&page_size=3", vec!["a free"], 4),
        ("?plan_id=free", vec!["b free", "a free"], 2),
        ("?plan_id=free&status=canceled", vec!["a free"], 1),
        ("?status=active", vec!["a gift", "c pro", "b free"], 3),
        ("?status=canceled", vec!["a free"], 1),
        ("?user_id=a", vec!["a gift", "a free"], 2),
        ("?user_id=a&plan_id=free", vec!["a free"], 1),
        ("?user_id=a&status=active", vec!["a gift"], 1),
        ("?user_id=nobody", vec![], 0),
    ] {
        let page = admin.get(&format!("{SUBSCRIPTIONS}{query}")).await.ok(200);
        let name = |one: &Value| {
            let text = |field: &str| one[field].as_str().unwrap().to_owned();
            format!("{} {}", text("user_id"), text("plan_id"))
        };
        let found: Vec<String> = page["items"].as_array().unwrap().iter().map(name).collect();
        assert_eq!(
            (found, &page["total"]),
            (expected.into_iter().map(str::to_owned).collect(), &json!(total)),
            "{query}"
        );
    }
    admin.get(&format!("{SUBSCRIPTIONS}?plan_id=nowhere")).await.problem(404);
    for query in ["?status=gone", "?page=0", "?plan=free"] {
        admin.get(&format!("{SUBSCRIPTIONS}{query}")).await.problem(400);
    }
    app.covers(&["subscriptions_list"]);
}

#[tokio::test]
async fn a_grant_goes_on_with_the_window_unless_usage_is_to_begin_again() {
    let app = shop().await;
    let admin = app.admin();
    let first = give(&app, "bob", "pro").await;
    app.clock.advance(DAY);
    let again = give(&app, "bob", "pro").await;
    for field in ["id", "anchor", "current_period_end", "paid_until", "created_at"] {
        assert_eq!(again[field], first[field], "{field}");
    }
    let body = json!({"plan_id": "pro", "reset_usage": true});
    let reset = admin.put(&subscription_of("bob"), body).await.ok(200);
    assert_eq!((said(&reset), &reset["id"]), ("active pro 1..29".to_owned(), &first["id"]));
    // What ran out is paid again.
    app.clock.advance(28 * DAY);
    assert_eq!(current(&app.user("bob")).await["status"], "past_due");
    assert_eq!(said(&give(&app, "bob", "pro").await), "active pro 29..60");
}

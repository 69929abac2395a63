//! What time brings is worked once and only once: after downtime, in the middle of a crash, and while others are at
//! the same.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod money;
mod races;
mod sandbox;

use std::path::Path;
use std::time::Duration;

use planwright_service::check;
use planwright_store::{Options, RedbStore};
use serde_json::{Value, json};

use crate::api::{ADMIN_PLANS, SUBSCRIPTION, SUBSCRIPTIONS, of_plan, subscription_of};
use crate::harness::{Actor, App};

pub(crate) const DAY: i64 = 86_400;
/// 2025-02-05T08:00:00Z, when the manual clock begins.
pub(crate) const NOW: i64 = 1_738_742_400;

/// Makes a plan.
pub(crate) async fn make_plan(admin: &Actor, id: &str, price: u32, interval: &str) {
    let plan = json!({"id": id, "name": id, "price": price, "interval": interval});
    admin.post(ADMIN_PLANS, plan).await.ok(201);
}

/// Gives a plan to many, side by side.
pub(crate) async fn give_to_many(admin: &Actor, plan: &str, users: usize) {
    let mut giving = tokio::task::JoinSet::new();
    for giver in 0..16 {
        let (admin, plan) = (admin.clone(), plan.to_owned());
        giving.spawn(async move {
            for user in (giver..users).step_by(16) {
                let grant = json!({"plan_id": plan});
                admin.put(&subscription_of(&format!("{plan}_{user}")), grant).await.ok(201);
            }
        });
    }
    giving.join_all().await;
}

/// Holds everything in a store that no server has against everything else.
pub(crate) async fn assert_agrees(file: &Path) {
    let store = RedbStore::open(file, Options::default()).unwrap();
    let report = check::run(&store, |_| {}).await.unwrap();
    assert!(report.is_clean(), "{:#?}", report.disagreements);
}

async fn count(admin: &Actor, query: &str) -> Value {
    admin.get(&format!("{SUBSCRIPTIONS}?page_size=1&{query}")).await.ok(200)["total"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_thousand_that_are_due_at_once_are_worked_in_a_few_commits() {
    const EACH: usize = 1_000;
    let app = App::start().await;
    let admin = app.admin();
    make_plan(&admin, "free", 0, "month").await;
    make_plan(&admin, "pro", 490, "month").await;
    give_to_many(&admin, "free", EACH).await;
    give_to_many(&admin, "pro", EACH).await;
    let before = app.change_sets();
    app.advance(28 * DAY).await;
    // The server works by itself, too; whoever is second finds nothing.
    let change_sets = app.change_sets() - before;
    assert!(change_sets < 500, "{change_sets} change sets");
    for (query, expected) in [
        ("plan_id=free&status=active", EACH),
        ("plan_id=pro&status=past_due", EACH),
        ("plan_id=pro&status=active", 0),
    ] {
        assert_eq!(count(&admin, query).await, expected, "{query}");
    }
    app.advance(3 * DAY).await;
    assert_eq!(count(&admin, "status=canceled").await, EACH);
    assert_eq!(app.advance(0).await, 0, "nothing is left");
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_downtime_a_server_works_by_itself_what_was_missed_with_one_commit_each() {
    let app = App::start().await;
    let admin = app.admin();
    for (id, price, interval) in [
        ("free_daily", 0, "day"),
        ("daily", 10, "day"),
        ("pro", 490, "month"),
        ("free", 0, "month"),
    ] {
        make_plan(&admin, id, price, interval).await;
        let grant = json!({"plan_id": id});
        admin.put(&subscription_of(&format!("on_{id}")), grant).await.ok(201);
    }
    let change = json!({"plan_id": "free", "when": "period_end"});
    app.user("on_pro").post(&format!("{SUBSCRIPTION}/change"), change).await.ok(200);

    // Ten years for the daily one.
    let app = app.restart_after(3_653 * DAY).await;
    while app.advance(0).await > 0 || app.change_sets() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(app.change_sets() <= 4, "{} change sets", app.change_sets());
    let listed = app.admin().get(SUBSCRIPTIONS).await.ok(200);
    let of = |user: &str| {
        let items = listed["items"].as_array().unwrap();
        items.iter().find(|one| one["user_id"] == user).unwrap().clone()
    };
    let now = NOW + 3_653 * DAY;
    let daily = of("on_free_daily");
    assert_eq!(
        (&daily["current_period_start"], &daily["current_period_end"]),
        (&json!(now), &json!(now + DAY))
    );
    // Each step was at its own instant.
    let ended = of("on_daily");
    assert_eq!(
        (&ended["status"], &ended["canceled_at"]),
        (&json!("canceled"), &json!(NOW + 4 * DAY))
    );
    let changed = of("on_pro");
    assert_eq!((&changed["status"], &changed["plan_id"]), (&json!("active"), &json!("free")));
    for user in ["on_pro", "on_free"] {
        let one = of(user);
        // 5 February 2035.
        assert_eq!(one["current_period_start"], 2_054_275_200, "{user}");
        assert_eq!(one["anchor"], NOW, "{user}");
    }
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test]
async fn a_plan_that_becomes_free_or_dear_is_so_from_the_next_renewal_on() {
    let app = App::start().await;
    let admin = app.admin();
    for (id, price, then, expected) in [("rises", 0, 490, "past_due"), ("falls", 490, 0, "active")]
    {
        make_plan(&admin, id, price, "month").await;
        admin.put(&subscription_of(id), json!({"plan_id": id})).await.ok(201);
        admin.put(&of_plan(id), json!({"price": then})).await.ok(200);
        let user = app.user(id);
        assert_eq!(user.get(SUBSCRIPTION).await.ok(200)["status"], "active");
        app.advance(31 * DAY - 1).await;
        assert_eq!(user.get(SUBSCRIPTION).await.ok(200)["status"], expected, "{id}");
        app.advance(1).await;
    }
}

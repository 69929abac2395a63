//! A sandbox's time is set by hand, and what became due is done when that is answered; also across kills.

use std::time::Duration;

use planwright_store::{Key, Space};
use serde_json::{Value, json};

use super::{DAY, assert_agrees, give_to_many, make_plan};
use crate::api::{CLOCK, SUBSCRIPTION, SUBSCRIPTIONS, TENANTS, subscription_of};
use crate::harness::process::Process;
use crate::harness::{App, by_hand, claims};

async fn sandbox(app: &App) {
    let draft = json!({"id": "lab", "name": "Lab", "sandbox": true});
    app.operator().post(TENANTS, draft).await.ok(201);
}

#[tokio::test]
async fn when_a_sandboxs_time_is_set_all_that_became_due_is_done_and_nothing_of_others() {
    let app = App::start().await;
    sandbox(&app).await;
    let lab = app.of_tenant("lab", "root", "admin");
    for admin in [&lab, &app.admin()] {
        make_plan(admin, "pro", 490, "month").await;
        admin.put(&subscription_of("bob"), json!({"plan_id": "pro"})).await.ok(201);
    }
    for (days, expected) in [(28, "past_due"), (30, "past_due"), (31, "canceled")] {
        let before = app.change_sets();
        lab.put(CLOCK, json!({"now": super::NOW + days * DAY})).await.ok(200);
        assert!(app.change_sets() > before);
        let listed = lab.get(SUBSCRIPTIONS).await.ok(200);
        assert_eq!(listed["items"][0]["status"], expected, "day {days}");
    }
    let other = app.user("bob").get(SUBSCRIPTION).await.ok(200);
    assert_eq!(other["status"], "active");
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

/// There was no latest time once.
#[tokio::test]
async fn a_sandbox_that_was_set_past_the_latest_time_stands_there_and_is_worked() {
    let app = App::start().await;
    sandbox(&app).await;
    let lab = app.of_tenant("lab", "root", "admin");
    make_plan(&lab, "pro", 0, "year").await;
    lab.put(&subscription_of("bob"), json!({"plan_id": "pro"})).await.ok(201);
    let (folder, file) = app.stop().await;
    let clock = Key::in_space(&Space::Host, "clock").text("lab").key();
    by_hand::put(&file, vec![(clock, json!({"now": 253_402_207_200_u64}))]).await;

    let app = App::start_on(folder).await;
    while app.advance(0).await > 0 {}
    let lab = app.of_tenant("lab", "root", "admin");
    let latest = 221_876_927_999_u64;
    assert_eq!(lab.get(CLOCK).await.ok(200), json!({"now": latest, "stands_still": true}));
    let listed = lab.get(SUBSCRIPTIONS).await.ok(200);
    assert!(listed["items"][0]["current_period_end"].as_u64() > Some(latest), "{listed}");
    lab.put(CLOCK, json!({"now": latest})).await.ok(200);
}

#[tokio::test]
async fn a_sandbox_on_the_real_time_is_worked_like_everybody() {
    let app = App::start().await;
    sandbox(&app).await;
    let lab = app.of_tenant("lab", "root", "admin");
    make_plan(&lab, "pro", 490, "month").await;
    lab.put(&subscription_of("bob"), json!({"plan_id": "pro"})).await.ok(201);
    app.clock.advance(31 * DAY);
    let before = app.change_sets();
    // By itself or by us, whoever is first.
    app.advance(0).await;
    assert!(app.change_sets() > before || app.advance(0).await == 0);
    let user = app.of_tenant("lab", "bob", "user");
    assert_eq!(user.get(SUBSCRIPTION).await.ok(200), Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_in_the_middle_of_the_work_leave_each_step_done_or_not_and_never_twice() {
    const USERS: usize = 300;
    const KILLS: i64 = 12;
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let in_lab = |id: &str, role: &str| {
        let tenant = Some("lab".to_owned());
        planwright_server::token::Claims { tenant, ..claims(id, role) }
    };
    let process = Process::start(&data_dir);
    let draft = json!({"id": "lab", "name": "Lab", "sandbox": true});
    process.with_claims(&claims("olga", "operator")).post(TENANTS, draft).await.ok(201);
    let admin = process.with_claims(&in_lab("root", "admin"));
    // Its time stands still from here on.
    let now = admin.get(CLOCK).await.ok(200)["now"].as_i64().unwrap() + 60;
    admin.put(CLOCK, json!({"now": now})).await.ok(200);
    make_plan(&admin, "daily", 0, "day").await;
    give_to_many(&admin, "daily", USERS).await;
    process.kill();

    let mut chance = fastrand::Rng::with_seed(5);
    for day in 1..=KILLS {
        let process = Process::start(&data_dir);
        let admin = process.with_claims(&in_lab("root", "admin"));
        let later = now + day * DAY;
        let setting = tokio::spawn(async move {
            let body = json!({"now": later}).to_string();
            admin.try_send(reqwest::Method::PUT, CLOCK, &body).await
        });
        tokio::time::sleep(Duration::from_micros(chance.u64(0..40_000))).await;
        process.kill();
        // It may have been answered before.
        let _ = setting.await.unwrap();
        assert_agrees(&data_dir.join("planwright.redb")).await;
    }
    let process = Process::start(&data_dir);
    let admin = process.with_claims(&in_lab("root", "admin"));
    let last = now + (KILLS + 1) * DAY;
    admin.put(CLOCK, json!({"now": last})).await.ok(200);
    for page in 1..=USERS / 100 {
        let listed = admin.get(&format!("{SUBSCRIPTIONS}?page_size=100&page={page}")).await.ok(200);
        assert_eq!(listed["total"], USERS);
        for one in listed["items"].as_array().unwrap() {
            let window = (&one["status"], &one["current_period_start"], &one["paid_until"]);
            assert_eq!(window, (&json!("active"), &json!(last), &json!(last + DAY)));
        }
    }
    process.kill();
    assert_agrees(&data_dir.join("planwright.redb")).await;
}

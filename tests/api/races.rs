//! Two requests in the same instant never break a rule, whichever comes first.

use serde_json::{Value, json};

use super::{ADMIN_PLANS, SUBSCRIPTION, of_plan, plan_with_quota, subscription_of};
use crate::harness::App;

const ROUNDS: usize = 150;

/// Sends both at once, in turns that differ, so that each wins now and then.
async fn race<A, B>(
    round: usize,
    first: impl Future<Output = A> + Send + 'static,
    second: impl Future<Output = B> + Send + 'static,
) -> (A, B)
where
    A: Send + 'static,
    B: Send + 'static,
{
    if round.is_multiple_of(2) {
        let first = tokio::spawn(first);
        let second = tokio::spawn(second);
        (first.await.unwrap(), second.await.unwrap())
    } else {
        let second = tokio::spawn(second);
        let first = tokio::spawn(first);
        (first.await.unwrap(), second.await.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_quota_is_never_lowered_under_a_subscription_that_came_before() {
    let app = App::start().await;
    let admin = app.admin();
    let mut outcomes = [0, 0];
    let lower: [Value; 2] = [json!({"requests": 1}), json!({"requests": 1000, "images": 1})];
    for round in 0..ROUNDS {
        let id = format!("p{round}");
        admin.post(ADMIN_PLANS, plan_with_quota(&id, 1000)).await.ok(201);
        let (one, two, three) = (admin.clone(), admin.clone(), id.clone());
        let body = json!({"quotas": lower[round % lower.len()]});
        let user = subscription_of(&format!("u{round}"));
        let (lowered, subscribed) =
            race(round, async move { one.put(&of_plan(&three), body).await }, async move {
                two.put(&user, json!({"plan_id": id})).await
            })
            .await;
        let subscription = subscribed.ok(201);
        if lowered.status == 200 {
            outcomes[0] += 1;
            assert_eq!(lowered.json["version"], 2);
            let taken = &subscription["plan_version"];
            assert_eq!(taken, 2, "round {round}: it was on the plan before the quota went down");
        } else {
            outcomes[1] += 1;
            assert!(lowered.problem(400).contains("Create a new plan instead"));
            assert_eq!(subscription["plan_version"], 1, "round {round}");
        }
    }
    assert!(outcomes.iter().all(|count| *count > 0), "both came first now and then: {outcomes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_plan_is_never_deleted_under_a_subscription() {
    let app = App::start().await;
    let admin = app.admin();
    let mut outcomes = [0, 0];
    for round in 0..ROUNDS {
        let id = format!("p{round}");
        admin.post(ADMIN_PLANS, plan_with_quota(&id, 1000)).await.ok(201);
        let (one, two, three, four) = (admin.clone(), admin.clone(), id.clone(), id.clone());
        let user = subscription_of(&format!("u{round}"));
        let (deleted, subscribed) =
            race(round, async move { one.delete(&of_plan(&three)).await }, async move {
                two.put(&user, json!({"plan_id": four})).await
            })
            .await;
        if deleted.status == 200 {
            outcomes[0] += 1;
            subscribed.problem(404);
            admin.get(&of_plan(&id)).await.problem(404);
        } else {
            outcomes[1] += 1;
            assert!(deleted.problem(400).contains("toggle"));
            subscribed.ok(201);
            let stats = admin.get(&of_plan(&id)).await.ok(200);
            assert_eq!(stats["active_subscriptions"], 1, "round {round}");
        }
    }
    assert!(outcomes.iter().all(|count| *count > 0), "both came first now and then: {outcomes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_plan_is_never_deleted_under_somebody_who_waits_for_it() {
    let app = App::start().await;
    let admin = app.admin();
    let free = json!({"id": "free", "name": "Free", "price": 0, "interval": "month"});
    admin.post(ADMIN_PLANS, free).await.ok(201);
    let mut outcomes = [0, 0];
    for round in 0..ROUNDS {
        let id = format!("p{round}");
        admin.post(ADMIN_PLANS, plan_with_quota(&id, 1000)).await.ok(201);
        let (one, two, three) = (admin.clone(), app.user(&format!("u{round}")), id.clone());
        two.post(SUBSCRIPTION, json!({"plan_id": "free"})).await.ok(201);
        let wish = json!({"plan_id": id, "when": "period_end"});
        let (deleted, asked) =
            race(round, async move { one.delete(&of_plan(&three)).await }, async move {
                two.post(&format!("{SUBSCRIPTION}/change"), wish).await
            })
            .await;
        if deleted.status == 200 {
            outcomes[0] += 1;
            asked.problem(404);
        } else {
            outcomes[1] += 1;
            assert!(deleted.problem(400).contains("1 subscription changes to it"));
            assert_eq!(asked.ok(200)["pending_plan_id"], id.as_str());
        }
    }
    assert!(outcomes.iter().all(|count| *count > 0), "both came first now and then: {outcomes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_gets_an_id() {
    let app = App::start().await;
    let admin = app.admin();
    for round in 0..10 {
        let mut racing = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let admin = admin.clone();
            racing.spawn(async move {
                admin.post(ADMIN_PLANS, plan_with_quota(&format!("p{round}"), 1)).await
            });
        }
        let answers = racing.join_all().await;
        let made = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(made, 1, "round {round}");
        for answer in answers.iter().filter(|answer| answer.status != 201) {
            assert!(answer.problem(400).contains("already exists"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_user_has_one_live_subscription_however_many_are_given_at_once() {
    let app = App::start().await;
    let admin = app.admin();
    for id in ["one", "two"] {
        admin.post(ADMIN_PLANS, plan_with_quota(id, 1)).await.ok(201);
    }
    let mut racing = tokio::task::JoinSet::new();
    for at in 0..32 {
        let admin = admin.clone();
        let plan = if at % 2 == 0 { "one" } else { "two" };
        racing
            .spawn(async move { admin.put(&subscription_of("u"), json!({"plan_id": plan})).await });
    }
    let answers = racing.join_all().await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1);
    let id = &answers[0].json["id"];
    assert!(answers.iter().all(|answer| answer.status.is_success() && answer.json["id"] == *id));
    let mut total = 0;
    for plan in ["one", "two"] {
        let stats = admin.get(&of_plan(plan)).await.ok(200);
        total += stats["total_subscriptions"].as_u64().unwrap();
    }
    assert_eq!(total, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_busy_plan_can_still_be_changed() {
    let app = App::start().await;
    let admin = app.admin();
    admin.post(ADMIN_PLANS, plan_with_quota("busy", 1)).await.ok(201);
    admin.put(&subscription_of("first"), json!({"plan_id": "busy"})).await.ok(201);
    let mut racing = tokio::task::JoinSet::new();
    for client in 0..16 {
        let admin = admin.clone();
        racing.spawn(async move {
            for at in 0..20 {
                let user = subscription_of(&format!("u{client}_{at}"));
                admin.put(&user, json!({"plan_id": "busy"})).await.ok(201);
            }
        });
    }
    for at in 0..30 {
        let body = json!({"description": format!("{at}")});
        admin.put(&of_plan("busy"), body).await.ok(200);
    }
    racing.join_all().await;
    let stats = admin.get(&of_plan("busy")).await.ok(200);
    assert_eq!(stats["active_subscriptions"], 321);
}

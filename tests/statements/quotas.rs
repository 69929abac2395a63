//! What is billed of usage: beside quotas, past them, by region, by price book, and with credit.

use serde_json::{Value, json};

use super::{
    DAY, MARCH, TO_MARCH, at_one, cloud, only_statement, phase, priced, put_book, said, statements,
    used, uses,
};
use crate::api::payments::{begin, tell, text, with_provider};
use crate::api::{
    ADMIN_PLANS, BATCH, BILLING_PLANS, SETTINGS, SUBSCRIPTION, USER_GROUPS, USERS, of_plan,
};
use crate::harness::{App, claims};
use crate::worker::assert_agrees;

/// A free plan with a quota of 100.
fn plan(id: &str, overage: &Value) -> Value {
    json!({
        "id": id, "name": "Plan", "price": 0, "interval": "month", "quotas": {"cpu": 100},
        "overage": overage,
    })
}

#[tokio::test]
async fn past_a_quota_usage_is_billed_where_overage_is_and_the_first_phase_uses_it_up() {
    let app = App::start().await;
    let admin = app.admin();
    let cpu = priced(
        "cpu",
        "volume",
        &[
            phase("trial", Some(("days", 7)), &[("eu", Value::Null, "2")]),
            phase("final", None, &[("eu", Value::Null, "3")]),
        ],
    );
    cloud(&admin, &[("cpu", 1)], &[cpu]).await;
    admin.post(ADMIN_PLANS, plan("billed", &json!({"cpu": "bill"}))).await.ok(201);
    admin.post(ADMIN_PLANS, plan("blocked", &json!({}))).await.ok(201);
    let users = [("bob", "billed"), ("eve", "blocked")];
    for (user, plan) in users {
        let user = app.user(user);
        user.post(SUBSCRIPTION, json!({"plan_id": plan})).await.ok(201);
        uses(&user, "cpu", 60).await;
    }
    app.advance(7 * DAY).await;
    for (user, _) in users {
        uses(&app.user(user), "cpu", 70).await;
    }
    // A subscriber's month ends a month after it began.
    app.advance(TO_MARCH - 7 * DAY).await;
    assert_eq!(statements(&app.user("bob")).await, Vec::<Value>::new());
    app.advance(4 * DAY + 8 * 3_600).await;
    // 130 were used: 60 in the trial and 40 of the final phase are the quota.
    let statement = only_statement(&app.user("bob")).await;
    assert_eq!(said(&statement), ["usage cpu final eu 30: 90", "total 90 due 90 open"]);
    assert_eq!(statements(&app.user("eve")).await, Vec::<Value>::new(), "nothing is billed");

    // Late usage of the trial uses the quota up earlier: 20 of it are billed at 2, and 60 more... of the final phase
    // all 70, of which 30 were billed.
    used(&app, "bob", "cpu", 60, MARCH - 20 * DAY).await;
    app.advance(31 * DAY).await;
    assert_eq!(
        said(&statements(&app.user("bob")).await[0]),
        [
            "adjustment cpu final eu 40: 120",
            "adjustment cpu trial eu 20: 40",
            "total 160 due 160 open",
        ]
    );
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test]
async fn usage_is_billed_where_the_user_was_and_by_the_book_that_priced_the_user() {
    let app = App::start().await;
    let admin = app.admin();
    let prices = [("eu", Value::Null, "1"), ("us", Value::Null, "2")];
    let cpu = priced("cpu", "volume", &[phase("final", None, &prices)]);
    cloud(&admin, &[("cpu", 1)], &[cpu]).await;
    let bob = app.user("bob");
    uses(&bob, "cpu", 10).await;
    let patch = |body: Value| {
        let admin = admin.clone();
        async move {
            let body = json!({"user": body}).to_string();
            admin.send(reqwest::Method::PATCH, &format!("{USERS}/bob"), &body).await.ok(200)
        }
    };
    patch(json!({"region_id": 2})).await;
    uses(&bob, "cpu", 10).await;
    // A group of another price book, which credentials name: a service that records usage finds it, too.
    admin.post(BILLING_PLANS, json!({"billing_plan": {"name": "Other"}})).await.ok(201);
    let document = json!({"billing_plan": {"name": "Other", "billing_resources": [
        priced("cpu", "volume", &[phase("final", None, &[("us", Value::Null, "5")])]),
    ]}});
    admin.put(&format!("{BILLING_PLANS}/2/document"), document).await.ok(200);
    let group = json!({"name": "others", "billing_plan_id": 2});
    admin.post(USER_GROUPS, json!({"user_group": group})).await.ok(201);
    let mut of_others = claims("bob", "user");
    of_others.group = Some("others".to_owned());
    app.with_claims(&of_others).get(super::STATEMENTS).await.ok(200);
    let event = json!({"metric": "cpu", "amount": 4, "user_id": "bob"});
    let batch = admin.post(BATCH, json!({"events": [event, event]})).await.ok(200);
    assert_eq!(batch["accepted"], 2);
    // Where the user is when it is billed makes no difference.
    patch(json!({"region_id": 1})).await;
    app.advance(TO_MARCH).await;
    assert_eq!(
        said(&only_statement(&bob).await),
        [
            "usage cpu final eu 10: 10",
            "usage cpu final us 10: 20",
            "usage cpu final us 8: 40",
            "total 70 due 70 open",
        ]
    );
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test]
async fn what_is_not_priced_costs_nothing_and_begins_no_clock() {
    let app = App::start().await;
    let admin = app.admin();
    let bob = app.user("bob");
    uses(&bob, "requests", 5).await;
    cloud(&admin, &[("cpu", 1), ("disk", 1)], &[at_one("cpu")]).await;
    uses(&bob, "requests", 5).await;
    uses(&bob, "disk", 5).await;
    uses(&bob, "cpu", 0).await;
    admin.get(&format!("{USERS}/bob")).await.problem(404);
    // From now on it is: what came before is not.
    put_book(&admin, &[at_one("cpu"), at_one("disk")]).await;
    let both = json!({"amounts": {"disk": 1, "requests": 1}});
    bob.post(crate::api::USAGE, both).await.ok(201);
    app.advance(TO_MARCH).await;
    assert_eq!(
        said(&only_statement(&bob).await),
        ["usage disk final eu 1: 1", "total 1 due 1 open"]
    );
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test]
async fn a_clock_that_began_with_a_subscription_goes_on_and_events_of_a_batch_begin_it_once() {
    let app = App::start().await;
    let admin = app.admin();
    let cpu = priced(
        "cpu",
        "volume",
        &[
            phase("trial", Some(("days", 7)), &[("eu", Value::Null, "0")]),
            phase("final", None, &[("eu", Value::Null, "1")]),
        ],
    );
    cloud(&admin, &[("cpu", 1)], &[cpu]).await;
    admin
        .post(ADMIN_PLANS, json!({"id": "free", "name": "F", "price": 0, "interval": "month"}))
        .await
        .ok(201);
    let bob = app.user("bob");
    bob.post(SUBSCRIPTION, json!({"plan_id": "free"})).await.ok(201);
    bob.post(&format!("{SUBSCRIPTION}/cancel"), json!({"immediate": true})).await.ok(200);
    app.advance(8 * DAY).await;
    uses(&bob, "cpu", 5).await;
    let now = 1_738_742_400 + 8 * DAY;
    // The first event of the batch begins eve's clock, though the second one was used before.
    let event = |at: i64| json!({"metric": "cpu", "amount": 1, "user_id": "eve", "timestamp": at});
    let events = [event(now - DAY), event(now - 3 * DAY), event(now)];
    admin.post(BATCH, json!({"events": events})).await.ok(200);
    let eve = admin.get(&format!("{USERS}/eve")).await.ok(200);
    assert_eq!(eve["user"]["phase_started"], "2025-02-12T08:00:00Z");
    app.advance(TO_MARCH - 8 * DAY).await;
    assert_eq!(said(&only_statement(&app.user("eve")).await)[0], "usage cpu trial eu 3: 0");
    assert_eq!(only_statement(&app.user("eve")).await["status"], "paid");
    assert_eq!(said(&only_statement(&bob).await)[0], "usage cpu final eu 5: 5");
}

#[tokio::test]
async fn quotas_are_those_that_held_when_it_was_used_also_where_the_plan_is_gone() {
    let app = App::start().await;
    let admin = app.admin();
    cloud(&admin, &[("cpu", 1)], &[at_one("cpu")]).await;
    admin.post(ADMIN_PLANS, plan("billed", &json!({"cpu": "bill"}))).await.ok(201);
    let bob = app.user("bob");
    bob.post(SUBSCRIPTION, json!({"plan_id": "billed"})).await.ok(201);
    uses(&bob, "cpu", 100).await;
    admin.put(&of_plan("billed"), json!({"quotas": {"cpu": 120}})).await.ok(200);
    uses(&bob, "cpu", 30).await;
    bob.post(&format!("{SUBSCRIPTION}/cancel"), json!({"immediate": true})).await.ok(200);
    admin.delete(&of_plan("billed")).await.ok(200);
    // Another window by now: the calendar month of whoever has no plan.
    uses(&bob, "cpu", 7).await;
    app.advance(TO_MARCH).await;
    assert_eq!(said(&only_statement(&bob).await)[0], "usage cpu final eu 7: 7");
    app.advance(5 * DAY).await;
    assert_eq!(said(&statements(&bob).await[0])[0], "usage cpu final eu 10: 10");
}

#[tokio::test]
async fn what_a_user_has_is_used_first() {
    let (app, provider) = with_provider().await;
    let admin = app.admin();
    let in_rubles = at_one("cpu").to_string().replace("USD", "RUB");
    cloud(&admin, &[("cpu", 1)], &[serde_json::from_str(&in_rubles).unwrap()]).await;
    admin.put(SETTINGS, json!({"currency": "RUB"})).await.ok(200);
    let gift = json!({"id": "gift", "name": "Gift", "price": 0, "interval": "month"});
    admin.post(ADMIN_PLANS, gift).await.ok(201);
    let bob = app.user("bob");
    // What was paid for a plan that is left at once is credit: 490.
    let id = text(&begin(&bob, "pro").await["payment_id"]);
    provider.pay(&id);
    tell(&app, "payment.succeeded", json!({"id": id})).await;
    let change = json!({"plan_id": "gift", "when": "now"});
    bob.post(&format!("{SUBSCRIPTION}/change"), change).await.ok(200);
    // The window of each plan has its fee, which is paid already.
    let left = ["fee - - - null: 490", "paid_in_advance - - - null: -490", "total 0 due 0 paid"];
    let (first, second) = (
        [
            "fee - - - null: -490",
            "paid_in_advance - - - null: 490",
            "usage cpu final eu 400: 400",
            "credit - - - null: -400",
            "total 400 due 0 paid",
        ],
        ["usage cpu final eu 100: 100", "credit - - - null: -90", "total 100 due 10 open"],
    );
    for (days, amount, expected, more) in
        [(28, 400, first.to_vec(), Some(left)), (31, 100, second.to_vec(), None)]
    {
        uses(&bob, "cpu", amount).await;
        let upcoming = bob.get(super::UPCOMING).await.ok(200);
        let last = upcoming.as_array().unwrap().last().unwrap();
        assert_eq!(said(last)[..expected.len() - 1], expected[..expected.len() - 1]);
        app.advance(days * DAY).await;
        let all: Vec<_> = statements(&bob).await.iter().map(said).collect();
        assert!(all.contains(&expected.iter().map(|line| (*line).to_owned()).collect()), "{all:?}");
        if let Some(more) = more {
            assert!(all.contains(&more.map(str::to_owned).to_vec()), "{all:?}");
        }
    }
    let of_gift = statements(&bob).await.into_iter().find(|one| one["total"] == 400).unwrap();
    let path = format!("{}/{}", super::STATEMENTS, of_gift["id"].as_str().unwrap());
    let charges = bob.get(&path).await.ok(200)["charges"].clone();
    assert_eq!((&charges[0]["amount"], &charges[0]["unused"]), (&json!(0), &json!(490)));
    assert_eq!(charges[0]["asked"][0]["asked"]["answer"][0]["kind"], "fee");
    uses(&bob, "cpu", 1).await;
    app.advance(30 * DAY).await;
    assert_eq!(said(&statements(&bob).await[0])[1], "total 1 due 1 open", "all of it is used");
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test]
async fn each_currency_has_a_statement_of_its_own_and_every_fee_is_on_one() {
    let (app, provider) = with_provider().await;
    let admin = app.admin();
    cloud(&admin, &[("cpu", 1)], &[at_one("cpu")]).await;
    let bob = app.user("bob");
    let pay = async || {
        let id = text(&begin(&bob, "pro").await["payment_id"]);
        provider.pay(&id);
        tell(&app, "payment.succeeded", json!({"id": id})).await;
    };
    pay().await;
    uses(&bob, "cpu", 5).await;
    // Paid ahead, in the same month.
    app.clock.advance(DAY);
    pay().await;
    app.advance(28 * DAY).await;
    let all = statements(&bob).await;
    let of = |currency: &str| all.iter().find(|one| one["currency"] == currency).unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(
        said(of("RUB")),
        [
            "fee - - - null: 490",
            "paid_in_advance - - - null: -490",
            "fee - - - null: 490",
            "paid_in_advance - - - null: -490",
            "total 0 due 0 paid",
        ]
    );
    assert_eq!(said(of("USD")), ["usage cpu final eu 5: 5", "total 5 due 5 open"]);
    uses(&bob, "cpu", 6).await;
    app.advance(31 * DAY).await;
    let all = statements(&bob).await;
    assert_eq!(all.len(), 3, "no fee is on two: {all:#?}");
    assert_eq!(said(&all[0])[0], "usage cpu final eu 6: 6");
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test]
async fn what_comes_late_into_a_month_that_nothing_was_billed_of_has_a_statement_of_its_own() {
    let app = App::start().await;
    cloud(&app.admin(), &[("cpu", 1)], &[at_one("cpu")]).await;
    app.advance(TO_MARCH + DAY).await;
    used(&app, "bob", "cpu", 4, MARCH - DAY).await;
    app.advance(0).await;
    let statement = only_statement(&app.user("bob")).await;
    assert_eq!(said(&statement), ["usage cpu final eu 4: 4", "total 4 due 4 open"]);
    assert_eq!(
        (&statement["period_end"], &statement["created_at"]),
        (&json!(MARCH), &json!(MARCH + DAY))
    );
}

//! From a change to its delivery, and what is done with endpoints meanwhile.

use std::time::{Duration, Instant};

use serde_json::json;

use super::receiver::{How, Receiver};
use super::{WEBHOOKS, deliveries_of, delivery_when, is, listen, start};
use crate::api::{ADMIN_PLANS, CLOCK, SUBSCRIPTION, TENANTS, of_plan, plan, subscription_of};
use crate::worker::{DAY, NOW, assert_agrees, make_plan};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_plans_are_told_within_a_second_and_what_was_refused_is_not() {
    let (app, receiver) = (start().await, Receiver::start().await);
    let admin = app.admin();
    let (id, secret) = listen(&admin, &receiver, &["plan.*"]).await;
    let began = Instant::now();
    admin.post(ADMIN_PLANS, plan("pro")).await.ok(201);
    let calls = receiver.calls_when(1).await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let call = &calls[0];
    assert_eq!((call.path.as_str(), call.timestamp()), ("/hooks", NOW));
    assert!(call.is_signed_by(&secret) && call.signatures.len() == 1, "{call:?}");
    let expected = json!({
        "type": "plan.created", "timestamp": "2025-02-05T08:00:00Z", "data": {
            "id": "pro", "version": 1, "is_active": true, "price": 490, "currency": "RUB",
            "interval": "month", "changed_fields": null,
        },
    });
    assert_eq!(call.payload(), expected);

    // Refused: by its id, by a rule, and by what it rests on. And a dry look at it all tells nobody.
    admin.post(ADMIN_PLANS, plan("pro")).await.problem(400);
    admin.put(&subscription_of("bob"), json!({"plan_id": "pro"})).await.ok(201);
    admin.put(&of_plan("pro"), json!({"interval": "year"})).await.problem(400);
    admin.delete(&of_plan("pro")).await.problem(400);
    admin.put(&of_plan("pro"), json!({"price": 500})).await.ok(200);
    admin.patch(&format!("{}/toggle", of_plan("pro"))).await.ok(200);
    admin.patch(&format!("{}/toggle", of_plan("pro"))).await.ok(200);
    admin.post(&format!("{}/duplicate", of_plan("pro")), json!({})).await.ok(201);
    make_plan(&admin, "gone", 1, "month").await;
    admin.delete(&of_plan("gone")).await.ok(200);
    let calls = receiver.calls_when(7).await;
    let mut kinds: Vec<String> = calls.iter().map(super::receiver::Call::kind).collect();
    kinds.sort();
    let expected = [
        "plan.activated",
        "plan.created",
        "plan.created",
        "plan.created",
        "plan.deactivated",
        "plan.deleted",
        "plan.updated",
    ];
    assert_eq!(kinds, expected);
    let updated = calls.iter().find(|call| call.kind() == "plan.updated").unwrap();
    assert_eq!(updated.payload()["data"]["changed_fields"], json!(["price"]));
    delivery_when(&admin, &id, is("delivered")).await;
    assert_eq!(receiver.calls().len(), 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_is_told_through_its_life_also_where_time_brings_it() {
    let (app, receiver) = (start().await, Receiver::start().await);
    let admin = app.admin();
    for (id, price, trial) in [("trial", 490, 7), ("free", 0, 0)] {
        let draft =
            json!({"id": id, "name": id, "price": price, "interval": "month", "trial_days": trial});
        admin.post(ADMIN_PLANS, draft).await.ok(201);
    }
    listen(&admin, &receiver, &["subscription.*"]).await;
    let bob = app.user("bob");
    bob.post(SUBSCRIPTION, json!({"plan_id": "trial"})).await.ok(201);
    receiver.calls_when(1).await;
    bob.post(&format!("{SUBSCRIPTION}/cancel"), json!({})).await.ok(200);
    receiver.calls_when(2).await;
    bob.post(&format!("{SUBSCRIPTION}/resume"), json!({})).await.ok(200);
    receiver.calls_when(3).await;
    app.advance(7 * DAY).await;
    receiver.calls_when(5).await;
    app.advance(3 * DAY).await;
    receiver.calls_when(6).await;
    bob.post(SUBSCRIPTION, json!({"plan_id": "free"})).await.ok(201);
    let calls = receiver.calls_when(7).await;
    let kinds: Vec<String> = calls.iter().map(super::receiver::Call::kind).collect();
    assert_eq!(
        kinds[..3],
        ["subscription.created", "subscription.updated", "subscription.updated"]
    );
    // Told in one commit, so side by side.
    let mut turned = kinds[3..5].to_vec();
    turned.sort();
    assert_eq!(turned, ["subscription.past_due", "subscription.trial_ended"]);
    assert_eq!(kinds[5..], ["subscription.canceled", "subscription.created"]);
    let over = &calls[5].payload()["data"];
    assert_eq!(over["subscription"]["user_id"], "bob");
    assert_eq!(over["previous"], json!({"plan_id": "trial", "status": "past_due"}));
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_secrets_sign_while_they_overlap_and_only_the_new_one_afterwards() {
    let (app, receiver) = (start().await, Receiver::start().await);
    let admin = app.admin();
    let (id, old) = listen(&admin, &receiver, &[]).await;
    let rotate = format!("{WEBHOOKS}/{id}/rotate");
    let rotated = admin.post(&rotate, json!({})).await.ok(200);
    let new = rotated["secret"].as_str().unwrap().to_owned();
    assert_ne!(new, old);
    assert_eq!(rotated["old_secret_until"], NOW + DAY);
    let test = format!("{WEBHOOKS}/{id}/test");
    for (seconds, expected) in [(0, [true, true]), (DAY - 1, [true, true]), (1, [true, false])] {
        app.clock.advance(seconds);
        let told = receiver.calls().len();
        admin.post(&test, json!({})).await.ok(202);
        let calls = receiver.calls_when(told + 1).await;
        let call = calls.last().unwrap();
        assert_eq!([call.is_signed_by(&new), call.is_signed_by(&old)], expected, "{seconds}");
        assert_eq!(call.signatures.len(), expected.iter().filter(|is| **is).count());
    }
    // A secret that somebody else knows is of no use from the next call on.
    let last = admin.post(&rotate, json!({"overlap_hours": 0})).await.ok(200);
    admin.post(&test, json!({})).await.ok(202);
    let calls = receiver.calls_when(4).await;
    assert!(
        calls[3].is_signed_by(last["secret"].as_str().unwrap()) && !calls[3].is_signed_by(&new)
    );
    app.covers(&["webhooks_rotate", "deliveries_test"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_delivered_is_sent_again_under_its_id_and_what_waits_is_sent_at_once() {
    let (app, receiver) = (start().await, Receiver::start().await);
    let admin = app.admin();
    let (id, _) = listen(&admin, &receiver, &["plan.*"]).await;
    admin.post(ADMIN_PLANS, plan("a")).await.ok(201);
    let done = delivery_when(&admin, &id, is("delivered")).await;
    let again = |delivery: &serde_json::Value| {
        format!("{}/{}/redeliver", deliveries_of(&id), delivery["id"].as_str().unwrap())
    };
    app.clock.advance(1);
    let second = admin.post(&again(&done), json!({})).await.ok(202);
    assert_ne!(second["id"], done["id"]);
    let calls = receiver.calls_when(2).await;
    assert_eq!(calls[0].id, calls[1].id);
    assert_eq!(calls[0].payload(), calls[1].payload());
    assert_eq!(second["event_id"], calls[0].id);

    app.clock.advance(1);
    delivery_when(&admin, &id, is("delivered")).await;
    receiver.answers(&[How::Status(500)]);
    admin.post(ADMIN_PLANS, plan("b")).await.ok(201);
    let waits = delivery_when(&admin, &id, super::is_tried(1)).await;
    let hurried = admin.post(&again(&waits), json!({})).await.ok(202);
    assert_eq!(hurried["id"], waits["id"]);
    let calls = receiver.calls_when(4).await;
    assert_eq!(calls[2].id, calls[3].id);

    let page = |query: &str| format!("{}?{query}", deliveries_of(&id));
    delivery_when(&admin, &id, is("delivered")).await;
    for (query, total) in
        [("", 3), ("state=delivered", 3), ("state=pending", 0), ("state=failed", 0)]
    {
        let listed = admin.get(&page(query)).await.ok(200);
        assert_eq!(listed["total"], total, "{query}");
    }
    let oldest = admin.get(&page("page=3&page_size=1")).await.ok(200);
    assert_eq!(oldest["items"][0]["id"], done["id"]);
    admin.get(&page("state=lost")).await.problem(400);
    admin.post(&again(&json!({"id": "whd_none"})), json!({})).await.problem(404);
    app.covers(&["deliveries_list", "deliveries_redeliver"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_told_across_tenants_and_nothing_to_an_endpoint_that_is_gone_or_off() {
    let app = start().await;
    app.make_tenants(&["acme", "beta"]).await;
    let (of_acme, of_beta) = (Receiver::start().await, Receiver::start().await);
    let acme = app.of_tenant("acme", "root", "admin");
    let beta = app.of_tenant("beta", "root", "admin");
    let (acme_id, _) = listen(&acme, &of_acme, &[]).await;
    let (beta_id, _) = listen(&beta, &of_beta, &[]).await;
    for path in [format!("{WEBHOOKS}/{acme_id}"), deliveries_of(&acme_id)] {
        beta.get(&path).await.problem(404);
    }
    beta.delete(&format!("{WEBHOOKS}/{acme_id}")).await.problem(404);

    // One waits for each when they go.
    of_acme.answers(&[How::Status(500)]);
    of_beta.answers(&[How::Status(500)]);
    acme.post(ADMIN_PLANS, plan("a")).await.ok(201);
    beta.post(ADMIN_PLANS, plan("b")).await.ok(201);
    delivery_when(&acme, &acme_id, super::is_tried(1)).await;
    delivery_when(&beta, &beta_id, super::is_tried(1)).await;
    assert_eq!(of_acme.calls()[0].payload()["data"]["id"], "a");
    assert_eq!(of_beta.calls()[0].payload()["data"]["id"], "b");
    acme.delete(&format!("{WEBHOOKS}/{acme_id}")).await.ok(204);
    let off = json!({"enabled": false});
    beta.put(&format!("{WEBHOOKS}/{beta_id}"), off).await.ok(200);
    app.clock.advance(10);
    acme.post(ADMIN_PLANS, plan("c")).await.ok(201);
    beta.post(ADMIN_PLANS, plan("d")).await.ok(201);
    let given_up = delivery_when(&beta, &beta_id, is("failed")).await;
    assert_eq!(given_up["attempts"].as_array().unwrap().len(), 1);
    beta.post(&format!("{WEBHOOKS}/{beta_id}/test"), json!({})).await.problem(409);
    acme.get(&deliveries_of(&acme_id)).await.problem(404);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!((of_acme.calls().len(), of_beta.calls().len()), (1, 1));
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sandbox_hears_at_once_however_far_ahead_its_clock_is() {
    let (app, receiver) = (start().await, Receiver::start().await);
    let draft = json!({"id": "sand", "name": "Sand", "sandbox": true});
    app.operator().post(TENANTS, draft).await.ok(201);
    let admin = app.of_tenant("sand", "root", "admin");
    let (id, _) = listen(&admin, &receiver, &["plan.*"]).await;
    admin.put(CLOCK, json!({"now": NOW + 3_650 * DAY})).await.ok(200);
    receiver.answers(&[How::Status(503)]);
    admin.post(ADMIN_PLANS, plan("a")).await.ok(201);
    let tried = delivery_when(&admin, &id, super::is_tried(1)).await;
    assert_eq!(tried["occurred_at"], NOW + 3_650 * DAY);
    app.clock.advance(6);
    let calls = receiver.calls_when(2).await;
    assert_eq!(calls[1].timestamp(), NOW + 6);
}

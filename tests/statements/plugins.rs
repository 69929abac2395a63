//! Who prices a statement: a plugin that refuses or fails holds up nobody else, and one that is swapped in the middle of
//! a run prices whole statements or none.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    ADMIN_STATEMENTS, DAY, TO_MARCH, UPCOMING, at_one, cloud, only_statement, phase, priced,
    put_book, said, uses,
};
use crate::api::plugin_bindings::{of_hook, told};
use crate::api::plugin_uploads::{PLUGINS, PRICING, uploaded};
use crate::api::{BATCH, SETTINGS, USERS};
use crate::harness::{Actor, App};
use crate::worker::assert_agrees;

async fn currency(admin: &Actor, user: &str, currency: Value) {
    let body = json!({"user": {"currency": currency}}).to_string();
    admin.send(Method::PATCH, &format!("{USERS}/{user}"), &body).await.ok(200);
}

#[tokio::test]
async fn what_has_no_price_fails_says_why_and_is_written_once_it_has_one() {
    let app = App::start().await;
    let admin = app.admin();
    cloud(&admin, &[("cpu", 1)], &[at_one("cpu")]).await;
    let (bob, eve) = (app.user("bob"), app.user("eve"));
    uses(&bob, "cpu", 5).await;
    uses(&eve, "cpu", 7).await;
    currency(&admin, "bob", json!("EUR")).await;
    let preview = bob.get(UPCOMING).await.ok(200);
    let reason = preview[0]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("no price in EUR for the region 'eu'"), "{reason}");
    app.advance(TO_MARCH).await;
    assert_eq!(said(&only_statement(&eve).await)[0], "usage cpu final eu 7: 7");
    let failed = only_statement(&bob).await;
    assert_eq!(said(&failed), ["total 0 due 0 failed"]);
    assert_eq!((&failed["reason"], &failed["currency"]), (&json!(reason), &json!("EUR")));
    let listed = admin.get(&format!("{ADMIN_STATEMENTS}?status=failed")).await.ok(200);
    assert_eq!((&listed["total"], &listed["items"][0]), (&json!(1), &failed));

    // Usage still comes into the window, which is open; a second attempt fails for another reason.
    super::used(&app, "bob", "cpu", 1, super::MARCH - DAY).await;
    currency(&admin, "bob", Value::Null).await;
    admin.put(SETTINGS, json!({"currency": null})).await.ok(200);
    app.advance(59).await;
    assert_eq!(only_statement(&bob).await["reason"], json!(reason), "it is not time yet");
    app.advance(1).await;
    let failed = only_statement(&bob).await;
    assert!(failed["reason"].as_str().unwrap().contains("in what currency"), "{failed}");
    assert_eq!(failed["currency"], Value::Null);
    admin.put(SETTINGS, json!({"currency": "USD"})).await.ok(200);
    app.advance(299).await;
    assert_eq!(only_statement(&bob).await["status"], "failed");
    app.advance(1).await;
    let written = only_statement(&bob).await;
    assert_eq!(said(&written), ["usage cpu final eu 6: 6", "total 6 due 6 open"]);
    for field in ["id", "created_at", "period_end"] {
        assert_eq!(written[field], failed[field], "it is the same statement");
    }
    assert_eq!(written["reason"], Value::Null);
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn those_who_try_in_the_same_instant_have_tried_once() {
    const USERS: usize = 40;
    let app = App::start().await;
    let admin = app.admin();
    let prices = [("eu", Value::Null, "2"), ("us", Value::Null, "2")];
    let cpu = priced("cpu", "volume", &[phase("final", None, &prices)]);
    cloud(&admin, &[("cpu", 1)], &[cpu]).await;
    meter(&app, USERS).await;
    admin.put(SETTINGS, json!({"currency": null})).await.ok(200);
    app.clock.advance(TO_MARCH);
    tokio::join!(app.advance(0), app.advance(0), app.advance(0), app.advance(0));
    admin.put(SETTINGS, json!({"currency": "USD"})).await.ok(200);
    // Whoever has failed twice would wait for five minutes.
    app.advance(60).await;
    let open = admin.get(&format!("{ADMIN_STATEMENTS}?status=open")).await.ok(200);
    assert_eq!(open["total"], USERS);
}

#[tokio::test]
async fn a_product_or_book_that_is_gone_fails_until_there_are_prices_again() {
    let app = App::start().await;
    let admin = app.admin();
    cloud(&admin, &[("cpu", 1), ("disk", 1)], &[at_one("cpu"), at_one("disk")]).await;
    let bob = app.user("bob");
    uses(&bob, "cpu", 5).await;
    put_book(&admin, &[at_one("disk")]).await;
    app.advance(TO_MARCH).await;
    let failed = only_statement(&bob).await;
    let reason =
        "Billing plan 'Cloud' does not price 'cpu' in the phase final any more. Add it again.";
    assert_eq!(failed["reason"], reason);
    put_book(&admin, &[at_one("disk"), at_one("cpu")]).await;
    app.advance(60).await;
    assert_eq!(said(&only_statement(&bob).await)[0], "usage cpu final eu 5: 5");
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test]
async fn a_plugin_that_fails_is_named_and_the_statements_of_other_tenants_are_written() {
    let app = App::start().await;
    app.make_tenants(&["acme"]).await;
    let (acme, other) = (app.of_tenant("acme", "root", "admin"), app.admin());
    for admin in [&acme, &other] {
        cloud(admin, &[("cpu", 1)], &[at_one("cpu")]).await;
        let event = json!({"metric": "cpu", "amount": 5, "user_id": "bob"});
        admin.post(BATCH, json!({"events": [event]})).await.ok(200);
    }
    let digest = uploaded(&acme, "", PRICING).await;
    acme.put(&of_hook("pricing"), told(&digest, "panic")).await.ok(200);
    app.advance(TO_MARCH).await;
    let bob = app.of_tenant("acme", "bob", "user");
    let failed = only_statement(&bob).await;
    assert!(failed["reason"].as_str().unwrap().contains("planwright-test-pricing"), "{failed}");
    assert_eq!(said(&only_statement(&app.user("bob")).await)[0], "usage cpu final eu 5: 5");
    acme.put(&of_hook("pricing"), told(&digest, "flat")).await.ok(200);
    app.advance(60).await;
    let written = only_statement(&bob).await;
    assert_eq!(said(&written), ["usage cpu final eu 5: 1", "total 1 due 1 open"]);
    let by = &written["lines"][0]["plugin"];
    assert_eq!(by, &json!({"name": "planwright-test-pricing", "digest": digest}));
    // What priced a statement is kept.
    acme.delete(&of_hook("pricing")).await.ok(200);
    let refused = acme.delete(&format!("{PLUGINS}/{digest}")).await;
    assert!(refused.problem(409).contains("has priced what somebody was charged"));
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

/// In two regions, so that a statement takes two questions.
async fn meter(app: &App, users: usize) {
    let admin = app.admin();
    for region in [1, 2] {
        admin.put(SETTINGS, json!({"region_id": region})).await.ok(200);
        let events: Vec<Value> = (0..users)
            .map(|user| json!({"metric": "cpu", "amount": 5, "user_id": format!("user_{user}")}))
            .collect();
        admin.post(BATCH, json!({"events": events})).await.ok(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_swap_in_the_middle_of_a_run_leaves_every_statement_wholly_old_or_new() {
    const USERS: usize = 1_000;
    let app = App::start().await;
    let admin = app.admin();
    let prices = [("eu", Value::Null, "2"), ("us", Value::Null, "2")];
    let cpu = priced("cpu", "volume", &[phase("final", None, &prices)]);
    cloud(&admin, &[("cpu", 1)], &[cpu]).await;
    let digest = uploaded(&admin, "", PRICING).await;
    let total = async || {
        let page = admin.get(&format!("{ADMIN_STATEMENTS}?page_size=1")).await.ok(200);
        usize::try_from(page["total"].as_u64().unwrap()).unwrap()
    };
    let bind = async |is_own: bool| {
        if is_own {
            admin.put(&of_hook("pricing"), told(&digest, "flat")).await.ok(200);
        } else {
            admin.delete(&of_hook("pricing")).await.ok(200);
        }
    };
    // In February from the standard one to the other, and in March back.
    for (written, days, is_own_then) in [(0, TO_MARCH, true), (USERS, 31 * DAY, false)] {
        meter(&app, USERS).await;
        app.clock.advance(days);
        // The server has begun by itself, or does so now.
        let closing = async {
            while total().await < written + USERS {
                app.advance(0).await;
            }
        };
        let swapping = async {
            while total().await == written {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            bind(is_own_then).await;
            total().await
        };
        let ((), by_then) = tokio::join!(closing, swapping);
        assert!(by_then < written + USERS, "all was written before anything was swapped");
    }
    let (mut seen, mut users) = (BTreeSet::new(), BTreeMap::new());
    for page in 1..=2 * USERS / 100 {
        let path = format!("{ADMIN_STATEMENTS}?page_size=100&page={page}");
        for statement in admin.get(&path).await.ok(200)["items"].as_array().unwrap() {
            let lines = statement["lines"].as_array().unwrap();
            let by: BTreeSet<_> =
                lines.iter().map(|line| line["plugin"]["name"].to_string()).collect();
            assert_eq!((lines.len(), by.len()), (2, 1), "{statement}");
            // The standard one charges 10 a line, the other one 1.
            let each = if by.contains("\"planwright-test-pricing\"") { 1 } else { 10 };
            assert_eq!(statement["total"], 2 * each, "{statement}");
            seen.extend(by);
            *users.entry(statement["user_id"].to_string()).or_insert(0) += 1;
        }
    }
    assert_eq!(seen.len(), 2, "statements of both: {seen:?}");
    assert_eq!(users.len(), USERS);
    assert!(users.values().all(|count| *count == 2), "one for each month and user: {users:?}");
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

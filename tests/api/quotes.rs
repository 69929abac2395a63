//! Quotes: for admins by a billing plan, for users by their own.

use serde_json::{Value, json};

use super::billing_plans::cloud;
use super::catalog::CATALOG;
use super::entries::{change, product};
use super::plugin_bindings::{of_hook, told};
use super::plugin_uploads::{PRICING, uploaded};
use super::{ADMIN_PLANS, BILLING_PLANS, PRODUCTS, SUBSCRIPTION, USER_GROUPS, USERS, plan};
use crate::harness::{App, claims};

const QUOTE: &str = "/api/v1/billing/quote";
const QUOTE_OF_PLAN: &str = "/api/admin/billing_plans/1/quote";
const SETTINGS: &str = "/api/v1/admin/settings";

fn asked(more: Value) -> Value {
    let lines = json!([{"external_id": "cpu", "quantity": 12_000}]);
    let mut asked = json!({"currency": "USD", "region": "eu", "lines": lines});
    if let (Value::Object(asked), Value::Object(more)) = (&mut asked, more) {
        asked.extend(more);
    }
    asked
}

#[tokio::test]
async fn a_quote_shows_its_steps_and_who_made_it() {
    let app = App::start().await;
    let admin = app.admin();
    cloud(&admin).await;
    let quote = admin.post(QUOTE_OF_PLAN, asked(json!({}))).await.ok(200);
    // 12,000 are 12 units: 10 at 0.5, 2 at 0.25.
    assert_eq!((&quote["currency"], &quote["total"]), (&json!("USD"), &json!(5.5)));
    let charge = &quote["charges"][0];
    assert_eq!((&charge["external_id"], &charge["phase"]), (&json!("cpu"), &json!("final")));
    let steps: Vec<_> = charge["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["quantity"].clone(), step["unit_price"].clone(), step["amount"].clone()))
        .collect();
    assert_eq!(steps, [(json!(10), json!(0.5), json!(5)), (json!(2), json!(0.25), json!(0.5))]);
    assert_eq!(quote["plugin"]["name"], "planwright-pricing");
    assert_eq!(quote["plugin"]["digest"].as_str().unwrap().len(), 64);

    let trial = admin.post(QUOTE_OF_PLAN, asked(json!({"phase": "trial"}))).await.ok(200);
    assert_eq!((&trial["total"], &trial["charges"][0]["phase"]), (&json!(0), &json!("trial")));
    app.covers(&["quotes_of_plan"]);
}

#[tokio::test]
async fn what_cannot_be_priced_is_refused_by_its_place() {
    let app = App::start().await;
    let admin = app.admin();
    cloud(&admin).await;
    let lines = |id: &str, quantity: Value| {
        json!({"lines": [
            {"external_id": "cpu", "quantity": 1}, {"external_id": id, "quantity": quantity},
        ]})
    };
    for (more, field, code) in [
        (lines("disk", json!(1)), "lines[1].external_id", "not_priced"),
        (lines("cpu", json!(1)), "lines[1].external_id", "product_repeated"),
        (lines("disk", json!(-1)), "lines[1].quantity", "out_of_range"),
        (lines("disk", json!("0.0000001")), "lines[1].quantity", "too_many_digits"),
        (json!({"phase": "discount"}), "lines[0].external_id", "not_priced"),
        (json!({"currency": "EUR"}), "lines[0].quantity", "no_price"),
        (json!({"region": "mars"}), "region", "unknown_name"),
        (json!({"currency": null}), "currency", "missing_currency"),
        (json!({"region": null}), "lines[0].quantity", "no_region"),
        (json!({"user_id": "\n"}), "user_id", "invalid_user_id"),
        (json!({"lines": []}), "lines", "out_of_range"),
    ] {
        let refused = admin.post(QUOTE_OF_PLAN, asked(more.clone())).await;
        refused.problem(422);
        let errors = refused.field_errors();
        assert_eq!((errors[0].0.as_str(), errors[0].1.as_str()), (field, code), "{more}");
    }
    for more in [json!({"phase": "sale"}), json!({"at": "soon"}), json!({"quantity": 1})] {
        admin.post(QUOTE_OF_PLAN, asked(more)).await.problem(400);
    }
    let other = QUOTE_OF_PLAN.replace('1', "7");
    admin.post(&other, asked(json!({}))).await.problem(404);
    // A list of tiers that ends has no price behind its end.
    let last = "/billing_resources/1/billing_phases/1/billing_resource_prices/3";
    assert_eq!(admin.delete(&format!("{BILLING_PLANS}/1{last}")).await.status, 204);
    let refused = admin.post(QUOTE_OF_PLAN, asked(json!({}))).await;
    assert!(refused.problem(422).contains("'cpu'"));
    assert_eq!(
        refused.field_errors()[0],
        ("lines[0].quantity".to_owned(), "past_last_tier".to_owned())
    );
}

#[tokio::test]
async fn a_user_is_priced_by_the_plans_book_else_the_groups_and_by_the_own_clock() {
    let app = App::start().await;
    let admin = app.admin();
    cloud(&admin).await;
    let user = app.user("alice");
    assert!(user.post(QUOTE, asked(json!({}))).await.problem(404).contains("no billing plan"));
    let group = json!({"name": "staff", "billing_plan_id": 1, "is_default": true});
    admin.post(USER_GROUPS, json!({"user_group": group})).await.ok(201);
    let settings = json!({"currency": "USD", "region_id": 1});
    admin.put(SETTINGS, settings).await.ok(200);
    let plain = json!({"lines": [{"external_id": "cpu", "quantity": 1000}]});
    // Nobody's clock runs yet, so that it would begin with the use.
    let quote = user.post(QUOTE, plain.clone()).await.ok(200);
    assert_eq!((&quote["charges"][0]["phase"], &quote["total"]), (&json!("trial"), &json!(0)));
    admin
        .post(USERS, json!({"user": {"id": "alice", "phase_started": "2025-01-29T08:00:00Z"}}))
        .await
        .ok(201);
    let phase = |quote: Value| quote["charges"][0]["phase"].clone();
    assert_eq!(phase(user.post(QUOTE, plain.clone()).await.ok(200)), "final", "7 days are over");
    let mut before = plain.clone();
    before["at"] = json!(1_738_742_399);
    assert_eq!(phase(user.post(QUOTE, before).await.ok(200)), "trial", "a second before");

    // The plan's own book comes before the group's.
    admin.post(PRODUCTS, product("disk", 1)).await.ok(201);
    admin.post(BILLING_PLANS, json!({"billing_plan": {"name": "Disks"}})).await.ok(201);
    let document = json!({"billing_plan": {"name": "Disks", "billing_resources": [{
        "product": "disk", "billing_phases": [{"phase_type": "final", "billing_resource_prices": [
            {"currency": "USD", "price": 2, "regions": ["eu"]},
        ]}],
    }]}});
    admin.put(&format!("{BILLING_PLANS}/2/document"), document).await.ok(200);
    let mut free = plan("free");
    free["price"] = json!(0);
    free["billing_plan_id"] = json!(2);
    admin.post(ADMIN_PLANS, free).await.ok(201);
    user.post(SUBSCRIPTION, json!({"plan_id": "free"})).await.ok(201);
    let disks = json!({"lines": [{"external_id": "disk", "quantity": 3}]});
    assert_eq!(user.post(QUOTE, disks.clone()).await.ok(200)["total"], 6);
    user.post(QUOTE, plain.clone()).await.problem(422);

    // Somebody else is an admin's to ask about; a group that is noted wins over the one of credentials.
    let mut of_bob = plain.clone();
    of_bob["user_id"] = json!("bob");
    user.post(QUOTE, of_bob.clone()).await.problem(401);
    admin.post(QUOTE, of_bob).await.ok(200);
    admin
        .post(USER_GROUPS, json!({"user_group": {"name": "disks", "billing_plan_id": 2}}))
        .await
        .ok(201);
    let mut eve = claims("eve", "user");
    eve.group = Some("disks".to_owned());
    let eve = app.with_claims(&eve);
    assert_eq!(eve.post(QUOTE, disks.clone()).await.ok(200)["total"], 6);
    change(&admin, &format!("{USERS}/eve"), json!({"user": {"user_group_id": 1}})).await.ok(200);
    eve.post(QUOTE, disks.clone()).await.problem(422);
    change(&admin, &format!("{USERS}/eve"), json!({"user": {"user_group_id": 2}})).await.ok(200);
    assert_eq!(eve.post(QUOTE, disks).await.ok(200)["total"], 6);
    app.covers(&["quotes_of_user"]);
}

#[tokio::test]
async fn a_tenant_has_prices_of_its_own_and_what_its_plugin_should_not_say_is_not_believed() {
    let app = App::start().await;
    app.make_tenants(&["acme"]).await;
    let (acme, other) = (app.of_tenant("acme", "root", "admin"), app.admin());
    for admin in [&acme, &other] {
        cloud(admin).await;
        admin.post(PRODUCTS, product("disk", 1)).await.ok(201);
        let resource = json!({"billing_resource": {"product_id": 2}});
        let resources = format!("{BILLING_PLANS}/1/billing_resources");
        admin.post(&resources, resource).await.ok(201);
    }
    let digest = uploaded(&acme, "", PRICING).await;
    let two = asked(json!({"lines": [
        {"external_id": "cpu", "quantity": 1}, {"external_id": "disk", "quantity": 5},
    ]}));
    let bind = async |behaviour: &str| {
        acme.put(&of_hook("pricing"), told(&digest, behaviour)).await.ok(200);
        acme.post(QUOTE_OF_PLAN, two.clone()).await
    };
    let quote = bind("flat").await.ok(200);
    assert_eq!((&quote["total"], &quote["plugin"]["digest"]), (&json!(2), &json!(digest)));
    // Nobody else has these prices: the standard ones have none for the disk.
    other.post(QUOTE_OF_PLAN, two.clone()).await.problem(422);
    for (behaviour, field) in [("refuse-last", "lines[1].quantity"), ("refuse-other", "lines")] {
        let refused = bind(behaviour).await;
        assert_eq!(refused.problem(422), "This line is refused, as asked.");
        assert_eq!(refused.field_errors(), [(field.to_owned(), "as_told".to_owned())]);
    }
    for (behaviour, reason) in [
        ("short", "1 charges for 2 lines"),
        ("swap", "where that of line 0 belongs"),
        ("negative", "charges are 0 or more"),
        ("fine", "USD has 2 fraction digits"),
        ("other-phase", "a phase that was not asked about"),
        ("flood", "planwright-test-pricing"),
        ("panic", "planwright-test-pricing"),
    ] {
        let failed = bind(behaviour).await;
        let said = failed.problem(503);
        assert!(said.contains(reason) && said.contains("planwright-test-pricing"), "{said}");
    }
    assert_eq!(bind("flat").await.ok(200)["total"], 2);
}

/// A hundred products with as many prices as a billing plan holds: 50 tiers in each of two currencies, numbers with all
/// digits that they may have, names as long as they may be, and units that leave fractions.
fn largest() -> (Value, Value) {
    let region = "r".repeat(100);
    let id = |at: usize| format!("{at:03}{}", "p".repeat(61));
    let tier = |currency: &str, at: u64| {
        let end = (at < 49).then(|| format!("{}.000001", (at + 1) * 1_000));
        let price = format!("123456.{:09}", 999_999_999 - at);
        json!({"currency": currency, "max_qty": end, "price": price, "regions": [region]})
    };
    let prices = |currency| (0..50).map(move |at| tier(currency, at)).collect::<Vec<_>>();
    let prices = [prices("USD"), prices("KWD")].concat();
    let catalog = json!({
        "regions": [{"name": region}],
        "products": (0..100).map(|at| json!({
            "external_id": id(at), "label": "P", "resource_kind": "resource", "unit": 7,
        })).collect::<Vec<_>>(),
        "billing_plans": [{"name": "Largest", "billing_resources": (0..100).map(|at| json!({
            "product": id(at), "tier_mode": "graduated",
            "billing_phases": [{"phase_type": "final", "billing_resource_prices": prices}],
        })).collect::<Vec<_>>()}],
    });
    // Past the end of the last tier but one: 49,000 and more units of 7.
    let line = |at| json!({"external_id": id(at), "quantity": "350000.123457"});
    let lines: Vec<Value> = (0..100).map(line).collect();
    (catalog, json!({"currency": "USD", "region": region, "lines": lines}))
}

#[tokio::test]
async fn the_largest_question_is_answered_within_its_bounds() {
    let app = App::start().await;
    let admin = app.admin();
    let (catalog, question) = largest();
    assert!(catalog.to_string().len() > 1 << 20, "larger than bodies of other routes");
    admin.put(CATALOG, catalog).await.ok(200);
    let quote = admin.post(QUOTE_OF_PLAN, question).await.ok(200);
    let charges = quote["charges"].as_array().unwrap();
    assert_eq!(charges.len(), 100);
    for charge in charges {
        assert_eq!(charge["steps"].as_array().unwrap().len(), 50);
        assert_eq!(charge["amount"], charges[0]["amount"]);
    }
}

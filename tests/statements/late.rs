//! Usage that comes late costs what it would have cost in time, whatever prices and plugins are by now.

use serde_json::{Value, json};

use super::{
    ADMIN_STATEMENTS, DAY, MARCH, TO_MARCH, UPCOMING, at_one, cloud, only_statement, phase, priced,
    put_book, said, statements, used, uses,
};
use crate::api::payments::{begin, tell, text, with_provider};
use crate::api::plugin_bindings::{of_hook, told};
use crate::api::plugin_uploads::{PRICING, uploaded};
use crate::api::{ADMIN_PLANS, SETTINGS, SUBSCRIPTION};
use crate::harness::{Actor, App};
use crate::worker::assert_agrees;

/// A product by tiers, for ever: each up to a quantity or without end, and its price.
fn by_tiers(product: &str, tier_mode: &str, tiers: &[(Value, &str)]) -> Value {
    let tiers: Vec<_> = tiers.iter().map(|(most, price)| ("eu", most.clone(), *price)).collect();
    priced(product, tier_mode, &[phase("final", None, &tiers)])
}

/// A product at one price.
fn at(product: &str, price: &str) -> Value {
    by_tiers(product, "volume", &[(Value::Null, price)])
}

/// The lines of the newest statement, without those of usage in time, and what they are for people.
async fn adjustments(user: &Actor) -> Vec<(String, String)> {
    let newest = statements(user).await.remove(0);
    let lines = newest["lines"].as_array().unwrap().clone().into_iter().zip(said(&newest));
    let late = lines.filter(|(line, _)| line["kind"] == "adjustment");
    late.map(|(line, said)| (said, line["description"].as_str().unwrap().to_owned())).collect()
}

fn line(said: &str, description: &str) -> (String, String) {
    (said.to_owned(), description.to_owned())
}

/// From now on a window of bob's ends each day.
async fn daily(app: &App) {
    let daily = json!({"id": "daily", "name": "Daily", "price": 0, "interval": "day"});
    app.admin().post(ADMIN_PLANS, daily).await.ok(201);
    app.user("bob").post(SUBSCRIPTION, json!({"plan_id": "daily"})).await.ok(201);
}

/// All that was billed is said again by whoever said it.
async fn assert_replays(admin: &Actor) {
    let period = json!({"from": 0, "to": MARCH * 2});
    let replay = admin.post("/api/v1/admin/statements/replay", period).await.ok(200);
    assert_eq!(
        (&replay["identical"], &replay["unanswered"]),
        (&json!(true), &json!(0)),
        "{replay}"
    );
}

#[tokio::test]
async fn what_comes_late_is_billed_by_the_prices_of_then_however_often() {
    let app = App::start().await;
    let (admin, bob) = (app.admin(), app.user("bob"));
    let tiers = [(json!(10), "2"), (Value::Null, "1")];
    let (cpu, disk) = (by_tiers("cpu", "volume", &tiers), by_tiers("disk", "graduated", &tiers));
    cloud(&admin, &[("cpu", 1), ("disk", 1)], &[cpu, disk]).await;
    for product in ["cpu", "disk"] {
        uses(&bob, product, 8).await;
    }
    app.advance(TO_MARCH).await;
    assert_eq!(
        said(&only_statement(&bob).await),
        ["usage cpu final eu 8: 16", "usage disk final eu 8: 16", "total 32 due 32 open"]
    );
    daily(&app).await;
    for (price, amount, expected) in [
        // A rise costs nothing more: two at 2.
        ("7", 2, ["cpu final eu 2: 4", "disk final eu 2: 4"]),
        // The next tier of then begins: twelve at 1 are less than was billed of cpu.
        ("0.5", 2, ["cpu final eu 2: 0", "disk final eu 2: 2"]),
        // What was billed is not billed twice: 21 at 1, of which 20 were.
        ("0", 9, ["cpu final eu 9: 1", "disk final eu 9: 9"]),
    ] {
        put_book(&admin, &[at("cpu", price), at("disk", price)]).await;
        for product in ["cpu", "disk"] {
            used(&app, "bob", product, amount, MARCH - DAY).await;
        }
        let preview = bob.get(UPCOMING).await.ok(200);
        app.advance(DAY).await;
        let expected = expected.map(|said| {
            let (product, _) = said.split_once(' ').unwrap();
            line(&format!("adjustment {said}"), &format!("{product} (final, eu) that came late"))
        });
        assert_eq!(adjustments(&bob).await, expected);
        assert_eq!(said(&preview[0])[..2], expected.map(|(said, _)| said));
    }
    assert_replays(&admin).await;
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test]
async fn what_has_no_price_of_then_is_billed_by_the_prices_of_now_and_says_so() {
    let app = App::start().await;
    let (admin, bob) = (app.admin(), app.user("bob"));
    let short = by_tiers("cpu", "volume", &[(json!(10), "2")]);
    cloud(&admin, &[("cpu", 1), ("disk", 1)], &[short, at("disk", "1")]).await;
    uses(&bob, "cpu", 8).await;
    app.advance(TO_MARCH).await;
    daily(&app).await;
    let of_now =
        |product: &str| format!("{product} (final, eu) that came late, by the prices of now");
    let late = async |product: &str, amount: u64| {
        used(&app, "bob", product, amount, MARCH - DAY).await;
        app.advance(DAY).await;
        adjustments(&bob).await
    };
    // Nothing was used of it then. What comes later still is billed by the prices that the first was billed by.
    put_book(&admin, &[at("cpu", "5"), at("disk", "3")]).await;
    assert_eq!(late("disk", 2).await, [line("adjustment disk final eu 2: 6", &of_now("disk"))]);
    put_book(&admin, &[at("cpu", "5"), at("disk", "4")]).await;
    let of_then = "disk (final, eu) that came late";
    assert_eq!(late("disk", 2).await, [line("adjustment disk final eu 2: 6", of_then)]);
    // The prices of then end at ten: twelve at 5 less what was billed.
    assert_eq!(late("cpu", 4).await, [line("adjustment cpu final eu 4: 44", &of_now("cpu"))]);
    put_book(&admin, &[at("cpu", "9"), at("disk", "4")]).await;
    let of_then = "cpu (final, eu) that came late";
    assert_eq!(late("cpu", 1).await, [line("adjustment cpu final eu 1: 5", of_then)]);
    assert_replays(&admin).await;
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test]
async fn what_comes_late_is_priced_by_the_component_of_then_and_needs_no_price_book() {
    let app = App::start().await;
    let (admin, bob) = (app.admin(), app.user("bob"));
    cloud(&admin, &[("cpu", 1), ("disk", 1)], &[at_one("cpu"), at_one("disk")]).await;
    let digest = uploaded(&admin, "", PRICING).await;
    let bind = async |behaviour: &str| {
        admin.put(&of_hook("pricing"), told(&digest, behaviour)).await.ok(200);
    };
    // A line rests on the others: the first one costs all that is used.
    bind("together").await;
    for product in ["cpu", "disk"] {
        uses(&bob, product, 8).await;
    }
    app.advance(TO_MARCH).await;
    assert_eq!(
        said(&only_statement(&bob).await),
        ["usage cpu final eu 8: 16", "usage disk final eu 8: 0", "total 16 due 16 open"]
    );
    daily(&app).await;
    bind("panic").await;
    used(&app, "bob", "disk", 1, MARCH - DAY).await;
    put_book(&admin, &[]).await;
    app.advance(DAY).await;
    let late = |product: &str| format!("{product} (final, eu) that came late");
    assert_eq!(
        adjustments(&bob).await,
        [
            line("adjustment cpu final eu 0: 1", &late("cpu")),
            line("adjustment disk final eu 1: 0", &late("disk")),
        ]
    );
    let newest = statements(&bob).await.remove(0);
    assert_eq!(newest["lines"][0]["plugin"]["digest"], digest);
    assert_replays(&admin).await;
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test]
async fn a_component_of_then_that_fails_at_so_much_leaves_it_to_the_one_of_now() {
    let app = App::start().await;
    let (admin, bob) = (app.admin(), app.user("bob"));
    cloud(&admin, &[("cpu", 1)], &[at_one("cpu")]).await;
    let digest = uploaded(&admin, "", PRICING).await;
    admin.put(&of_hook("pricing"), told(&digest, "panic-past-ten")).await.ok(200);
    uses(&bob, "cpu", 8).await;
    app.advance(TO_MARCH).await;
    daily(&app).await;
    admin.delete(&of_hook("pricing")).await.ok(200);
    for (amount, expected) in [
        (1, line("adjustment cpu final eu 1: 0", "cpu (final, eu) that came late")),
        (
            3,
            line(
                "adjustment cpu final eu 3: 11",
                "cpu (final, eu) that came late, by the prices of now",
            ),
        ),
    ] {
        used(&app, "bob", "cpu", amount, MARCH - DAY).await;
        app.advance(DAY).await;
        assert_eq!(adjustments(&bob).await, [expected]);
    }
    let failed = admin.get(&format!("{ADMIN_STATEMENTS}?status=failed")).await.ok(200);
    assert_eq!(failed["total"], 0);
    assert_replays(&admin).await;
}

#[tokio::test]
async fn what_comes_late_and_costs_nothing_has_a_line_that_says_so() {
    let app = App::start().await;
    let (admin, bob) = (app.admin(), app.user("bob"));
    let packages = by_tiers("cpu", "per-package", &[(Value::Null, "3")]);
    cloud(&admin, &[("cpu", 10)], &[packages]).await;
    uses(&bob, "cpu", 8).await;
    app.advance(TO_MARCH).await;
    daily(&app).await;
    // It is in the package that was billed.
    used(&app, "bob", "cpu", 2, MARCH - DAY).await;
    app.advance(DAY).await;
    let newest = statements(&bob).await.remove(0);
    assert_eq!(said(&newest), ["adjustment cpu final eu 2: 0", "total 0 due 0 paid"]);
    assert_eq!(newest["lines"][0]["billed_before"], 3);
}

#[tokio::test]
async fn what_comes_late_and_is_credit_are_shown_once_however_many_windows_are_open() {
    let (app, provider) = with_provider().await;
    let admin = app.admin();
    let in_rubles = at_one("cpu").to_string().replace("USD", "RUB");
    cloud(&admin, &[("cpu", 1)], &[serde_json::from_str(&in_rubles).unwrap()]).await;
    admin.put(SETTINGS, json!({"currency": "RUB"})).await.ok(200);
    let bob = app.user("bob");
    uses(&bob, "cpu", 3).await;
    app.advance(TO_MARCH).await;
    daily(&app).await;
    uses(&bob, "cpu", 2).await;
    // What is paid for a plan that is left at once is credit: 490.
    bob.post(&format!("{SUBSCRIPTION}/cancel"), json!({"immediate": true})).await.ok(200);
    let id = text(&begin(&bob, "pro").await["payment_id"]);
    provider.pay(&id);
    tell(&app, "payment.succeeded", json!({"id": id})).await;
    let change = json!({"plan_id": "daily", "when": "now"});
    bob.post(&format!("{SUBSCRIPTION}/change"), change).await.ok(200);
    bob.post(&format!("{SUBSCRIPTION}/cancel"), json!({"immediate": true})).await.ok(200);
    // Two windows are open that have usage: the day, and the month of whoever has no plan.
    uses(&bob, "cpu", 600).await;
    used(&app, "bob", "cpu", 4, MARCH - DAY).await;
    let preview = bob.get(UPCOMING).await.ok(200);
    let preview: Vec<_> = preview.as_array().unwrap().iter().map(said).collect();
    let count = |what: &str| preview.iter().flatten().filter(|line| line.contains(what)).count();
    assert_eq!(count("adjustment"), 1, "{preview:#?}");
    app.advance(31 * DAY).await;
    let mut written: Vec<_> = statements(&bob).await.iter().map(said).collect();
    written.pop();
    let upcoming = |lines: &[String]| -> Vec<String> {
        lines
            .iter()
            .map(|line| line.replace(" open", " upcoming").replace(" paid", " upcoming"))
            .collect()
    };
    let mut written: Vec<_> = written.iter().map(|lines| upcoming(lines)).collect();
    let mut shown = preview.clone();
    written.sort();
    shown.sort();
    assert_eq!(shown, written, "what was shown is what is written");
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

//! A user's way through trial, discount and final prices, month by month; every figure can be checked by hand.

use serde_json::{Value, json};

use super::{
    ADMIN_STATEMENTS, DAY, MARCH, STATEMENTS, TO_MARCH, UPCOMING, cloud, phase, priced, said,
    statements, used, uses,
};
use crate::harness::App;
use crate::worker::assert_agrees;

/// 2025-04-01, 2025-05-01 and 2025-06-01.
const APRIL: i64 = MARCH + 31 * DAY;
const MAY: i64 = APRIL + 30 * DAY;
const JUNE: i64 = MAY + 31 * DAY;

/// CPU is priced by 1,000 seconds: nothing in the first 7 days, 0.25 for three months after that, then 0.5 for the first
/// ten and 0.25 for what is more.
fn cpu() -> Value {
    priced(
        "cpu",
        "graduated",
        &[
            phase("trial", Some(("days", 7)), &[("eu", Value::Null, "0")]),
            phase("discount", Some(("months", 3)), &[("eu", Value::Null, "0.25")]),
            phase("final", None, &[("eu", json!(10), "0.5"), ("eu", Value::Null, "0.25")]),
        ],
    )
}

#[tokio::test]
async fn a_journey_through_trial_discount_and_final_prices() {
    let app = App::start().await;
    let admin = app.admin();
    cloud(&admin, &[("cpu", 1000)], &[cpu()]).await;
    let bob = app.user("bob");

    // 5 February, 08:00: the first priced event, and bob's clock begins. The trial ends on the 12th at 08:00.
    uses(&bob, "cpu", 5_000).await;
    let of_bob = admin.get("/api/admin/users/bob").await.ok(200);
    assert_eq!(of_bob["user"]["phase_started"], "2025-02-05T08:00:00Z");
    app.advance(7 * DAY - 1).await;
    uses(&bob, "cpu", 1_000).await;
    app.advance(1).await;
    // The discount: 8 units.
    uses(&bob, "cpu", 8_000).await;
    let february =
        ["usage cpu trial eu 6000: 0", "usage cpu discount eu 8000: 2", "total 2 due 2 upcoming"];
    let upcoming = bob.get(UPCOMING).await.ok(200);
    assert_eq!(said(&upcoming[0]), february);
    assert_eq!(statements(&bob).await, Vec::<Value>::new(), "a preview writes nothing");

    // 1 March: the month is billed as it was previewed.
    app.advance(TO_MARCH - 7 * DAY).await;
    let billed = &statements(&bob).await[0];
    assert_eq!(said(billed)[..2], february[..2]);
    assert_eq!(said(billed)[2], "total 2 due 2 open");
    assert_eq!(billed["period_start"], 1_738_368_000, "1 February");
    assert_eq!((&billed["period_end"], &billed["created_at"]), (&json!(MARCH), &json!(MARCH)));
    assert_eq!((&billed["currency"], &billed["user_id"]), (&json!("USD"), &json!("bob")));
    assert_eq!(bob.get(UPCOMING).await.ok(200), json!([]));

    // March: 4.0005 units at 0.25 are 1.000125, which is 1.00. And what was used in February comes in: 2,000 in the
    // trial cost nothing; 2,000 more in the discount make 10 units of 8, and 2.5 of 2.
    app.advance(9 * DAY).await;
    uses(&bob, "cpu", json!(4000.5)).await;
    used(&app, "bob", "cpu", 2_000, MARCH - 19 * DAY).await;
    used(&app, "bob", "cpu", 2_000, MARCH - DAY).await;
    app.advance(APRIL - MARCH - 9 * DAY).await;
    let march = &statements(&bob).await[0];
    assert_eq!(
        said(march),
        [
            "usage cpu discount eu 4000.5: 1",
            "adjustment cpu trial eu 2000: 0",
            "adjustment cpu discount eu 2000: 0.5",
            "total 1.5 due 1.5 open",
        ]
    );
    let late = &march["lines"][2];
    assert_eq!((&late["billed_before"], &late["period_end"]), (&json!(2), &json!(MARCH)));
    assert_eq!(late["steps"][0]["amount"], 2.5, "the steps are those of all ten units");
    assert_eq!(said(&statements(&bob).await[1])[2], "total 2 due 2 open", "it is never edited");

    // April: nothing was used, and nothing is written.
    app.advance(MAY - APRIL).await;
    assert_eq!(statements(&bob).await.len(), 2);

    // May: the discount ends on the 12th at 08:00. 6 units before at 0.25; 12 after: ten at 0.5 and two at 0.25.
    app.advance(11 * DAY + 8 * 3_600 - 1).await;
    uses(&bob, "cpu", 6_000).await;
    app.advance(1).await;
    uses(&bob, "cpu", 12_000).await;
    app.advance(JUNE - MAY - 11 * DAY - 8 * 3_600).await;
    let may = &statements(&bob).await[0];
    assert_eq!(
        said(may),
        ["usage cpu discount eu 6000: 1.5", "usage cpu final eu 12000: 5.5", "total 7 due 7 open",]
    );
    let steps: Vec<String> = may["lines"][1]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| format!("{} at {}: {}", step["quantity"], step["unit_price"], step["amount"]))
        .collect();
    assert_eq!(steps, ["10 at 0.5: 5", "2 at 0.25: 0.5"]);

    // What each line rests on is kept with it, and is only its user's and the admins' to see.
    let path = |statement: &Value| format!("{STATEMENTS}/{}", statement["id"].as_str().unwrap());
    let whole = bob.get(&path(may)).await.ok(200);
    assert_eq!((&whole["lines"], &whole["total"]), (&may["lines"], &may["total"]));
    let asked = &whole["questions"][0];
    assert_eq!(asked["question"]["lines"][1]["quantity"], 12_000);
    assert_eq!(asked["answer"][1]["amount"], 5.5);
    assert_eq!(asked["pricer"]["digest"], may["lines"][1]["plugin"]["digest"]);
    assert_eq!(
        app.user("eve").get(&path(may)).await.problem(404),
        format!("Statement '{}' not found.", may["id"].as_str().unwrap())
    );
    let of_admin = format!("{ADMIN_STATEMENTS}/{}", may["id"].as_str().unwrap());
    assert_eq!(admin.get(&of_admin).await.ok(200), whole);

    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test]
async fn admins_see_the_statements_of_all_and_find_some() {
    let app = App::start().await;
    let admin = app.admin();
    cloud(&admin, &[("cpu", 1)], &[super::at_one("cpu")]).await;
    for (user, amount) in [("bob", 5), ("eve", 7)] {
        uses(&app.user(user), "cpu", amount).await;
    }
    let upcoming = "/api/v1/admin/billing/users/eve/statements/upcoming";
    assert_eq!(admin.get(upcoming).await.ok(200)[0]["due"], 7);
    let nobody = "/api/v1/admin/billing/users/%0a/statements/upcoming";
    assert_eq!(admin.get(nobody).await.field_errors()[0].0, "user_id");
    app.advance(TO_MARCH).await;
    uses(&app.user("bob"), "cpu", 3).await;
    app.advance(31 * DAY).await;
    for (query, expected) in [
        ("", vec![3, 5, 7]),
        ("?user_id=bob", vec![3, 5]),
        ("?user_id=tom", vec![]),
        ("?status=open", vec![3, 5, 7]),
        ("?status=paid", vec![]),
        (&format!("?from={APRIL}"), vec![3]),
        (&format!("?to={APRIL}"), vec![5, 7]),
        (&format!("?from={MARCH}&to={}", MARCH + 1), vec![5, 7]),
        ("?page=2&page_size=2", vec![]),
    ] {
        let page = admin.get(&format!("{ADMIN_STATEMENTS}{query}")).await.ok(200);
        let items = page["items"].as_array().unwrap();
        let mut totals: Vec<_> = items.iter().map(|one| one["total"].as_i64().unwrap()).collect();
        totals.sort_unstable();
        if query.contains("page") {
            assert_eq!((totals.len(), &page["total"]), (1, &json!(3)));
        } else {
            assert_eq!(totals, expected, "{query}");
        }
    }
    admin.get(&format!("{ADMIN_STATEMENTS}?status=lost")).await.problem(400);
    admin.get(&format!("{ADMIN_STATEMENTS}/sta_none")).await.problem(404);
    let bob = app.user("bob");
    let page = bob.get(&format!("{STATEMENTS}?page_size=1")).await.ok(200);
    assert_eq!((&page["items"][0]["total"], &page["total"]), (&json!(3), &json!(2)));
    bob.get(&format!("{STATEMENTS}/{}", page["items"][0]["id"].as_str().unwrap())).await.ok(200);
    bob.get(UPCOMING).await.ok(200);
    let first = page["items"][0]["id"].as_str().unwrap();
    admin.get(&format!("{ADMIN_STATEMENTS}/{first}")).await.ok(200);
    app.covers(&[
        "statements_list",
        "statements_get",
        "statements_upcoming",
        "statements_list_all",
        "statements_get_any",
        "statements_upcoming_of_user",
    ]);
}

//! What usage is to be billed by is not deleted before it is, and what of the catalog changes meanwhile moves nothing.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    DAY, MARCH, TO_MARCH, at_one, cloud, only_statement, phase, priced, put_book, said, statements,
    used, uses,
};
use crate::api::{
    ADMIN_PLANS, BILLING_PLANS, PRODUCTS, REGIONS, SETTINGS, SUBSCRIPTION, USER_GROUPS, USERS,
};
use crate::harness::{Actor, App};
use crate::worker::assert_agrees;

const GROUP: &str = "/api/admin/user_groups/1";
const BOOK: &str = "/api/admin/billing_plans/1";
const CATALOG: &str = "/api/v1/admin/catalog";

async fn patch(admin: &Actor, path: &str, body: Value) {
    admin.send(Method::PATCH, path, &body.to_string()).await.ok(200);
}

/// Bob has used something at 1, and nothing names its price book any more.
async fn used_by_a_book_that_nothing_names() -> App {
    let app = App::start().await;
    let admin = app.admin();
    cloud(&admin, &[("cpu", 1)], &[at_one("cpu")]).await;
    uses(&app.user("bob"), "cpu", 5).await;
    let others = json!({"billing_plan": {"name": "Dear"}});
    admin.post(BILLING_PLANS, others).await.ok(201);
    let book = priced("cpu", "volume", &[phase("final", None, &[("eu", Value::Null, "9")])]);
    let document = json!({"billing_plan": {"name": "Dear", "billing_resources": [book]}});
    admin.put(&format!("{BILLING_PLANS}/2/document"), document).await.ok(200);
    patch(&admin, GROUP, json!({"user_group": {"billing_plan_id": 2}})).await;
    app
}

#[tokio::test]
async fn a_price_book_stays_until_what_it_metered_is_billed() {
    let app = used_by_a_book_that_nothing_names().await;
    let (admin, bob) = (app.admin(), app.user("bob"));
    let refused = admin.delete(BOOK).await.problem(422).to_owned();
    assert!(refused.contains("usage that is not billed yet was metered by it"), "{refused}");
    // Nor does it go with all the others.
    let shown = admin.get(CATALOG).await.ok(200);
    let mut without = shown.clone();
    let books = without["billing_plans"].as_array_mut().unwrap();
    books.retain(|book| book["name"] == "Dear");
    let refused =
        admin.put(&format!("{CATALOG}?prune=true"), without.clone()).await.problem(422).to_owned();
    assert!(refused.contains("usage that is not billed yet was metered by it"), "{refused}");
    // What was used before the group had another book costs what it did then.
    uses(&bob, "cpu", 2).await;
    app.advance(TO_MARCH).await;
    assert_eq!(
        said(&only_statement(&bob).await),
        ["usage cpu final eu 5: 5", "usage cpu final eu 2: 18", "total 23 due 23 open"]
    );
    // What comes late counts by the book of now, and is to be billed, too.
    used(&app, "bob", "cpu", 1, MARCH - DAY).await;
    patch(&admin, GROUP, json!({"user_group": {"billing_plan_id": null}})).await;
    admin.delete(&format!("{BILLING_PLANS}/2")).await.problem(422);
    admin.delete(BOOK).await.ok(204);
    app.advance(31 * DAY).await;
    assert_eq!(said(&statements(&bob).await[0])[0], "adjustment cpu final eu 1: 9");
    admin.delete(&format!("{BILLING_PLANS}/2")).await.ok(204);
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test]
async fn a_book_that_is_metered_by_and_deleted_in_the_same_instant_is_one_of_both() {
    let app = used_by_a_book_that_nothing_names().await;
    let admin = app.admin();
    // Each user's first event names the book, and a deletion that comes first leaves it priced by none.
    app.advance(TO_MARCH).await;
    patch(&admin, GROUP, json!({"user_group": {"billing_plan_id": 1}})).await;
    let users: Vec<Actor> = (0..8).map(|user| app.user(&format!("user_{user}"))).collect();
    let deleting = async {
        patch(&admin, GROUP, json!({"user_group": {"billing_plan_id": 2}})).await;
        admin.delete(BOOK).await
    };
    let using = async {
        for user in &users {
            uses(user, "cpu", 1).await;
        }
    };
    let (deleted, ()) = tokio::join!(deleting, using);
    app.advance(31 * DAY).await;
    for user in &users {
        let statement = only_statement(user).await;
        assert_eq!(statement["status"], "open", "{statement}, and it was {}", deleted.status);
    }
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test]
async fn a_region_stays_until_what_was_used_in_it_is_billed() {
    let app = App::start().await;
    let admin = app.admin();
    let prices = [("eu", Value::Null, "1"), ("us", Value::Null, "2")];
    let both = priced("cpu", "volume", &[phase("final", None, &prices)]);
    cloud(&admin, &[("cpu", 1)], std::slice::from_ref(&both)).await;
    let bob = app.user("bob");
    admin.put(SETTINGS, json!({"region_id": 2})).await.ok(200);
    uses(&bob, "cpu", 3).await;
    admin.put(SETTINGS, json!({"region_id": 1})).await.ok(200);
    put_book(&admin, &[at_one("cpu")]).await;
    let region = format!("{REGIONS}/2");
    let refused = admin.delete(&region).await.problem(422).to_owned();
    assert!(refused.contains("usage in it is not billed yet"), "{refused}");
    let mut without = admin.get(CATALOG).await.ok(200);
    without["regions"].as_array_mut().unwrap().retain(|region| region["name"] != "us");
    admin.put(&format!("{CATALOG}?prune=true"), without).await.problem(422);
    // Its prices can be had again, and then it is billed.
    app.advance(TO_MARCH).await;
    assert_eq!(only_statement(&bob).await["status"], "failed");
    admin.delete(&region).await.problem(422);
    put_book(&admin, &[both]).await;
    app.advance(60).await;
    assert_eq!(said(&only_statement(&bob).await)[0], "usage cpu final us 3: 6");
    put_book(&admin, &[at_one("cpu")]).await;
    admin.delete(&region).await.ok(204);
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test]
async fn a_product_that_comes_back_under_its_name_is_billed_and_one_moved_user_pays_as_then() {
    let app = App::start().await;
    let admin = app.admin();
    cloud(&admin, &[("cpu", 1), ("disk", 1)], &[at_one("cpu"), at_one("disk")]).await;
    let (bob, eve) = (app.user("bob"), app.user("eve"));
    uses(&bob, "cpu", 5).await;
    uses(&eve, "disk", 4).await;
    // A product is known by its external_id: it can be made again, and priced again.
    put_book(&admin, &[at_one("disk")]).await;
    admin.delete(&format!("{PRODUCTS}/1")).await.ok(204);
    // Whoever is put into a group that nothing prices, or takes a plan, has used it by then's book.
    admin.post(USER_GROUPS, json!({"user_group": {"name": "none"}})).await.ok(201);
    patch(&admin, &format!("{USERS}/eve"), json!({"user": {"user_group_id": 2}})).await;
    let plan = json!({"id": "free", "name": "Free", "price": 0, "interval": "month"});
    admin.post(ADMIN_PLANS, plan).await.ok(201);
    eve.post(SUBSCRIPTION, json!({"plan_id": "free"})).await.ok(201);
    app.advance(TO_MARCH).await;
    assert_eq!(said(&only_statement(&eve).await)[0], "usage disk final eu 4: 4");
    let reason = only_statement(&bob).await["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("does not price 'cpu' in the phase final any more"), "{reason}");
    let product =
        json!({"label": "cpu", "resource_kind": "resource", "unit": 1, "external_id": "cpu"});
    admin.post(PRODUCTS, json!({"product": product})).await.ok(201);
    put_book(&admin, &[at_one("disk"), at_one("cpu")]).await;
    app.advance(60).await;
    assert_eq!(said(&only_statement(&bob).await)[0], "usage cpu final eu 5: 5");
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

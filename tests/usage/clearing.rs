//! What was counted is cleared away when nobody asks for it any more, and no sooner: not while an event may come late or be
//! told again, nor while a statement waits for it.

use planwright_store::{Options, Prefix, RedbStore, Scan, Snapshot, Space, Store};
use serde_json::{Value, json};

use super::subscribe;
use crate::api::{BATCH, SETTINGS, TENANTS, USAGE, USERS};
use crate::harness::{Actor, App};
use crate::statements::{
    DAY, MARCH, TO_MARCH, at_one, cloud, only_statement, said, statements, uses,
};
use crate::worker::assert_agrees;

/// So many days after its end nobody asks how much was used in a window.
const COUNTED: i64 = 72 * DAY;

/// What counters a tenant has of what was used, by their families, as a copy of the store has it; the copy agrees with
/// itself.
async fn counted(app: &App, tenant: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.redb");
    std::fs::copy(app.file(), &copy).unwrap();
    assert_agrees(&copy).await;
    let store = RedbStore::open(&copy, Options::default()).unwrap();
    let snapshot = store.snapshot().await.unwrap();
    let all = Prefix::of_space(&Space::Tenant(tenant.to_owned()));
    let counters = snapshot.counters(&all, Scan::first(usize::MAX)).await.unwrap();
    let families = counters.iter().map(|(key, _)| key.family());
    families
        .filter(|name| ["usage", "segment", "metered-events"].contains(&name.as_str()))
        .collect()
}

#[tokio::test]
async fn what_was_used_is_forgotten_when_no_event_of_it_is_known_any_more() {
    let app = App::start().await;
    let admin = app.admin();
    subscribe(&admin, "bob", json!({"requests": 10})).await;
    let service = app.actor("gateway", "service");
    let of = |user: &str, id: Value| json!({"user_id": user, "metric": "requests", "event_id": id});
    service.post(USAGE, of("bob", Value::Null)).await.ok(201);
    let body = json!({"events": [of("bob", json!("a")), of("eve", json!("b"))]});
    service.post(BATCH, body).await.ok(200);
    // Bob's window ends on 5 March at eight, and eve's with February.
    let bobs = 28 * DAY;
    app.advance(bobs + 30 * DAY).await;
    let late = json!({
        "user_id": "bob", "metric": "requests", "event_id": "late", "timestamp": MARCH - 60,
    });
    assert_eq!(service.post(USAGE, late.clone()).await.ok(201)["current_usage"], 3);
    app.advance(TO_MARCH + COUNTED - bobs - 30 * DAY - 1).await;
    assert_eq!(counted(&app, "default").await, ["usage", "usage"]);
    app.advance(1).await;
    assert_eq!(counted(&app, "default").await, ["usage"], "eve's is gone");
    app.advance(bobs - TO_MARCH - 1).await;
    assert_eq!(counted(&app, "default").await, ["usage"]);
    app.advance(1).await;
    assert_eq!(counted(&app, "default").await, [""; 0]);
    // And it is counted anew in another window.
    assert_eq!(service.post(USAGE, of("bob", json!("a"))).await.ok(201)["current_usage"], 1);
    assert_eq!(counted(&app, "default").await, ["usage"]);
}

async fn currency(admin: &Actor, user: &str, currency: Value) {
    let body = json!({"user": {"currency": currency}}).to_string();
    admin.send(reqwest::Method::PATCH, &format!("{USERS}/{user}"), &body).await.ok(200);
}

#[tokio::test]
async fn a_statement_that_waits_for_a_price_has_what_was_used_however_long_it_takes() {
    let app = App::start().await;
    let admin = app.admin();
    cloud(&admin, &[("cpu", 1)], &[at_one("cpu")]).await;
    let (bob, eve) = (app.user("bob"), app.user("eve"));
    uses(&bob, "cpu", 5).await;
    uses(&eve, "cpu", 7).await;
    currency(&admin, "bob", json!("EUR")).await;
    app.advance(TO_MARCH).await;
    let before = only_statement(&eve).await;
    assert_eq!(counted(&app, "default").await.len(), 6);
    app.advance(COUNTED).await;
    let kept = ["metered-events", "segment", "usage"];
    assert_eq!(counted(&app, "default").await, kept, "bob's is not billed yet");
    assert_eq!(only_statement(&eve).await, before);
    app.advance(100 * DAY).await;
    assert_eq!(counted(&app, "default").await, kept);
    currency(&admin, "bob", Value::Null).await;
    app.advance(DAY).await;
    let billed = only_statement(&bob).await;
    assert_eq!(said(&billed), ["usage cpu final eu 5: 5", "total 5 due 5 open"]);
    app.advance(DAY).await;
    assert_eq!(counted(&app, "default").await, [""; 0]);
    // What it rests on is in the statement.
    for user in ["bob", "eve"] {
        let id = only_statement(&app.user(user)).await["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/admin/statements/{id}/replay");
        let replayed = admin.post(&path, json!({})).await.ok(200);
        assert_eq!(replayed["identical"], true, "{replayed:#}");
    }
}

#[tokio::test]
async fn a_sandbox_clears_away_by_its_own_clock() {
    let app = App::start().await;
    let draft = json!({"id": "box", "name": "Box", "sandbox": true});
    app.operator().post(TENANTS, draft).await.ok(201);
    let admin = app.of_tenant("box", "root", "admin");
    admin.put(SETTINGS, json!({"currency": "USD"})).await.ok(200);
    let (own, bob) = (app.of_tenant("box", "bob", "user"), app.user("bob"));
    for user in [&own, &bob] {
        uses(user, "requests", 1).await;
        uses(user, "images", 1).await;
    }
    admin.put("/api/v1/admin/clock", json!({"now": MARCH + COUNTED - 1})).await.ok(200);
    assert_eq!(counted(&app, "box").await, ["usage", "usage"]);
    admin.put("/api/v1/admin/clock", json!({"now": MARCH + COUNTED})).await.ok(200);
    assert_eq!(counted(&app, "box").await, [""; 0]);
    assert_eq!(counted(&app, "default").await, ["usage", "usage"]);
    assert!(statements(&own).await.is_empty());
}

//! Requests that come again (`Idempotency-Key`), and changes that rest on what was read (`If-Match`).

use planwright_store::{Key, Options, RedbStore, Scan, Snapshot, Space, Store};
use reqwest::Method;
use serde_json::{Value, json};

use super::plugin_bindings::of_hook;
use super::plugin_uploads::{MISBEHAVING, PLUGINS, REVIEWER, WASM, uploaded};
use super::{
    ADMIN_PLANS, CHECK, PLANS, SETTINGS, SUBSCRIPTION, USAGE, of_plan, plan, subscription_of,
};
use crate::harness::{Actor, Answer, App, by_hand};

const DAY: i64 = 24 * 60 * 60;

fn unnamed(name: &str) -> String {
    json!({"name": name, "price": 1, "interval": "month"}).to_string()
}

async fn keyed(actor: &Actor, key: &str, method: Method, path: &str, body: &str) -> Answer {
    actor.send_with(&[("idempotency-key", key)], method, path, body).await
}

#[tokio::test]
async fn the_same_request_again_gives_the_same_answer_and_is_done_once() {
    let app = App::start().await;
    let admin = app.admin();
    admin.post(ADMIN_PLANS, plan("basic")).await.ok(201);
    for (method, path, body) in [
        (Method::POST, ADMIN_PLANS.to_owned(), unnamed("Pro")),
        (Method::PUT, of_plan("basic"), json!({"price": 5}).to_string()),
        (Method::PATCH, format!("{}/toggle", of_plan("basic")), String::new()),
        (Method::POST, format!("{}/duplicate", of_plan("basic")), String::new()),
        (Method::PUT, subscription_of("u"), json!({"plan_id": "basic"}).to_string()),
        (Method::DELETE, of_plan("gone"), String::new()),
    ] {
        if method == Method::DELETE {
            admin.post(ADMIN_PLANS, plan("gone")).await.ok(201);
        }
        let first = keyed(&admin, "k", method.clone(), &path, &body).await;
        let between = admin.get(ADMIN_PLANS).await.ok(200);
        app.clock.advance(60);
        let again = keyed(&admin, "k", method.clone(), &path, &body).await;
        assert!(first.status.is_success(), "{method} {path}: {}", first.json);
        assert_eq!((again.status, &again.json), (first.status, &first.json), "{method} {path}");
        assert_eq!(again.headers.get("etag"), first.headers.get("etag"), "{method} {path}");
        assert_eq!(admin.get(ADMIN_PLANS).await.ok(200), between, "{method} {path}: done once");
    }
}

#[tokio::test]
async fn a_key_stands_for_one_request_of_one_caller_for_a_day() {
    let app = App::start().await;
    let (admin, other) = (app.admin(), app.actor("other", "admin"));
    let post = async |actor: &Actor, key: &str, name: &str| {
        keyed(actor, key, Method::POST, ADMIN_PLANS, &unnamed(name)).await
    };
    let first = post(&admin, "k", "One").await.ok(201);
    assert!(post(&admin, "k", "Two").await.problem(422).contains("Idempotency-Key"));
    assert_ne!(post(&admin, "l", "One").await.ok(201)["id"], first["id"]);
    assert_ne!(post(&other, "k", "One").await.ok(201)["id"], first["id"]);
    app.clock.advance(DAY - 1);
    assert_eq!(post(&admin, "k", "One").await.ok(201), first);
    app.clock.advance(1);
    assert_ne!(post(&admin, "k", "Two").await.ok(201)["id"], first["id"], "the day is over");
    for key in ["", &"k".repeat(256), "\u{e9}", "a b"] {
        let answer = post(&admin, key, "One").await;
        answer.problem(400);
        assert_eq!(answer.field_errors()[0].0, "Idempotency-Key");
    }
}

/// What a request did that changed nothing is not done later either, when it would undo what somebody else did.
#[tokio::test]
async fn a_repeat_of_what_changed_nothing_changes_nothing_either() {
    let app = App::start().await;
    let admin = app.admin();
    for id in ["basic", "other"] {
        admin.post(ADMIN_PLANS, plan(id)).await.ok(201);
    }
    admin.put(&of_plan("basic"), json!({"price": 5})).await.ok(200);
    admin.put(&subscription_of("root"), json!({"plan_id": "basic"})).await.ok(201);
    let identity = of_hook("identity");
    let own = json!({"plugins": [{"digest": uploaded(&admin, "", MISBEHAVING).await}]});
    let [resume, cancel] = ["resume", "cancel"].map(|what| format!("{SUBSCRIPTION}/{what}"));
    let event = json!({"metric": "requests", "amount": 2, "event_id": "e"});
    admin.post(USAGE, event.clone()).await.ok(201);
    for (method, path, body, other, between, looked_at) in [
        (
            Method::PUT,
            of_plan("basic"),
            json!({"price": 5}).to_string(),
            json!({"price": 11}).to_string(),
            (Method::PUT, of_plan("basic"), json!({"price": 7})),
            of_plan("basic"),
        ),
        (
            Method::PUT,
            SETTINGS.to_owned(),
            json!({"grace_days": 3}).to_string(),
            json!({"grace_days": 4}).to_string(),
            (Method::PUT, SETTINGS.to_owned(), json!({"grace_days": 9})),
            SETTINGS.to_owned(),
        ),
        (
            Method::DELETE,
            identity.clone(),
            String::new(),
            "{}".to_owned(),
            (Method::PUT, identity.clone(), own),
            identity.clone(),
        ),
        (
            Method::POST,
            resume,
            String::new(),
            "{}".to_owned(),
            (Method::POST, cancel, json!({})),
            SUBSCRIPTION.to_owned(),
        ),
        (
            Method::POST,
            USAGE.to_owned(),
            event.to_string(),
            json!({"metric": "requests", "amount": 2}).to_string(),
            (Method::POST, USAGE.to_owned(), json!({"metric": "requests"})),
            format!("{USAGE}/requests"),
        ),
    ] {
        let first = keyed(&admin, "k", method.clone(), &path, &body).await;
        assert!(first.status.is_success(), "{method} {path}: {}", first.json);
        let (by, at, change) = between;
        let between = admin.send(by, &at, &change.to_string()).await;
        assert!(between.status.is_success(), "{method} {path}: {}", between.json);
        let now = admin.get(&looked_at).await.ok(200);
        let again = keyed(&admin, "k", method.clone(), &path, &body).await;
        assert_eq!((again.status, &again.json), (first.status, &first.json), "{method} {path}");
        assert_eq!(admin.get(&looked_at).await.ok(200), now, "{method} {path} changed something");
        let other = keyed(&admin, "k", method.clone(), &path, &other).await;
        assert!(other.problem(422).contains("Idempotency-Key"), "{method} {path}");
    }
}

#[tokio::test]
async fn the_same_plugin_again_is_not_uploaded_later_under_its_old_key() {
    let app = App::start().await;
    let admin = app.admin();
    let digest = uploaded(&admin, "", REVIEWER).await;
    let again = async || {
        let headers = [("idempotency-key", "k"), WASM];
        admin.upload(&headers, PLUGINS, REVIEWER.to_vec()).await
    };
    assert_eq!(again().await.ok(200)["digest"], digest.as_str());
    assert_eq!(admin.delete(&format!("{PLUGINS}/{digest}")).await.status, 204);
    assert_eq!(again().await.ok(200)["digest"], digest.as_str());
    admin.get(&format!("{PLUGINS}/{digest}")).await.problem(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_change_nothing_each_gets_the_same_answer() {
    let app = App::start().await;
    let admin = app.admin();
    admin.post(ADMIN_PLANS, plan("basic")).await.ok(201);
    for round in 0..20_u32 {
        admin.put(&of_plan("basic"), json!({"price": round})).await.ok(200);
        let mut racing = tokio::task::JoinSet::new();
        for racer in 0..8 {
            let (admin, key) = (admin.clone(), format!("k{round}"));
            racing.spawn(async move {
                if racer == 0 {
                    // Somebody else is between them.
                    admin.put(&of_plan("basic"), json!({"price": 1_000 + round})).await.ok(200);
                    return None;
                }
                let body = json!({"price": round}).to_string();
                Some(keyed(&admin, &key, Method::PUT, &of_plan("basic"), &body).await.ok(200))
            });
        }
        let answers: Vec<Value> = racing.join_all().await.into_iter().flatten().collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]), "round {round}: {answers:?}");
    }
}

/// A question is no change: its answer is of now.
#[tokio::test]
async fn a_question_under_a_key_is_answered_anew() {
    let app = App::start().await;
    let admin = app.admin();
    let plan =
        json!({"id": "p", "name": "P", "price": 0, "interval": "day", "quotas": {"requests": 9}});
    admin.post(ADMIN_PLANS, plan).await.ok(201);
    admin.put(&subscription_of("root"), json!({"plan_id": "p"})).await.ok(201);
    let check = async || {
        let body = json!({"metric": "requests"}).to_string();
        keyed(&admin, "k", Method::POST, CHECK, &body).await.ok(200)
    };
    assert_eq!(check().await["current_usage"], 0);
    admin.post(USAGE, json!({"metric": "requests"})).await.ok(201);
    assert_eq!(check().await["current_usage"], 1);
}

#[tokio::test]
async fn a_kept_answer_has_its_decimals_to_the_last_digit() {
    let app = App::start().await;
    for (at, price) in ["490", "490.5", "0.1", "704031790351652.5", "0.07"].iter().enumerate() {
        let body = format!("{{\"name\":\"A\",\"price\":{price},\"interval\":\"month\"}}");
        let key = format!("k{at}");
        let first = keyed(&app.admin(), &key, Method::POST, ADMIN_PLANS, &body).await.ok(201);
        let again = keyed(&app.admin(), &key, Method::POST, ADMIN_PLANS, &body).await.ok(201);
        assert_eq!(first["price"].to_string(), *price);
        assert_eq!(again, first, "{price}");
    }
}

#[tokio::test]
async fn a_secret_is_not_told_twice() {
    let app = App::start().await;
    let admin = app.admin();
    let body = json!({"name": "k", "role": "user"}).to_string();
    let path = "/api/v1/admin/api-keys";
    let made = keyed(&admin, "k", Method::POST, path, &body).await.ok(201);
    let again = keyed(&admin, "k", Method::POST, path, &body).await;
    assert!(again.problem(409).contains(made["id"].as_str().unwrap()), "{}", again.json);
    assert!(!again.json.to_string().contains(made["key"].as_str().unwrap()));
    let list = admin.get(path).await.ok(200);
    assert_eq!(list["total"], 1);
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    for _ in 0..2 {
        assert_eq!(keyed(&admin, "r", Method::DELETE, &one, "").await.status, 204);
    }
    admin.delete(&one).await.problem(404);
}

#[tokio::test]
async fn what_was_refused_changed_nothing_and_may_be_sent_again() {
    let app = App::start().await;
    let admin = app.admin();
    let body = json!({"price": 7}).to_string();
    keyed(&admin, "k", Method::PUT, &of_plan("late"), &body).await.problem(404);
    admin.post(ADMIN_PLANS, plan("late")).await.ok(201);
    let done = keyed(&admin, "k", Method::PUT, &of_plan("late"), &body).await.ok(200);
    assert_eq!(done["price"], 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_loser_of_a_race_gets_the_winners_answer() {
    let app = App::start().await;
    let admin = app.admin();
    for round in 0..10 {
        let mut racing = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let (admin, key) = (admin.clone(), format!("k{round}"));
            racing.spawn(async move {
                keyed(&admin, &key, Method::POST, ADMIN_PLANS, &unnamed("Pro")).await.ok(201)
            });
        }
        let answers = racing.join_all().await;
        assert!(answers.iter().all(|answer| *answer == answers[0]), "round {round}");
    }
    assert_eq!(admin.get(ADMIN_PLANS).await.ok(200).as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn a_change_that_rests_on_something_stale_is_412() {
    let app = App::start().await;
    let (admin, user) = (app.admin(), app.user("u"));
    let made = admin.post(ADMIN_PLANS, plan("basic")).await;
    let tag = |answer: &Answer| answer.headers["etag"].to_str().unwrap().to_owned();
    let first = tag(&made);
    assert_eq!(tag(&admin.get(&of_plan("basic")).await), first);
    assert_eq!(tag(&user.get(&format!("{PLANS}/basic")).await), first);
    let put = async |if_match: &str, price: u32| {
        let body = json!({"price": price}).to_string();
        let headers = [("if-match", if_match)];
        app.admin().send_with(&headers, Method::PUT, &of_plan("basic"), &body).await
    };
    let second = tag(&put(&first, 5).await);
    assert_ne!(second, first);
    assert!(put(&first, 6).await.problem(412).contains("Read it again"));
    for if_match in
        [second.as_str(), "*", &format!("\"x\", {second}"), &format!("\"x,y\",{second},")]
    {
        put(if_match, 5).await.ok(200);
    }
    let lines = [("if-match", "\"x\""), ("if-match", second.as_str())];
    admin.send_with(&lines, Method::PUT, &of_plan("basic"), "{\"price\":5}").await.ok(200);
    put(&format!("W/{second}"), 6).await.problem(412);
    for if_match in ["", "1", "\"x", "\"x\" \"y\"", "*, \"x\""] {
        let answer = put(if_match, 6).await;
        assert!(answer.problem(400).contains("ETag"), "{if_match}");
        assert_eq!(answer.field_errors()[0].0, "If-Match");
    }
    let stale = [("if-match", first.as_str())];
    let toggle = format!("{}/toggle", of_plan("basic"));
    admin.send_with(&stale, Method::PATCH, &toggle, "").await.problem(412);
    admin.send_with(&stale, Method::DELETE, &of_plan("basic"), "").await.problem(412);
    admin.delete(&of_plan("basic")).await.ok(200);
    let again = admin.post(ADMIN_PLANS, plan("basic")).await;
    assert_ne!(tag(&again), first, "another plan under the same id has another tag");
}

#[tokio::test]
async fn a_kept_answer_in_a_form_of_before_is_said_to_be_so_and_makes_way_in_time() {
    let app = App::start().await;
    let admin = app.admin();
    for key in ["result", "whole"] {
        keyed(&admin, key, Method::POST, ADMIN_PLANS, &unnamed(key)).await.ok(201);
    }
    let plans = admin.get(ADMIN_PLANS).await.ok(200);
    let (folder, file) = app.stop().await;
    let answers = Key::in_space(&Space::Tenant("default".to_owned()), "answer").prefix();
    let mut kept = by_hand::records(&file, &answers).await;
    for (_, answer) in &mut kept {
        if answer["value"]["result"]["name"] == "result" {
            answer["value"]["result"] = json!({"plan_of_before": 1});
        } else {
            *answer = json!({"answer_of_before": 1});
        }
    }
    by_hand::put(&file, kept).await;

    let app = App::start_on(folder).await;
    let admin = app.admin();
    for key in ["result", "whole"] {
        let again = keyed(&admin, key, Method::POST, ADMIN_PLANS, &unnamed(key)).await;
        assert!(again.problem(422).contains("another Idempotency-Key"), "{key}");
    }
    assert_eq!(admin.get(ADMIN_PLANS).await.ok(200), plans, "it is not done twice");
    app.clock.advance(DAY);
    for key in ["a", "b"] {
        keyed(&admin, key, Method::POST, ADMIN_PLANS, &unnamed(key)).await.ok(201);
    }
    let (_folder, file) = app.stop().await;
    assert_eq!(by_hand::records(&file, &answers).await.len(), 2, "those of the last day");
}

#[tokio::test]
async fn answers_whose_day_is_over_make_way() {
    let app = App::start().await;
    let admin = app.admin();
    for round in 0..2 {
        for at in 0..20 {
            let key = format!("k{round}_{at}");
            keyed(&admin, &key, Method::POST, ADMIN_PLANS, &unnamed("Pro")).await.ok(201);
        }
        app.clock.advance(DAY);
    }
    let (_folder, file) = app.stop().await;
    let store = RedbStore::open(file, Options::default());
    let snapshot = store.unwrap().snapshot().await.unwrap();
    let tenant = Space::Tenant("default".to_owned());
    for family in ["answer", "expiring-answer"] {
        let all = Key::in_space(&tenant, family).prefix();
        let kept = snapshot.scan(&all, Scan::first(usize::MAX)).await.unwrap();
        assert_eq!(kept.len(), 20, "{family}: those of the last day");
    }
}

//! Payments, the provider's webhook, and transactions, with a provider that stands in.

use hmac::{Hmac, KeyInit, Mac};
use planwright_domain::payment::payment_settings::Secret;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use super::{ADMIN_PLANS, PAYMENT, SETTINGS, SUBSCRIPTION, TRANSACTIONS, WEBHOOK, of_plan, plan};
use crate::harness::{Actor, App};
use crate::provider::{Provider, Trouble, told};
use crate::worker::assert_agrees;

/// A server that takes payments, with a plan for 490.
pub(crate) async fn with_provider() -> (App, Provider) {
    let provider = Provider::start().await;
    let app = App::with(|config| provider.configure(config)).await;
    app.admin().post(ADMIN_PLANS, plan("pro")).await.ok(201);
    (app, provider)
}

pub(crate) fn for_plan(id: &str) -> Value {
    json!({"plan_id": id, "return_url": "https://shop.example/paid"})
}

/// Asks for a payment, and gives what is answered.
pub(crate) async fn begin(user: &Actor, plan: &str) -> Value {
    user.post(PAYMENT, for_plan(plan)).await.ok(201)
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// What the provider calls.
pub(crate) async fn tell(app: &App, event: &str, object: Value) {
    let answer = app.stranger().post(WEBHOOK, told(event, object)).await.ok(200);
    assert_eq!(answer, json!({"status": "ok"}));
}

/// The user's transactions as `status amount`, newest first.
pub(crate) async fn statuses(user: &Actor) -> Vec<String> {
    let all = user.get(TRANSACTIONS).await.ok(200);
    let one = |one: &Value| format!("{} {}", text(&one["status"]), one["amount"]);
    all.as_array().unwrap().iter().map(one).collect()
}

#[tokio::test]
async fn a_payment_starts_the_plan_that_was_paid_for() {
    let (app, provider) = with_provider().await;
    let bob = app.user("bob");
    let started = begin(&bob, "pro").await;
    let id = text(&started["payment_id"]);
    let confirmation_url = format!("https://yoomoney.example/pay?orderId={id}");
    assert_eq!(
        started,
        json!({
            "transaction_id": started["transaction_id"], "payment_id": id,
            "confirmation_url": confirmation_url, "status": "pending",
        })
    );
    assert_eq!(
        provider.last_order(),
        json!({
            "amount": {"value": "490.00", "currency": "RUB"}, "capture": true,
            "confirmation": {"type": "redirect", "return_url": "https://shop.example/paid"},
            "description": "Plan 'Plan'",
            "metadata": {
                "tenant": "default", "user_id": "bob", "plan_id": "pro",
                "transaction_id": started["transaction_id"],
            },
        })
    );
    // Asking again gives the same; another user's is another one.
    assert_eq!(begin(&bob, "pro").await, started);
    assert_ne!(begin(&app.user("eve"), "pro").await["payment_id"], started["payment_id"]);
    assert_eq!(bob.get(SUBSCRIPTION).await.ok(200), Value::Null);

    provider.pay(&id);
    tell(&app, "payment.succeeded", json!({"id": id})).await;
    let subscription = bob.get(SUBSCRIPTION).await.ok(200);
    assert_eq!(
        (&subscription["status"], &subscription["plan_id"]),
        (&json!("active"), &json!("pro"))
    );
    let transactions = bob.get(TRANSACTIONS).await.ok(200);
    assert_eq!(
        transactions,
        json!([{
            "id": started["transaction_id"], "user_id": "bob", "subscription_id": subscription["id"],
            "plan_id": "pro", "amount": 490, "currency": "RUB", "status": "succeeded", "payment_id": id,
            "provider_status": "succeeded", "description": "Plan 'Plan'", "receipt_url": null,
            "metadata": {"reason": "start"}, "created_at": 1_738_742_400, "updated_at": 1_738_742_400,
        }])
    );
    // Paid ahead: another transaction, and the window stays.
    app.clock.advance(60);
    let ahead = text(&begin(&bob, "pro").await["payment_id"]);
    provider.pay(&ahead);
    tell(&app, "payment.succeeded", json!({"id": ahead})).await;
    let longer = bob.get(SUBSCRIPTION).await.ok(200);
    assert_eq!(longer["current_period_end"], subscription["current_period_end"]);
    assert!(longer["paid_until"].as_i64() > subscription["paid_until"].as_i64());
    assert_eq!(statuses(&bob).await, ["succeeded 490", "succeeded 490"]);
    app.covers(&["payments_start", "payments_webhook", "transactions_list"]);
}

#[tokio::test]
async fn what_cannot_be_paid_for_is_refused_before_anybody_is_asked() {
    let provider = Provider::start().await;
    let app = App::with(|config| {
        provider.configure(config);
        config.payments.yookassa.return_hosts = vec!["shop.example".to_owned()];
    })
    .await;
    let admin = app.admin();
    for id in ["pro", "off"] {
        admin.post(ADMIN_PLANS, plan(id)).await.ok(201);
    }
    admin.patch(&format!("{}/toggle", of_plan("off"))).await.ok(200);
    let free = json!({"id": "free", "name": "Free", "price": 0, "interval": "month"});
    admin.post(ADMIN_PLANS, free).await.ok(201);
    let bob = app.user("bob");
    for (plan, url, status, code) in [
        ("off", "https://shop.example/", 400, "plan_inactive"),
        ("none", "https://shop.example/", 404, "plan_not_found"),
        ("free", "https://shop.example/", 400, "nothing_due"),
        ("pro", "https://evil.example/", 400, "invalid_request"),
        ("pro", "javascript:alert(1)", 400, "invalid_request"),
    ] {
        let answer = bob.post(PAYMENT, json!({"plan_id": plan, "return_url": url})).await;
        answer.problem(status);
        let expected = format!("urn:planwright:problem:{code}");
        assert_eq!(answer.json["type"], expected.as_str(), "{plan} {url}");
    }
    let answer = bob.post(PAYMENT, json!({"plan_id": "pro", "return_url": "ftp://x"})).await;
    assert_eq!(answer.field_errors(), [("return_url".to_owned(), "invalid_url".to_owned())]);
    assert_eq!(provider.asked(), Vec::<String>::new());
    assert_eq!(statuses(&bob).await, Vec::<String>::new());
}

#[tokio::test]
async fn without_a_shop_nobody_pays_and_a_tenants_own_goes_before_the_hosts() {
    let provider = Provider::start().await;
    let app = App::with(|config| config.payments.yookassa.base_url = provider.base_url()).await;
    app.make_tenants(&["acme"]).await;
    let admin = app.of_tenant("acme", "root", "admin");
    admin.post(ADMIN_PLANS, plan("pro")).await.ok(201);
    let bob = app.of_tenant("acme", "bob", "user");
    let answer = bob.post(PAYMENT, for_plan("pro")).await;
    assert!(answer.problem(503).contains("PUT /api/v1/admin/settings"));
    assert_eq!(answer.json["type"], "urn:planwright:problem:payments_not_set_up");

    let shop =
        json!({"payments": {"yookassa": {"shop_id": "200600", "secret_key": "live_of_acme"}}});
    let settings = admin.put(SETTINGS, shop).await.ok(200);
    let shown = json!({"yookassa": {"shop_id": "200600", "secret_key_set_at": 1_738_742_400}});
    assert_eq!(settings["payments"], shown);
    // What is read can be written back, and keeps the key.
    let read = admin.get(SETTINGS).await.ok(200);
    assert_eq!(read, settings);
    assert_eq!(admin.put(SETTINGS, read).await.ok(200), settings);
    let base_url = json!({"payments": {"yookassa": {"shop_id": "1", "base_url": "http://x"}}});
    admin.put(SETTINGS, base_url).await.problem(400);

    let id = text(&begin(&bob, "pro").await["payment_id"]);
    assert_eq!(provider.payments()[0]["recipient"]["account_id"], "200600");
    provider.pay(&id);
    tell(&app, "payment.succeeded", json!({"id": id})).await;
    assert_eq!(statuses(&bob).await, ["succeeded 490"]);
    // Another key is refused by the provider: an admin's to mend, and nothing is lost until then.
    let wrong = json!({"payments": {"yookassa": {"shop_id": "200600", "secret_key": "wrong"}}});
    admin.put(SETTINGS, wrong).await.ok(200);
    bob.post(PAYMENT, for_plan("pro")).await.problem(503);
    let right =
        json!({"payments": {"yookassa": {"shop_id": "200600", "secret_key": "live_of_acme"}}});
    admin.put(SETTINGS, right).await.ok(200);
    begin(&bob, "pro").await;
    let gone = admin.put(SETTINGS, json!({"payments": {"yookassa": null}})).await.ok(200);
    assert_eq!(gone["payments"], json!({"yookassa": null}));
    // The secret was in no answer and is not in the log.
    let audit = admin.get("/api/v1/admin/audit").await.ok(200).to_string();
    assert!(audit.contains("secret_key_set_at") && !audit.contains("live_of_acme"), "{audit}");
}

#[tokio::test]
async fn what_was_begun_with_a_shop_is_heard_of_by_it_also_when_the_settings_name_another() {
    let (app, provider) = with_provider().await;
    let admin = app.admin();
    let own = json!({"shop_id": "200600", "secret_key": "live_of_acme"});
    let set = async |shop: Value| {
        admin.put(SETTINGS, json!({"payments": {"yookassa": shop}})).await.ok(200)
    };
    set(own.clone()).await;
    let [bob, eve, tom] = ["bob", "eve", "tom"].map(|name| app.user(name));
    let begun = [begin(&bob, "pro").await, begin(&eve, "pro").await];
    let [of_bob, of_eve] = begun.each_ref().map(|begun| text(&begun["payment_id"]));
    // The provider does not say whether it took this one on.
    provider.trouble(Trouble { fail: 99, ..Trouble::default() });
    tom.post(PAYMENT, for_plan("pro")).await.problem(503);
    provider.trouble(Trouble::default());

    // From now on it is the host's shop, which knows none of them.
    let answer = set(Value::Null).await.to_string();
    assert!(!answer.contains("live_of_acme") && !answer.contains("200600"), "{answer}");
    assert_eq!(begin(&bob, "pro").await, begun[0], "it is to be paid still");
    provider.pay(&of_bob);
    tell(&app, "payment.succeeded", json!({"id": of_bob})).await;
    assert_eq!(statuses(&bob).await, ["succeeded 490"]);
    provider.pay(&of_eve);
    app.advance(60).await;
    assert_eq!(statuses(&eve).await, ["succeeded 490"]);
    // Asked once more under its key, and in its own shop: no second payment.
    let payments = provider.payments();
    let shops: Vec<&Value> = payments.iter().map(|one| &one["recipient"]["account_id"]).collect();
    assert_eq!(shops, ["200600"; 3]);
    let of_tom = text(&begin(&tom, "pro").await["payment_id"]);
    assert!(payments.iter().any(|one| one["id"] == of_tom.as_str()));
    // Money goes back by it, too.
    provider.give_back("r1", &of_bob, "490.00");
    tell(&app, "refund.succeeded", json!({"id": "r1", "payment_id": of_bob})).await;
    assert_eq!(statuses(&bob).await, ["refunded 490"]);
    // What begins now is the host's.
    let of_ann = begin(&app.user("ann"), "pro").await;
    let found = provider.payments();
    let of_ann = found.iter().find(|one| one["id"] == of_ann["payment_id"]).unwrap();
    assert_eq!(of_ann["recipient"]["account_id"], "100500");
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test]
async fn a_payment_waits_for_its_shop_while_the_configuration_names_another() {
    let (app, provider) = with_provider().await;
    let begun = begin(&app.user("bob"), "pro").await;
    let id = text(&begun["payment_id"]);
    let app = app
        .restart_with(60, |config| {
            provider.configure(config);
            let yookassa = &mut config.payments.yookassa;
            yookassa.shop_id = Some("200600".to_owned());
            yookassa.secret_key = Some(Secret::new("live_of_acme".to_owned()));
        })
        .await;
    // Nobody can say whether it is paid, and nobody says that it is not.
    provider.pay(&id);
    for days in [1, 8, 30] {
        app.advance(days * 86_400).await;
        assert_eq!(statuses(&app.user("bob")).await, ["pending 490"]);
    }
    let body = told("payment.succeeded", json!({"id": id}));
    let answer = app.stranger().post(WEBHOOK, body).await;
    assert!(!answer.problem(503).contains("100500"), "{}", answer.json);
    // What begins now is the other shop's.
    let of_ann = begin(&app.user("ann"), "pro").await["payment_id"].clone();
    let found = provider.payments();
    let of_ann = found.iter().find(|one| one["id"] == of_ann).unwrap();
    assert_eq!(of_ann["recipient"]["account_id"], "200600");

    let app = app.restart_with(0, |config| provider.configure(config)).await;
    app.advance(3_600).await;
    assert_eq!(statuses(&app.user("bob")).await, ["succeeded 490"]);
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test]
async fn a_key_gives_the_payment_that_was_begun_also_after_the_provider_failed() {
    let (app, provider) = with_provider().await;
    let bob = app.user("bob");
    let headers = [("idempotency-key", "once")];
    let body = for_plan("pro").to_string();
    let ask = async || bob.send_with(&headers, Method::POST, PAYMENT, &body).await;
    provider.trouble(Trouble { fail: 3, ..Trouble::default() });
    ask().await.problem(503);
    assert_eq!(statuses(&bob).await, ["pending 490"]);
    let started = ask().await.ok(201);
    assert_eq!(ask().await.ok(201), started);
    assert_eq!(provider.payments().len(), 1);
    let other = for_plan("free").to_string();
    bob.send_with(&headers, Method::POST, PAYMENT, &other).await.problem(422);
    // A failure that passes soon is not seen at all.
    provider.trouble(Trouble { fail: 2, ..Trouble::default() });
    begin(&app.user("eve"), "pro").await;
}

#[tokio::test]
async fn what_the_provider_refuses_for_good_has_failed_and_may_be_asked_again() {
    let (app, provider) = with_provider().await;
    let bob = app.user("bob");
    provider.trouble(Trouble { refuse: true, ..Trouble::default() });
    let answer = bob.post(PAYMENT, for_plan("pro")).await;
    answer.problem(400);
    assert_eq!(answer.json["type"], "urn:planwright:problem:payment_refused");
    let all = bob.get(TRANSACTIONS).await.ok(200);
    assert_eq!(
        (&all[0]["status"], &all[0]["provider_status"]),
        (&json!("failed"), &json!("invalid_request"))
    );
    provider.trouble(Trouble::default());
    begin(&bob, "pro").await;
    let mut both = statuses(&bob).await;
    both.sort();
    assert_eq!(both, ["failed 490", "pending 490"]);
    // A plan that is to be paid for is not deleted.
    let answer = app.admin().delete(&of_plan("pro")).await;
    assert!(answer.problem(400).contains("toggle"), "{}", answer.json);
}

#[tokio::test]
async fn a_signature_is_required_where_a_proxy_signs_and_a_source_where_some_are_named() {
    let provider = Provider::start().await;
    let app = App::with(|config| {
        provider.configure(config);
        config.payments.yookassa.webhook_secret = Some(Secret::new("between us".to_owned()));
    })
    .await;
    let body = told("payment.succeeded", json!({"id": "none"})).to_string();
    let sign = |secret: &str, body: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let good = sign("between us", &body);
    for (signature, status) in [
        (good.as_str(), 200),
        (&good.to_uppercase(), 200),
        (&sign("between them", &body), 401),
        (&sign("between us", "{}"), 401),
        (&good[..62], 401),
        ("no hex", 401),
        ("", 401),
    ] {
        let headers = [("x-yookassa-signature", signature)];
        let answer = app.stranger().send_with(&headers, Method::POST, WEBHOOK, &body).await;
        assert_eq!(answer.status.as_u16(), status, "{signature}: {}", answer.json);
    }
    app.stranger().send(Method::POST, WEBHOOK, &body).await.problem(401);

    for (sources, status) in [(["127.0.0.0/8"], 200), (["185.71.76.0/27"], 401)] {
        let app = App::with(|config| {
            config.payments.yookassa.allowed_sources =
                sources.map(|one| one.parse().unwrap()).to_vec();
        })
        .await;
        let answer = app.stranger().send(Method::POST, WEBHOOK, &body).await;
        assert_eq!(answer.status.as_u16(), status, "{sources:?}");
    }
    for body in ["", "[]", "{}", r#"{"event":"payment.succeeded","object":{"id":"a/b"}}"#] {
        let (app, _) = with_provider().await;
        app.stranger().send(Method::POST, WEBHOOK, body).await.problem(400);
    }
}

#[tokio::test]
async fn admins_see_the_tenants_transactions_and_users_their_own() {
    let (app, provider) = with_provider().await;
    app.admin().post(ADMIN_PLANS, plan("other")).await.ok(201);
    for (user, plan) in [("bob", "pro"), ("eve", "pro"), ("bob", "other")] {
        let id = text(&begin(&app.user(user), plan).await["payment_id"]);
        if user == "eve" {
            provider.pay(&id);
            tell(&app, "payment.succeeded", json!({"id": id})).await;
        }
        app.clock.advance(10);
    }
    const ALL: &str = "/api/v1/admin/billing/transactions";
    let admin = app.admin();
    for (query, total, first) in [
        ("", 3, Some(("bob", "other"))),
        ("?page_size=1&page=2", 3, Some(("eve", "pro"))),
        ("?user_id=bob", 2, Some(("bob", "other"))),
        ("?user_id=bob&plan_id=pro", 1, Some(("bob", "pro"))),
        ("?status=succeeded", 1, Some(("eve", "pro"))),
        ("?status=pending&page_size=1&page=2", 2, Some(("bob", "pro"))),
        ("?plan_id=pro", 2, Some(("eve", "pro"))),
        ("?plan_id=pro&status=pending", 1, Some(("bob", "pro"))),
        ("?page=9", 3, None),
        ("?status=refunded", 0, None),
        ("?plan_id=none", 0, None),
    ] {
        let found = admin.get(&format!("{ALL}{query}")).await.ok(200);
        assert_eq!(found["total"], total, "{query}");
        let shown =
            found["items"][0].as_object().map(|one| (text(&one["user_id"]), text(&one["plan_id"])));
        let expected = first.map(|(user, plan)| (user.to_owned(), plan.to_owned()));
        assert_eq!(shown, expected, "{query}");
    }
    admin.get(&format!("{ALL}?status=lost")).await.problem(400);
    let bob = app.user("bob");
    for (query, expected) in [("", 2), ("?limit=1", 1), ("?skip=1", 1), ("?skip=2", 0)] {
        let found = bob.get(&format!("{TRANSACTIONS}{query}")).await.ok(200);
        assert_eq!(found.as_array().unwrap().len(), expected, "{query}");
    }
    for query in ["?limit=0", "?limit=101", "?skip=-1", "?page=1"] {
        bob.get(&format!("{TRANSACTIONS}{query}")).await.problem(400);
    }
    app.covers(&["transactions_list_all"]);
}

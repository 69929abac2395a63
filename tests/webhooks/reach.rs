//! Where calls may go: not into private networks, whatever leads there, unless the operator allows it.

use serde_json::json;

use super::receiver::Receiver;
use super::{WEBHOOKS, delivery_when, is_tried};
use crate::harness::App;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_inside_is_refused_when_it_is_named_and_a_name_when_it_is_called() {
    let receiver = Receiver::start().await;
    let app = App::with(|config| config.webhooks.allow_http = true).await;
    let admin = app.admin();
    for url in
        [receiver.url(), "http://169.254.169.254/latest".to_owned(), "http://[::1]/".to_owned()]
    {
        let answer = admin.post(WEBHOOKS, json!({"url": url})).await;
        answer.problem(400);
        assert_eq!(answer.field_errors(), [("url".to_owned(), "invalid_url".to_owned())], "{url}");
    }
    let made = admin.post(WEBHOOKS, json!({"url": receiver.named_url()})).await.ok(201);
    let id = made["id"].as_str().unwrap();
    admin.post(&format!("{WEBHOOKS}/{id}/test"), json!({})).await.ok(202);
    let tried = delivery_when(&admin, id, is_tried(1)).await;
    let attempt = &tried["attempts"][0];
    assert_eq!(attempt["status"], json!(null));
    assert!(attempt["detail"].as_str().unwrap().contains("private network"), "{attempt}");
    assert!(receiver.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_allowed_once_is_not_called_any_more_when_it_is_forbidden() {
    let receiver = Receiver::start().await;
    let app = super::start().await;
    let admin = app.admin();
    let mut endpoints = Vec::new();
    for url in [receiver.url(), receiver.named_url()] {
        let made =
            admin.post(WEBHOOKS, json!({"url": url, "events": ["plan.deleted"]})).await.ok(201);
        endpoints.push(made["id"].as_str().unwrap().to_owned());
    }
    // It may be called: the names and addresses here are right.
    for id in &endpoints {
        admin.post(&format!("{WEBHOOKS}/{id}/test"), json!({})).await.ok(202);
    }
    receiver.calls_when(2).await;
    // The restarted server has the default configuration.
    let app = app.restart().await;
    app.clock.advance(1);
    let admin = app.admin();
    for id in &endpoints {
        admin.post(&format!("{WEBHOOKS}/{id}/test"), json!({})).await.ok(202);
        let tried =
            delivery_when(&admin, id, |one| is_tried(1)(one) && one["state"] == "pending").await;
        assert_eq!(tried["attempts"][0]["status"], json!(null), "{tried}");
    }
    assert_eq!(receiver.calls().len(), 2);
}

//! What becomes of statements is told, without their lines.

use serde_json::{Value, json};

use super::receiver::{Call, Receiver};
use super::{listen, start};
use crate::api::SETTINGS;
use crate::statements::{TO_MARCH, at_one, cloud, only_statement, uses};
use crate::worker::assert_agrees;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_fails_is_written_or_has_nothing_to_pay_is_told() {
    let (app, receiver) = (start().await, Receiver::start().await);
    let admin = app.admin();
    listen(&admin, &receiver, &["statement.*"]).await;
    cloud(&admin, &[("cpu", 1)], &[at_one("cpu")]).await;
    let bob = app.user("bob");
    uses(&bob, "cpu", 5).await;
    admin.put(SETTINGS, json!({"currency": null})).await.ok(200);
    app.advance(TO_MARCH).await;
    let failed = receiver.calls_when(1).await[0].payload();
    assert_eq!(failed["type"], "statement.failed");
    // It fails for the same reason again, which is not told.
    app.advance(60).await;
    admin.put(SETTINGS, json!({"currency": "USD"})).await.ok(200);
    app.advance(300).await;
    let calls = receiver.calls_when(2).await;
    let kinds: Vec<String> = calls.iter().map(Call::kind).collect();
    assert_eq!(kinds, ["statement.failed", "statement.created"]);
    let mut shown = only_statement(&bob).await;
    if let Value::Object(fields) = &mut shown {
        fields.remove("lines");
    }
    assert_eq!(calls[1].payload()["data"], json!({"statement": shown}));
    assert_eq!(shown["due"], 5);
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

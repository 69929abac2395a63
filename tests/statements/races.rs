//! Usage that comes while its window is closed is billed by that statement or as an adjustment of the next, and once.

use serde_json::{Value, json};

use super::{ADMIN_STATEMENTS, DAY, MARCH, TO_MARCH, at_one, cloud};
use crate::api::{BATCH, USAGE};
use crate::harness::{Actor, App};
use crate::worker::assert_agrees;

const USERS: usize = 8;

/// Sends usage of the month that ends, one by one and in batches, until it is enough. Gives how much that was.
async fn send(admin: Actor, writer: usize, times: usize) -> u64 {
    let mut sent = 0;
    for at in 0..times {
        let user = format!("user_{}", (writer + at) % USERS);
        let event = |amount: u64| json!({"metric": "cpu", "amount": amount, "user_id": user, "timestamp": MARCH - 60});
        if at % 3 == 0 {
            let batch = json!({"events": [event(1), event(2)]});
            assert_eq!(admin.post(BATCH, batch).await.ok(200)["accepted"], 2);
            sent += 3;
        } else {
            admin.post(USAGE, event(1)).await.ok(201);
            sent += 1;
        }
    }
    sent
}

/// The sum of a field of all statements, and how many have lines of a kind.
async fn billed(admin: &Actor, kind: &str) -> (u64, usize) {
    let (mut sum, mut lines) = (0, 0);
    let page = admin.get(&format!("{ADMIN_STATEMENTS}?page_size=100")).await.ok(200);
    for one in page["items"].as_array().unwrap() {
        sum += one["total"].as_u64().unwrap();
        let is_of = |line: &&Value| line["kind"] == kind;
        lines += one["lines"].as_array().unwrap().iter().filter(is_of).count();
    }
    (sum, lines)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_comes_while_a_window_is_closed_is_billed_once() {
    let app = App::start().await;
    let admin = app.admin();
    cloud(&admin, &[("cpu", 1)], &[at_one("cpu")]).await;
    app.clock.advance(TO_MARCH - 30);
    let mut sending = tokio::task::JoinSet::new();
    for writer in 0..8 {
        sending.spawn(send(admin.clone(), writer, 60));
    }
    // While they come, the month ends.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    app.advance(30).await;
    while !sending.is_empty() && billed(&admin, "usage").await.1 < USERS {
        app.advance(0).await;
    }
    let sent: u64 = sending.join_all().await.into_iter().sum();
    let (in_march, _) = billed(&admin, "usage").await;
    assert!(in_march < sent, "some came late: {in_march} of {sent}");
    app.advance(31 * DAY).await;
    let (all, adjustments) = billed(&admin, "adjustment").await;
    assert_eq!(all, sent, "all of it is billed, and once");
    assert!(adjustments > 0);
    app.advance(31 * DAY).await;
    assert_eq!(billed(&admin, "adjustment").await, (all, adjustments), "and never again");
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

//! A run that is killed is taken up where it was: each user has one statement, and nothing is billed twice.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::{ADMIN_STATEMENTS, DAY, at_one, cloud};
use crate::api::{BATCH, CLOCK, TENANTS};
use crate::harness::process::Process;
use crate::harness::{Actor, claims};
use crate::worker::assert_agrees;

const USERS: usize = 600;
const PRODUCTS: [&str; 3] = ["cpu", "disk", "net"];

fn lab(process: &Process) -> Actor {
    let tenant = Some("lab".to_owned());
    process.with_claims(&planwright_server::token::Claims { tenant, ..claims("root", "admin") })
}

async fn count(admin: &Actor) -> u64 {
    let page = admin.get(&format!("{ADMIN_STATEMENTS}?page_size=1")).await.ok(200);
    page["total"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_in_the_middle_of_a_run_leave_each_user_one_statement() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let process = Process::start(&data_dir);
    let draft = json!({"id": "lab", "name": "Lab", "sandbox": true});
    process.operator().post(TENANTS, draft).await.ok(201);
    let admin = lab(&process);
    let products = PRODUCTS.map(|product| (product, 1));
    cloud(&admin, &products, &PRODUCTS.map(at_one)).await;
    let amounts: Value = PRODUCTS.iter().map(|product| ((*product).to_owned(), json!(2))).collect();
    let events: Vec<Value> = (0..USERS)
        .map(|user| json!({"amounts": amounts, "user_id": format!("user_{user}")}))
        .collect();
    assert_eq!(admin.post(BATCH, json!({"events": events})).await.ok(200)["rejected"], json!([]));
    let now = admin.get(CLOCK).await.ok(200)["now"].as_i64().unwrap();
    let total = u64::try_from(USERS).unwrap();
    let later = json!({"now": now + 32 * DAY}).to_string();
    let setting = tokio::spawn(async move { admin.try_send(Method::PUT, CLOCK, &later).await });
    let (mut process, mut written, mut kills) = (process, 0, 0);
    loop {
        // As soon as more of them are written, whatever comes next is cut off.
        let admin = lab(&process);
        let before = written;
        while written == before {
            written = count(&admin).await;
        }
        process.kill();
        assert_agrees(&data_dir.join("planwright.redb")).await;
        process = Process::start(&data_dir);
        if written == total {
            break;
        }
        kills += 1;
    }
    assert!(kills > 0, "it was never killed in the middle");
    // It may have been answered before.
    let _ = setting.await.unwrap();
    let admin = lab(&process);
    let later = json!({"now": now + 32 * DAY});
    admin.put(CLOCK, later).await.ok(200);
    let mut seen = BTreeSet::new();
    for page in 1..=USERS / 100 {
        let listed =
            admin.get(&format!("{ADMIN_STATEMENTS}?page_size=100&page={page}")).await.ok(200);
        assert_eq!(listed["total"], USERS);
        for one in listed["items"].as_array().unwrap() {
            assert_eq!((&one["total"], one["lines"].as_array().unwrap().len()), (&json!(6), 3));
            assert!(seen.insert(one["user_id"].to_string()), "{one}");
        }
    }
    assert_eq!(seen.len(), USERS);
    process.kill();
    assert_agrees(&data_dir.join("planwright.redb")).await;
}

//! `kill -9` at random under write load: what was acknowledged is there, and nothing is half there.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod check;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::api::{ADMIN_PLANS, of_plan, plan, subscription_of};
use crate::harness::Actor;
use crate::harness::process::Process;

const KILLS: u64 = 100;
const WRITERS: usize = 8;

/// What a writer was told is done.
#[derive(Default)]
struct Acknowledged {
    plans: BTreeSet<String>,
    deleted: BTreeSet<String>,
    /// What was asked for and not answered: done wholly or not at all.
    unknown: BTreeSet<String>,
    subscribers: BTreeSet<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_kills_lose_nothing_acknowledged_and_leave_nothing_half_done() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let mut chance = fastrand::Rng::with_seed(11);
    let mut known = Acknowledged::default();
    for kill in 0..KILLS {
        let process = Process::start(&data_dir);
        let admin = process.admin();
        look(&admin, &mut known).await;
        let done = Arc::new(AtomicUsize::new(0));
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            let name = format!("k{kill}w{writer}");
            writers.spawn(write(admin.clone(), name, Arc::clone(&done)));
        }
        // Somewhere in the middle of writes, not at a time of day: the machine may be slow.
        let enough = chance.usize(0..120);
        while done.load(Ordering::Relaxed) < enough {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        process.kill();
        for told in writers.join_all().await {
            known.plans.extend(told.plans);
            known.deleted.extend(told.deleted);
            known.unknown.extend(told.unknown);
            known.subscribers.extend(told.subscribers);
        }
        check_files(&data_dir, &known).await;
    }
    assert!(known.plans.len() > 500, "only {} plans were made", known.plans.len());
    assert!(!known.deleted.is_empty() && !known.subscribers.is_empty());
}

/// Makes plans until the server is gone; gives some of them to a user and deletes some of the others.
async fn write(admin: Actor, name: String, done: Arc<AtomicUsize>) -> Acknowledged {
    let mut told = Acknowledged::default();
    for at in 0.. {
        let id = format!("{name}_{at}");
        let body = plan(&id).to_string();
        match admin.try_send(Method::POST, ADMIN_PLANS, &body).await {
            Ok(answer) => drop(answer.ok(201)),
            Err(_) => {
                told.unknown.insert(id);
                return told;
            }
        }
        told.plans.insert(id.clone());
        done.fetch_add(1, Ordering::Relaxed);
        if at % 3 == 0 {
            let body = json!({"plan_id": id}).to_string();
            let answer = admin.try_send(Method::PUT, &subscription_of(&id), &body).await;
            let Ok(answer) = answer else { return told };
            answer.ok(201);
            told.subscribers.insert(id);
        } else if at % 3 == 1 {
            let Ok(answer) = admin.try_send(Method::DELETE, &of_plan(&id), "").await else {
                told.plans.remove(&id);
                told.unknown.insert(id);
                return told;
            };
            answer.ok(200);
            told.plans.remove(&id);
            told.deleted.insert(id);
        }
    }
    told
}

/// Asks the server for what it has, and settles what was not answered.
async fn look(admin: &Actor, known: &mut Acknowledged) {
    let all = admin.get(ADMIN_PLANS).await.ok(200);
    let there: BTreeSet<String> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|stats| stats["plan"]["id"].as_str().unwrap().to_owned())
        .collect();
    for id in &known.plans {
        assert!(there.contains(id), "plan {id} was acknowledged and is lost");
    }
    for id in &known.deleted {
        assert!(!there.contains(id), "plan {id} was deleted and is back");
    }
    for id in &there {
        assert!(known.plans.contains(id) || known.unknown.contains(id), "nobody made {id}");
    }
    known.plans = there;
    known.unknown.clear();
}

/// Looks into the store itself, while no server has it.
async fn check_files(data_dir: &Path, known: &Acknowledged) {
    let live_users = check::live_users(&data_dir.join("planwright.redb")).await;
    for user in &known.subscribers {
        assert!(live_users.contains(user), "the subscription of {user} is lost");
    }
}

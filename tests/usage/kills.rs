//! `kill -9` in the middle: what was told to count counts, once, however often it is sent again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{subscribe, used};
use crate::api::{BATCH, USAGE};
use crate::harness::Actor;
use crate::harness::process::Process;
use crate::worker::assert_agrees;

const KILLS: usize = 12;
const WRITERS: usize = 8;

/// Sends events until the server is gone. Gives those that it was told count, and those it does not know of.
async fn send(
    admin: Actor,
    name: String,
    done: Arc<AtomicUsize>,
) -> (BTreeSet<String>, Vec<String>) {
    let mut told = BTreeSet::new();
    for at in 0.. {
        let ids: Vec<String> = (0..if at % 4 == 0 { 5 } else { 1 })
            .map(|part| format!("{name}_{at}_{part}"))
            .collect();
        let sent = if ids.len() == 1 {
            let body = event(&ids[0]).to_string();
            admin.try_send(Method::POST, USAGE, &body).await
        } else {
            let events: Vec<Value> = ids.iter().map(|id| event(id)).collect();
            admin.try_send(Method::POST, BATCH, &json!({"events": events}).to_string()).await
        };
        let Ok(answer) = sent else { return (told, ids) };
        assert!(answer.status.is_success(), "{}", answer.json);
        told.extend(ids);
        done.fetch_add(1, Ordering::Relaxed);
    }
    unreachable!("it sends for ever")
}

fn event(id: &str) -> Value {
    json!({"metric": "audio_minutes", "amount": 0.5, "user_id": "bob", "event_id": id})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_every_event_counts_once_however_often_it_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let mut chance = fastrand::Rng::with_seed(7);
    let mut counted = BTreeSet::new();
    for kill in 0..KILLS {
        let process = Process::start(&data_dir);
        let admin = process.admin();
        if kill == 0 {
            subscribe(&admin, "bob", json!({"requests": 10})).await;
        }
        let done = Arc::new(AtomicUsize::new(0));
        let mut sending = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            let name = format!("k{kill}w{writer}");
            sending.spawn(send(admin.clone(), name, Arc::clone(&done)));
        }
        let enough = chance.usize(10..120);
        while done.load(Ordering::Relaxed) < enough {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        process.kill();
        let mut unknown = Vec::new();
        for (told, not_told) in sending.join_all().await {
            counted.extend(told);
            unknown.push(not_told);
        }

        // All are sent again: those that were told, and those of which nobody knows.
        let process = Process::start(&data_dir);
        let admin = process.admin();
        let again: Vec<Value> = counted.iter().map(|id| event(id)).collect();
        let outcome = admin.post(BATCH, json!({"events": again})).await.ok(200);
        assert_eq!((&outcome["accepted"], &outcome["rejected"]), (&json!(0), &json!([])));
        for ids in unknown {
            let events: Vec<Value> = ids.iter().map(|id| event(id)).collect();
            let outcome = admin.post(BATCH, json!({"events": events})).await.ok(200);
            let whole = [json!(ids.len()), json!(0)];
            assert!(whole.contains(&outcome["accepted"]), "half of it was counted: {outcome}");
            counted.extend(ids);
        }
        let (total, ids) = (used(&admin, "bob", "audio_minutes").await, counted.len());
        assert_eq!(total.to_string(), half(ids), "{ids} events count half a minute each");
        assert_eq!(process.terminate(), Some(0));
        assert_agrees(&data_dir.join("planwright.redb")).await;
    }
    assert!(counted.len() > 500, "only {} events were counted", counted.len());
}

/// As JSON has it.
fn half(number: usize) -> String {
    let fraction = if number.is_multiple_of(2) { "" } else { ".5" };
    format!("{}{fraction}", number / 2)
}

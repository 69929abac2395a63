//! Backups of a server that goes on serving.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use planwright_store::{ChangeSet, Document, Key, Options, RedbStore, Space, Store};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use super::{Place, of_server};
use crate::api::{ADMIN_PLANS, of_plan, plan, subscription_of};
use crate::harness::process::Process;
use crate::harness::{Actor, App};

const BACKUP: &str = "/api/v1/admin/backup";
const WRITERS: usize = 8;

/// Makes plans with a subscriber each, until it is told to stop.
async fn write(
    admin: Actor,
    writer: usize,
    done: Arc<Mutex<BTreeSet<String>>>,
    stop: Arc<AtomicBool>,
) {
    for at in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let id = format!("w{writer}_{at}");
        admin.post(ADMIN_PLANS, plan(&id)).await.ok(201);
        admin.put(&subscription_of(&id), json!({"plan_id": id})).await.ok(201);
        done.lock().unwrap().insert(id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_has_all_that_was_acknowledged_before_it_and_nothing_by_half() {
    let place = Place::new();
    let process = Process::start(&place.path("data"));
    let admin = process.admin();
    let server = of_server(&process, &place.path("data"));
    let (done, stop) = (Arc::<Mutex<BTreeSet<String>>>::default(), Arc::<AtomicBool>::default());
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(write(admin.clone(), writer, Arc::clone(&done), Arc::clone(&stop)));
    }
    let mut backups = Vec::new();
    for number in 0..4 {
        let enough = (number + 1) * 40;
        while done.lock().unwrap().len() < enough {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let before = done.lock().unwrap().clone();
        let name = format!("b{number}");
        place.json(&format!("backup {name} {server}"));
        backups.push((name, before));
    }
    stop.store(true, Ordering::Relaxed);
    writers.join_all().await;
    assert_eq!(process.terminate(), Some(0));

    for (name, before) in backups {
        let folder = format!("restored-{name}");
        // Restoring fails where the check finds anything.
        place.json(&format!("restore {name} --data-dir {folder}"));
        let process = Process::start(&place.path(&folder));
        let all = process.admin().get(ADMIN_PLANS).await.ok(200);
        let there: BTreeSet<String> = all
            .as_array()
            .unwrap()
            .iter()
            .filter(|stats| stats["active_subscriptions"] == 1)
            .map(|stats| stats["plan"]["id"].as_str().unwrap().to_owned())
            .collect();
        assert!(before.len() >= 40 && before.is_subset(&there), "{:?}", before.difference(&there));
    }
}

/// Bytes that no compression makes smaller, much.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Noise(String);

impl Document for Noise {
    const SCHEMA: u16 = 1;
}

/// How many of them there are, each of more than a megabyte.
const PIECES: usize = 24;

/// A server with much more in it than fits between it and a client that does not read.
async fn large_server(write_seconds: u64) -> (Place, App) {
    let place = Place::new();
    let data = place.path("data");
    std::fs::create_dir(&data).unwrap();
    let store = RedbStore::open(data.join("planwright.redb"), Options::default()).unwrap();
    let mut chance = fastrand::Rng::with_seed(1);
    for number in 0..PIECES {
        let noise: String = (0..1_400_000).map(|_| chance.alphanumeric()).collect();
        let key = Key::in_space(&Space::Host, "noise").text(&number.to_string()).key();
        let mut change = ChangeSet::new();
        change.put(&key, &Noise(noise));
        store.commit(change).await.unwrap();
    }
    drop(store);
    let app = App::with(|config| {
        config.server.data_dir = data;
        config.limits.write_seconds = write_seconds;
        config.limits.handler_seconds = 1;
    })
    .await;
    (place, app)
}

/// A client that has asked for a backup, and reads it as slowly as it likes.
async fn ask(address: SocketAddr, token: &str) -> tokio::net::TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let head = format!(
        "GET {BACKUP} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut start = [0; 15];
    stream.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200 OK");
    stream
}

/// What is left of an answer that comes in chunks, without what wraps them.
fn unwrap_chunks(mut rest: &[u8]) -> Vec<u8> {
    let line_end = |bytes: &[u8]| bytes.windows(2).position(|pair| pair == b"\r\n").unwrap();
    let head = rest.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    rest = &rest[head + 4..];
    let mut body = Vec::new();
    loop {
        let end = line_end(rest);
        let length = std::str::from_utf8(&rest[..end]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        body.extend_from_slice(&rest[end + 2..end + 2 + length]);
        rest = &rest[end + 2 + length + 2..];
        if length == 0 {
            return body;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_reads_slowly_gets_a_whole_backup_and_keeps_no_pages_of_the_store() {
    let (place, app) = large_server(60).await;
    let admin = app.admin();
    let size = || std::fs::metadata(place.path("data/planwright.redb")).unwrap().len();
    admin.post(ADMIN_PLANS, plan("busy")).await.ok(201);
    let mut slow = ask(app.address(), app.operator().token()).await;
    let (mut read, mut piece) = (Vec::new(), vec![0; 10_000]);
    let mut sizes = Vec::new();
    for _ in 0..40 {
        for _ in 0..25 {
            admin.patch(&format!("{}/toggle", of_plan("busy"))).await.ok(200);
        }
        sizes.push(size());
        let count = slow.read(&mut piece).await.unwrap();
        read.extend_from_slice(&piece[..count]);
    }
    // Some growth is the store's own, while the backup is written and before.
    assert_eq!(sizes[12], sizes[39], "{sizes:?}");
    slow.read_to_end(&mut read).await.unwrap();
    std::fs::write(place.path("b"), unwrap_chunks(&read)).unwrap();
    let output = place.run("restore b --data-dir new --json");
    let restored: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    // A tenant's space, the host's, and what nobody knows the meaning of.
    let unknown = restored["check"]["disagreements"].as_array().unwrap();
    assert_eq!(unknown.len(), PIECES);
    assert!(restored["check"]["records"].as_u64() > u64::try_from(PIECES).ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_backup_is_taken_at_a_time_and_a_client_that_does_not_read_is_cut_off() {
    let (_place, app) = large_server(1).await;
    let operator = app.operator();
    let deaf = ask(app.address(), operator.token()).await;
    let refused = operator.get(BACKUP).await;
    assert!(refused.problem(503).contains("Another backup is under way"));
    assert_eq!(refused.headers["retry-after"], "1");
    // As soon as it is cut off, the next one may.
    let mut answer = refused;
    for _ in 0..1_000 {
        if answer.status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        answer = operator.get(BACKUP).await;
    }
    answer.ok(200);
    drop(deaf);
}

#[tokio::test]
async fn a_backup_is_sent_as_a_file_that_nobody_may_keep_on_the_way() {
    let app = App::start().await;
    let answer = app.operator().get(BACKUP).await;
    assert_eq!(answer.headers["content-type"], "application/octet-stream");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let name = "attachment; filename=\"planwright-1738742400.backup\"";
    assert_eq!(answer.headers["content-disposition"], name);
    answer.ok(200);
    app.operator().get(&format!("{BACKUP}?tenant=default")).await.problem(400);
    app.covers(&["backup_take"]);
}

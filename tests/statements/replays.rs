//! What was priced is asked again: the component that did it says the very same, and another one shows what it would
//! have charged.

use planwright_store::{
    ChangeSet, Document, Key, Options, RedbStore, Scan, Snapshot, Space, Store,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{DAY, TO_MARCH, at_one, cloud, only_statement, said, statements, uses};
use crate::api::payments::{begin, tell, text, with_provider};
use crate::api::plugin_uploads::{PRICING, REVIEWER, uploaded};
use crate::api::{API_KEYS, BATCH};
use crate::harness::process::planwright;
use crate::harness::{Actor, App};
use crate::provider::Provider;
use crate::worker::assert_agrees;

const REPLAY: &str = "/api/v1/admin/statements/replay";

fn replay_of(statement: &Value) -> String {
    format!("/api/v1/admin/statements/{}/replay", statement["id"].as_str().unwrap())
}

/// `2 statements 3 lines 0 unanswered: USD 5 -> 5`, and a line each for what differs.
fn told(replay: &Value) -> Vec<String> {
    let total = |one: &Value| {
        let [currency, before, after] = ["currency", "before", "after"].map(|name| &one[name]);
        format!("{} {before} -> {after}", currency.as_str().unwrap())
    };
    let list = |value: &Value| value.as_array().unwrap().clone();
    let totals: Vec<String> = list(&replay["totals"]).iter().map(total).collect();
    let [statements, lines, unanswered] =
        ["statements", "lines", "unanswered"].map(|name| &replay[name]);
    let head = format!("{statements} {lines} {unanswered}: {}", totals.join(", "));
    let differing = list(&replay["differing"]);
    assert_eq!(replay["identical"], differing.is_empty(), "{replay}");
    let lines = differing.iter().flat_map(|one| list(&one["lines"]));
    let line = |line: Value| {
        let [before, after, difference] = ["before", "after", "difference"].map(|name| &line[name]);
        format!("{} {before} -> {after} by {difference}", text(&line["description"]))
    };
    std::iter::once(head).chain(lines.map(line)).collect()
}

/// Bob has paid for a plan in roubles, and used something at 1 USD.
async fn billed() -> (App, Provider) {
    let (app, provider) = with_provider().await;
    cloud(&app.admin(), &[("cpu", 1), ("disk", 1)], &[at_one("cpu"), at_one("disk")]).await;
    let bob = app.user("bob");
    let id = text(&begin(&bob, "pro").await["payment_id"]);
    provider.pay(&id);
    tell(&app, "payment.succeeded", json!({"id": id})).await;
    uses(&bob, "cpu", 5).await;
    uses(&bob, "disk", 7).await;
    app.advance(28 * DAY).await;
    (app, provider)
}

/// Bob's statement in a currency.
async fn statement_in(bob: &Actor, currency: &str) -> Value {
    let all = statements(bob).await;
    all.into_iter().find(|one| one["currency"] == currency).unwrap()
}

#[tokio::test]
async fn who_has_answered_says_the_same_and_another_one_what_it_would_charge() {
    let (app, _provider) = billed().await;
    let (admin, bob) = (app.admin(), app.user("bob"));
    let (fees, usage) = (statement_in(&bob, "RUB").await, statement_in(&bob, "USD").await);
    assert_eq!(
        said(&fees),
        ["fee - - - null: 490", "paid_in_advance - - - null: -490", "total 0 due 0 paid"]
    );
    assert_eq!(said(&usage).last().unwrap(), "total 12 due 12 open");
    let again = async |statement: &Value, asked: Value| {
        let replay = admin.post(&replay_of(statement), asked).await.ok(200);
        assert_eq!(replay["next"], Value::Null);
        told(&replay)
    };
    assert_eq!(again(&fees, json!({})).await, ["1 1 0: RUB 490 -> 490"]);
    assert_eq!(again(&usage, json!({})).await, ["1 2 0: USD 12 -> 12"]);

    let standard = text(&usage["lines"][0]["plugin"]["digest"]);
    assert_eq!(again(&usage, json!({"digest": standard})).await, ["1 2 0: USD 12 -> 12"]);

    // It need not be bound, and takes the plan's price too.
    let other = uploaded(&admin, "", PRICING).await;
    let with = |behaviour: &str| json!({"digest": other, "settings": {"behaviour": behaviour}});
    assert_eq!(again(&fees, json!({"digest": other})).await, ["1 1 0: RUB 490 -> 490"]);
    let cheaper =
        ["1 2 0: USD 12 -> 2", "cpu (final, eu) 5 -> 1 by -4", "disk (final, eu) 7 -> 1 by -6"];
    assert_eq!(again(&usage, with("flat")).await, cheaper);
    let refused = [
        "1 2 2: USD 12 -> 12",
        "cpu (final, eu) 5 -> null by 0",
        "disk (final, eu) 7 -> null by 0",
    ];
    for (behaviour, reason) in [
        ("refuse-last", "This line is refused, as asked. (as_told)"),
        ("panic", "failed"),
        ("short", "1 charges for 2 lines"),
    ] {
        let replay = admin.post(&replay_of(&usage), with(behaviour)).await.ok(200);
        assert_eq!(told(&replay), refused, "{behaviour}");
        let said = replay["differing"][0]["lines"][1]["reason"].as_str().unwrap();
        assert!(said.contains(reason), "{behaviour}: {said}");
    }

    // All of a time.
    let span = json!({"from": 0, "to": 4_000_000_000_i64});
    let all = admin.post(REPLAY, span.clone()).await.ok(200);
    assert_eq!(all["statements"], 2);
    let mut totals =
        told(&all)[0].split(": ").nth(1).unwrap().split(", ").collect::<Vec<_>>().join(" ");
    if totals.starts_with("USD") {
        totals = "RUB 490 -> 490 USD 12 -> 12".to_owned();
    }
    assert_eq!(totals, "RUB 490 -> 490 USD 12 -> 12");
    let made = usage["created_at"].as_i64().unwrap();
    for (from, to, statements) in [(made, made + 1, 2), (made + 1, made + 2, 0), (0, made, 0)] {
        let some = admin.post(REPLAY, json!({"from": from, "to": to})).await.ok(200);
        assert_eq!(some["statements"], statements, "{from} {to}");
    }
    app.covers(&["replays_of_statement", "replays_of_period"]);
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_by_its_field() {
    let (app, _provider) = billed().await;
    app.make_tenants(&["acme"]).await;
    let (admin, bob) = (app.admin(), app.user("bob"));
    let path = replay_of(&statement_in(&bob, "USD").await);
    let foreign = uploaded(&app.of_tenant("acme", "a", "admin"), "", PRICING).await;
    let rules = uploaded(&admin, "", REVIEWER).await;
    let none = "0".repeat(64);
    for (asked, field, code) in [
        (json!({"digest": none}), "digest", "unknown_plugin"),
        (json!({"digest": foreign}), "digest", "unknown_plugin"),
        (json!({"digest": rules}), "digest", "wrong_hook"),
        (json!({"settings": {}}), "settings", "without_digest"),
    ] {
        let answer = admin.post(&path, asked.clone()).await;
        answer.problem(400);
        assert_eq!(answer.json["errors"][0]["field"], field, "{asked}");
        assert_eq!(answer.json["errors"][0]["code"], code, "{asked}");
    }
    let own = uploaded(&admin, "", PRICING).await;
    let odd = json!({"digest": own, "settings": {"behaviour": "odd"}});
    let answer = admin.post(&path, odd).await;
    answer.problem(400);
    assert_eq!(answer.json["errors"][0]["field"], "settings");
    for (asked, field) in [
        (json!({"from": 5, "to": 5}), "to"),
        (json!({"from": 0, "to": 5, "after": "sta_none"}), "after"),
    ] {
        let answer = admin.post(REPLAY, asked).await;
        answer.problem(400);
        assert_eq!(answer.json["errors"][0]["field"], field);
    }
    let nothing = "/api/v1/admin/statements/sta_none/replay";
    admin.post(nothing, json!({})).await.problem(404);
}

#[tokio::test]
async fn a_long_time_is_asked_again_piece_by_piece() {
    const USERS: usize = 130;
    let app = App::start().await;
    let admin = app.admin();
    cloud(&admin, &[("cpu", 1)], &[at_one("cpu")]).await;
    let event =
        |user: usize| json!({"metric": "cpu", "amount": user + 1, "user_id": format!("u{user}")});
    let events: Vec<Value> = (0..USERS).map(event).collect();
    admin.post(BATCH, json!({"events": events})).await.ok(200);
    app.advance(TO_MARCH).await;
    let mut asked = json!({"from": 0, "to": 4_000_000_000_i64});
    let mut sum = 0;
    for (statements, is_last) in [(100, false), (30, true)] {
        let replay = admin.post(REPLAY, asked.clone()).await.ok(200);
        assert_eq!(
            (&replay["statements"], &replay["identical"]),
            (&json!(statements), &json!(true))
        );
        assert_eq!(replay["next"].is_null(), is_last, "{replay}");
        sum += replay["totals"][0]["after"].as_u64().unwrap();
        asked["after"] = replay["next"].clone();
    }
    assert_eq!(sum, (1..=130).sum::<u64>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_of_another_release_is_kept_and_compiled_again() {
    let app = App::start().await;
    cloud(&app.admin(), &[("cpu", 1)], &[at_one("cpu")]).await;
    uses(&app.user("bob"), "cpu", 5).await;
    // The component is kept at the latest when the server stops.
    app.advance(TO_MARCH).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pricing.wasm");
    std::fs::write(&file, PRICING).unwrap();
    let app = app
        .restart_with(0, |config| {
            config.plugins.pricing.file = Some(file);
            // Without the native code of the release before.
            config.plugins.cache_dir = Some(folder.path().join("native"));
        })
        .await;
    let bob = app.user("bob");
    let statement = only_statement(&bob).await;
    // It is compiled in the time that others leave over: on a busy machine that is said, and asked again.
    let replay = loop {
        let answer = app.admin().post(&replay_of(&statement), json!({})).await;
        if answer.status != 503 {
            break answer.ok(200);
        }
        assert!(answer.problem(503).contains("is being compiled for this server"));
    };
    assert_eq!(told(&replay), ["1 1 0: USD 5 -> 5"]);
    // What prices now is another one.
    uses(&bob, "cpu", 5).await;
    app.advance(31 * DAY).await;
    assert_eq!(statements(&bob).await[0]["total"], 1);
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

/// Any record.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Any(Value);

impl Document for Any {
    const SCHEMA: u16 = 1;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_was_never_given_shows_and_the_shell_says_so() {
    let (app, _provider) = billed().await;
    let other = uploaded(&app.admin(), "", PRICING).await;
    let app = {
        let (folder, file) = app.stop().await;
        let store = RedbStore::open(&file, Options::default()).unwrap();
        let prefix = Key::in_space(&Space::Tenant("default".to_owned()), "statement").prefix();
        let found = store.snapshot().await.unwrap().scan(&prefix, Scan::first(9)).await.unwrap();
        let in_usd = |record: &Value| record["statement"]["currency"] == "USD";
        let (key, mut record) = found
            .into_iter()
            .map(|(key, record)| (key, record.decode::<Any>().unwrap().0))
            .find(|(_, record)| in_usd(record))
            .unwrap();
        record["statement"]["lines"][0]["amount"] = json!(4);
        record["questions"][0]["answer"][0]["amount"] = json!(4);
        let mut change = ChangeSet::new();
        change.put(&key, &Any(record));
        store.commit(change).await.unwrap();
        drop(store);
        App::start_on(folder).await
    };
    let admin = app.admin();
    let made = admin.post(API_KEYS, json!({"name": "shell", "role": "admin"})).await.ok(201);
    let key = text(&made["key"]);
    let run = |line: &str| {
        let arguments: Vec<&str> = line.split(' ').collect();
        let output = planwright(&arguments)
            .env("PLANWRIGHT_URL", format!("http://{}", app.address()))
            .env("PLANWRIGHT_TOKEN", &key)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    for line in ["replay", "replay sta_1 --from 2025-02-01T00:00:00Z"] {
        let (code, _, reason) = run(line);
        assert_eq!(code, Some(2), "{line}");
        assert!(reason.contains("--from <INSTANT>"), "{reason}");
    }
    let id = text(&statement_in(&app.user("bob"), "USD").await["id"]);
    let (code, table, reason) = run(&format!("replay {id}"));
    assert_eq!(code, Some(1), "{table} {reason}");
    assert!(reason.contains("says something else now"), "{reason}");
    let row = table.lines().nth(1).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(row, format!("bob {id} 0 cpu (final, eu) 4 5 1 USD"));
    assert!(table.contains("USD: 11 as charged, 12 now, difference 1"), "{table}");

    let in_rub = text(&statement_in(&app.user("bob"), "RUB").await["id"]);
    let (code, table, _) = run(&format!("replay {in_rub}"));
    assert_eq!(
        (code, table.lines().next()),
        (Some(0), Some("nothing differs: 1 lines of 1 statements, 0 without an answer"))
    );
    // Another component may differ.
    let line = format!(
        r#"replay --from 2025-01-01T00:00:00Z --digest {other} --settings {{"behaviour":"flat"}} --json"#
    );
    let (code, printed, reason) = run(&line);
    assert_eq!(code, Some(0), "{reason}");
    let replay: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((&replay["statements"], &replay["digest"]), (&json!(2), &json!(other)));
    let (code, _, reason) = run("replay --from 2025-01-01T00:00:00Z --settings {}");
    assert_eq!(code, Some(2), "{reason}");
}

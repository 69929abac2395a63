//! The README is true: its walk-through is typed as it stands, and what it shows comes back.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::path::Path;

use planwright_server::config::Config;
use serde_json::{Value, json};

use crate::api::WEBHOOK;
use crate::harness::Actor;
use crate::harness::process::Process;
use crate::harness::walk::{block, blocks, here, readme, root, type_in};
use crate::provider::{Provider, SHOP, told};
use crate::webhooks::receiver::Receiver;

/// Types every block with one of these marks into one shell, on a server of its own, and compares what comes back with what
/// is shown beneath. `prepare` makes what the reader makes by hand, and `elsewhere` says what is elsewhere here.
fn walk(marks: &[&str], prepare: impl FnOnce(&Path), elsewhere: impl Fn(&str) -> String) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("planwright");
    std::fs::create_dir(&place).unwrap();
    let process = Process::start(&place.join("planwright-data"));
    prepare(&place);
    walk_on(&process, &place, marks, elsewhere).len()
}

/// The same on a server that is there; gives what each block said.
fn walk_on(
    process: &Process,
    place: &Path,
    marks: &[&str],
    elsewhere: impl Fn(&str) -> String,
) -> Vec<String> {
    const END: &str = "=== end of a block ===";

    let mut script = String::new();
    let mut shown = Vec::new();
    let mut is_on_the_walk = false;
    for block in blocks() {
        if block.mark == "gives" {
            if is_on_the_walk {
                *shown.last_mut().unwrap() = Some(block.text);
            }
            continue;
        }
        is_on_the_walk = marks.contains(&block.mark.as_str());
        if is_on_the_walk {
            let address = process.address.to_string();
            script += &elsewhere(&block.text.replace("localhost:8080", &address));
            script += &format!("\necho; echo '{END}'\n");
            shown.push(None);
        }
    }
    let said = type_in(place, &script);
    let said: Vec<&str> = said.split(END).collect();
    for (said, shown) in said.iter().zip(&shown) {
        let Some(shown) = shown else { continue };
        let said: Value =
            serde_json::from_str(said.trim()).unwrap_or_else(|_| panic!("no JSON: {said}"));
        assert_alike(&said, &serde_json::from_str(shown).unwrap(), "");
    }
    said[..shown.len()].iter().map(|said| said.trim().to_owned()).collect()
}

#[test]
fn the_first_five_minutes_give_what_the_readme_shows() {
    let blocks = walk(&["run"], |_| {}, str::to_owned);
    assert!(blocks >= 6, "the walk-through has its steps");
}

#[test]
fn a_product_is_answered_as_the_readme_shows() {
    let blocks = walk(&["product"], |_| {}, str::to_owned);
    assert_eq!(blocks, 5, "the walk-through has its steps");
}

#[test]
fn five_minutes_with_a_plugin_of_ones_own_give_what_the_readme_shows() {
    let save = |folder: &Path| {
        std::fs::write(folder.join("round_prices.rs"), block("plugin")).unwrap();
    };
    let blocks = walk(&["walk"], save, here);
    assert_eq!(blocks, 7, "the walk-through has its steps");
}

#[test]
fn five_minutes_with_a_price_book_give_what_the_readme_shows() {
    let blocks = walk(&["books"], |_| {}, str::to_owned);
    assert_eq!(blocks, 10, "the walk-through has its steps");
}

#[test]
fn a_month_in_a_sandbox_is_billed_and_asked_again_as_the_readme_shows() {
    let blocks = walk(&["statements"], |_| {}, str::to_owned);
    assert_eq!(blocks, 5, "the walk-through has its steps");
}

#[test]
fn what_is_typed_first_is_in_nobodys_way_later() {
    let blocks = walk(&["run", "product", "statements", "books"], |_| {}, str::to_owned);
    assert!(blocks >= 26, "all of them on one server, in the order of the README");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_sent_what_the_readme_shows_and_signed_as_it_says() {
    let receiver = Receiver::start().await;
    let folder = tempfile::tempdir().unwrap();
    let environment = [
        ("PLANWRIGHT_WEBHOOKS_ALLOW_HTTP", "true"),
        ("PLANWRIGHT_WEBHOOKS_ALLOW_PRIVATE_NETWORKS", "true"),
    ];
    let data = folder.path().join("planwright-data");
    let process = Process::start_with(&data, &environment);
    // Whoever reads has a second; a busy machine may need more.
    let delivered = "until cargo run -- webhook deliveries \
        $(cargo run -- webhook list | sed -n 's/.*\\(whe_[a-z0-9]*\\).*/\\1/p') --state delivered \
        | grep -q whd_; do sleep 0.1; done";
    let elsewhere = |text: &str| {
        let text = text.replace("https://shop.example/hooks", &receiver.url());
        text.replace("sleep 1", delivered).replace(
            "webhook redeliver",
            "webhook list > listed; echo $SECRET $NEW_SECRET; cargo run -- webhook redeliver",
        )
    };
    let said = walk_on(&process, folder.path(), &["webhooks"], elsewhere);
    assert_eq!(said.len(), 3, "the walk-through has its steps");
    let calls = receiver.calls_when(2).await;
    let shown = serde_json::from_str(&block("webhook body")).unwrap();
    assert_alike(&calls[0].payload(), &shown, "");
    assert_eq!((&calls[1].id, calls[1].payload()), (&calls[0].id, calls[0].payload()));
    let secrets = said[2].lines().find(|line| line.starts_with("whsec_")).unwrap();
    let (old, new) = secrets.split_once(' ').unwrap();
    assert!(calls[0].is_signed_by(old) && !calls[0].is_signed_by(new));
    assert!(calls[1].is_signed_by(old) && calls[1].is_signed_by(new));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_bought_as_the_readme_shows() {
    let provider = Provider::start().await;
    let folder = tempfile::tempdir().unwrap();
    let base_url = provider.base_url();
    let environment = [("PLANWRIGHT_PAYMENTS_YOOKASSA_BASE_URL", base_url.as_str())];
    let process = Process::start_with(&folder.path().join("planwright-data"), &environment);
    // What happens between the two steps: Bob pays, and the provider calls.
    let (asked, paid) = (folder.path().join("asked"), folder.path().join("paid"));
    let address = process.address;
    let paying = {
        let (provider, asked, paid) = (provider.clone(), asked.clone(), paid.clone());
        tokio::spawn(async move {
            while !asked.exists() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            let id = provider.payments()[0]["id"].as_str().unwrap().to_owned();
            provider.pay(&id);
            let call = told("payment.succeeded", json!({"id": id}));
            Actor::new(address, None).post(WEBHOOK, call).await.ok(200);
            std::fs::write(&paid, "").unwrap();
        })
    };
    let wait = format!(
        "touch {}; for _ in $(seq 1000); do [ -e {} ] && break; sleep 0.02; done; curl",
        asked.display(),
        paid.display()
    );
    let elsewhere = |text: &str| {
        let text = text.replace("live_…", SHOP.1);
        if text.starts_with("curl") { text.replacen("curl", &wait, 1) } else { text }
    };
    let said = walk_on(&process, folder.path(), &["payments"], elsewhere);
    assert_eq!(said.len(), 2, "the walk-through has its steps");
    paying.await.unwrap();
}

/// The same fields with the same values, but for what differs from run to run.
fn assert_alike(said: &Value, shown: &Value, at: &str) {
    const VARY: [&str; 13] = [
        "transaction_id",
        "payment_id",
        "confirmation_url",
        "timestamp",
        "digest",
        "created_at",
        "updated_at",
        "subscribed_at",
        "current_period_end",
        "period_start",
        "period_end",
        "request_id",
        "instance",
    ];
    match (said, shown) {
        (Value::Object(said), Value::Object(shown)) => {
            let names = |fields: &serde_json::Map<String, Value>| {
                fields.keys().cloned().collect::<Vec<_>>()
            };
            assert_eq!(names(said), names(shown), "fields at {at}");
            for (name, value) in shown {
                assert_alike(&said[name], value, name);
            }
        }
        (Value::Array(said), Value::Array(shown)) => {
            assert_eq!(said.len(), shown.len(), "{at}");
            for (said, shown) in said.iter().zip(shown) {
                assert_alike(said, shown, at);
            }
        }
        (Value::String(said), Value::String(shown))
            if at == "id" && shown.starts_with("premium_") =>
        {
            assert!(said.starts_with("premium_") && said.len() == 16, "{said}");
        }
        (Value::String(said), Value::String(shown)) if at == "id" && shown.ends_with('…') => {
            let begin = shown.trim_end_matches('…');
            assert!(said.starts_with(begin) && said.len() > begin.len(), "{said}");
        }
        // The sentence ends with an instant.
        (Value::String(said), Value::String(shown)) if at == "detail" && shown.ends_with("Z.") => {
            let begin = |text: &str| text.rsplit_once(' ').unwrap().0.to_owned();
            assert_eq!(begin(said), begin(shown));
        }
        (said, shown) if VARY.contains(&at) => assert_eq!(said.is_null(), shown.is_null(), "{at}"),
        (said, shown) => assert_eq!(said, shown, "{at}"),
    }
}

#[test]
fn the_configuration_in_the_readme_is_one_and_shows_the_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("planwright.toml");
    std::fs::write(&file, block("configuration")).unwrap();
    let shown = Config::load(Some(&file), &Default::default()).unwrap();
    assert_eq!(format!("{shown:?}"), format!("{:?}", Config::default()));

    std::fs::write(&file, block("plugin configuration")).unwrap();
    let shown = Config::load(Some(&file), &Default::default()).unwrap();
    assert_eq!(shown.plugins.validation.then.len(), 1);

    std::fs::write(&file, block("payments configuration")).unwrap();
    let shown = Config::load(Some(&file), &Default::default()).unwrap().payments.yookassa;
    assert_eq!(shown.shop_id.as_deref(), Some("100500"));
    assert_eq!(shown.return_hosts, ["shop.example"]);
    assert!(shown.secret_key.is_some() && shown.webhook_secret.is_some());
    assert_eq!(shown.allowed_sources.len(), 5);
}

#[test]
fn the_readme_says_how_to_start_test_and_measure() {
    for (mark, command) in [
        ("serve", "cargo run --release"),
        ("tests", "cargo test --workspace"),
        ("bench", "cargo bench -p planwright-tests"),
    ] {
        assert_eq!(block(mark), command);
    }
    let readme = readme();
    for path in ["ARCHITECTURE.md", "CHANGELOG.md", "LICENSE", "host/docs"] {
        let target = root().join(path);
        assert!(readme.contains(&format!("]({path})")) && target.exists(), "{path}");
    }
}

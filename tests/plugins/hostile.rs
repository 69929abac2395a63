//! Plugins that mean harm: each gives an error that names it, in bounded time, and the host serves on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use planwright_domain::plan::plan_id::PlanId;
use planwright_plugin_host::{Hook, HostConfig, Limits, PluginHost};

use super::{
    MISBEHAVING, REVIEWER, candidate, config, context, creation, host, misbehaving, new_id, now,
};

/// Far more than any limit, and far less than for ever: machines that run tests are busy.
const AT_LAST: Duration = Duration::from_secs(30);

const NAME: &str = "identity plugin 'planwright-test-identity' 0.1.0";

#[tokio::test]
async fn what_goes_wrong_in_a_call_is_said_by_name_and_the_host_serves_on() {
    // Fuel decides, however busy the machine is; the time of a call has a test of its own.
    let limits = Limits { call_time: AT_LAST, ..Limits::default() };
    let host = PluginHost::new(HostConfig { limits, ..config() }).unwrap();
    let good = misbehaving(&host, "behave").await.unwrap();
    for (behaviour, code, part) in [
        ("loop", "plugin_failed", "used up the instructions"),
        ("allocate", "plugin_failed", "more memory than a plugin may have"),
        ("recurse", "plugin_failed", "nest too deep"),
        ("panic", "plugin_failed", "it panicked"),
        ("unreachable", "plugin_failed", "it panicked"),
        ("exit", "plugin_failed", "it ended itself"),
        ("huge", "plugin_failed", "more memory than a plugin may have"),
        ("refuse-at-length", "plugin_failed", "more data than one call may"),
        ("log", "plugin_failed", "more data than one call may"),
        ("print", "plugin_failed", "used up the instructions"),
        ("empty", "bad_answer", "1 to 128 bytes"),
        ("too-long", "bad_answer", "1 to 128 bytes"),
        ("refuse", "plugin_refused", "No id for 'Pro', as asked. (refused_as_asked)"),
    ] {
        let plugin = misbehaving(&host, behaviour).await.unwrap();
        let begun = Instant::now();
        let error = new_id(&plugin).await.unwrap_err();
        assert!(begun.elapsed() < AT_LAST, "{behaviour}");
        assert_eq!(error.code(), code, "{behaviour}: {error}");
        assert_eq!(error.plugin(), Some(NAME), "{behaviour}: {error}");
        let said = error.to_string();
        assert!(said.starts_with(NAME) && said.contains(part), "{behaviour}: {said}");
        assert!(said.len() < 1_000, "{behaviour}: {said}");
        assert_eq!(new_id(&good).await.unwrap(), "plan_abababababababab", "{behaviour}");
    }
}

#[tokio::test]
async fn what_is_an_id_of_its_kind_is_for_the_caller_to_say() {
    let plugin = misbehaving(&host(), "wrong-alphabet").await.unwrap();
    let id = new_id(&plugin).await.unwrap();
    assert!(PlanId::new(&id).is_err(), "{id}");
}

#[tokio::test]
async fn a_review_that_fails_is_no_review() {
    let host = host();
    for (behaviour, part) in [("flood", "failed: it"), ("panic", "it panicked")] {
        let settings = format!(r#"{{"behaviour":"{behaviour}"}}"#);
        let wanted = candidate(Hook::Validation, REVIEWER, &settings);
        let plugin = host.load(wanted, now()).await.unwrap();
        let error = plugin.review_plan(&context(), &creation("490")).await.unwrap_err();
        let said = error.to_string();
        assert!(said.contains("'planwright-test-validation'") && said.contains(part), "{said}");
    }
}

#[tokio::test]
async fn more_findings_than_anybody_reads_are_refused() {
    let mut config = config();
    config.limits.findings = 0;
    let host = PluginHost::new(config).unwrap();
    let wanted = candidate(Hook::Validation, REVIEWER, r#"{"behaviour":"warn"}"#);
    let plugin = host.load(wanted, now()).await.unwrap();
    let error = plugin.review_plan(&context(), &creation("490")).await.unwrap_err();
    assert_eq!(error.code(), "bad_answer", "{error}");
    assert_eq!(plugin.stats().traps, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_loops_keeps_no_other_from_answering() {
    let host = PluginHost::new(HostConfig {
        limits: Limits { queue_time: Duration::from_millis(1), ..Limits::default() },
        ..config()
    })
    .unwrap();
    let looping = misbehaving(&host, "loop").await.unwrap();
    let good = misbehaving(&host, "behave").await.unwrap();
    let calls: Vec<_> = (0..40)
        .map(|_| {
            let looping = Arc::clone(&looping);
            tokio::spawn(async move { new_id(&looping).await.unwrap_err().code() })
        })
        .collect();
    for _ in 0..20 {
        new_id(&good).await.unwrap();
    }
    let mut codes = Vec::new();
    for call in calls {
        codes.push(call.await.unwrap());
    }
    assert!(codes.contains(&"plugin_failed"), "{codes:?}");
    assert!(codes.contains(&"plugin_busy"), "{codes:?}");
    // Those that were turned away never reached it.
    let failed = codes.iter().filter(|code| **code == "plugin_failed").count();
    assert_eq!(looping.stats().calls, u64::try_from(failed).unwrap());
    assert_eq!(looping.stats().traps, looping.stats().calls);
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_nothing_behind() {
    let host = PluginHost::new(HostConfig {
        limits: Limits {
            fuel: 1 << 50,
            call_time: Duration::from_millis(200),
            concurrent_calls: 1,
            queue_time: AT_LAST,
            ..Limits::default()
        },
        ..config()
    })
    .unwrap();
    let looping = misbehaving(&host, "loop").await.unwrap();
    for _ in 0..3 {
        let gone = tokio::time::timeout(Duration::from_millis(5), new_id(&looping)).await;
        assert!(gone.is_err());
    }
    // The one turn comes back when the call that nobody waits for has come to its end.
    let error = new_id(&looping).await.unwrap_err();
    assert!(error.to_string().contains("used up the time"), "{error}");
}

#[tokio::test]
async fn thousands_of_failures_leave_the_host_as_large_as_before() {
    let host = host();
    for behaviour in ["behave", "panic", "recurse", "too-long"] {
        let plugin = misbehaving(&host, behaviour).await.unwrap();
        for _ in 0..200 {
            let _ = new_id(&plugin).await;
        }
        let before = resident_bytes();
        for _ in 0..1_500 {
            let _ = new_id(&plugin).await;
        }
        let grown = resident_bytes().saturating_sub(before);
        println!("{behaviour}: {grown} bytes more of {before}");
        // Other tests run beside this one in the same process.
        assert!(grown < 200 << 20, "{behaviour}: {grown} bytes");
        assert_eq!(plugin.stats().calls, 1_700, "{behaviour}");
    }
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split_whitespace().nth(1).unwrap().parse().unwrap();
    pages * 4_096
}

#[tokio::test]
async fn fuel_is_the_same_for_the_same_question() {
    let host = host();
    let wanted = candidate(Hook::Identity, MISBEHAVING, "{}");
    let (first, second) =
        (host.load(wanted.clone(), now()).await.unwrap(), host.load(wanted, now()).await.unwrap());
    new_id(&first).await.unwrap();
    new_id(&second).await.unwrap();
    assert!(first.stats().fuel > 0);
    assert_eq!(first.stats(), second.stats());
}

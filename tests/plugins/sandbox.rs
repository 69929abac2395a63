//! What a plugin sees: its arguments, and nothing else that could differ.

use planwright_plugin_host::{Candidate, Hook, PluginHost, Reuse};

use super::{MISBEHAVING, NOW, candidate, config, host, misbehaving, new_id, now};

#[tokio::test]
async fn the_clock_stands_still_the_environment_is_empty_and_randomness_repeats() {
    let host = host();
    let plugin = misbehaving(&host, "peek").await.unwrap();
    let first = new_id(&plugin).await.unwrap();
    assert!(first.starts_with(&format!("time_{NOW}000000000_random_")), "{first}");
    assert!(first.ends_with("_environment_0"), "{first}");
    assert_eq!(new_id(&plugin).await.unwrap(), first);

    let later = super::Timestamp::from_second(NOW + 60).unwrap();
    let other = plugin.new_id("plan", "Pro", [0; 32], later).await.unwrap();
    assert!(other.starts_with(&format!("time_{}000000000_", NOW + 60)), "{other}");
}

#[tokio::test]
async fn an_instance_serves_as_many_calls_as_it_was_trusted_with() {
    let host = host();
    for (reuse, expected) in [
        (Reuse::Fresh, ["call_0", "call_0", "call_0", "call_0"]),
        (Reuse::Warm { calls: 0 }, ["call_0", "call_0", "call_0", "call_0"]),
        (Reuse::Warm { calls: 3 }, ["call_0", "call_1", "call_2", "call_0"]),
    ] {
        let wanted = Candidate {
            reuse,
            ..candidate(Hook::Identity, MISBEHAVING, r#"{"behaviour":"remember"}"#)
        };
        let plugin = host.load(wanted, now()).await.unwrap();
        for call in expected {
            assert_eq!(new_id(&plugin).await.unwrap(), call, "{reuse:?}");
        }
    }
}

#[tokio::test]
async fn an_instance_that_has_taken_half_its_memory_makes_way_for_another() {
    let mut config = config();
    // A Rust plugin begins with a little more than 1 MiB.
    config.limits.memory_bytes = 2 << 20;
    let wanted = Candidate {
        reuse: Reuse::Warm { calls: 100 },
        ..candidate(Hook::Identity, MISBEHAVING, r#"{"behaviour":"remember"}"#)
    };
    let host = PluginHost::new(config).unwrap();
    let plugin = host.load(wanted, now()).await.unwrap();
    for _ in 0..3 {
        assert_eq!(new_id(&plugin).await.unwrap(), "call_0");
    }
}

#[tokio::test]
async fn where_there_is_no_room_for_a_pool_all_is_the_same() {
    let mut config = config();
    // More than a slot of the pool can hold, so that there is none.
    config.limits.memory_bytes = 8 << 30;
    let host = PluginHost::new(config).unwrap();
    for (behaviour, expected) in [
        ("behave", "plan_abababababababab"),
        ("recurse", "nest too deep"),
        ("loop", "used up the instructions"),
        ("panic", "it panicked"),
    ] {
        let plugin = misbehaving(&host, behaviour).await.unwrap();
        let answer = new_id(&plugin).await.unwrap_or_else(|error| error.to_string());
        assert!(answer.contains(expected), "{behaviour}: {answer}");
    }
}

#[tokio::test]
async fn an_instance_that_failed_is_not_asked_again() {
    let wanted = Candidate {
        reuse: Reuse::Warm { calls: 100 },
        ..candidate(Hook::Identity, MISBEHAVING, r#"{"behaviour":"loop"}"#)
    };
    let plugin = host().load(wanted, now()).await.unwrap();
    for _ in 0..3 {
        let error = new_id(&plugin).await.unwrap_err();
        assert!(error.to_string().contains("used up the instructions"), "{error}");
    }
}

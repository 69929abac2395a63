//! What a call costs. Ignored, since a busy machine's figures prove nothing:
//! `cargo test --release -p planwright-tests --test main plugins::bench -- --ignored --nocapture`

use std::time::Instant;

use planwright_plugin_host::{Candidate, Hook, HostConfig, Plugin, PluginHost, Reuse};

use super::{IDENTITY, VALIDATION, candidate, config, context, creation, host, now};

const CALLS: u32 = 5_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints figures and asserts nothing"]
async fn fresh_and_warm_calls() {
    let host = host();
    for (name, reuse) in [
        ("fresh", Reuse::Fresh),
        ("warm", Reuse::Warm { calls: 1_000 }),
    ] {
        let load = |hook, component| {
            let wanted = Candidate {
                reuse,
                ..candidate(hook, component, "{}")
            };
            host.load(wanted, now())
        };
        let identity = load(Hook::Identity, IDENTITY).await.unwrap();
        let validation = load(Hook::Validation, VALIDATION).await.unwrap();
        let (context, change) = (context(), creation("490"));

        let begun = Instant::now();
        for _ in 0..CALLS {
            identity
                .new_id("plan", "Pro Plan", [1; 32], now())
                .await
                .unwrap();
        }
        println!("{name} new-id: {:?}", begun.elapsed() / CALLS);
        let begun = Instant::now();
        for _ in 0..CALLS {
            validation.review_plan(&context, &change).await.unwrap();
        }
        println!("{name} review-plan: {:?}", begun.elapsed() / CALLS);
        let fuel = |plugin: &Plugin| plugin.stats().fuel / u64::from(CALLS);
        let (new_id, review) = (fuel(&identity), fuel(&validation));
        println!("{name} fuel a call: new-id {new_id}, review-plan {review}");
    }
}

#[tokio::test]
#[ignore = "prints figures and asserts nothing"]
async fn loading_compiled_now_and_from_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let host = PluginHost::new(HostConfig {
        cache_dir: folder.path().to_owned(),
        ..config()
    })
    .unwrap();
    for name in ["compiled now", "from the cache"] {
        let begun = Instant::now();
        host.load(candidate(Hook::Identity, IDENTITY, "{}"), now())
            .await
            .unwrap();
        println!("load {name}: {:?}", begun.elapsed());
    }
}

//! A hunt for an order of deeds that gives anything for nothing: a second trial, a fresh quota, a dearer plan, or usage
//! that is billed twice, never, or by other prices than held. Users, admins, a payment provider, time and power cuts do what
//! a seed says, to the real use cases over the real store, and to a small model; what is to be seen must be the same after
//! every step.
//!
//! A seed that fails prints what led there and the command that repeats it. `PLANWRIGHT_SIMULATION_STEPS` lets it hunt
//! longer, `PLANWRIGHT_SIMULATION_SEED` with one seed only.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod buckets;
mod calendar;
mod chance;
mod command;
mod house;
mod ledger;
mod model;
mod run;
mod watch;
mod worth;

use std::fmt::Write;

use command::{Cast, Command};
use run::Tally;

const CAST: Cast = Cast { users: 3, plans: 7 };
const STEPS: usize = 100_000;
const STEPS_OF_A_SEED: usize = 500;
/// How many tries may go into making a failure shorter.
const TRIES: usize = 150;
/// What the hunt comes upon: if it does not any more, it hunts for nothing.
const COMMON: [&str; 26] = [
    "adjusted",
    "answered slowly",
    "batch in part",
    "cut short",
    "event_id_reused",
    "may not use",
    "may use",
    "nothing_due",
    "order canceled",
    "order failed",
    "order refunded",
    "order refunded in part",
    "order succeeded",
    "order succeeded as credit",
    "payment_refused",
    "payment_required",
    "plan_inactive",
    "quota_exceeded",
    "recorded",
    "recorded before",
    "rejected",
    "settled",
    "started pending",
    "statement open",
    "statement paid",
    "unavailable",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_order_of_deeds_gives_anything_for_nothing() {
    let number =
        |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seeds = match number("PLANWRIGHT_SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => {
            let steps = number("PLANWRIGHT_SIMULATION_STEPS").map(usize::try_from);
            let steps = steps.map_or(STEPS, Result::unwrap);
            0..u64::try_from(steps.div_ceil(STEPS_OF_A_SEED)).unwrap()
        }
    };
    let is_whole = seeds.clone().count() >= STEPS / STEPS_OF_A_SEED;
    let hunts = (0..2).map(|half| {
        let seeds = seeds.clone().filter(move |seed| seed % 2 == half);
        tokio::spawn(async move {
            let mut tally = Tally::new();
            for seed in seeds {
                add(&mut tally, hunt(seed).await);
            }
            tally
        })
    });
    let mut tally = Tally::new();
    for hunt in hunts.collect::<Vec<_>>() {
        add(&mut tally, hunt.await.unwrap());
    }
    println!("{tally:#?}");
    let missing: Vec<_> = COMMON.iter().filter(|what| !tally.contains_key(**what)).collect();
    assert!(!is_whole || missing.is_empty(), "it came never to {missing:?}");
}

fn add(tally: &mut Tally, more: Tally) {
    for (what, times) in more {
        *tally.entry(what).or_default() += times;
    }
}

async fn hunt(seed: u64) -> Tally {
    let commands = chance::commands(seed, CAST, STEPS_OF_A_SEED);
    let (at, difference) = match run(&commands).await {
        Ok(tally) => return tally,
        Err(failed) => failed,
    };
    let (commands, difference) = shorter(commands[..=at].to_vec(), difference).await;
    let mut story = String::new();
    for command in &commands {
        writeln!(story, "  {command:?}").unwrap();
    }
    panic!(
        "seed {seed} fails at step {at}.\nWhat leads there:\n{story}{difference}\nTo repeat it:\n  \
         PLANWRIGHT_SIMULATION_SEED={seed} cargo test -p planwright-tests no_order_of_deeds -- --nocapture"
    );
}

/// In a task of its own, so that a panic is a failure like others.
async fn run(commands: &[Command]) -> Result<Tally, (usize, String)> {
    let last = commands.len().saturating_sub(1);
    let commands = commands.to_vec();
    let run = tokio::spawn(async move { Box::pin(run::run(CAST, &commands)).await });
    run.await.unwrap_or_else(|error| Err((last, error.to_string())))
}

/// Leaves out what a failure does not need, larger parts first.
async fn shorter(mut commands: Vec<Command>, mut difference: String) -> (Vec<Command>, String) {
    let mut tries = 0;
    let mut size = commands.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at + size < commands.len() && tries < TRIES {
            tries += 1;
            let mut fewer = commands.clone();
            fewer.drain(at..at + size);
            match run(&fewer).await {
                Err((failed_at, now)) => {
                    fewer.truncate(failed_at + 1);
                    (commands, difference) = (fewer, now);
                }
                Ok(_) => at += size,
            }
        }
        size /= 2;
    }
    (commands, difference)
}

//! What Planwright costs, beside what the same work costs without it, in the same run:
//!
//! ```sh
//! cargo bench -p planwright-tests                # all of it
//! cargo bench -p planwright-tests -- compiling   # a part by its name
//! ```
//!
//! Every figure is a median over rounds in which the two take turns, so that a machine that is busy with
//! something else slows both. Ratios are to be taken seriously, times lightly.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on panics")]
#![allow(clippy::print_stdout, reason = "it prints its figures")]
#![allow(clippy::float_arithmetic, reason = "figures are no money")]
#![allow(clippy::as_conversions, clippy::cast_precision_loss, reason = "figures are no money")]

mod bare;
mod calls;
mod compiling;
#[path = "../components.rs"]
mod components;
mod disk;
mod load;
mod pricing;
mod requests;
mod server;
mod statements;
mod store;
mod usage;

use std::time::Duration;

/// How long one side of one round takes.
const TURN: Duration = Duration::from_millis(1_000);
const ROUNDS: usize = 7;

/// What there is to measure, by name.
const PARTS: [(&str, fn()); 7] = [
    ("requests", requests::run),
    ("usage", usage::run),
    ("statements", statements::run),
    ("calls", calls::run),
    ("pricing", pricing::run),
    ("store", store::run),
    ("compiling", compiling::run),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` runs this too; it has nothing to test.
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    // Cargo's own begin with a dash.
    let wanted: Vec<&String> = arguments.iter().filter(|name| !name.starts_with('-')).collect();
    let names = PARTS.map(|(name, _)| name);
    if let Some(unknown) = wanted.iter().find(|name| !names.contains(&name.as_str())) {
        eprintln!("there is no part '{unknown}'; the parts are {}", names.join(", "));
        std::process::exit(2);
    }
    println!(
        "{ROUNDS} rounds of {TURN:?} a side, {} beside a compiler; medians\n",
        compiling::ROUNDS
    );
    for (name, run) in PARTS {
        if wanted.is_empty() || wanted.iter().any(|wanted| *wanted == name) {
            run();
        }
    }
}

/// The middle one.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

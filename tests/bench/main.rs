//! What Planwright costs, beside what the same work costs without it, in the same run:
//!
//! ```sh
//! cargo bench -p planwright-tests
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
mod disk;
mod load;
mod requests;
mod server;
mod store;

use std::time::Duration;

/// How long one side of one round takes.
const TURN: Duration = Duration::from_millis(1_000);
const ROUNDS: usize = 7;

fn main() {
    // `cargo test --benches` runs this too; it has nothing to test.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!("{ROUNDS} rounds of {TURN:?} a side; medians\n");
    requests::run();
    calls::run();
    store::run();
    compiling::run();
}

/// The middle one.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

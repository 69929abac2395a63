//! The standard pricing plugin: a plan's fee, what a change of plan is worth, and metered lines by phase,
//! currency, region and tier.
//!
//! Everything is calculated in exact fractions and rounded once, in `exact::round_to_currency`. What has no
//! certain answer (no price, a quantity past the last tier, an amount too large to say) is refused by name:
//! never a wrong amount, never 0 in silence.
#![forbid(unsafe_code)]

mod exact;
mod fee;
mod refusal;
#[cfg(test)]
mod tests;
mod tiers;
mod usage;

use planwright_sdk::pricing::{Charge, FeeItem, FeeQuestion, UsageQuestion, UsageRefusal};
use planwright_sdk::{NoSettings, Plugin, Pricing, Refusal};

/// The plugin.
pub struct Standard;

impl Plugin for Standard {
    type Settings = NoSettings;
}

impl Pricing for Standard {
    fn price_fee(_: &NoSettings, question: &FeeQuestion) -> Result<Vec<FeeItem>, Refusal> {
        fee::price(question)
    }

    fn price_usage(_: &NoSettings, question: &UsageQuestion) -> Result<Vec<Charge>, UsageRefusal> {
        let price = |line| usage::price(question, line).map_err(|no| no.of_line(line.reference));
        question.lines.iter().map(price).collect()
    }
}

planwright_sdk::export_pricing!(Standard);

//! Metered usage: what is put to the pricing plugin, and what it answers.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::billing_plan::tier::Tier;
use crate::billing_plan::{PhaseType, TierMode};
use crate::decimal;
use crate::money::Currency;
use crate::subscription::fee::Step;
use crate::time::{self, Timestamp};

/// The most lines of one question. With the most tiers that a price has, what explains the answer still fits in one.
pub const MOST_LINES: usize = 100;

/// What used quantities cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageQuestion {
    /// The user's group, by name.
    pub user_group: Option<String>,
    /// Where it was used, by name.
    pub region: Option<String>,
    /// What it is paid in.
    pub currency: Currency,
    /// A charge each, in this order.
    pub lines: Vec<UsageLine>,
}

impl UsageQuestion {
    /// The same question of other quantities, by the places of lines.
    #[must_use]
    pub fn of(&self, quantities: impl IntoIterator<Item = (usize, Decimal)>) -> Self {
        let mut question = self.clone();
        for (place, quantity) in quantities {
            if let Some(line) = question.lines.get_mut(place) {
                line.quantity = quantity;
            }
        }
        question
    }
}

/// A quantity of one product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageLine {
    /// The product's: the metric.
    pub external_id: String,
    /// Of the metric, not of priced units.
    #[serde(with = "decimal")]
    pub quantity: Decimal,
    /// How much of the metric one priced unit is.
    pub unit: u64,
    /// How tiers make a price.
    pub tier_mode: TierMode,
    /// When it was used; it never straddles a phase.
    #[serde(with = "time::seconds")]
    pub used_at: Timestamp,
    /// Which prices hold when.
    pub phases: Vec<LinePhase>,
}

/// A phase with its instants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinePhase {
    /// Which one it is.
    pub phase_type: PhaseType,
    /// The first instant.
    #[serde(with = "time::seconds")]
    pub starts_at: Timestamp,
    /// The first instant behind it; none never ends.
    #[serde(with = "time::optional_seconds")]
    pub ends_at: Option<Timestamp>,
    /// The tiers of all currencies and regions.
    pub prices: Vec<Tier>,
}

/// What a line costs, in the question's currency and no finer than it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Whose prices held.
    pub phase_type: PhaseType,
    /// 0 or more.
    #[serde(with = "decimal")]
    pub amount: Decimal,
    /// How it came about.
    pub steps: Vec<Step>,
}

/// Why a question about usage is not priced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRefusal {
    /// The place of the line at fault, where it is one's.
    pub line: Option<usize>,
    /// For machines; the plugin's own.
    pub code: String,
    /// For people; the plugin's own.
    pub message: String,
}

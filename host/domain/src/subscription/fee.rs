//! A plan's own fee: what is put to the pricing plugin, and what it answers.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::decimal;
use crate::period::Window;
use crate::plan::Plan;
use crate::time::{self, Timestamp};

/// Why a fee is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Somebody subscribes.
    Start,
    /// A subscription goes on.
    Renewal,
    /// A subscriber takes another plan.
    Change(Box<Leaving>),
}

/// The plan a subscriber leaves, and what of it was paid: the price paid, not the plan's price today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaving {
    /// As it is now.
    pub plan: Plan,
    /// In the plan's currency; 0 where nothing was.
    #[serde(with = "decimal")]
    pub paid: Decimal,
    /// What it was paid for.
    pub window: Window,
}

/// What a plan costs somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeQuestion {
    /// Why.
    pub reason: Reason,
    /// The plan that is paid for.
    pub plan: Plan,
    /// The window that is paid for.
    pub window: Window,
    /// The instant in the window from which the plan holds.
    #[serde(with = "time::seconds")]
    pub effective_at: Timestamp,
}

/// What an amount is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// The plan that begins: 0 or more.
    Fee,
    /// The rest of the plan that is left: 0 or less.
    Unused,
}

impl ItemKind {
    /// Reads a kind as plugins write it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "fee" => Some(Self::Fee),
            "unused" => Some(Self::Unused),
            _ => None,
        }
    }
}

/// One step of the arithmetic, so that a person can follow it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// How much.
    #[serde(with = "decimal")]
    pub quantity: Decimal,
    /// Of what.
    #[serde(with = "decimal")]
    pub unit_price: Decimal,
    /// What it comes to.
    #[serde(with = "decimal")]
    pub amount: Decimal,
    /// For people.
    pub note: String,
}

/// One amount of an answer, in the plan's currency and no finer than it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeItem {
    /// What for.
    pub kind: ItemKind,
    /// Positive is due, negative is credit.
    #[serde(with = "decimal")]
    pub amount: Decimal,
    /// How it came about.
    pub steps: Vec<Step>,
}

/// What the items of a kind come to, without their sign.
#[must_use]
pub fn total(items: &[FeeItem], kind: ItemKind) -> Decimal {
    items.iter().filter(|item| item.kind == kind).map(|item| item.amount.abs()).sum()
}

//! The tiers that a price has.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::decimal;
use crate::money::Currency;

/// One tier, its regions by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// What it is paid in.
    pub currency: Currency,
    /// Up to and with this quantity; none is without end.
    #[serde(with = "decimal::optional")]
    pub max_qty: Option<Decimal>,
    /// Of one unit.
    #[serde(with = "decimal")]
    pub price: Decimal,
    /// Where it holds.
    pub regions: Vec<String>,
}

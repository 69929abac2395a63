//! A billing plan, or price book: what each product costs, by phase, currency, region and tier.
//!
//! All of it is one value: a change of any part is a change of the plan. `check` has what it may look like.

pub mod billing_change;
pub mod billing_document;
pub mod billing_view;
pub mod charge;
mod check;
pub mod entry;
pub mod phase_clock;
pub mod price_book;
pub mod product;
pub mod quote;
pub mod region;
pub mod tier;
pub mod user_group;

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::money::Currency;
use crate::refusal::Refusal;
use crate::time::{self, Timestamp};

pub use check::{
    LONGEST_PHASE, MOST_PRICES, MOST_RESOURCES, MOST_TIERS, QUANTITY_DIGITS, is_quantity,
    quantity_rule,
};

/// How tiers make a price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", try_from = "String")]
pub enum TierMode {
    /// The whole quantity at the price of the tier it falls into.
    #[default]
    Volume,
    /// Each tier's part at its own price.
    Graduated,
    /// Whole packages of a unit each; one that is begun counts.
    PerPackage,
}

impl TierMode {
    /// As on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Volume => "volume",
            Self::Graduated => "graduated",
            Self::PerPackage => "per-package",
        }
    }
}

impl TryFrom<String> for TierMode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        [Self::Volume, Self::Graduated, Self::PerPackage]
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or_else(|| format!("'{text}' is not one of volume, graduated and per-package"))
    }
}

/// Which prices hold when: one after the other, in this order.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum PhaseType {
    /// First.
    Trial,
    /// Then.
    Discount,
    /// For ever after.
    Final,
}

impl PhaseType {
    /// As on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trial => "trial",
            Self::Discount => "discount",
            Self::Final => "final",
        }
    }

    /// Reads one as it is on the wire.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Trial, Self::Discount, Self::Final].into_iter().find(|one| one.as_str() == name)
    }
}

impl TryFrom<String> for PhaseType {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::from_name(&text)
            .ok_or_else(|| format!("'{text}' is not one of trial, discount and final"))
    }
}

/// What the length of a phase is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum DurationUnit {
    /// Of 60 minutes.
    Hours,
    /// Of 24 hours.
    Days,
    /// Of the calendar.
    Months,
    /// Of the calendar.
    Years,
}

impl DurationUnit {
    /// As on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hours => "hours",
            Self::Days => "days",
            Self::Months => "months",
            Self::Years => "years",
        }
    }
}

impl TryFrom<String> for DurationUnit {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        [Self::Hours, Self::Days, Self::Months, Self::Years]
            .into_iter()
            .find(|unit| unit.as_str() == text)
            .ok_or_else(|| format!("'{text}' is not one of hours, days, months and years"))
    }
}

/// How long a phase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duration {
    /// What it is counted in.
    pub unit: DurationUnit,
    /// How many, more than 0.
    pub quantity: u32,
}

/// A billing plan as the store holds it: its parts name products and regions by their numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingPlan {
    /// Never used again.
    pub id: u64,
    /// For people.
    pub name: String,
    /// What is priced, in the order it was added.
    pub resources: Vec<BillingResource>,
    /// Counts changes, from 1.
    pub version: u64,
    /// When it was made.
    #[serde(with = "time::rfc3339")]
    pub created_at: Timestamp,
    /// When it or a part of it last changed.
    #[serde(with = "time::rfc3339")]
    pub updated_at: Timestamp,
}

/// A product in a billing plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingResource {
    /// Never used again.
    pub id: u64,
    /// Once in a plan.
    pub product_id: u64,
    /// The operator's own name for the line.
    pub external_id: String,
    /// How its tiers make a price.
    pub tier_mode: TierMode,
    /// One of each type at most, in the order of time; the final one is always there.
    pub phases: Vec<BillingPhase>,
}

/// What a product costs for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingPhase {
    /// Never used again.
    pub id: u64,
    /// Which one it is.
    pub phase_type: PhaseType,
    /// How long it is; of the final one there is none.
    pub duration: Option<Duration>,
    /// The tiers of all currencies and regions, in the order they were added.
    pub prices: Vec<BillingPrice>,
}

/// One tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingPrice {
    /// Never used again.
    pub id: u64,
    /// What it is paid in.
    pub currency: Currency,
    /// Up to and with this quantity; none is without end.
    #[serde(with = "crate::decimal::optional")]
    pub max_qty: Option<Decimal>,
    /// Of one unit of the product.
    #[serde(with = "crate::decimal")]
    pub price: Decimal,
    /// Where it holds, sorted, each once.
    pub region_ids: Vec<u64>,
}

impl BillingPlan {
    /// A plan that prices nothing yet.
    ///
    /// # Errors
    /// Names `name` if it is no name.
    pub fn new(id: u64, name: &str, now: Timestamp) -> Result<Self, Refusal> {
        let name = crate::tenant::read_name(name).map_err(Refusal::unfit)?;
        let now = time::whole(now);
        Ok(Self { id, name, resources: Vec::new(), version: 1, created_at: now, updated_at: now })
    }

    /// The part of a product, if the plan has it.
    #[must_use]
    pub fn resource(&self, id: u64) -> Option<&BillingResource> {
        self.resources.iter().find(|resource| resource.id == id)
    }

    /// Each product and region that the plan names, and how often.
    #[must_use]
    pub fn uses(&self) -> Uses {
        let mut uses = Uses::default();
        for resource in &self.resources {
            *uses.products.entry(resource.product_id).or_default() += 1;
            let prices = resource.phases.iter().flat_map(|phase| &phase.prices);
            for region in prices.flat_map(|price| &price.region_ids) {
                *uses.regions.entry(*region).or_default() += 1;
            }
        }
        uses
    }
}

/// How often things are named, by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// By resources.
    pub products: BTreeMap<u64, u64>,
    /// By prices.
    pub regions: BTreeMap<u64, u64>,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn price(id: u64, max_qty: Option<&str>, price: &str) -> BillingPrice {
        BillingPrice {
            id,
            currency: Currency::USD,
            max_qty: max_qty.map(|end| end.parse().unwrap()),
            price: price.parse().unwrap(),
            region_ids: vec![1],
        }
    }

    pub(crate) fn phase(phase_type: PhaseType, duration: Option<Duration>) -> BillingPhase {
        BillingPhase { id: 1, phase_type, duration, prices: vec![price(1, None, "1")] }
    }

    /// A plan with one product and a final phase.
    pub(crate) fn plan() -> BillingPlan {
        let mut plan = BillingPlan::new(1, "Cloud", Timestamp::UNIX_EPOCH).unwrap();
        plan.resources = vec![BillingResource {
            id: 1,
            product_id: 1,
            external_id: "cpu".to_owned(),
            tier_mode: TierMode::Volume,
            phases: vec![phase(PhaseType::Final, None)],
        }];
        plan
    }
}

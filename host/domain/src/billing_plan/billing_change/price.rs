//! One tier of a phase.

use rust_decimal::Decimal;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::{PartNumbers, PhaseAt, not_found};
use crate::billing_plan::entry::Kind;
use crate::billing_plan::{BillingPlan, BillingPrice};
use crate::money::{self, Currency};
use crate::patch::{Clearable, given, set};
use crate::refusal::Refusal;
use crate::schema;

/// A tier as an admin asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceDraft {
    /// What it is paid in.
    #[serde(deserialize_with = "money::read_currency")]
    #[schema(value_type = schema::Currency)]
    pub currency: Currency,
    /// Up to and with this quantity; without end where absent or `null`.
    #[serde(default, deserialize_with = "crate::decimal::optional::deserialize")]
    #[schema(value_type = Option<schema::Measure>)]
    pub max_qty: Option<Decimal>,
    /// Of one unit of the product.
    #[serde(deserialize_with = "crate::decimal::deserialize")]
    #[schema(value_type = schema::UnitPrice)]
    pub price: Decimal,
    /// Where it holds.
    #[schema(min_items = 1)]
    pub region_ids: Vec<u64>,
}

/// What of it is to change; what only an answer sets is ignored.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PricePatch {
    /// What it is paid in.
    #[serde(deserialize_with = "given_currency")]
    #[schema(value_type = schema::Currency)]
    pub currency: Option<Currency>,
    /// Up to and with this quantity; `null` is without end.
    #[serde(deserialize_with = "crate::decimal::optional::given")]
    #[schema(value_type = Option<schema::Measure>, default = json!(null))]
    pub max_qty: Clearable<Decimal>,
    /// Of one unit of the product.
    #[serde(deserialize_with = "crate::decimal::present::deserialize")]
    #[schema(value_type = schema::UnitPrice, default = json!(null))]
    pub price: Option<Decimal>,
    /// All regions where it holds.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Vec<u64>, min_items = 1)]
    pub region_ids: Option<Vec<u64>>,
    /// Ignored, as all that only an answer has.
    #[schema(value_type = Value)]
    pub id: IgnoredAny,
    #[allow(missing_docs, reason = "documented on id")]
    #[schema(value_type = Value)]
    pub regions: IgnoredAny,
}

fn given_currency<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Currency>, D::Error> {
    money::read_currency(from).map(Some)
}

impl BillingPlan {
    /// Adds a tier. Gives its id.
    ///
    /// # Errors
    /// No such phase, or what [`BillingPlan::check_part`] refuses.
    pub fn add_price(
        &mut self,
        at: PhaseAt,
        draft: PriceDraft,
        numbers: &mut PartNumbers,
    ) -> Result<u64, Refusal> {
        let id = numbers.prices.take();
        self.phase_mut(at)?.prices.push(BillingPrice {
            id,
            currency: draft.currency,
            max_qty: draft.max_qty.map(|end| end.normalize()),
            price: draft.price.normalize(),
            region_ids: sorted(draft.region_ids),
        });
        self.check_part().map(|()| id)
    }

    /// Changes a tier.
    ///
    /// # Errors
    /// No such part, or what [`BillingPlan::check_part`] refuses.
    pub fn patch_price(&mut self, at: PhaseAt, id: u64, patch: PricePatch) -> Result<(), Refusal> {
        let prices = &mut self.phase_mut(at)?.prices;
        let found = prices.iter_mut().find(|price| price.id == id);
        let price = found.ok_or_else(|| not_found(Kind::BillingResourcePrice, id))?;
        set(&mut price.currency, patch.currency);
        set(&mut price.max_qty, patch.max_qty.map(|end| end.map(|end| end.normalize())));
        set(&mut price.price, patch.price.map(|price| price.normalize()));
        set(&mut price.region_ids, patch.region_ids.map(sorted));
        self.check_part()
    }

    /// Takes a tier out.
    ///
    /// # Errors
    /// No such part.
    pub fn remove_price(&mut self, at: PhaseAt, id: u64) -> Result<BillingPrice, Refusal> {
        let prices = &mut self.phase_mut(at)?.prices;
        let found = prices.iter().position(|price| price.id == id);
        let index = found.ok_or_else(|| not_found(Kind::BillingResourcePrice, id))?;
        Ok(prices.remove(index))
    }
}

/// Where a price holds, each region once.
pub(crate) fn sorted(mut region_ids: Vec<u64>) -> Vec<u64> {
    region_ids.sort_unstable();
    region_ids.dedup();
    region_ids
}

//! A product's place in a billing plan.

use serde::Deserialize;
use serde::de::IgnoredAny;
use utoipa::ToSchema;

use super::{PartNumbers, final_phase, fixed, not_found};
use crate::billing_plan::entry::Kind;
use crate::billing_plan::product::Product;
use crate::billing_plan::{BillingPlan, BillingResource, TierMode};
use crate::patch::{given, set};
use crate::refusal::Refusal;

/// A product's place in a plan as an admin asks for it. Its final phase is made with it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceDraft {
    /// Once in a plan.
    pub product_id: u64,
    /// The operator's own name for the line; the product's where absent.
    #[schema(min_length = 1, max_length = 255)]
    pub external_id: Option<String>,
    /// `volume` where absent.
    #[serde(default)]
    pub tier_mode: TierMode,
}

/// What of it is to change. The product stays; what only an answer sets is ignored.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResourcePatch {
    /// The one that it is.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = u64)]
    pub product_id: Option<u64>,
    /// The operator's own name for the line.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String, min_length = 1, max_length = 255)]
    pub external_id: Option<String>,
    /// How its tiers make a price.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = TierMode)]
    pub tier_mode: Option<TierMode>,
    /// Ignored, as all that only an answer has.
    #[schema(value_type = Value)]
    pub id: IgnoredAny,
    #[allow(missing_docs, reason = "documented on id")]
    #[schema(value_type = Value)]
    pub product: IgnoredAny,
    #[allow(missing_docs, reason = "documented on id")]
    #[schema(value_type = Value)]
    pub billing_phases: IgnoredAny,
}

impl BillingPlan {
    /// Adds a product, with a final phase. Gives the new part's id.
    ///
    /// # Errors
    /// What [`BillingPlan::check_part`] refuses.
    pub fn add_resource(
        &mut self,
        draft: ResourceDraft,
        product: &Product,
        numbers: &mut PartNumbers,
    ) -> Result<u64, Refusal> {
        let id = numbers.resources.take();
        self.resources.push(BillingResource {
            id,
            product_id: product.id,
            external_id: draft.external_id.unwrap_or_else(|| product.external_id.clone()),
            tier_mode: draft.tier_mode,
            phases: vec![final_phase(numbers.phases.take())],
        });
        self.check_part().map(|()| id)
    }

    /// Changes a product's place.
    ///
    /// # Errors
    /// No such part, another product, or what [`BillingPlan::check_part`] refuses.
    pub fn patch_resource(&mut self, id: u64, patch: ResourcePatch) -> Result<(), Refusal> {
        let resource = self.resource_mut(id)?;
        if patch.product_id.is_some_and(|product| product != resource.product_id) {
            let message =
                "A resource keeps its product. Add the other product, and delete this resource.";
            return Err(fixed("product_id", message));
        }
        set(&mut resource.external_id, patch.external_id);
        set(&mut resource.tier_mode, patch.tier_mode);
        self.check_part()
    }

    /// Takes a product out, with its phases and prices.
    ///
    /// # Errors
    /// No such part.
    pub fn remove_resource(&mut self, id: u64) -> Result<BillingResource, Refusal> {
        let found = self.resources.iter().position(|resource| resource.id == id);
        let at = found.ok_or_else(|| not_found(Kind::BillingResource, id))?;
        Ok(self.resources.remove(at))
    }
}

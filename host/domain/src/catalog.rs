//! All that a tenant's catalog holds.

pub mod catalog_change;
pub mod catalog_document;
pub mod catalog_replacing;

use std::collections::BTreeMap;

use crate::billing_plan::BillingPlan;
use crate::billing_plan::billing_document::Numbered;
use crate::billing_plan::price_book::Named;
use crate::billing_plan::product::Product;
use crate::billing_plan::region::Region;
use crate::billing_plan::user_group::UserGroup;
use crate::plan::Plan;
use crate::refusal::{FieldError, Refusal};

/// The most prices of all billing plans together that a document has.
const MOST_PRICES: usize = 100_000;

/// All that a tenant's catalog holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    /// Where it is sold.
    pub regions: Vec<Region>,
    /// What is metered.
    pub products: Vec<Product>,
    /// Price books.
    pub billing_plans: Vec<BillingPlan>,
    /// Users that are priced alike.
    pub user_groups: Vec<UserGroup>,
    /// Subscription tiers.
    pub plans: Vec<Plan>,
}

impl Catalog {
    /// Whether a document can hold it: billing plans are known by their numbers, and two may have one name, where a
    /// document knows them by their names; and a document has an end.
    ///
    /// # Errors
    /// Names the billing plans that share a name, or says how many prices there are.
    pub fn must_fit_a_document(&self) -> Result<(), Refusal> {
        let phases = self.billing_plans.iter().flat_map(|plan| &plan.resources);
        let phases = phases.flat_map(|resource| &resource.phases);
        let prices: usize = phases.map(|phase| phase.prices.len()).sum();
        if prices > MOST_PRICES {
            let message = format!(
                "The billing plans have {prices} prices, and a catalog's document has {MOST_PRICES} at most. Use the \
                 document of each: /api/admin/billing_plans/{{id}}/document."
            );
            let error = FieldError::new("billing_plans", "too_many", &message);
            return Err(Refusal::unfit(error));
        }
        let mut seen = BTreeMap::new();
        let mut errors = Vec::new();
        for plan in &self.billing_plans {
            if let Some(other) = seen.insert(plan.name.as_str(), plan.id) {
                let message = format!(
                    "The billing plans {other} and {} are both called '{}', and a catalog's document knows them by \
                     name. Rename one: PATCH /api/admin/billing_plans/{}.",
                    plan.id, plan.name, plan.id
                );
                errors.push(FieldError::new("billing_plans", "name_shared", &message));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Refusal::Unfit(errors)) }
    }

    /// What billing plans name, by its number.
    #[must_use]
    pub fn named(&self) -> Named {
        Named {
            products: self.products.iter().map(|one| (one.id, one.clone())).collect(),
            regions: self.regions.iter().map(|one| (one.id, one.clone())).collect(),
        }
    }

    /// What a billing plan may name, by name.
    pub(crate) fn numbered(&self) -> Numbered {
        Numbered {
            products: self.products.iter().map(|one| (one.external_id.clone(), one.id)).collect(),
            regions: self.regions.iter().map(|one| (one.name.clone(), one.id)).collect(),
        }
    }
}

//! A billing plan as one document: products and regions by name, no ids, so that it can be read, kept, edited and put
//! into another tenant. It is put as a whole or not at all.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::billing_plan::billing_change::{PartNumbers, duration, final_phase, sorted};
use crate::billing_plan::price_book::Named;
use crate::billing_plan::{
    BillingPhase, BillingPlan, BillingPrice, BillingResource, DurationUnit, MOST_RESOURCES,
    PhaseType, TierMode,
};
use crate::money::{self, Currency};
use crate::refusal::{FieldError, Refusal};
use crate::schema;

/// A whole billing plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BillingPlanDocument)]
pub struct PlanDocument {
    /// For people.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What it prices.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub billing_resources: Vec<ResourceDocument>,
}

/// A product in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BillingResourceDocument)]
pub struct ResourceDocument {
    /// The product's `external_id`.
    pub product: String,
    /// The operator's own name for the line; the product's where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 255)]
    pub external_id: Option<String>,
    /// `volume` where absent.
    #[serde(default)]
    pub tier_mode: TierMode,
    /// One of each type at most. A final one without prices is made where there is none.
    #[serde(default)]
    pub billing_phases: Vec<PhaseDocument>,
}

/// A phase in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BillingPhaseDocument)]
pub struct PhaseDocument {
    /// Which one it is.
    pub phase_type: PhaseType,
    /// Of a trial and a discount.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_unit: Option<DurationUnit>,
    /// How many of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_000)]
    pub duration_qty: Option<u32>,
    /// The tiers of all currencies and regions.
    #[serde(default)]
    pub billing_resource_prices: Vec<PriceDocument>,
}

/// A tier in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BillingResourcePriceDocument)]
pub struct PriceDocument {
    /// What it is paid in.
    #[serde(deserialize_with = "money::read_currency")]
    #[schema(value_type = schema::Currency)]
    pub currency: Currency,
    /// Up to and with this quantity; without end where absent or `null`.
    #[serde(default, with = "crate::decimal::optional", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Measure>)]
    pub max_qty: Option<Decimal>,
    /// Of one unit of the product.
    #[serde(with = "crate::decimal")]
    #[schema(value_type = schema::UnitPrice)]
    pub price: Decimal,
    /// The names of the regions where it holds.
    #[schema(min_items = 1)]
    pub regions: Vec<String>,
}

/// What a document may name, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbered {
    /// Products by their `external_id`.
    pub products: BTreeMap<String, u64>,
    /// Regions by their name.
    pub regions: BTreeMap<String, u64>,
}

impl PlanDocument {
    /// The document of a plan.
    #[must_use]
    pub fn of(plan: &BillingPlan, named: &Named) -> Self {
        let resources = plan.resources.iter();
        Self {
            name: plan.name.clone(),
            billing_resources: resources
                .filter_map(|resource| ResourceDocument::of(resource, named))
                .collect(),
        }
    }

    /// The plan with what the document has instead of what it had. A part that is in both keeps its id: a product's
    /// resource, a phase of the same type, a price of the same currency, end and regions.
    ///
    /// # Errors
    /// Names what there is not, or what [`BillingPlan::check_document`] refuses.
    pub fn replace(
        self,
        before: &BillingPlan,
        numbered: &Numbered,
        numbers: &mut PartNumbers,
    ) -> Result<BillingPlan, Refusal> {
        if self.billing_resources.len() > MOST_RESOURCES {
            // Before any id is drawn.
            let message = format!("A billing plan has at most {MOST_RESOURCES} resources.");
            let field = "billing_plan.billing_resources";
            return Err(Refusal::unfit(FieldError::new(field, "too_many", &message)));
        }
        let name = crate::tenant::read_name(&self.name).map_err(|error| {
            Refusal::unfit(FieldError { field: format!("billing_plan.{}", error.field), ..error })
        })?;
        let mut found = Found { numbered, numbers, unknown: Vec::new() };
        let mut resources = Vec::new();
        for (at, resource) in self.billing_resources.into_iter().enumerate() {
            let place = format!("billing_plan.billing_resources[{at}]");
            resources.extend(resource.read(&place, before, &mut found)?);
        }
        if !found.unknown.is_empty() {
            return Err(Refusal::Unfit(found.unknown));
        }
        let plan = BillingPlan { name, resources, ..before.clone() };
        plan.check_document()?;
        Ok(plan)
    }
}

/// What names lead to, and where new ids come from.
struct Found<'a> {
    numbered: &'a Numbered,
    numbers: &'a mut PartNumbers,
    unknown: Vec<FieldError>,
}

impl Found<'_> {
    fn unknown(&mut self, field: &str, message: &str) {
        // A document of another tenant names nothing that is here: some of it is enough.
        if self.unknown.len() < 100 {
            self.unknown.push(FieldError::new(field, "unknown_name", message));
        }
    }
}

impl ResourceDocument {
    fn of(resource: &BillingResource, named: &Named) -> Option<Self> {
        let product = named.products.get(&resource.product_id)?;
        Some(Self {
            product: product.external_id.clone(),
            external_id: Some(resource.external_id.clone()),
            tier_mode: resource.tier_mode,
            billing_phases: resource
                .phases
                .iter()
                .map(|phase| PhaseDocument::of(phase, named))
                .collect(),
        })
    }

    fn read(
        self,
        place: &str,
        before: &BillingPlan,
        found: &mut Found<'_>,
    ) -> Result<Option<BillingResource>, Refusal> {
        let Some(product_id) = found.numbered.products.get(&self.product).copied() else {
            let message = format!("There is no product '{}'. Make it first.", shown(&self.product));
            found.unknown(&format!("{place}.product"), &message);
            return Ok(None);
        };
        let was = before.resources.iter().find(|resource| resource.product_id == product_id);
        let mut phases = Vec::new();
        for (at, phase) in self.billing_phases.into_iter().enumerate() {
            let place = format!("{place}.billing_phases[{at}]");
            phases.push(phase.read(&place, was, found)?);
        }
        if !phases.iter().any(|phase| phase.phase_type == PhaseType::Final) {
            let id = phase_id(was, PhaseType::Final).unwrap_or_else(|| found.numbers.phases.take());
            phases.push(final_phase(id));
        }
        // A type that comes twice is refused, and named by its place; so the order is made only where none does.
        let is_twice = phases.iter().enumerate().any(|(at, phase)| {
            phases[..at].iter().any(|other| other.phase_type == phase.phase_type)
        });
        if !is_twice {
            phases.sort_by_key(|phase| phase.phase_type);
        }
        Ok(Some(BillingResource {
            id: was.map_or_else(|| found.numbers.resources.take(), |was| was.id),
            product_id,
            external_id: self.external_id.unwrap_or(self.product),
            tier_mode: self.tier_mode,
            phases,
        }))
    }
}

fn phase_id(was: Option<&BillingResource>, phase_type: PhaseType) -> Option<u64> {
    let phases = was?.phases.iter();
    phases.clone().find(|phase| phase.phase_type == phase_type).map(|phase| phase.id)
}

impl PhaseDocument {
    fn of(phase: &BillingPhase, named: &Named) -> Self {
        Self {
            phase_type: phase.phase_type,
            duration_unit: phase.duration.map(|duration| duration.unit),
            duration_qty: phase.duration.map(|duration| duration.quantity),
            billing_resource_prices: phase
                .prices
                .iter()
                .map(|price| PriceDocument::of(price, named))
                .collect(),
        }
    }

    fn read(
        self,
        place: &str,
        was: Option<&BillingResource>,
        found: &mut Found<'_>,
    ) -> Result<BillingPhase, Refusal> {
        let duration = duration(self.duration_unit, self.duration_qty).map_err(|refusal| {
            let at_place = |error: FieldError| FieldError {
                field: format!("{place}.{}", error.field),
                ..error
            };
            Refusal::Unfit(refusal.fields().into_iter().map(at_place).collect())
        })?;
        let its =
            was.and_then(|was| was.phases.iter().find(|phase| phase.phase_type == self.phase_type));
        let mut known: BTreeMap<_, u64> = its
            .into_iter()
            .flat_map(|phase| &phase.prices)
            .map(|price| (price_key(price), price.id))
            .collect();
        let mut prices = Vec::new();
        for (at, price) in self.billing_resource_prices.into_iter().enumerate() {
            let mut price = price.read(&format!("{place}.billing_resource_prices[{at}]"), found);
            // Each id once, also where a document has a price twice, which is refused.
            let id = known.remove(&price_key(&price));
            price.id = id.unwrap_or_else(|| found.numbers.prices.take());
            prices.push(price);
        }
        let id = its.map_or_else(|| found.numbers.phases.take(), |phase| phase.id);
        Ok(BillingPhase { id, phase_type: self.phase_type, duration, prices })
    }
}

fn price_key(price: &BillingPrice) -> (&'static str, Option<Decimal>, Vec<u64>) {
    (price.currency.code(), price.max_qty, price.region_ids.clone())
}

impl PriceDocument {
    fn of(price: &BillingPrice, named: &Named) -> Self {
        let regions = price.region_ids.iter().filter_map(|id| named.regions.get(id));
        Self {
            currency: price.currency,
            max_qty: price.max_qty,
            price: price.price,
            regions: regions.map(|region| region.name.clone()).collect(),
        }
    }

    /// Its id is not known yet.
    fn read(self, place: &str, found: &mut Found<'_>) -> BillingPrice {
        let mut region_ids = Vec::new();
        for (at, region) in self.regions.iter().enumerate() {
            match found.numbered.regions.get(region) {
                Some(id) => region_ids.push(*id),
                None => {
                    let message = format!("There is no region '{}'. Make it first.", shown(region));
                    found.unknown(&format!("{place}.regions[{at}]"), &message);
                }
            }
        }
        BillingPrice {
            id: 0,
            currency: self.currency,
            max_qty: self.max_qty.map(|end| end.normalize()),
            price: self.price.normalize(),
            region_ids: sorted(region_ids),
        }
    }
}

/// What somebody sent is shown back, but not at any length.
fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing_plan::Duration;
    use crate::billing_plan::entry::Numbers;
    use crate::billing_plan::price_book::tests::named;
    use crate::billing_plan::tests::{phase, plan, price};

    fn numbers() -> PartNumbers {
        let from = || Numbers::after(10);
        PartNumbers { resources: from(), phases: from(), prices: from() }
    }

    fn numbered() -> Numbered {
        Numbered {
            products: [("cpu".to_owned(), 1), ("disk".to_owned(), 2)].into(),
            regions: [("eu".to_owned(), 1), ("us".to_owned(), 2)].into(),
        }
    }

    /// A plan with a trial and tiers.
    fn before() -> BillingPlan {
        let mut plan = plan();
        let week = Duration { unit: DurationUnit::Days, quantity: 7 };
        let mut trial = phase(PhaseType::Trial, Some(week));
        trial.id = 2;
        trial.prices = vec![price(2, Some("5"), "0"), price(3, None, "0.5")];
        plan.resources[0].phases.insert(0, trial);
        plan
    }

    #[test]
    fn what_was_read_can_be_put_back_and_changes_nothing() {
        let (before, mut numbers) = (before(), numbers());
        let json = serde_json::to_string(&PlanDocument::of(&before, &named())).unwrap();
        let document: PlanDocument = serde_json::from_str(&json).unwrap();
        assert_eq!(document.replace(&before, &numbered(), &mut numbers).unwrap(), before);
        assert_eq!(numbers.prices.taken(), 0);
    }

    #[test]
    fn a_part_that_stays_keeps_its_id_and_a_new_one_has_a_new_one() {
        let (before, mut numbers) = (before(), numbers());
        let document = r#"{"name":"Cloud","billing_resources":[
            {"product":"disk","billing_phases":[]},
            {"product":"cpu","external_id":"c","billing_phases":[
                {"phase_type":"trial","duration_unit":"days","duration_qty":14,"billing_resource_prices":[
                    {"currency":"USD","max_qty":5.0,"price":1,"regions":["eu"]},
                    {"currency":"USD","price":2,"regions":["us"]}]}]}]}"#;
        let document: PlanDocument = serde_json::from_str(document).unwrap();
        let after = document.replace(&before, &numbered(), &mut numbers).unwrap();
        let ids = |resource: &BillingResource| {
            let phases = resource.phases.iter().map(|phase| {
                (phase.id, phase.prices.iter().map(|price| price.id).collect::<Vec<_>>())
            });
            (resource.id, phases.collect::<Vec<_>>())
        };
        assert_eq!(ids(&after.resources[0]), (11, vec![(11, vec![])]));
        assert_eq!(ids(&after.resources[1]), (1, vec![(2, vec![2, 11]), (1, vec![])]));
        assert_eq!(after.resources[0].external_id, "disk");
    }

    #[test]
    fn what_there_is_not_and_what_may_not_be_is_named_by_its_place() {
        for (resources, expected) in [
            (r#"{"product":"gpu"}"#, "billing_plan.billing_resources[0].product"),
            (
                r#"{"product":"cpu","billing_phases":[{"phase_type":"final","billing_resource_prices":[
                    {"currency":"USD","price":1,"regions":["eu","mars"]}]}]}"#,
                "billing_plan.billing_resources[0].billing_phases[0].billing_resource_prices[0].regions[1]",
            ),
            (
                r#"{"product":"cpu","billing_phases":[{"phase_type":"final","billing_resource_prices":[
                    {"currency":"USD","price":1,"regions":[]}]}]}"#,
                "billing_plan.billing_resources[0].billing_phases[0].billing_resource_prices[0].regions",
            ),
            (
                r#"{"product":"cpu"},{"product":"cpu"}"#,
                "billing_plan.billing_resources[1].product_id",
            ),
            (
                r#"{"product":"cpu","billing_phases":[{"phase_type":"trial","duration_unit":"days"}]}"#,
                "billing_plan.billing_resources[0].billing_phases[0].duration_qty",
            ),
            (
                r#"{"product":"cpu","billing_phases":[{"phase_type":"final"},{"phase_type":"final"}]}"#,
                "billing_plan.billing_resources[0].billing_phases[1].phase_type",
            ),
        ] {
            let json = format!(r#"{{"name":"Cloud","billing_resources":[{resources}]}}"#);
            let document: PlanDocument = serde_json::from_str(&json).unwrap();
            let refused = document.replace(&before(), &numbered(), &mut numbers()).unwrap_err();
            assert_eq!(refused.fields()[0].field, expected, "{json}");
        }
    }
}

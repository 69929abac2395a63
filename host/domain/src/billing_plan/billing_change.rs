//! How a billing plan changes, part by part, a file each: what an admin asks for, and the plan that comes of it. Ids
//! are numbers that the service has drawn; every change is checked as a whole before it counts.

mod phase;
mod price;
mod resource;

use serde::Deserialize;
use serde::de::IgnoredAny;
use utoipa::ToSchema;

use crate::billing_plan::entry::{Kind, Numbers};
use crate::billing_plan::{BillingPhase, BillingPlan, BillingResource};
use crate::patch::given;
use crate::refusal::{FieldError, Refusal};
use crate::time::{self, Timestamp};

pub use phase::{PhaseDraft, PhasePatch};
pub(crate) use phase::{duration, final_phase};
pub(crate) use price::sorted;
pub use price::{PriceDraft, PricePatch};
pub use resource::{ResourceDraft, ResourcePatch};

/// A billing plan as an admin asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BillingPlanDraft {
    /// For people.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Groups that are priced by it from now on, wherever they were.
    #[serde(default)]
    pub user_group_ids: Vec<u64>,
    /// Another billing plan, whose resources, phases and prices are copied.
    pub clone: Option<u64>,
}

/// What of a billing plan is to change; what only an answer sets is ignored.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BillingPlanPatch {
    /// For people.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// All groups that it prices; without it they stay, and an empty list clears them.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Vec<u64>)]
    pub user_group_ids: Option<Vec<u64>>,
    /// Ignored, as all that only an answer has.
    #[schema(value_type = Value)]
    pub id: IgnoredAny,
    #[allow(missing_docs, reason = "documented on id")]
    #[schema(value_type = Value)]
    pub user_groups: IgnoredAny,
    #[allow(missing_docs, reason = "documented on id")]
    #[schema(value_type = Value)]
    pub billing_resources: IgnoredAny,
    #[allow(missing_docs, reason = "documented on id")]
    #[schema(value_type = Value)]
    pub created_at: IgnoredAny,
    #[allow(missing_docs, reason = "documented on id")]
    #[schema(value_type = Value)]
    pub updated_at: IgnoredAny,
}

/// Where the ids of a plan's parts come from.
pub struct PartNumbers {
    /// Of resources.
    pub resources: Numbers,
    /// Of phases.
    pub phases: Numbers,
    /// Of prices.
    pub prices: Numbers,
}

/// Which part of a plan; what is around it comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseAt {
    /// The resource.
    pub resource: u64,
    /// The phase in it.
    pub phase: u64,
}

fn not_found(kind: Kind, id: u64) -> Refusal {
    Refusal::EntryNotFound { kind, id: id.to_string() }
}

impl BillingPlan {
    /// The plan, counted as changed if it is.
    #[must_use]
    pub fn counted_after(self, before: &Self, now: Timestamp) -> Self {
        if self == *before {
            return self;
        }
        Self { version: before.version + 1, updated_at: time::whole(now), ..self }
    }

    /// The plan under another name.
    ///
    /// # Errors
    /// Names `name` if it is no name.
    pub fn renamed(&self, name: &str) -> Result<Self, Refusal> {
        let name = crate::tenant::read_name(name).map_err(Refusal::unfit)?;
        Ok(Self { name, ..self.clone() })
    }

    /// Puts copies of another plan's parts into this one, each with a number of its own.
    pub fn copy_parts(&mut self, from: &Self, numbers: &mut PartNumbers) {
        self.resources = from.resources.clone();
        for resource in &mut self.resources {
            resource.id = numbers.resources.take();
            for phase in &mut resource.phases {
                phase.id = numbers.phases.take();
                for price in &mut phase.prices {
                    price.id = numbers.prices.take();
                }
            }
        }
    }

    /// A phase of the plan.
    ///
    /// # Errors
    /// No such part.
    pub fn phase(&self, at: PhaseAt) -> Result<&BillingPhase, Refusal> {
        let resource = self.resource(at.resource);
        let resource = resource.ok_or_else(|| not_found(Kind::BillingResource, at.resource))?;
        let found = resource.phases.iter().find(|phase| phase.id == at.phase);
        found.ok_or_else(|| not_found(Kind::BillingPhase, at.phase))
    }

    fn resource_mut(&mut self, id: u64) -> Result<&mut BillingResource, Refusal> {
        let found = self.resources.iter_mut().find(|resource| resource.id == id);
        found.ok_or_else(|| not_found(Kind::BillingResource, id))
    }

    fn phase_mut(&mut self, at: PhaseAt) -> Result<&mut BillingPhase, Refusal> {
        let resource = self.resource_mut(at.resource)?;
        let found = resource.phases.iter_mut().find(|phase| phase.id == at.phase);
        found.ok_or_else(|| not_found(Kind::BillingPhase, at.phase))
    }
}

fn fixed(field: &str, message: &str) -> Refusal {
    Refusal::unfit(FieldError::new(field, "not_allowed", message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing_plan::PhaseType;
    use crate::billing_plan::product::Product;
    use crate::billing_plan::tests::plan;

    fn numbers() -> PartNumbers {
        let from = || Numbers::after(10);
        PartNumbers { resources: from(), phases: from(), prices: from() }
    }

    fn product() -> Product {
        let draft = r#"{"label":"Disk","resource_kind":"resource","external_id":"disk"}"#;
        let draft = serde_json::from_str(draft).unwrap();
        Product::from_draft(2, draft, || 1, Timestamp::UNIX_EPOCH).unwrap()
    }

    fn read<T: serde::de::DeserializeOwned>(json: &str) -> T {
        serde_json::from_str(json).unwrap_or_else(|no| panic!("{json}: {no}"))
    }

    /// The field of the refusal.
    fn field<T: std::fmt::Debug>(refused: Result<T, Refusal>) -> String {
        match refused.unwrap_err() {
            Refusal::Unfit(errors) => errors[0].field.clone(),
            Refusal::EntryNotFound { kind, .. } => kind.as_str().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn parts_are_added_changed_and_taken_out() {
        let untouched = plan();
        let (mut plan, mut numbers) = (plan(), numbers());
        let draft = read(r#"{"product_id":2}"#);
        assert_eq!(plan.add_resource(draft, &product(), &mut numbers), Ok(11));
        assert_eq!(plan.resources[1].external_id, "disk");
        let last = PhaseAt { resource: 11, phase: 11 };
        assert_eq!(plan.phase(last).unwrap().phase_type, PhaseType::Final);

        let trial = read(r#"{"phase_type":"trial","duration_unit":"days","duration_qty":7}"#);
        assert_eq!(plan.add_phase(11, &trial, &mut numbers), Ok(12));
        assert_eq!(plan.resources[1].phases[0].id, 12, "in the order of time");
        let at = PhaseAt { resource: 11, phase: 12 };
        plan.patch_phase(at, &read(r#"{"duration_qty":14}"#)).unwrap();
        assert_eq!(plan.phase(at).unwrap().duration.unwrap().quantity, 14);

        let tier = r#"{"currency":"USD","max_qty":"10.0","price":"0.50","region_ids":[2,1,2]}"#;
        assert_eq!(plan.add_price(at, read(tier), &mut numbers), Ok(11));
        let price = plan.phase(at).unwrap().prices[0].clone();
        assert_eq!((price.region_ids, price.price.scale()), (vec![1, 2], 1));
        plan.patch_price(at, 11, read(r#"{"max_qty":null}"#)).unwrap();
        assert_eq!(plan.phase(at).unwrap().prices[0].max_qty, None);
        assert_eq!(plan.remove_price(at, 11).unwrap().id, 11);
        assert_eq!(plan.remove_phase(at).unwrap().id, 12);
        assert_eq!(plan.remove_resource(11).unwrap().id, 11);
        assert_eq!(plan, untouched);
    }

    #[test]
    fn what_may_not_be_is_refused_by_its_field() {
        let mut numbers = numbers();
        let (mut cloud, at) = (plan(), PhaseAt { resource: 1, phase: 1 });
        let mut refused = |change: &mut dyn FnMut(&mut BillingPlan, &mut PartNumbers) -> String| {
            let mut copy = cloud.clone();
            change(&mut copy, &mut numbers)
        };
        for (json, expected) in [
            (r#"{"phase_type":"final"}"#, "phase_type"),
            (r#"{"phase_type":"trial"}"#, "duration_unit"),
            (r#"{"phase_type":"trial","duration_unit":"days"}"#, "duration_qty"),
            (r#"{"phase_type":"trial","duration_qty":1}"#, "duration_unit"),
        ] {
            let said = refused(&mut |plan, numbers| field(plan.add_phase(1, &read(json), numbers)));
            assert_eq!(said, expected, "{json}");
        }
        for (json, expected) in [
            (r#"{"phase_type":"trial"}"#, "phase_type"),
            (r#"{"duration_unit":"days","duration_qty":1}"#, "duration_qty"),
        ] {
            let said = refused(&mut |plan, _| field(plan.patch_phase(at, &read(json))));
            assert_eq!(said, expected, "{json}");
        }
        for (json, expected) in [
            (r#"{"currency":"USD","price":1,"region_ids":[1]}"#, "max_qty"),
            (r#"{"currency":"USD","price":-1,"region_ids":[2]}"#, "price"),
            (r#"{"currency":"USD","price":1,"max_qty":0,"region_ids":[1]}"#, "max_qty"),
            (r#"{"currency":"USD","price":1,"region_ids":[]}"#, "region_ids"),
        ] {
            let said = refused(&mut |plan, numbers| field(plan.add_price(at, read(json), numbers)));
            assert_eq!(said, expected, "{json}");
        }
        assert_eq!(field(cloud.patch_resource(1, read(r#"{"product_id":2}"#))), "product_id");
        assert_eq!(field(cloud.remove_phase(at)), "phase_type");
        assert_eq!(field(cloud.remove_phase(PhaseAt { phase: 9, ..at })), "billing_phase");
        assert_eq!(field(cloud.remove_phase(PhaseAt { resource: 9, ..at })), "billing_resource");
        assert_eq!(field(cloud.remove_price(at, 9)), "billing_resource_price");
        assert_eq!(cloud, plan());
    }

    #[test]
    fn a_copy_has_all_parts_and_none_of_their_ids() {
        let (from, mut numbers) = (plan(), numbers());
        let mut copy = BillingPlan::new(2, "Copy", Timestamp::UNIX_EPOCH).unwrap();
        copy.copy_parts(&from, &mut numbers);
        let (one, other) = (&from.resources[0], &copy.resources[0]);
        assert_eq!((other.id, other.phases[0].id, other.phases[0].prices[0].id), (11, 11, 11));
        assert_eq!((one.product_id, one.tier_mode), (other.product_id, other.tier_mode));
        assert_eq!(one.phases[0].prices[0].price, other.phases[0].prices[0].price);
        assert_eq!(one.phases[0].prices[0].region_ids, other.phases[0].prices[0].region_ids);
        let later = Timestamp::from_second(5).unwrap();
        assert_eq!(copy.clone().counted_after(&copy, later), copy);
        let renamed = copy.renamed("Other").unwrap().counted_after(&copy, later);
        assert_eq!((renamed.version, renamed.updated_at), (2, later));
    }
}

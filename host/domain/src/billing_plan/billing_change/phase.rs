//! How long the prices of a product hold.

use serde::Deserialize;
use serde::de::IgnoredAny;
use utoipa::ToSchema;

use super::{PartNumbers, PhaseAt, fixed, not_found};
use crate::billing_plan::entry::Kind;
use crate::billing_plan::{BillingPhase, BillingPlan, Duration, DurationUnit, PhaseType};
use crate::patch::{Clearable, given};
use crate::refusal::Refusal;

/// A phase as an admin asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PhaseDraft {
    /// One of each at most; the final one is there from the start.
    pub phase_type: PhaseType,
    /// Of a trial and a discount.
    pub duration_unit: Option<DurationUnit>,
    /// How many of them.
    #[schema(minimum = 1, maximum = 10_000)]
    pub duration_qty: Option<u32>,
}

/// What of it is to change. Its type stays; what only an answer sets is ignored.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PhasePatch {
    /// The one that it is.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = PhaseType)]
    pub phase_type: Option<PhaseType>,
    /// Of a trial and a discount.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<DurationUnit>)]
    pub duration_unit: Clearable<DurationUnit>,
    /// How many of them.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 10_000)]
    pub duration_qty: Clearable<u32>,
    /// Ignored, as all that only an answer has.
    #[schema(value_type = Value)]
    pub id: IgnoredAny,
    #[allow(missing_docs, reason = "documented on id")]
    #[schema(value_type = Value)]
    pub billing_resource_prices: IgnoredAny,
}

impl BillingPlan {
    /// Adds a phase. Gives its id.
    ///
    /// # Errors
    /// No such resource, a second phase of a type, or what [`BillingPlan::check_part`] refuses.
    pub fn add_phase(
        &mut self,
        resource: u64,
        draft: &PhaseDraft,
        numbers: &mut PartNumbers,
    ) -> Result<u64, Refusal> {
        let phases = &mut self.resource_mut(resource)?.phases;
        let id = numbers.phases.take();
        let duration = duration(draft.duration_unit, draft.duration_qty)?;
        let phase_type = draft.phase_type;
        phases.push(BillingPhase { id, phase_type, duration, prices: Vec::new() });
        phases.sort_by_key(|phase| phase.phase_type);
        self.check_part().map(|()| id)
    }

    /// Changes a phase.
    ///
    /// # Errors
    /// No such part, another type, or what [`BillingPlan::check_part`] refuses.
    pub fn patch_phase(&mut self, at: PhaseAt, patch: &PhasePatch) -> Result<(), Refusal> {
        let phase = self.phase_mut(at)?;
        if patch.phase_type.is_some_and(|phase_type| phase_type != phase.phase_type) {
            let message = "A phase keeps its type. Add one of the other type, and delete this one.";
            return Err(fixed("phase_type", message));
        }
        let unit = patch.duration_unit.unwrap_or(phase.duration.map(|duration| duration.unit));
        let quantity =
            patch.duration_qty.unwrap_or(phase.duration.map(|duration| duration.quantity));
        phase.duration = duration(unit, quantity)?;
        self.check_part()
    }

    /// Takes a phase out, with its prices.
    ///
    /// # Errors
    /// No such part, or the final one.
    pub fn remove_phase(&mut self, at: PhaseAt) -> Result<BillingPhase, Refusal> {
        let phases = &mut self.resource_mut(at.resource)?.phases;
        let found = phases.iter().position(|phase| phase.id == at.phase);
        let index = found.ok_or_else(|| not_found(Kind::BillingPhase, at.phase))?;
        if phases[index].phase_type == PhaseType::Final {
            let message = "The final phase stays: delete its prices, or the whole resource.";
            return Err(fixed("phase_type", message));
        }
        Ok(phases.remove(index))
    }
}

/// What never ends, with no prices yet.
pub(crate) fn final_phase(id: u64) -> BillingPhase {
    BillingPhase { id, phase_type: PhaseType::Final, duration: None, prices: Vec::new() }
}

/// Both or none.
pub(crate) fn duration(
    unit: Option<DurationUnit>,
    quantity: Option<u32>,
) -> Result<Option<Duration>, Refusal> {
    match (unit, quantity) {
        (Some(unit), Some(quantity)) => Ok(Some(Duration { unit, quantity })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(fixed("duration_qty", "A duration needs both: say how many.")),
        (None, Some(_)) => Err(fixed(
            "duration_unit",
            "A duration needs both: say whether hours, days, months or years.",
        )),
    }
}

//! The parts of a billing plan: resources, their phases, and the prices of these. A change of one is a change of the
//! plan.

use planwright_domain::Refusal;
use planwright_domain::billing_plan::billing_change::{
    PhaseAt, PhaseDraft, PhasePatch, PriceDraft, PricePatch, ResourceDraft, ResourcePatch,
};
use planwright_domain::billing_plan::billing_view::{PhaseShown, PriceShown, ResourceShown};
use planwright_domain::billing_plan::entry::Kind;
use planwright_domain::billing_plan::product::Product;
use planwright_domain::billing_plan::{BillingPhase, BillingPlan, BillingPrice};
use planwright_store::Store;

use crate::app::App;
use crate::billing_plans::billing_plan_edit::{Done, Edited, PlanEdit, View};
use crate::billing_plans::entry_records::unknown;
use crate::error::Error;
use crate::once::once;
use crate::request::Request;

/// Adds a product to a billing plan, with a final phase.
///
/// # Errors
/// Not found, wrong in itself, or what the validation plugins refuse.
pub async fn create_resource<S: Store>(
    app: &App<S>,
    by: &Request,
    plan: u64,
    draft: &ResourceDraft,
) -> Result<Edited<ResourceShown>, Error> {
    let attempt = || async move {
        let mut edit = PlanEdit::begin(app, by, plan).await?;
        let product = edit.edit.find::<Product>(draft.product_id).await?;
        let product =
            product.ok_or_else(|| unknown(Kind::Product, "product_id", draft.product_id))?;
        let id = edit.after.add_resource(draft.clone(), &product, &mut edit.numbers)?;
        let after = edit.after.resource(id).cloned();
        let done = Done { kind: Kind::BillingResource, id, before: None, after };
        found(edit.finish(done, |view| resource(view, id)).await?, Kind::BillingResource, id)
    };
    once(app, by, attempt).await
}

/// Changes a product's place in a billing plan.
///
/// # Errors
/// Not found, wrong in itself, or what the validation plugins refuse.
pub async fn update_resource<S: Store>(
    app: &App<S>,
    by: &Request,
    plan: u64,
    id: u64,
    patch: &ResourcePatch,
) -> Result<Edited<ResourceShown>, Error> {
    let attempt = || async move {
        let mut edit = PlanEdit::begin(app, by, plan).await?;
        let before = edit.after.resource(id).cloned();
        edit.after.patch_resource(id, patch.clone())?;
        let after = edit.after.resource(id).cloned();
        let done = Done { kind: Kind::BillingResource, id, before, after };
        found(edit.finish(done, |view| resource(view, id)).await?, Kind::BillingResource, id)
    };
    once(app, by, attempt).await
}

/// Takes a product out of a billing plan, with its phases and prices.
///
/// # Errors
/// Not found, wrong in itself, or what the validation plugins refuse.
pub async fn delete_resource<S: Store>(
    app: &App<S>,
    by: &Request,
    plan: u64,
    id: u64,
) -> Result<Edited<()>, Error> {
    let attempt = || async move {
        let mut edit = PlanEdit::begin(app, by, plan).await?;
        let before = Some(edit.after.remove_resource(id)?);
        let done = Done { kind: Kind::BillingResource, id, before, after: None };
        edit.finish(done, |_| ()).await
    };
    once(app, by, attempt).await
}

/// Adds a phase to a resource.
///
/// # Errors
/// Not found, wrong in itself, or what the validation plugins refuse.
pub async fn create_phase<S: Store>(
    app: &App<S>,
    by: &Request,
    plan: u64,
    resource: u64,
    draft: &PhaseDraft,
) -> Result<Edited<PhaseShown>, Error> {
    let attempt = || async move {
        let mut edit = PlanEdit::begin(app, by, plan).await?;
        let id = edit.after.add_phase(resource, draft, &mut edit.numbers)?;
        let at = PhaseAt { resource, phase: id };
        let after = edit.after.phase(at).ok().cloned();
        let done = Done { kind: Kind::BillingPhase, id, before: None, after };
        found(edit.finish(done, |view| phase(view, at)).await?, Kind::BillingPhase, id)
    };
    once(app, by, attempt).await
}

/// Changes a phase.
///
/// # Errors
/// Not found, wrong in itself, or what the validation plugins refuse.
pub async fn update_phase<S: Store>(
    app: &App<S>,
    by: &Request,
    plan: u64,
    at: PhaseAt,
    patch: &PhasePatch,
) -> Result<Edited<PhaseShown>, Error> {
    let attempt = || async move {
        let mut edit = PlanEdit::begin(app, by, plan).await?;
        let before = edit.after.phase(at).ok().cloned();
        edit.after.patch_phase(at, patch)?;
        let after = edit.after.phase(at).ok().cloned();
        let done = Done { kind: Kind::BillingPhase, id: at.phase, before, after };
        found(edit.finish(done, |view| phase(view, at)).await?, Kind::BillingPhase, at.phase)
    };
    once(app, by, attempt).await
}

/// Takes a trial or discount phase out, with its prices.
///
/// # Errors
/// Not found, the final phase, or what the validation plugins refuse.
pub async fn delete_phase<S: Store>(
    app: &App<S>,
    by: &Request,
    plan: u64,
    at: PhaseAt,
) -> Result<Edited<()>, Error> {
    let attempt = || async move {
        let mut edit = PlanEdit::begin(app, by, plan).await?;
        let before = Some(edit.after.remove_phase(at)?);
        let done = Done { kind: Kind::BillingPhase, id: at.phase, before, after: None };
        edit.finish(done, |_| ()).await
    };
    once(app, by, attempt).await
}

/// Adds a tier to a phase.
///
/// # Errors
/// Not found, wrong in itself, or what the validation plugins refuse.
pub async fn create_price<S: Store>(
    app: &App<S>,
    by: &Request,
    plan: u64,
    at: PhaseAt,
    draft: &PriceDraft,
) -> Result<Edited<PriceShown>, Error> {
    let attempt = || async move {
        let mut edit = PlanEdit::begin(app, by, plan).await?;
        let id = edit.after.add_price(at, draft.clone(), &mut edit.numbers)?;
        let after = tier(&edit.after, at, id).cloned();
        let done = Done { kind: Kind::BillingResourcePrice, id, before: None, after };
        found(edit.finish(done, |view| price(view, at, id)).await?, Kind::BillingResourcePrice, id)
    };
    once(app, by, attempt).await
}

/// Changes a tier.
///
/// # Errors
/// Not found, wrong in itself, or what the validation plugins refuse.
pub async fn update_price<S: Store>(
    app: &App<S>,
    by: &Request,
    plan: u64,
    at: PhaseAt,
    id: u64,
    patch: &PricePatch,
) -> Result<Edited<PriceShown>, Error> {
    let attempt = || async move {
        let mut edit = PlanEdit::begin(app, by, plan).await?;
        let before = tier(&edit.after, at, id).cloned();
        edit.after.patch_price(at, id, patch.clone())?;
        let after = tier(&edit.after, at, id).cloned();
        let done = Done { kind: Kind::BillingResourcePrice, id, before, after };
        found(edit.finish(done, |view| price(view, at, id)).await?, Kind::BillingResourcePrice, id)
    };
    once(app, by, attempt).await
}

/// Takes a tier out.
///
/// # Errors
/// Not found, or what the validation plugins refuse.
pub async fn delete_price<S: Store>(
    app: &App<S>,
    by: &Request,
    plan: u64,
    at: PhaseAt,
    id: u64,
) -> Result<Edited<()>, Error> {
    let attempt = || async move {
        let mut edit = PlanEdit::begin(app, by, plan).await?;
        let before = Some(edit.after.remove_price(at, id)?);
        let done = Done { kind: Kind::BillingResourcePrice, id, before, after: None };
        edit.finish(done, |_| ()).await
    };
    once(app, by, attempt).await
}

fn resource(view: &View<'_>, id: u64) -> Option<ResourceShown> {
    view.plan.resource(id).and_then(|resource| ResourceShown::of(resource, view.named))
}

fn phase(view: &View<'_>, at: PhaseAt) -> Option<PhaseShown> {
    let phase: Option<&BillingPhase> = view.plan.phase(at).ok();
    phase.map(|phase| PhaseShown::of(phase, view.named))
}

fn price(view: &View<'_>, at: PhaseAt, id: u64) -> Option<PriceShown> {
    tier(view.plan, at, id).map(|price| PriceShown::of(price, view.named))
}

fn tier(plan: &BillingPlan, at: PhaseAt, id: u64) -> Option<&BillingPrice> {
    plan.phase(at).ok()?.prices.iter().find(|price| price.id == id)
}

/// What was just changed is there.
fn found<T>(edited: Edited<Option<T>>, kind: Kind, id: u64) -> Result<Edited<T>, Error> {
    let Edited { value, tag, warnings } = edited;
    let value = value.ok_or_else(|| Refusal::EntryNotFound { kind, id: id.to_string() })?;
    Ok(Edited { value, tag, warnings })
}

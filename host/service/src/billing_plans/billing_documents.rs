//! A billing plan as one document, read and put as a whole.

use planwright_domain::billing_plan::BillingPlan;
use planwright_domain::billing_plan::billing_document::{Numbered, PlanDocument};
use planwright_domain::billing_plan::entry::Kind;
use planwright_domain::billing_plan::product::Product;
use planwright_domain::billing_plan::region::Region;
use planwright_store::Store;

use crate::app::App;
use crate::billing_plans::billing_plan_edit::{Done, Edited, PlanEdit, tag};
use crate::billing_plans::book_cache::named;
use crate::billing_plans::entry_records;
use crate::error::Error;
use crate::keys::Keys;
use crate::once::once;
use crate::plans::plan_lookup::Tagged;
use crate::request::Request;

/// The document of a billing plan.
///
/// # Errors
/// Not found.
pub async fn get<S: Store>(
    app: &App<S>,
    by: &Request,
    id: u64,
) -> Result<Tagged<PlanDocument>, Error> {
    let snapshot = app.store.snapshot().await?;
    let keys = Keys::of(&by.caller.tenant);
    let plan = entry_records::get::<BillingPlan, _>(&snapshot, &keys, id).await?;
    let named = named(&snapshot, &keys, &[&plan]).await?;
    Ok(Tagged { tag: tag(&plan), value: PlanDocument::of(&plan, &named) })
}

/// Has a billing plan hold what the document says, and nothing else.
///
/// # Errors
/// Not found, what is wrong in the document by its place, or what the validation plugins refuse.
pub async fn put<S: Store>(
    app: &App<S>,
    by: &Request,
    id: u64,
    document: &PlanDocument,
) -> Result<Edited<PlanDocument>, Error> {
    once(app, by, || try_put(app, by, id, document)).await
}

async fn try_put<S: Store>(
    app: &App<S>,
    by: &Request,
    id: u64,
    document: &PlanDocument,
) -> Result<Edited<PlanDocument>, Error> {
    let mut edit = PlanEdit::begin(app, by, id).await?;
    let (products, regions) = (edit.edit.all::<Product>().await?, edit.edit.all::<Region>().await?);
    let numbered = Numbered {
        products: products.into_iter().map(|one| (one.external_id, one.id)).collect(),
        regions: regions.into_iter().map(|one| (one.name, one.id)).collect(),
    };
    edit.after = document.clone().replace(&edit.after, &numbered, &mut edit.numbers)?;
    let (before, after) = (edit.before.clone(), Some(edit.after.clone()));
    let done = Done { kind: Kind::BillingPlan, id, before, after };
    edit.finish(done, |view| PlanDocument::of(view.plan, view.named)).await
}

//! Regions: where things are sold.

use planwright_domain::Refusal;
use planwright_domain::billing_plan::BillingPlan;
use planwright_domain::billing_plan::entry::Kind;
use planwright_domain::billing_plan::region::{Region, RegionDraft, RegionPatch};
use planwright_domain::page::{Page, PageRequest};
use planwright_store::Store;

use crate::app::App;
use crate::billing_plans::entries::{Edit, taken};
use crate::billing_plans::entry_records::{self, listed};
use crate::error::Error;
use crate::keys::Keys;
use crate::once::once;
use crate::request::Request;

/// All regions, in the order they were made.
///
/// # Errors
/// When the store does not answer.
pub async fn list<S: Store>(
    app: &App<S>,
    by: &Request,
    page: PageRequest,
) -> Result<Page<Region>, Error> {
    let snapshot = app.store.snapshot().await?;
    Ok(page.of(entry_records::all(&snapshot, &Keys::of(&by.caller.tenant)).await?))
}

/// One region.
///
/// # Errors
/// Not found.
pub async fn get<S: Store>(app: &App<S>, by: &Request, id: u64) -> Result<Region, Error> {
    let snapshot = app.store.snapshot().await?;
    entry_records::get(&snapshot, &Keys::of(&by.caller.tenant), id).await
}

/// Makes a region.
///
/// # Errors
/// A name that is none or that is taken.
pub async fn create<S: Store>(
    app: &App<S>,
    by: &Request,
    draft: &RegionDraft,
) -> Result<Region, Error> {
    once(app, by, || try_create(app, by, draft)).await
}

async fn try_create<S: Store>(
    app: &App<S>,
    by: &Request,
    draft: &RegionDraft,
) -> Result<Region, Error> {
    let mut edit = Edit::begin(app, by).await?;
    let all = edit.all_with_room::<Region>().await?;
    let mut numbers = edit.numbers(Kind::Region).await?;
    let region = Region::from_draft(numbers.take(), draft, by.now)?;
    must_be_new(&all, &region)?;
    edit.keep_numbers(Kind::Region, &numbers);
    edit.put(&region);
    edit.tell_entry(None, Some(&region));
    edit.commit(&region).await?;
    Ok(region)
}

/// Changes what a patch names.
///
/// # Errors
/// Not found, or a name that is none or that is taken.
pub async fn update<S: Store>(
    app: &App<S>,
    by: &Request,
    id: u64,
    patch: &RegionPatch,
) -> Result<Region, Error> {
    once(app, by, || try_update(app, by, id, patch)).await
}

async fn try_update<S: Store>(
    app: &App<S>,
    by: &Request,
    id: u64,
    patch: &RegionPatch,
) -> Result<Region, Error> {
    let mut edit = Edit::begin(app, by).await?;
    let before = edit.get::<Region>(id).await?;
    let region = before.patched(patch, by.now)?;
    if region == before {
        return Ok(region);
    }
    must_be_new(&edit.all().await?, &region)?;
    edit.put(&region);
    edit.tell_entry(Some(&before), Some(&region));
    edit.commit(&region).await?;
    Ok(region)
}

fn must_be_new(all: &[Region], region: &Region) -> Result<(), Refusal> {
    let is_taken = all.iter().any(|one| one.id != region.id && one.name == region.name);
    if is_taken { Err(taken("name", &region.name)) } else { Ok(()) }
}

/// Why a region stays that no prices name.
pub(crate) const NAMED: &str = "users or the settings name it, or usage in it is not billed yet. Give them another one \
                                first; usage is billed when its period ends";

/// Deletes a region that nothing names, and in which nothing was used that is not billed.
///
/// # Errors
/// Not found, or named by prices, users, the settings or usage.
pub async fn delete<S: Store>(app: &App<S>, by: &Request, id: u64) -> Result<(), Error> {
    once(app, by, || try_delete(app, by, id)).await
}

async fn try_delete<S: Store>(app: &App<S>, by: &Request, id: u64) -> Result<(), Error> {
    let mut edit = Edit::begin(app, by).await?;
    let region = edit.get::<Region>(id).await?;
    if edit.is_used(Kind::Region, id).await? {
        let plans = edit.all::<BillingPlan>().await?;
        let its = plans.iter().filter(|plan| plan.uses().regions.contains_key(&id));
        let names: Vec<&str> = its.map(|plan| plan.name.as_str()).collect();
        let by = if names.is_empty() {
            NAMED.to_owned()
        } else {
            let plans = listed("prices of the billing plans", &names);
            format!("{plans} name it. Take it out there first")
        };
        let (kind, name) = (Kind::Region, region.name);
        return Err(Refusal::EntryInUse { kind, name, what: "be deleted", by }.into());
    }
    edit.delete(&region);
    edit.tell_entry(Some(&region), None);
    edit.commit(&()).await
}

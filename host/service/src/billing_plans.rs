//! Billing plans: price books, as admins manage them.

pub mod billing_documents;
pub mod billing_parts;
pub(crate) mod billing_plan_edit;
pub(crate) mod book_cache;
pub(crate) mod entries;
pub(crate) mod entry_records;
pub(crate) mod price_books;
pub mod products;
pub mod quotes;
pub mod regions;
pub mod user_groups;

use planwright_domain::Refusal;
use planwright_domain::billing_plan::BillingPlan;
use planwright_domain::billing_plan::billing_change::{BillingPlanDraft, BillingPlanPatch};
use planwright_domain::billing_plan::billing_view::{PlanInList, PlanShown};
use planwright_domain::billing_plan::entry::Kind;
use planwright_domain::billing_plan::user_group::UserGroup;
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::plan::Plan;
use planwright_store::Store;

use self::billing_plan_edit::{Done, Edited, PlanEdit, View, no_such_clone, tag};
use self::book_cache::named;
use self::entry_records::listed;
use crate::app::App;
use crate::error::Error;
use crate::keys::Keys;
use crate::once::once;
use crate::plans::plan_lookup::Tagged;
use crate::request::Request;

/// All billing plans with their groups, in the order they were made.
///
/// # Errors
/// When the store does not answer.
pub async fn list<S: Store>(
    app: &App<S>,
    by: &Request,
    page: PageRequest,
) -> Result<Page<PlanInList>, Error> {
    let snapshot = app.store.snapshot().await?;
    let keys = Keys::of(&by.caller.tenant);
    let groups = entry_records::all::<UserGroup, _>(&snapshot, &keys).await?;
    let plans = page.of(entry_records::all::<BillingPlan, _>(&snapshot, &keys).await?);
    let items = plans.items.iter().map(|plan| PlanInList::of(plan, &groups)).collect();
    Ok(page.answer(items, plans.total))
}

/// One billing plan with all it holds.
///
/// # Errors
/// Not found.
pub async fn get<S: Store>(
    app: &App<S>,
    by: &Request,
    id: u64,
) -> Result<Tagged<PlanShown>, Error> {
    let snapshot = app.store.snapshot().await?;
    let keys = Keys::of(&by.caller.tenant);
    let plan = entry_records::get::<BillingPlan, _>(&snapshot, &keys, id).await?;
    let groups = entry_records::all(&snapshot, &keys).await?;
    let named = named(&snapshot, &keys, &[&plan]).await?;
    Ok(Tagged { tag: tag(&plan), value: PlanShown::of(&plan, &groups, &named) })
}

fn whole(view: &View<'_>) -> PlanShown {
    PlanShown::of(view.plan, view.groups, view.named)
}

/// Makes a billing plan, empty or with copies of another one's parts.
///
/// # Errors
/// A draft that is wrong in itself, names what is not there, or what the validation plugins refuse.
pub async fn create<S: Store>(
    app: &App<S>,
    by: &Request,
    draft: &BillingPlanDraft,
) -> Result<Edited<PlanShown>, Error> {
    once(app, by, || try_create(app, by, draft)).await
}

async fn try_create<S: Store>(
    app: &App<S>,
    by: &Request,
    draft: &BillingPlanDraft,
) -> Result<Edited<PlanShown>, Error> {
    let mut edit = PlanEdit::make(app, by, &draft.name).await?;
    if let Some(id) = draft.clone {
        let from = edit.edit.find::<BillingPlan>(id).await?.ok_or_else(|| no_such_clone(id))?;
        edit.after.copy_parts(&from, &mut edit.numbers);
    }
    edit.price_groups(&draft.user_group_ids)?;
    let plan = edit.after.clone();
    let done = Done { kind: Kind::BillingPlan, id: plan.id, before: None, after: Some(plan) };
    edit.finish(done, whole).await
}

/// Changes the name or the groups of a billing plan.
///
/// # Errors
/// As [`create`], or not found.
pub async fn update<S: Store>(
    app: &App<S>,
    by: &Request,
    id: u64,
    patch: &BillingPlanPatch,
) -> Result<Edited<PlanShown>, Error> {
    once(app, by, || try_update(app, by, id, patch)).await
}

async fn try_update<S: Store>(
    app: &App<S>,
    by: &Request,
    id: u64,
    patch: &BillingPlanPatch,
) -> Result<Edited<PlanShown>, Error> {
    let mut edit = PlanEdit::begin(app, by, id).await?;
    if let Some(name) = &patch.name {
        edit.after = edit.after.renamed(name)?;
    }
    if let Some(ids) = &patch.user_group_ids {
        edit.price_groups(ids)?;
    }
    let (before, after) = (edit.before.clone(), Some(edit.after.clone()));
    edit.finish(Done { kind: Kind::BillingPlan, id, before, after }, whole).await
}

/// Why a billing plan stays that nothing names any more.
pub(crate) const UNBILLED: &str = "usage that is not billed yet was metered by it. It can be when the statements of those \
                                   periods are written: GET /api/v1/admin/billing/statements";

/// Deletes a billing plan that no group and no plan names, and that no usage is to be billed by.
///
/// # Errors
/// Not found, in use, or what the validation plugins refuse.
pub async fn delete<S: Store>(app: &App<S>, by: &Request, id: u64) -> Result<Edited<()>, Error> {
    once(app, by, || try_delete(app, by, id)).await
}

async fn try_delete<S: Store>(app: &App<S>, by: &Request, id: u64) -> Result<Edited<()>, Error> {
    let edit = PlanEdit::begin(app, by, id).await?;
    if edit.edit.is_used(Kind::BillingPlan, id).await? {
        let groups = edit.edit.all::<UserGroup>().await?;
        let its = groups.iter().filter(|group| group.billing_plan_id == Some(id));
        let groups: Vec<&str> = its.map(|group| group.name.as_str()).collect();
        let catalog = app.plans.read(&edit.edit.snapshot, &by.caller.tenant).await?;
        let plans = catalog.plans().iter().map(|record| &record.plan);
        let its = plans.filter(|plan: &&Plan| plan.billing_plan_id == Some(id));
        let plans: Vec<&str> = its.map(|plan| plan.id.as_str()).collect();
        let naming: Vec<String> = [("the user groups", &groups), ("the plans", &plans)]
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(what, names)| listed(what, names))
            .collect();
        let by = if naming.is_empty() {
            UNBILLED.to_owned()
        } else {
            format!("{} name it. Give them another one first", naming.join(" and "))
        };
        let (kind, name) = (Kind::BillingPlan, edit.after.name);
        return Err(Refusal::EntryInUse { kind, name, what: "be deleted", by }.into());
    }
    edit.delete().await
}

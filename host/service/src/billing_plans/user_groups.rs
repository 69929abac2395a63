//! User groups: users that are priced alike.

use planwright_domain::Refusal;
use planwright_domain::billing_plan::BillingPlan;
use planwright_domain::billing_plan::entry::Kind;
use planwright_domain::billing_plan::user_group::{UserGroup, UserGroupDraft, UserGroupPatch};
use planwright_domain::page::{Page, PageRequest};
use planwright_store::Store;

use crate::app::App;
use crate::billing_plans::entries::{Edit, taken};
use crate::billing_plans::entry_records::{self, unknown};
use crate::error::Error;
use crate::keys::Keys;
use crate::once::once;
use crate::request::Request;

/// All groups, in the order they were made.
///
/// # Errors
/// When the store does not answer.
pub async fn list<S: Store>(
    app: &App<S>,
    by: &Request,
    page: PageRequest,
) -> Result<Page<UserGroup>, Error> {
    let snapshot = app.store.snapshot().await?;
    Ok(page.of(entry_records::all(&snapshot, &Keys::of(&by.caller.tenant)).await?))
}

/// One group.
///
/// # Errors
/// Not found.
pub async fn get<S: Store>(app: &App<S>, by: &Request, id: u64) -> Result<UserGroup, Error> {
    let snapshot = app.store.snapshot().await?;
    entry_records::get(&snapshot, &Keys::of(&by.caller.tenant), id).await
}

/// Makes a group. One that is to be the default takes that from the group that is.
///
/// # Errors
/// A name that is none or that is taken, or a billing plan that there is not.
pub async fn create<S: Store>(
    app: &App<S>,
    by: &Request,
    draft: &UserGroupDraft,
) -> Result<UserGroup, Error> {
    once(app, by, || try_create(app, by, draft)).await
}

async fn try_create<S: Store>(
    app: &App<S>,
    by: &Request,
    draft: &UserGroupDraft,
) -> Result<UserGroup, Error> {
    let mut edit = Edit::begin(app, by).await?;
    edit.all_with_room::<UserGroup>().await?;
    let mut numbers = edit.numbers(Kind::UserGroup).await?;
    let group = UserGroup::from_draft(numbers.take(), draft, by.now)?;
    edit.keep_numbers(Kind::UserGroup, &numbers);
    keep(edit, None, group).await
}

/// Changes what a patch names.
///
/// # Errors
/// As [`create`], or not found.
pub async fn update<S: Store>(
    app: &App<S>,
    by: &Request,
    id: u64,
    patch: &UserGroupPatch,
) -> Result<UserGroup, Error> {
    once(app, by, || try_update(app, by, id, patch)).await
}

async fn try_update<S: Store>(
    app: &App<S>,
    by: &Request,
    id: u64,
    patch: &UserGroupPatch,
) -> Result<UserGroup, Error> {
    let edit = Edit::begin(app, by).await?;
    let before = edit.get::<UserGroup>(id).await?;
    let group = before.patched(patch, by.now)?;
    if group == before {
        return Ok(group);
    }
    keep(edit, Some(&before), group).await
}

/// Commits a group that was made or changed.
async fn keep<S: Store>(
    mut edit: Edit<'_, S>,
    before: Option<&UserGroup>,
    group: UserGroup,
) -> Result<UserGroup, Error> {
    let all = edit.all::<UserGroup>().await?;
    let others: Vec<&UserGroup> = all.iter().filter(|one| one.id != group.id).collect();
    if others.iter().any(|one| one.name == group.name) {
        return Err(taken("name", &group.name).into());
    }
    let plan_before = before.and_then(|group| group.billing_plan_id);
    if let Some(id) = group.billing_plan_id.filter(|id| Some(*id) != plan_before)
        && edit.find::<BillingPlan>(id).await?.is_none()
    {
        return Err(unknown(Kind::BillingPlan, "billing_plan_id", id).into());
    }
    if group.is_default {
        for other in others.into_iter().filter(|one| one.is_default) {
            let after = other.no_default(edit.by.now);
            edit.put_group(Some(other), &after);
        }
    }
    edit.put_group(before, &group);
    edit.commit(&group).await?;
    Ok(group)
}

/// Deletes a group that no user is in.
///
/// # Errors
/// Not found, or in use.
pub async fn delete<S: Store>(app: &App<S>, by: &Request, id: u64) -> Result<(), Error> {
    once(app, by, || try_delete(app, by, id)).await
}

async fn try_delete<S: Store>(app: &App<S>, by: &Request, id: u64) -> Result<(), Error> {
    let mut edit = Edit::begin(app, by).await?;
    let group = edit.get::<UserGroup>(id).await?;
    if edit.is_used(Kind::UserGroup, id).await? {
        let by = "users are in it. Put them into another one first".to_owned();
        let (kind, name) = (Kind::UserGroup, group.name);
        return Err(Refusal::EntryInUse { kind, name, what: "be deleted", by }.into());
    }
    edit.delete_group(&group);
    edit.commit(&()).await
}

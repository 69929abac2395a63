//! Plans: reading the catalog, and changing it under review.

mod pack_prices;
pub mod plan_cache;
pub(crate) mod plan_commit;
pub(crate) mod plan_lookup;
pub mod plan_stats;
pub(crate) mod plan_surroundings;
pub mod subscribers;
pub mod template_packs;

use std::sync::Arc;

use planwright_domain::Refusal;
use planwright_domain::plan::plan_change::PlanPatch;
use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::plan::{Plan, PlanDraft};
use planwright_domain::plugin::hook::Hook;
use planwright_domain::refusal::FieldError;
use planwright_plugin_host::PluginError;
use planwright_store::{Snapshot, Store};

use self::plan_cache::PlanList;
use self::plan_commit::{Action, Change, Reviewed};
use self::plan_lookup::{Tagged, load, load_to_change, not_found};
use crate::app::App;
use crate::documents::PlanRecord;
use crate::error::Error;
use crate::keys::Keys;
use crate::once::once;
use crate::request::Request;
use crate::subscriptions::subscription_records;
use crate::worker;

/// How often an id that clashes is drawn again. The standard plugin's suffix has 36^8 values, so a plugin
/// that needs more draws than this does not use its entropy.
const DRAWS: usize = 8;
/// How much of a name the identity plugin is shown, in characters.
const NAME_SHOWN: usize = 1_000;

/// The tenant's catalog, for the list that users see.
///
/// # Errors
/// When the store does not answer.
pub async fn list<S: Store>(app: &App<S>, by: &Request) -> Result<Arc<PlanList>, Error> {
    let snapshot = app.store.snapshot().await?;
    Ok(app.plans.read(&snapshot, &by.caller.tenant).await?)
}

/// One plan. An inactive one is shown only to its subscribers and admins.
///
/// # Errors
/// Not found, also where it may not be seen.
pub async fn get<S: Store>(app: &App<S>, by: &Request, id: &str) -> Result<Tagged<Plan>, Error> {
    let snapshot = app.store.snapshot().await?;
    let (_, record) = load(&snapshot, by, id).await?;
    let plan = &record.plan;
    let seen = plan.is_active
        || by.caller.role.administers()
        || subscription_records::live(&snapshot, &by.caller.tenant, &by.caller.user_id)
            .await?
            .is_some_and(|(_, live)| live.held.subscription.plan_id == plan.id);
    if !seen {
        return Err(not_found(id).into());
    }
    Ok(Tagged { tag: record.tag(), value: record.plan })
}

/// Makes a plan.
///
/// # Errors
/// A draft that is wrong in itself, an id that is taken, or what the validation plugins refuse.
pub async fn create<S: Store>(
    app: &App<S>,
    by: &Request,
    draft: PlanDraft,
) -> Result<Reviewed, Error> {
    once(app, by, || Box::pin(try_create(app, by, &draft))).await
}

async fn try_create<S: Store>(
    app: &App<S>,
    by: &Request,
    draft: &PlanDraft,
) -> Result<Reviewed, Error> {
    let snapshot = app.store.snapshot().await?;
    let id = match &draft.id {
        Some(id) => id.clone(),
        None => unused_id(app, &snapshot, by, &draft.name).await?,
    };
    let plan = Plan::from_draft(id, draft.clone(), by.now)?;
    add(app, &snapshot, by, plan, Action::Created).await
}

/// Copies a plan under a new id, inactive.
///
/// # Errors
/// Not found, or what the validation plugins refuse of the copy.
pub async fn duplicate<S: Store>(
    app: &App<S>,
    by: &Request,
    id: &str,
    name: Option<&str>,
) -> Result<Reviewed, Error> {
    once(app, by, || try_duplicate(app, by, id, name)).await
}

async fn try_duplicate<S: Store>(
    app: &App<S>,
    by: &Request,
    id: &str,
    name: Option<&str>,
) -> Result<Reviewed, Error> {
    let snapshot = app.store.snapshot().await?;
    let (_, PlanRecord { plan: original, .. }) = load(&snapshot, by, id).await?;
    let name = original.name_of_copy(name);
    let new_id = unused_id(app, &snapshot, by, &name).await?;
    let copy = original.duplicated(new_id, name, by.now);
    let from = original.id.to_string();
    add(app, &snapshot, by, copy, Action::Duplicated { from }).await
}

/// Changes the fields that a patch names. A patch that changes nothing leaves no trace.
///
/// # Errors
/// Not found, a patch that is wrong in itself, or what the validation plugins refuse.
pub async fn update<S: Store>(
    app: &App<S>,
    by: &Request,
    id: &str,
    patch: PlanPatch,
) -> Result<Reviewed, Error> {
    once(app, by, || try_update(app, by, id, &patch)).await
}

async fn try_update<S: Store>(
    app: &App<S>,
    by: &Request,
    id: &str,
    patch: &PlanPatch,
) -> Result<Reviewed, Error> {
    worker::work_plan(app, &by.caller.tenant, Some(id), by.now).await?;
    let snapshot = app.store.snapshot().await?;
    let before = load_to_change(&snapshot, by, id).await?;
    let after = before.1.plan.patched(patch.clone(), by.now)?;
    if after == before.1.plan {
        return Ok(Reviewed { plan: after, tag: before.1.tag(), warnings: Vec::new() });
    }
    Change::alter(before, after, Action::Updated).review_and_commit(app, &snapshot, by).await
}

/// Switches a plan off or on.
///
/// # Errors
/// Not found, or what the validation plugins refuse.
pub async fn toggle<S: Store>(app: &App<S>, by: &Request, id: &str) -> Result<Reviewed, Error> {
    once(app, by, || try_toggle(app, by, id)).await
}

async fn try_toggle<S: Store>(app: &App<S>, by: &Request, id: &str) -> Result<Reviewed, Error> {
    worker::work_plan(app, &by.caller.tenant, Some(id), by.now).await?;
    let snapshot = app.store.snapshot().await?;
    let before = load_to_change(&snapshot, by, id).await?;
    let after = before.1.plan.toggled(by.now);
    let action = if after.is_active { Action::Activated } else { Action::Deactivated };
    Change::alter(before, after, action).review_and_commit(app, &snapshot, by).await
}

/// Deletes a plan that nobody is subscribed to; its id may be used again.
///
/// # Errors
/// Not found, or in use.
pub async fn delete<S: Store>(app: &App<S>, by: &Request, id: &str) -> Result<Reviewed, Error> {
    once(app, by, || try_delete(app, by, id)).await
}

async fn try_delete<S: Store>(app: &App<S>, by: &Request, id: &str) -> Result<Reviewed, Error> {
    worker::work_plan(app, &by.caller.tenant, Some(id), by.now).await?;
    let snapshot = app.store.snapshot().await?;
    let before = load_to_change(&snapshot, by, id).await?;
    Change::delete(before).review_and_commit(app, &snapshot, by).await
}

/// Puts a new plan under review and into the catalog.
async fn add<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    by: &Request,
    plan: Plan,
    action: Action,
) -> Result<Reviewed, Error> {
    if snapshot.get(&Keys::of(&by.caller.tenant).plan(&plan.id)).await?.is_some() {
        return Err(Refusal::PlanExists { id: plan.id.to_string() }.into());
    }
    Change::make(plan, action).review_and_commit(app, snapshot, by).await
}

/// An id from the identity plugin that no plan has yet.
async fn unused_id<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    by: &Request,
    name: &str,
) -> Result<PlanId, Error> {
    let keys = Keys::of(&by.caller.tenant);
    // That these plugins decide still is expected where the plan is reviewed, in the same snapshot.
    let bindings = app.bindings(snapshot, &by.caller.tenant).await?;
    let plugin = app.only_plugin(&bindings, Hook::Identity, by.now).await?;
    let unusable =
        |reason: String| PluginError::BadAnswer { plugin: plugin.name().to_owned(), reason };
    // A name may be far too long still: the rules for names are asked later, of the plan as a whole.
    let name: String = name.chars().take(NAME_SHOWN).collect();
    for _ in 0..DRAWS {
        let entropy = app.entropy.draw();
        let text = plugin.new_id("plan", &name, entropy, by.now).await.map_err(of_the_name)?;
        let id = PlanId::new(&text)
            .map_err(|error| unusable(format!("'{text}' as the id of a plan: {error}")))?;
        if snapshot.get(&keys.plan(&id)).await?.is_none() {
            return Ok(id);
        }
    }
    let reason = format!("{DRAWS} ids in a row that are taken, from different entropy each");
    Err(unusable(reason).into())
}

/// A plugin that will not make an id of a name says so to whoever chose the name.
fn of_the_name(error: PluginError) -> Error {
    match error {
        PluginError::Refused { code, message, .. } => {
            Refusal::Rejected(vec![FieldError::new("name", &code, &message)]).into()
        }
        fault => fault.into(),
    }
}

//! Plans: reading the catalog, and changing it under review.

use std::sync::Arc;

use planwright_domain::Refusal;
use planwright_domain::plan::{Plan, PlanDraft, PlanId};
use planwright_domain::plan_change::PlanPatch;
use planwright_domain::review::Finding;
use planwright_store::{Snapshot, Store};

use crate::app::{App, Request};
use crate::catalog::Catalog;
use crate::documents::PlanRecord;
use crate::error::Error;
use crate::keys::Keys;
use crate::plan_commit::{Action, Change, Reviewed};
use crate::retry::retrying;
use crate::subscriptions;

/// How often an id that clashes is drawn again. The standard plugin's suffix has 36^8 values, so a plugin
/// that needs more draws than this does not use its entropy.
const DRAWS: usize = 8;

/// The tenant's catalog, for the list that users see.
///
/// # Errors
/// When the store does not answer.
pub async fn list<S: Store>(app: &App<S>, by: &Request) -> Result<Arc<Catalog>, Error> {
    let snapshot = app.store.snapshot().await?;
    Ok(app.catalogs.read(&snapshot, &by.caller.tenant).await?)
}

/// One plan. An inactive one is shown only to its subscribers and admins.
///
/// # Errors
/// Not found, also where it may not be seen.
pub async fn get<S: Store>(app: &App<S>, by: &Request, id: &str) -> Result<Plan, Error> {
    let snapshot = app.store.snapshot().await?;
    let catalog = app.catalogs.read(&snapshot, &by.caller.tenant).await?;
    let plan = &find(&catalog, id)?.plan;
    let seen = plan.is_active
        || by.caller.role.administers()
        || subscriptions::live(&snapshot, &by.caller.tenant, &by.caller.user_id)
            .await?
            .is_some_and(|(_, live)| live.subscription.plan_id == plan.id);
    if !seen {
        return Err(not_found(id).into());
    }
    Ok(plan.clone())
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
    retrying(async || {
        let snapshot = app.store.snapshot().await?;
        let id = match &draft.id {
            Some(id) => id.clone(),
            None => unused_id(app, &snapshot, by, &draft.name).await?,
        };
        let after = Plan::from_draft(id, draft.clone(), by.now)?;
        add(app, &snapshot, by, after, Action::Created).await
    })
    .await
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
    retrying(async || {
        let snapshot = app.store.snapshot().await?;
        let (_, original) = load(&snapshot, by, id).await?;
        let copy = original
            .plan
            .duplicated(original.plan.id.clone(), name, by.now);
        let new_id = unused_id(app, &snapshot, by, &copy.name).await?;
        let copy = Plan { id: new_id, ..copy };
        add(
            app,
            &snapshot,
            by,
            copy,
            Action::Duplicated {
                from: id.to_owned(),
            },
        )
        .await
    })
    .await
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
    retrying(async || {
        let snapshot = app.store.snapshot().await?;
        let (version, before) = load(&snapshot, by, id).await?;
        let after = before.plan.patched(patch.clone(), by.now)?;
        if after == before.plan {
            return Ok(Reviewed {
                plan: after,
                warnings: Vec::new(),
            });
        }
        let change = Change::alter((version, before), after, Action::Updated);
        change.review_and_commit(app, &snapshot, by).await
    })
    .await
}

/// Switches a plan off or on.
///
/// # Errors
/// Not found, or what the validation plugins refuse.
pub async fn toggle<S: Store>(app: &App<S>, by: &Request, id: &str) -> Result<Reviewed, Error> {
    retrying(async || {
        let snapshot = app.store.snapshot().await?;
        let (version, before) = load(&snapshot, by, id).await?;
        let after = before.plan.toggled(by.now);
        let action = if after.is_active {
            Action::Activated
        } else {
            Action::Deactivated
        };
        let change = Change::alter((version, before), after, action);
        change.review_and_commit(app, &snapshot, by).await
    })
    .await
}

/// Deletes a plan that nobody is subscribed to; its id may be used again.
///
/// # Errors
/// Not found, or in use.
pub async fn delete<S: Store>(app: &App<S>, by: &Request, id: &str) -> Result<Vec<Finding>, Error> {
    retrying(async || {
        let snapshot = app.store.snapshot().await?;
        let (version, before) = load(&snapshot, by, id).await?;
        let change = Change::delete((version, before));
        change
            .review_and_commit(app, &snapshot, by)
            .await
            .map(|reviewed| reviewed.warnings)
    })
    .await
}

/// Puts a new plan under review and into the catalog.
async fn add<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    by: &Request,
    plan: Plan,
    action: Action,
) -> Result<Reviewed, Error> {
    if snapshot
        .get(&Keys::of(&by.caller.tenant).plan(&plan.id))
        .await?
        .is_some()
    {
        return Err(Refusal::PlanExists { id: plan.id }.into());
    }
    Change::make(plan, action)
        .review_and_commit(app, snapshot, by)
        .await
}

/// An id from the identity plugin that no plan has yet.
async fn unused_id<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    by: &Request,
    name: &str,
) -> Result<PlanId, Error> {
    let keys = Keys::of(&by.caller.tenant);
    let plugins = app.plugins.bindings();
    for _ in 0..DRAWS {
        let entropy = app.entropy.draw();
        let text = plugins.new_id("plan", name, entropy, by.now).await?;
        let id = PlanId::new(&text).map_err(|_| plugins.bad_id(&text))?;
        if snapshot.get(&keys.plan(&id)).await?.is_none() {
            return Ok(id);
        }
    }
    Err(plugins.ids_clash(DRAWS).into())
}

/// A plan and the version of its record, as a snapshot holds them.
pub(crate) async fn load<N: Snapshot>(
    snapshot: &N,
    by: &Request,
    id: &str,
) -> Result<(u64, PlanRecord), Error> {
    let plan_id = PlanId::new(id).map_err(|_| not_found(id))?;
    let key = Keys::of(&by.caller.tenant).plan(&plan_id);
    let record = snapshot.get(&key).await?.ok_or_else(|| not_found(id))?;
    Ok((record.version, record.decode()?))
}

/// A plan of the catalog.
pub(crate) fn find<'a>(catalog: &'a Catalog, id: &str) -> Result<&'a PlanRecord, Refusal> {
    let plan_id = PlanId::new(id).map_err(|_| not_found(id))?;
    catalog.plan(&plan_id).ok_or_else(|| not_found(id))
}

fn not_found(id: &str) -> Refusal {
    // What was asked for is shown back, but not at any length.
    Refusal::PlanNotFound {
        id: id.chars().take(128).collect(),
    }
}

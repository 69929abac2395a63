//! The endpoints that a tenant has: made, changed, given another secret, deleted.
//!
//! A secret is shown in the one answer that makes it. It is kept, since nothing could be signed without it, and
//! neither an answer nor the audit log has it again.

pub mod deliveries;
pub(crate) mod delivery_log;
pub(crate) mod outbox;
pub mod sending;
pub(crate) mod webhook_documents;
pub(crate) mod webhook_secret;

use planwright_domain::Refusal;
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_domain::webhook::webhook_refusal::{MOST_ENDPOINTS, WebhookRefusal};
use planwright_domain::webhook::{
    Endpoint, EndpointDraft, EndpointPatch, EndpointReport, Reach, Rotation,
};
use planwright_store::{ChangeSet, Snapshot, Store, StoreError};

use self::webhook_documents::{KeptEndpoint, KeptWebhooks, WebhookHealth, WebhooksRecord};
use crate::app::App;
use crate::audit::Deed;
use crate::error::Error;
use crate::ids;
use crate::keys::Keys;
use crate::once::{answered, once};
use crate::request::Request;
use crate::retry::retrying;

/// An endpoint whose secret was just made, with what nobody is told again.
pub struct WithSecret {
    /// As lists show it.
    pub report: EndpointReport,
    /// What signs.
    pub secret: String,
}

/// Makes an endpoint. A secret is not kept as an answer, so a repeat of the same request is told what was made and not
/// the secret.
///
/// # Errors
/// A draft that is wrong in itself, too many endpoints, or a request that was done before.
pub async fn create<S: Store>(
    app: &App<S>,
    by: &Request,
    draft: EndpointDraft,
    reach: Reach,
) -> Result<WithSecret, Error> {
    retrying(app.entropy.as_ref(), || try_create(app, by, &draft, reach)).await
}

async fn try_create<S: Store>(
    app: &App<S>,
    by: &Request,
    draft: &EndpointDraft,
    reach: Reach,
) -> Result<WithSecret, Error> {
    made_before(app, by).await?;
    let id = ids::fresh(app.entropy.as_ref(), "whe_");
    let endpoint = Endpoint::from_draft(id, draft.clone(), reach, by.now)?;
    let secret = webhook_secret::from_entropy(app.entropy.draw());
    let kept = KeptWebhooks::read(&app.store.snapshot().await?, &by.caller.tenant).await?;
    if kept.record.endpoints.len() >= MOST_ENDPOINTS {
        return Err(Refusal::from(WebhookRefusal::TooManyEndpoints).into());
    }
    let mut record = kept.record.clone();
    let (one, old_secret) = (endpoint.clone(), None);
    record.endpoints.push(KeptEndpoint { endpoint: one, secret: secret.clone(), old_secret });
    let mut change = ChangeSet::new();
    kept.write(&mut change, &record);
    note(app, by, &mut change, Done::Created, None, Some(&endpoint));
    app.commit(by, change, &endpoint.id).await?;
    let report = EndpointReport { endpoint, failing_since: None, pending: 0, missed: 0 };
    Ok(WithSecret { report, secret })
}

/// Refuses a repeat of what made a secret.
async fn made_before<S: Store>(app: &App<S>, by: &Request) -> Result<(), Error> {
    match answered::<S, String>(app, by).await? {
        Some(id) => Err(Refusal::from(WebhookRefusal::SecretMadeBefore { id }).into()),
        None => Ok(()),
    }
}

/// The tenant's endpoints, in the order in which they were made.
///
/// # Errors
/// When the store does not answer.
pub async fn list<S: Store>(
    app: &App<S>,
    by: &Request,
    page: PageRequest,
) -> Result<Page<EndpointReport>, Error> {
    let snapshot = app.store.snapshot().await?;
    let tenant = &by.caller.tenant;
    let mut reports = Vec::new();
    for kept in KeptWebhooks::read(&snapshot, tenant).await?.record.endpoints {
        reports.push(report(&snapshot, tenant, kept.endpoint).await?);
    }
    Ok(page.of(reports))
}

/// One endpoint.
///
/// # Errors
/// Not found.
pub async fn get<S: Store>(app: &App<S>, by: &Request, id: &str) -> Result<EndpointReport, Error> {
    let snapshot = app.store.snapshot().await?;
    let tenant = &by.caller.tenant;
    let kept = KeptWebhooks::read(&snapshot, tenant).await?;
    let endpoint = find(&kept, id)?.endpoint.clone();
    Ok(report(&snapshot, tenant, endpoint).await?)
}

/// One of the endpoints that there are.
pub(crate) fn find<'a>(kept: &'a KeptWebhooks, id: &str) -> Result<&'a KeptEndpoint, Refusal> {
    // What was asked for is shown back, but not at any length.
    kept.find(id).ok_or_else(|| {
        WebhookRefusal::EndpointNotFound { id: id.chars().take(ids::LONGEST).collect() }.into()
    })
}

async fn report<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
    endpoint: Endpoint,
) -> Result<EndpointReport, StoreError> {
    let keys = Keys::of(tenant);
    let failing_since = match snapshot.get(&keys.webhook_health(&endpoint.id)).await? {
        Some(found) => Some(found.decode::<WebhookHealth>()?.failing_since),
        None => None,
    };
    let pending = outbox::pending(snapshot, tenant, &endpoint.id).await?;
    let missed = snapshot.counter(&keys.webhook_missed(&endpoint.id)).await?;
    // Neither is ever below 0.
    let [pending, missed] = [pending, missed].map(|holds| u64::try_from(holds).unwrap_or(0));
    Ok(EndpointReport { endpoint, failing_since, pending, missed })
}

/// Changes what the patch names. Whoever switches an endpoint on gives it time to prove itself anew.
///
/// # Errors
/// Not found, or a patch that is wrong in itself.
pub async fn update<S: Store>(
    app: &App<S>,
    by: &Request,
    id: &str,
    patch: EndpointPatch,
    reach: Reach,
) -> Result<EndpointReport, Error> {
    once(app, by, || try_update(app, by, id, patch.clone(), reach)).await
}

async fn try_update<S: Store>(
    app: &App<S>,
    by: &Request,
    id: &str,
    patch: EndpointPatch,
    reach: Reach,
) -> Result<EndpointReport, Error> {
    let snapshot = app.store.snapshot().await?;
    let tenant = &by.caller.tenant;
    let kept = KeptWebhooks::read(&snapshot, tenant).await?;
    let before = &find(&kept, id)?.endpoint;
    let after = before.patched(patch, reach, by.now)?;
    let mut shown = report(&snapshot, tenant, after.clone()).await?;
    let mut change = ChangeSet::new();
    if after.enabled && !before.enabled {
        change.delete(&Keys::of(tenant).webhook_health(id));
        shown.failing_since = None;
    }
    kept.write(&mut change, &with(&kept, &after, |_| {}));
    note(app, by, &mut change, Done::Updated, Some(before), Some(&after));
    app.commit(by, change, &shown).await?;
    Ok(shown)
}

/// All of them, one of them changed.
fn with(
    kept: &KeptWebhooks,
    endpoint: &Endpoint,
    also: impl FnOnce(&mut KeptEndpoint),
) -> WebhooksRecord {
    let mut record = kept.record.clone();
    if let Some(one) = record.endpoints.iter_mut().find(|one| one.endpoint.id == endpoint.id) {
        one.endpoint = endpoint.clone();
        also(one);
    }
    record
}

/// Gives an endpoint another secret. The one that there was signs beside it for a while; one before that no more.
///
/// # Errors
/// Not found, a rotation that is wrong in itself, or a request that was done before.
pub async fn rotate<S: Store>(
    app: &App<S>,
    by: &Request,
    id: &str,
    rotation: Rotation,
) -> Result<WithSecret, Error> {
    retrying(app.entropy.as_ref(), || try_rotate(app, by, id, rotation)).await
}

async fn try_rotate<S: Store>(
    app: &App<S>,
    by: &Request,
    id: &str,
    rotation: Rotation,
) -> Result<WithSecret, Error> {
    made_before(app, by).await?;
    let snapshot = app.store.snapshot().await?;
    let tenant = &by.caller.tenant;
    let kept = KeptWebhooks::read(&snapshot, tenant).await?;
    let before = &find(&kept, id)?.endpoint;
    let secret = webhook_secret::from_entropy(app.entropy.draw());
    // Signatures are made by the real clock, also for a sandbox.
    let old_secret_until = Some(rotation.end_of_old(by.received_at)?);
    let after = Endpoint { old_secret_until, updated_at: by.now, ..before.clone() };
    let record = with(&kept, &after, |one| {
        one.old_secret = Some(std::mem::replace(&mut one.secret, secret.clone()));
    });
    let mut change = ChangeSet::new();
    kept.write(&mut change, &record);
    note(app, by, &mut change, Done::Rotated, Some(before), Some(&after));
    app.commit(by, change, &after.id).await?;
    Ok(WithSecret { report: report(&snapshot, tenant, after).await?, secret })
}

/// Deletes an endpoint: nothing is sent to it from now on. What was sent is cleared away when its time is over.
///
/// # Errors
/// Not found.
pub async fn delete<S: Store>(app: &App<S>, by: &Request, id: &str) -> Result<(), Error> {
    once(app, by, || try_delete(app, by, id)).await
}

async fn try_delete<S: Store>(app: &App<S>, by: &Request, id: &str) -> Result<(), Error> {
    let snapshot = app.store.snapshot().await?;
    let keys = Keys::of(&by.caller.tenant);
    let kept = KeptWebhooks::read(&snapshot, &by.caller.tenant).await?;
    let before = &find(&kept, id)?.endpoint;
    let mut record = kept.record.clone();
    record.endpoints.retain(|one| one.endpoint.id != id);
    let mut change = ChangeSet::new();
    kept.write(&mut change, &record);
    change.delete(&keys.webhook_health(id)).reset(&keys.webhook_missed(id));
    note(app, by, &mut change, Done::Deleted, Some(before), None);
    app.commit(by, change, &()).await
}

/// Switches an endpoint off, as the server does where it takes nothing any more, and says so in the audit log.
pub(crate) fn switch_off<S: Store>(
    app: &App<S>,
    change: &mut ChangeSet,
    kept: &KeptWebhooks,
    one: &KeptEndpoint,
    reason: &str,
    now: Timestamp,
) {
    let before = &one.endpoint;
    let after = before.disabled(reason, now);
    kept.write(change, &with(kept, &after, |_| {}));
    let deed = deed(Done::SwitchedOff, Some(before), &after);
    let entry = app.audit_entry_of_its_own(now, Deed { after: Some(&after), ..deed });
    change.append(&Keys::of(kept.tenant()).audit(), &entry);
}

#[derive(Clone, Copy)]
enum Done {
    Created,
    Updated,
    Rotated,
    Deleted,
    SwitchedOff,
}

/// Puts it into the audit log, without any secret.
fn note<S: Store>(
    app: &App<S>,
    by: &Request,
    change: &mut ChangeSet,
    done: Done,
    before: Option<&Endpoint>,
    after: Option<&Endpoint>,
) {
    let Some(endpoint) = after.or(before) else { return };
    let deed = Deed { after, ..deed(done, before, endpoint) };
    change.append(&Keys::of(&by.caller.tenant).audit(), &app.audit_entry(by, deed));
}

/// What was done to an endpoint; what it became is to be said.
fn deed<'a>(
    done: Done,
    before: Option<&'a Endpoint>,
    endpoint: &'a Endpoint,
) -> Deed<'a, Endpoint> {
    let (action, what) = match done {
        Done::Created => ("webhook_created", "Created webhook endpoint"),
        Done::Updated => ("webhook_updated", "Updated webhook endpoint"),
        Done::Rotated => ("webhook_rotated", "Made another secret for webhook endpoint"),
        Done::Deleted => ("webhook_deleted", "Deleted webhook endpoint"),
        Done::SwitchedOff => ("webhook_disabled", "Switched off webhook endpoint"),
    };
    Deed {
        action,
        entity_type: "webhook",
        entity_id: &endpoint.id,
        description: format!("{what} '{}'", endpoint.url),
        before,
        after: None,
        warnings: &[],
    }
}

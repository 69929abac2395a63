//! Tenants: who there is, and making another one.

mod api_key_secret;
pub mod api_key_use;
pub mod api_keys;
pub mod clock_setting;
pub mod clocks;
pub(crate) mod kept_settings;
pub(crate) mod seen_tenants;
pub mod settings;

use planwright_domain::Refusal;
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::tenant::{Tenant, TenantDraft};
use planwright_domain::time::Timestamp;
use planwright_store::{ChangeSet, CommitError, Scan, Snapshot, Store, StoreError};

use crate::app::App;
use crate::audit::Deed;
use crate::documents::{ClockRecord, TenantRecord};
use crate::error::Error;
use crate::keys::{HostKeys, Keys, Timeline};
use crate::once::once;
use crate::request::Request;

/// How many are read at once: nobody counts them, so all are walked.
const PIECE: usize = 500;

/// Whether there is such a tenant.
///
/// # Errors
/// When the store does not answer.
pub async fn exists<S: Store>(app: &App<S>, id: &TenantId) -> Result<bool, Error> {
    Ok(find(app, id).await?.is_some())
}

/// By whose clock a tenant lives, if there is such a tenant.
async fn find<S: Store>(app: &App<S>, id: &TenantId) -> Result<Option<Timeline>, Error> {
    if let Some(timeline) = app.tenants.timeline(id) {
        return Ok(Some(timeline));
    }
    let Some(record) = app.store.snapshot().await?.get(&HostKeys::tenant(id)).await? else {
        return Ok(None);
    };
    let is_sandbox = record.decode::<TenantRecord>()?.tenant.sandbox;
    let timeline = if is_sandbox { Timeline::Sandbox(id.clone()) } else { Timeline::Real };
    app.tenants.add(id, timeline.clone());
    Ok(Some(timeline))
}

/// By whose clock a tenant that is there lives.
pub(crate) async fn timeline<S: Store>(app: &App<S>, id: &TenantId) -> Result<Timeline, Error> {
    let missing = || StoreError::Corrupt { reason: format!("the tenant '{id}' is missing") };
    Ok(find(app, id).await?.ok_or_else(missing)?)
}

/// Makes the tenant of credentials that name none, unless it is there: what a start does.
///
/// # Errors
/// When the store does not answer.
pub async fn ensure_default<S: Store>(app: &App<S>, now: Timestamp) -> Result<(), Error> {
    let tenant = Tenant::default_one(now);
    if exists(app, &tenant.id).await? {
        return Ok(());
    }
    let key = HostKeys::tenant(&tenant.id);
    let mut change = ChangeSet::new();
    change.expect_absent(&key).put(&key, &TenantRecord { tenant });
    match app.store.commit(change).await {
        // Another start was first.
        Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Makes a tenant. The audit log that tells of it is that of the operator's own tenant.
///
/// # Errors
/// A draft that is wrong in itself, or an id that is taken.
pub async fn create<S: Store>(
    app: &App<S>,
    by: &Request,
    draft: TenantDraft,
) -> Result<Tenant, Error> {
    let tenant = Tenant::from_draft(draft, by.now)?;
    once(app, by, || try_create(app, by, &tenant)).await
}

async fn try_create<S: Store>(
    app: &App<S>,
    by: &Request,
    tenant: &Tenant,
) -> Result<Tenant, Error> {
    let key = HostKeys::tenant(&tenant.id);
    if app.store.snapshot().await?.get(&key).await?.is_some() {
        return Err(Refusal::TenantExists { id: tenant.id.to_string() }.into());
    }
    let mut change = ChangeSet::new();
    change.expect_absent(&key).put(&key, &TenantRecord { tenant: tenant.clone() });
    if tenant.sandbox {
        change.put(&HostKeys::clock(&tenant.id), &ClockRecord::default());
    }
    let deed = Deed {
        action: "tenant_created",
        entity_type: "tenant",
        entity_id: tenant.id.as_str(),
        description: format!("Created tenant '{}'", tenant.name),
        before: None,
        after: Some(tenant),
        warnings: &[],
    };
    change.append(&Keys::of(&by.caller.tenant).audit(), &app.audit_entry(by, deed));
    app.commit(by, change, tenant).await?;
    Ok(tenant.clone())
}

/// All tenants, by id.
///
/// # Errors
/// When the store does not answer.
pub async fn list<S: Store>(app: &App<S>, page: PageRequest) -> Result<Page<Tenant>, Error> {
    let snapshot = app.store.snapshot().await?;
    let (mut scan, mut items, mut total) = (Scan::first(PIECE), Vec::new(), 0);
    loop {
        let piece = snapshot.scan(&HostKeys::tenants(), scan).await?;
        for (_, record) in &piece {
            if total >= page.skip() && items.len() < page.size() {
                items.push(record.decode::<TenantRecord>()?.tenant);
            }
            total += 1;
        }
        tokio::task::yield_now().await;
        let Some((last, _)) = piece.into_iter().last() else { break };
        scan = Scan::first(PIECE).after(last);
    }
    Ok(page.answer(items, u64::try_from(total).unwrap_or(u64::MAX)))
}

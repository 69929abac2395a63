//! API keys: making, listing and revoking them.
//!
//! Of a key its hash is stored, and nothing that leads back to it. The hash finds the key's tenant, so it
//! lies in the host's space; what the key is and may do lies with its tenant. Both are written and deleted
//! together.

use std::cmp::Reverse;

use planwright_domain::Refusal;
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::tenant::api_key::{ApiKey, ApiKeyDraft};
use planwright_store::{ChangeSet, Scan, Snapshot, Store};

use crate::app::App;
use crate::audit::Deed;
use crate::documents::{ApiKeyPlace, ApiKeyRecord};
use crate::error::Error;
use crate::ids;
use crate::keys::{HostKeys, Keys};
use crate::once::{answered, once};
use crate::request::Request;
use crate::retry::retrying;
use crate::tenants::api_key_secret::Secret;

/// How many keys are read at once.
const PIECE: usize = 500;

/// A key that was just made, with what nobody is told again.
pub struct NewApiKey {
    /// As lists show it.
    pub api_key: ApiKey,
    /// What to send as a bearer token.
    pub secret: String,
}

/// Makes a key. A secret is not kept, so a repeat of the same request is told what was made and not the
/// secret.
///
/// # Errors
/// A role above the maker's own, a draft that is wrong in itself, or a request that was done before.
pub async fn create<S: Store>(
    app: &App<S>,
    by: &Request,
    draft: ApiKeyDraft,
) -> Result<NewApiKey, Error> {
    retrying(app.entropy.as_ref(), || try_create(app, by, &draft)).await
}

async fn try_create<S: Store>(
    app: &App<S>,
    by: &Request,
    draft: &ApiKeyDraft,
) -> Result<NewApiKey, Error> {
    if let Some(id) = answered::<S, String>(app, by).await? {
        return Err(Refusal::KeyMadeBefore { id }.into());
    }
    let id = ids::fresh(app.entropy.as_ref(), "key_");
    let api_key = ApiKey::from_draft(id, draft.clone(), &by.caller, by.received_at)?;
    let secret = Secret::from_entropy(app.entropy.draw());
    let hash = secret.hash();

    let tenant = &by.caller.tenant;
    let keys = Keys::of(tenant);
    let place = ApiKeyPlace { tenant: tenant.clone(), id: api_key.id.clone() };
    let record = ApiKeyRecord { hash: hash.clone(), api_key };
    // Nothing is loaded: chance that repeats itself shows as a conflict, and is drawn again.
    let (record_key, place_key) = (keys.api_key(&record.api_key.id), HostKeys::api_key(&hash));
    let mut change = ChangeSet::new();
    change.expect_absent(&record_key).expect_absent(&place_key);
    change.put(&record_key, &record).put(&place_key, &place);
    let api_key = record.api_key;
    let deed = Deed {
        action: "api_key_created",
        entity_type: "api_key",
        entity_id: &api_key.id,
        description: format!("Created API key '{}'", api_key.name),
        before: None,
        after: Some(&api_key),
        warnings: &[],
    };
    change.append(&keys.audit(), &app.audit_entry(by, deed));
    app.commit(by, change, &api_key.id).await?;
    Ok(NewApiKey { api_key, secret: secret.into_text() })
}

/// The tenant's keys, newest first. They lie in the order of their ids, so all are walked; those that no page up to this
/// one has are let go on the way.
///
/// # Errors
/// When the store does not answer.
pub async fn list<S: Store>(
    app: &App<S>,
    by: &Request,
    page: PageRequest,
) -> Result<Page<ApiKey>, Error> {
    let snapshot = app.store.snapshot().await?;
    let prefix = Keys::of(&by.caller.tenant).api_keys();
    let most = page.skip().saturating_add(page.size());
    let (mut scan, mut newest, mut total) = (Scan::first(PIECE), Vec::new(), 0_u64);
    loop {
        let piece = snapshot.scan(&prefix, scan).await?;
        for (_, record) in &piece {
            newest.push(record.decode::<ApiKeyRecord>()?.api_key);
            total += 1;
        }
        newest.sort_by(|one: &ApiKey, other| {
            (Reverse(one.created_at), &one.id).cmp(&(Reverse(other.created_at), &other.id))
        });
        newest.truncate(most);
        tokio::task::yield_now().await;
        let Some((last, _)) = piece.into_iter().last() else { break };
        scan = Scan::first(PIECE).after(last);
    }
    Ok(page.answer(newest.into_iter().skip(page.skip()).collect(), total))
}

/// Revokes a key: the very next request with it is refused. What it was stays in the audit log.
///
/// # Errors
/// Not found, or of a role above the caller's own.
pub async fn revoke<S: Store>(app: &App<S>, by: &Request, id: &str) -> Result<(), Error> {
    once(app, by, || try_revoke(app, by, id)).await
}

async fn try_revoke<S: Store>(app: &App<S>, by: &Request, id: &str) -> Result<(), Error> {
    // What was asked for is shown back, but not at any length.
    let not_found = || Refusal::KeyNotFound { id: id.chars().take(128).collect() };
    if id.len() > ids::LONGEST {
        return Err(not_found().into());
    }
    let keys = Keys::of(&by.caller.tenant);
    let key = keys.api_key(id);
    let found = app.store.snapshot().await?.get(&key).await?.ok_or_else(not_found)?;
    let record = found.decode::<ApiKeyRecord>()?;
    by.caller.role.check_manages_keys_of(record.api_key.role)?;
    let mut change = ChangeSet::new();
    change.expect_version(&key, found.version);
    change.delete(&key).delete(&HostKeys::api_key(&record.hash));
    let deed = Deed {
        action: "api_key_revoked",
        entity_type: "api_key",
        entity_id: id,
        description: format!("Revoked API key '{}'", record.api_key.name),
        before: Some(&record.api_key),
        after: None,
        warnings: &[],
    };
    change.append(&keys.audit(), &app.audit_entry(by, deed));
    app.commit(by, change, &()).await
}

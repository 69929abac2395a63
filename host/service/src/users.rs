//! What is known of users: what their credentials last said, and what an admin noted: which group, region and
//! currency price what they use.

mod credit;
pub mod overviews;
pub(crate) mod user_cache;
pub mod user_reports;

use planwright_domain::Refusal;
use planwright_domain::billing_plan::entry::Kind;
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::refusal::FieldError;
use planwright_domain::tenant::caller::{Caller, TenantId, is_user_id};
use planwright_domain::user::{User, UserDraft, UserFacts, UserPatch};
use planwright_store::{ChangeSet, CommitError, Key, Part, Scan, Snapshot, Store, StoreError};

use crate::app::App;
use crate::audit::Deed;
use crate::billing_plans::entry_records::{count_move, expect_there, unknown};
use crate::documents::UserRecord;
use crate::error::Error;
use crate::keys::Keys;
use crate::once::once;
use crate::request::Request;

/// Users that a walk holds at once.
const PIECE: usize = 500;

/// Keeps the email, name and group that a caller's credentials carry, if they differ from what is kept. Most
/// calls find nothing new and cost one look.
///
/// # Errors
/// When the store does not answer.
pub async fn remember<S: Store>(app: &App<S>, caller: &Caller) -> Result<(), Error> {
    if caller.email.is_none() && caller.name.is_none() && caller.group.is_none() {
        return Ok(());
    }
    let key = Keys::of(&caller.tenant).user(&caller.user_id);
    let snapshot = app.store.snapshot().await?;
    let (version, kept) = read(&snapshot, &key).await?;
    let mut said = kept.clone().unwrap_or_default();
    said.facts.email = caller.email.clone().or(said.facts.email);
    said.facts.name = caller.name.clone().or(said.facts.name);
    said.group = caller.group.clone().or(said.group);
    if kept.as_ref() == Some(&said) {
        return Ok(());
    }
    let mut change = ChangeSet::new();
    put(&mut change, &Keys::of(&caller.tenant), &caller.user_id, version, &said);
    match app.store.commit(change).await {
        // The next call says it again.
        Ok(_) | Err(CommitError::Busy | CommitError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Writes what is known of a user, if the record is still as it was read, and counts one of whom nothing was known.
pub(crate) fn put(
    change: &mut ChangeSet,
    keys: &Keys,
    id: &str,
    version: Option<u64>,
    record: &UserRecord,
) {
    let key = keys.user(id);
    change.expect_as_read(&key, version).put(&key, record);
    if version.is_none() {
        change.add(&keys.user_count(), 1);
    }
}

/// What is known of a user, if anything is, and the version of its record.
async fn read<N: Snapshot>(
    snapshot: &N,
    key: &Key,
) -> Result<(Option<u64>, Option<UserRecord>), StoreError> {
    Ok(match snapshot.get(key).await? {
        Some(record) => (Some(record.version), Some(record.decode()?)),
        None => (None, None),
    })
}

/// What is known of a user, nothing where nothing is; and the version of its record.
pub(crate) async fn known<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    id: &str,
) -> Result<(Option<u64>, UserRecord), StoreError> {
    let (version, record) = read(snapshot, &keys.user(id)).await?;
    Ok((version, record.unwrap_or_default()))
}

/// Users of whom something is known, by id.
///
/// # Errors
/// When the store does not answer.
pub async fn list<S: Store>(
    app: &App<S>,
    by: &Request,
    page: PageRequest,
) -> Result<Page<User>, Error> {
    let snapshot = app.store.snapshot().await?;
    let (items, total) = page_of(&snapshot, &by.caller.tenant, None, page).await?;
    Ok(page.answer(items, total))
}

/// The users on a page, by id, and how many there are in all. All of whom something is known are counted already;
/// those who mention something are looked for from the first to the last.
pub(crate) async fn page_of<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
    sought: Option<&str>,
    page: PageRequest,
) -> Result<(Vec<User>, u64), StoreError> {
    let keys = Keys::of(tenant);
    let (mut scan, mut items, mut total) = (Scan::first(PIECE), Vec::new(), 0);
    loop {
        let piece = snapshot.scan(&keys.users(), scan).await?;
        for (key, record) in &piece {
            let Some(Part::Text(id)) = key.parts().into_iter().next() else { continue };
            let is_skipped = total < page.skip() || items.len() == page.size();
            if sought.is_some() || !is_skipped {
                let user = User { id, facts: record.decode::<UserRecord>()?.facts };
                if sought.is_some_and(|part| !user.mentions(part)) {
                    continue;
                }
                if !is_skipped {
                    items.push(user);
                }
            }
            total += 1;
        }
        if sought.is_none() && items.len() == page.size() {
            break;
        }
        tokio::task::yield_now().await;
        let Some((last, _)) = piece.into_iter().last() else { break };
        scan = Scan::first(PIECE).after(last);
    }
    let total = match sought {
        Some(_) => u64::try_from(total).unwrap_or(u64::MAX),
        None => u64::try_from(snapshot.counter(&keys.user_count()).await?).unwrap_or(0),
    };
    Ok((items, total))
}

/// What is known of one user.
///
/// # Errors
/// Not found where nothing is.
pub async fn get<S: Store>(app: &App<S>, by: &Request, id: &str) -> Result<User, Error> {
    let key = key_of(by, id)?;
    let (_, record) = read(&app.store.snapshot().await?, &key).await?;
    let facts = record.ok_or_else(|| not_found(id))?.facts;
    Ok(User { id: id.to_owned(), facts })
}

fn key_of(by: &Request, id: &str) -> Result<Key, Refusal> {
    if is_user_id(id) { Ok(Keys::of(&by.caller.tenant).user(id)) } else { Err(not_found(id)) }
}

fn not_found(id: &str) -> Refusal {
    // What was asked for is shown back, but not at any length.
    Refusal::EntryNotFound { kind: Kind::User, id: id.chars().take(255).collect() }
}

/// Notes a user of whom nothing is known yet but that there is one: before or after there are credentials or a
/// subscription.
///
/// # Errors
/// A draft that is wrong in itself or names what is not there, or a user of whom more is known.
pub async fn create<S: Store>(
    app: &App<S>,
    by: &Request,
    draft: &UserDraft,
) -> Result<User, Error> {
    let facts = once(app, by, || try_create(app, by, draft)).await?;
    Ok(User { id: draft.id.clone(), facts })
}

async fn try_create<S: Store>(
    app: &App<S>,
    by: &Request,
    draft: &UserDraft,
) -> Result<UserFacts, Error> {
    let user = User { id: draft.id.clone(), facts: draft.facts()? };
    let snapshot = app.store.snapshot().await?;
    let (version, known) = read(&snapshot, &key_of(by, &user.id)?).await?;
    let (nothing, known) = (UserFacts::default(), known.as_ref());
    if known.is_some_and(|known| known.facts != nothing || user.facts == nothing) {
        let message = format!("User '{}' is known already: PATCH changes what is known.", user.id);
        return Err(Refusal::unfit(FieldError::new("id", "taken", &message)).into());
    }
    let group = known.and_then(|known| known.group.clone());
    keep(app, &snapshot, by, (version, None), user, group).await
}

/// Changes what is known of a user.
///
/// # Errors
/// Not found, wrong in itself, or naming what is not there.
pub async fn update<S: Store>(
    app: &App<S>,
    by: &Request,
    id: &str,
    patch: &UserPatch,
) -> Result<User, Error> {
    let facts = once(app, by, || try_update(app, by, id, patch)).await?;
    Ok(User { id: id.to_owned(), facts })
}

async fn try_update<S: Store>(
    app: &App<S>,
    by: &Request,
    id: &str,
    patch: &UserPatch,
) -> Result<UserFacts, Error> {
    let snapshot = app.store.snapshot().await?;
    let (version, known) = read(&snapshot, &key_of(by, id)?).await?;
    let before = known.ok_or_else(|| not_found(id))?;
    let UserRecord { facts: before, group } = before;
    let user = User { id: id.to_owned(), facts: before.patched(patch.clone())? };
    if user.facts == before {
        return Ok(before);
    }
    keep(app, &snapshot, by, (version, Some(before)), user, group).await
}

/// Commits what is known of a user from now on. What it names is expected to be there.
async fn keep<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    by: &Request,
    (version, before): (Option<u64>, Option<UserFacts>),
    user: User,
    group: Option<String>,
) -> Result<UserFacts, Error> {
    let keys = Keys::of(&by.caller.tenant);
    let mut change = ChangeSet::new();
    let was = before.as_ref();
    let named = [
        (
            Kind::UserGroup,
            "user_group_id",
            was.and_then(|was| was.user_group_id),
            user.facts.user_group_id,
        ),
        (Kind::Region, "region_id", was.and_then(|was| was.region_id), user.facts.region_id),
    ];
    for (kind, field, before, after) in named {
        if let Some(id) = after.filter(|_| after != before)
            && !expect_there(snapshot, &keys, kind, id, &mut change).await?
        {
            return Err(unknown(kind, field, id).into());
        }
        count_move(&mut change, &keys, kind, before, after);
    }
    let record = UserRecord { facts: user.facts.clone(), group };
    put(&mut change, &keys, &user.id, version, &record);
    let (action, did) =
        if before.is_none() { ("user_created", "Noted") } else { ("user_updated", "Updated") };
    let deed = Deed {
        action,
        entity_type: Kind::User.as_str(),
        entity_id: &user.id,
        description: format!("{did} user '{}'", user.id),
        before: was,
        after: Some(&user.facts),
        warnings: &[],
    };
    change.append(&keys.audit(), &app.audit_entry(by, deed));
    app.commit(by, change, &user.facts).await?;
    Ok(user.facts)
}

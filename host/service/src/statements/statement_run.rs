//! Closing what is due: windows that have ended become statements, many in one commit. A run keeps the pricing plugin
//! that it began with for each tenant, so that every statement is wholly of one, whatever is bound meanwhile.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_store::{ChangeSet, CommitError, Key, Scan, Snapshot, Store, StoreError};

use crate::app::App;
use crate::error::Error;
use crate::keys::{HostKeys, Timeline, WindowPlace};
use crate::retry::retrying;
use crate::statements::statement_billing::Taken;
use crate::statements::statement_closing::{self, Closing};
use crate::statements::statement_pricers::Run;
use crate::tenants::clocks;

/// How many windows are read at once.
const BATCH: usize = 200;
/// A change set of so many bytes is committed.
const ENOUGH: usize = ChangeSet::MAX_BYTES / 8;

/// Closes all that is due, by the real clock and by those of the sandboxes. Gives how many windows that were.
///
/// # Errors
/// When the store does not answer. What a plugin refuses or fails at is on a statement that says so.
pub async fn work_all<S: Store>(app: &App<S>, real: Timestamp) -> Result<u64, Error> {
    let mut closed = work(app, &Timeline::Real, real).await?;
    for (tenant, now) in clocks::sandboxes(app, real).await? {
        closed += work(app, &Timeline::Sandbox(tenant), now).await?;
    }
    Ok(closed)
}

/// Closes all that is due by one clock.
pub(crate) async fn work<S: Store>(
    app: &App<S>,
    timeline: &Timeline,
    now: Timestamp,
) -> Result<u64, Error> {
    let run = Run::default();
    let (mut after, mut closed) = (None, 0);
    loop {
        let snapshot = app.store.snapshot().await?;
        let batch = due(&snapshot, timeline, now, after).await?;
        let Some((last, _)) = batch.last() else { break };
        after = Some(last.clone());
        let size = batch.len();
        let windows = batch.into_iter().map(|(_, window)| window).collect();
        closed += Box::pin(work_batch(app, &snapshot, &run, windows, now)).await?;
        if size == BATCH {
            tracing::info!(closed, "writing statements");
        }
    }
    if closed > 0 {
        tracing::info!(closed, "wrote the statements that were due");
    }
    Ok(closed)
}

/// Whose window.
type Due = (TenantId, WindowPlace);

/// The first windows that are due, behind a key.
async fn due<N: Snapshot>(
    snapshot: &N,
    timeline: &Timeline,
    now: Timestamp,
    after: Option<Key>,
) -> Result<Vec<(Key, Due)>, Error> {
    let scan = Scan { after, ..Scan::first(BATCH) };
    let mut found = Vec::new();
    for (key, _) in snapshot.scan(&HostKeys::statement_dues(timeline), scan).await? {
        let (at, tenant, place) = HostKeys::read_statement_due(&key).ok_or_else(|| {
            StoreError::Corrupt { reason: format!("{key} does not say which window is due") }
        })?;
        if i64::try_from(at).is_ok_and(|at| at > now.as_second()) {
            break;
        }
        found.push((key, (tenant, place)));
    }
    Ok(found)
}

/// Closes windows in few commits; where somebody else was at the same, one by one: that costs each of them a look and a
/// commit of its own, some milliseconds, and comes about where usage comes into one of them in the same instant. Gives how
/// many were closed.
async fn work_batch<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    run: &Run,
    windows: Vec<Due>,
    now: Timestamp,
) -> Result<u64, Error> {
    // Windows of one user share what the user has: the second one sees what became of the first.
    let mut users = BTreeSet::new();
    let (first, others): (Vec<Due>, Vec<Due>) = windows
        .into_iter()
        .partition(|(tenant, place)| users.insert((tenant.clone(), place.user_id.clone())));
    let prepared = prepare_all(app, snapshot, run, first).await?;
    let (mut alone, mut closed) = (others, 0);
    let (mut change, mut inside) = (ChangeSet::new(), Vec::new());
    for (window, closing) in prepared {
        closing.write(app, &mut change, now);
        inside.push(window);
        if change.bytes() >= ENOUGH {
            let (full, done) = (std::mem::take(&mut change), std::mem::take(&mut inside));
            closed += commit(app, full, done, &mut alone).await?;
        }
    }
    if !inside.is_empty() {
        closed += commit(app, change, inside, &mut alone).await?;
    }
    for (tenant, place) in alone {
        match work_one(app, run, &tenant, &place, now).await {
            Ok(()) => closed += 1,
            Err(error) => tell(&tenant, &place, &error)?,
        }
    }
    Ok(closed)
}

/// Commits what belongs to windows; where that conflicts they are to be closed alone.
async fn commit<S: Store>(
    app: &App<S>,
    change: ChangeSet,
    inside: Vec<Due>,
    alone: &mut Vec<Due>,
) -> Result<u64, Error> {
    match app.store.commit(change).await {
        Ok(_) => Ok(u64::try_from(inside.len()).unwrap_or(u64::MAX)),
        Err(CommitError::Conflict { .. } | CommitError::Invalid { .. }) => {
            alone.extend(inside);
            Ok(0)
        }
        Err(error) => Err(error.into()),
    }
}

/// Prepares windows in some lanes side by side.
async fn prepare_all<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    run: &Run,
    windows: Vec<Due>,
) -> Result<Vec<(Due, Closing)>, Error> {
    let waiting = Mutex::new(windows.into_iter());
    let prepared = Mutex::new(Vec::new());
    let nothing = Taken::default();
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let lane = async || {
        while let Some((tenant, place)) = next() {
            match statement_closing::prepare(app, snapshot, run, (&tenant, &place), &nothing).await
            {
                Ok(Some(closing)) => prepared
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(((tenant, place), closing)),
                Ok(None) => {}
                Err(error) => tell(&tenant, &place, &error)?,
            }
        }
        Ok::<(), Error>(())
    };
    tokio::try_join!(lane(), lane(), lane(), lane())?;
    Ok(prepared.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// One that cannot be closed keeps no other waiting; a store that fails does.
fn tell(tenant: &TenantId, place: &WindowPlace, error: &Error) -> Result<(), Error> {
    if let Error::Store(StoreError::Unavailable { .. } | StoreError::Full)
    | Error::Commit(CommitError::Unavailable { .. } | CommitError::Full | CommitError::Busy) =
        error
    {
        let reason = error.to_string();
        return Err(StoreError::Unavailable { reason }.into());
    }
    let WindowPlace { user_id, start, .. } = place;
    tracing::error!(%tenant, user_id, %start, %error, "a statement that is due could not be written");
    Ok(())
}

/// Closes one window; nothing where somebody else was first.
async fn work_one<S: Store>(
    app: &App<S>,
    run: &Run,
    tenant: &TenantId,
    place: &WindowPlace,
    now: Timestamp,
) -> Result<(), Error> {
    retrying(app.entropy.as_ref(), || async {
        let snapshot = app.store.snapshot().await?;
        let nothing = Taken::default();
        let closing = statement_closing::prepare(app, &snapshot, run, (tenant, place), &nothing);
        // Somebody else may have tried, and it is to be tried again later.
        if let Some(closing) = Box::pin(closing).await?.filter(|closing| closing.is_due(now)) {
            let mut change = ChangeSet::new();
            closing.write(app, &mut change, now);
            if change.bytes() > ChangeSet::MAX_BYTES {
                change = ChangeSet::new();
                closing.too_large().write(app, &mut change, now);
            }
            app.store.commit(change).await?;
        }
        Ok(())
    })
    .await
}

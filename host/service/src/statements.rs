//! Statements, as users see their own and admins those of the tenant, and what the next ones would be.

pub(crate) mod billing_windows;
pub(crate) mod meter;
pub(crate) mod metering;
pub mod replays;
mod statement_adjusting;
mod statement_billing;
mod statement_closing;
pub(crate) mod statement_documents;
mod statement_pricers;
mod statement_pricing;
pub(crate) mod statement_records;
pub mod statement_run;

use planwright_domain::Refusal;
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::refusal::FieldError;
use planwright_domain::statement::{Documented, Statement, StatementStatus, UpcomingStatement};
use planwright_domain::tenant::caller::{TenantId, is_user_id};
use planwright_store::{Prefix, Scan, Snapshot, Store, StoreError};

use self::statement_billing::Taken;
use self::statement_documents::{BillingWindowRecord, StatementEntry};
use self::statement_pricers::Run;
use crate::app::App;
use crate::error::Error;
use crate::ids;
use crate::keys::{Keys, WindowPlace};
use crate::request::Request;

/// Entries read at once; behind each piece others get their turn.
const PIECE: usize = 500;

/// Which statements an admin wants to see; all of them where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct StatementFilter {
    /// Of this user.
    pub user_id: Option<String>,
    /// In this status.
    pub status: Option<StatementStatus>,
    /// The first Unix second that it was made in.
    pub from: Option<i64>,
    /// The Unix second behind the last.
    pub to: Option<i64>,
}

impl StatementFilter {
    fn lets_through(&self, entry: &StatementEntry) -> bool {
        self.status.is_none_or(|status| status == entry.status)
            && self.from.is_none_or(|from| from <= entry.created_at)
            && self.to.is_none_or(|to| entry.created_at < to)
    }
}

/// One page of the caller's own, newest first.
///
/// # Errors
/// When the store does not answer.
pub async fn own<S: Store>(
    app: &App<S>,
    by: &Request,
    page: PageRequest,
) -> Result<Page<Statement>, Error> {
    let user_id = Some(by.caller.user_id.clone());
    list(app, by, &StatementFilter { user_id, ..StatementFilter::default() }, page).await
}

/// One page of the tenant's, newest first. All that are listed are walked to count them.
///
/// # Errors
/// When the store does not answer.
pub async fn list<S: Store>(
    app: &App<S>,
    by: &Request,
    filter: &StatementFilter,
    page: PageRequest,
) -> Result<Page<Statement>, Error> {
    let keys = Keys::of(&by.caller.tenant);
    let all = match &filter.user_id {
        Some(user_id) => keys.user_statements(user_id),
        None => keys.every_statement(),
    };
    let snapshot = app.store.snapshot().await?;
    let (ids, total) = walk(&snapshot, &all, filter, page).await?;
    let mut items = Vec::with_capacity(ids.len());
    for id in ids {
        items.push(statement_records::load(&snapshot, &keys, &id).await?.1.statement);
    }
    Ok(page.answer(items, total))
}

/// The ids of a page, and how many there are.
async fn walk<N: Snapshot>(
    snapshot: &N,
    list: &Prefix,
    filter: &StatementFilter,
    page: PageRequest,
) -> Result<(Vec<String>, u64), StoreError> {
    let (mut ids, mut total) = (Vec::new(), 0_usize);
    let mut scan = Scan::first(PIECE);
    loop {
        let piece = snapshot.scan(list, scan).await?;
        for (_, record) in &piece {
            let entry = record.decode::<StatementEntry>()?;
            if filter.lets_through(&entry) {
                if total >= page.skip() && ids.len() < page.size() {
                    ids.push(entry.statement_id);
                }
                total += 1;
            }
        }
        tokio::task::yield_now().await;
        let Some((last, _)) = piece.into_iter().last() else { break };
        scan = Scan::first(PIECE).after(last);
    }
    Ok((ids, u64::try_from(total).unwrap_or(u64::MAX)))
}

/// One of the caller's own, with what its lines rest on. Admins see any.
///
/// # Errors
/// Not found, also where it is somebody else's.
pub async fn get_own<S: Store>(app: &App<S>, by: &Request, id: &str) -> Result<Documented, Error> {
    if by.caller.role.administers() {
        return get(app, by, id).await;
    }
    Ok(find_own(&app.store.snapshot().await?, by, id).await?.1)
}

/// One of the caller's own, and the version of its record.
pub(crate) async fn find_own<N: Snapshot>(
    snapshot: &N,
    by: &Request,
    id: &str,
) -> Result<(u64, Documented), Error> {
    let keys = Keys::of(&by.caller.tenant);
    let found = match id.len() {
        ..=ids::LONGEST => statement_records::find(snapshot, &keys, id).await?,
        _ => None,
    };
    let is_own = |found: &(u64, Documented)| found.1.statement.user_id == by.caller.user_id;
    Ok(found.filter(is_own).ok_or_else(|| not_found(id))?)
}

/// One of the tenant's, with what its lines rest on.
///
/// # Errors
/// Not found.
pub async fn get<S: Store>(app: &App<S>, by: &Request, id: &str) -> Result<Documented, Error> {
    if id.len() > ids::LONGEST {
        return Err(not_found(id).into());
    }
    let snapshot = app.store.snapshot().await?;
    let found = statement_records::find(&snapshot, &Keys::of(&by.caller.tenant), id).await?;
    Ok(found.ok_or_else(|| not_found(id))?.1)
}

fn not_found(id: &str) -> Refusal {
    // What was asked for is shown back, but not at any length.
    Refusal::StatementNotFound { id: id.chars().take(ids::LONGEST).collect() }
}

/// What a user's statements would be if the windows that are open were closed now: one for each window and currency.
///
/// # Errors
/// An id that no user can have.
pub async fn upcoming<S: Store>(
    app: &App<S>,
    by: &Request,
    user_id: &str,
) -> Result<Vec<UpcomingStatement>, Error> {
    if !is_user_id(user_id) {
        return Err(not_a_user().into());
    }
    let tenant = &by.caller.tenant;
    let snapshot = app.store.snapshot().await?;
    let run = Run::default();
    let (mut all, mut taken) = (Vec::new(), Taken::default());
    for place in open_windows(&snapshot, tenant, user_id).await? {
        let closing = statement_closing::prepare(app, &snapshot, &run, (tenant, &place), &taken);
        if let Some(closing) = Box::pin(closing).await? {
            all.extend(closing.upcoming(&mut taken));
        }
    }
    Ok(all)
}

/// Those of a user that are not closed, in the order in which they are: each takes what is left of credit, and the first
/// what came late.
async fn open_windows<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
    user_id: &str,
) -> Result<Vec<WindowPlace>, StoreError> {
    let windows = Keys::of(tenant).billing_windows(user_id);
    let mut open = Vec::new();
    for (key, record) in snapshot.scan(&windows, Scan::first(usize::MAX)).await? {
        let due = record.decode::<BillingWindowRecord>()?.window.due_at();
        open.extend(due.zip(Keys::read_window(&key)));
    }
    open.sort();
    Ok(open.into_iter().map(|(_, place)| place).collect())
}

fn not_a_user() -> Refusal {
    let message = "user_id must have 1 to 255 characters, none of them a control character.";
    Refusal::Invalid(vec![FieldError::new("user_id", "invalid_user_id", message)])
}

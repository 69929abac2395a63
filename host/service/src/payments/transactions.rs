//! Transactions, as users see their own and admins those of the tenant.

use planwright_domain::page::{Page, PageRequest};
use planwright_domain::payment::transaction::{Slice, Transaction, TransactionStatus};
use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::tenant::caller::TenantId;
use planwright_store::{Part, Prefix, Scan, Snapshot, Store, StoreError};

use crate::app::App;
use crate::documents::TransactionEntry;
use crate::error::Error;
use crate::keys::TransactionKeys;
use crate::payments::transaction_records;
use crate::request::Request;

/// Entries read at once; behind each piece others get their turn.
const PIECE: usize = 500;

/// Which transactions an admin wants to see; all of them where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct TransactionFilter {
    /// For this plan.
    pub plan_id: Option<PlanId>,
    /// In this status.
    pub status: Option<TransactionStatus>,
    /// Of this user.
    pub user_id: Option<String>,
}

impl TransactionFilter {
    fn lets_through(&self, entry: &TransactionEntry) -> bool {
        self.status.is_none_or(|status| status == entry.status)
            && (self.plan_id.is_none() || self.plan_id == entry.plan_id)
    }
}

/// The caller's own, newest first.
///
/// # Errors
/// When the store does not answer.
pub async fn own<S: Store>(
    app: &App<S>,
    by: &Request,
    slice: Slice,
) -> Result<Vec<Transaction>, Error> {
    let snapshot = app.store.snapshot().await?;
    of_user(&snapshot, &by.caller.tenant, &by.caller.user_id, slice).await
}

/// A user's, newest first, as a snapshot has them.
pub(crate) async fn of_user<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
    user_id: &str,
    slice: Slice,
) -> Result<Vec<Transaction>, Error> {
    let all = TransactionKeys::of(tenant).all_of_user(user_id);
    let mut walk = Walk::new(slice.skip, slice.limit);
    let filter = TransactionFilter::default();
    walk.through(snapshot, &all, &filter, Walk::is_full).await?;
    load_all(snapshot, tenant, &walk.ids).await
}

/// One page of the tenant's, newest first.
///
/// # Errors
/// When the store does not answer.
pub async fn list<S: Store>(
    app: &App<S>,
    by: &Request,
    filter: &TransactionFilter,
    page: PageRequest,
) -> Result<Page<Transaction>, Error> {
    let tenant = &by.caller.tenant;
    let keys = TransactionKeys::of(tenant);
    let all = match &filter.user_id {
        Some(user_id) => keys.all_of_user(user_id),
        None => keys.all(),
    };
    let snapshot = app.store.snapshot().await?;
    let mut walk = Walk::new(page.skip(), page.size());
    let total = if filter.user_id.is_some() {
        // A user's are few, and walked to the end.
        walk.through(&snapshot, &all, filter, |_| false).await?;
        walk.total
    } else {
        let total = counted(&snapshot, &keys, filter).await?;
        walk.through(&snapshot, &all, filter, |walk| walk.is_full() || walk.total == total).await?;
        total
    };
    let items = load_all(&snapshot, tenant, &walk.ids).await?;
    Ok(page.answer(items, total))
}

/// How many a filter lets through that names no user: each is counted by its plan and status.
async fn counted<N: Snapshot>(
    snapshot: &N,
    keys: &TransactionKeys,
    filter: &TransactionFilter,
) -> Result<u64, StoreError> {
    let counts = match &filter.plan_id {
        Some(plan_id) => keys.counts_of(plan_id),
        None => keys.counts(),
    };
    let counters = snapshot.counters(&counts, Scan::first(usize::MAX)).await?;
    let counts =
        counters.into_iter().filter(|(key, _)| match (filter.status, key.parts().last()) {
            (Some(status), Some(Part::Text(name))) => name == status.as_str(),
            (status, _) => status.is_none(),
        });
    Ok(counts.map(|(_, holds)| u64::try_from(holds).unwrap_or(0)).sum())
}

/// A way through a list, past what is skipped.
struct Walk {
    skip: usize,
    limit: usize,
    ids: Vec<String>,
    total: u64,
}

impl Walk {
    fn new(skip: usize, limit: usize) -> Self {
        Self { skip, limit, ids: Vec::new(), total: 0 }
    }

    fn is_full(&self) -> bool {
        self.ids.len() == self.limit
    }

    async fn through<N: Snapshot>(
        &mut self,
        snapshot: &N,
        list: &Prefix,
        filter: &TransactionFilter,
        ends: impl Fn(&Self) -> bool,
    ) -> Result<(), Error> {
        let mut scan = Scan::first(PIECE);
        loop {
            let piece = snapshot.scan(list, scan).await?;
            for (_, record) in &piece {
                if ends(self) {
                    return Ok(());
                }
                let entry = record.decode::<TransactionEntry>()?;
                if filter.lets_through(&entry) {
                    self.take(entry);
                }
            }
            tokio::task::yield_now().await;
            let Some((last, _)) = piece.into_iter().last() else { return Ok(()) };
            scan = Scan::first(PIECE).after(last);
        }
    }

    fn take(&mut self, entry: TransactionEntry) {
        let skipped = u64::try_from(self.skip).unwrap_or(u64::MAX);
        if self.total >= skipped && !self.is_full() {
            self.ids.push(entry.transaction_id);
        }
        self.total += 1;
    }
}

async fn load_all<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
    ids: &[String],
) -> Result<Vec<Transaction>, Error> {
    let mut all = Vec::with_capacity(ids.len());
    for id in ids {
        all.push(transaction_records::load(snapshot, tenant, id).await?.1.transaction);
    }
    Ok(all)
}

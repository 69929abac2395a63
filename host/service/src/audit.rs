//! The audit log. An entry goes into the change set of what it tells of; it is read by pages, and walked in
//! pieces where nobody knows how far to look.

use std::collections::BTreeMap;

use planwright_domain::audit::{self, AuditEntry, AuditFilter, CommittedEntry, Face, Verified};
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::plan::review::Finding;
use planwright_domain::time::Timestamp;
use planwright_store::{Break, Chain, Head, Key, LogEntry, LogScan, Snapshot, Store, StoreError};
use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::error::Error;
use crate::ids;
use crate::keys::Keys;
use crate::request::Request;

/// Entries that a walk holds at once; behind each piece others get their turn.
const PIECE: usize = 500;

/// What was done to what.
pub(crate) struct Deed<'a, T> {
    pub(crate) action: &'a str,
    pub(crate) entity_type: &'a str,
    pub(crate) entity_id: &'a str,
    pub(crate) description: String,
    pub(crate) before: Option<&'a T>,
    pub(crate) after: Option<&'a T>,
    pub(crate) warnings: &'a [Finding],
}

impl<S> App<S> {
    /// The entry for a deed.
    pub(crate) fn audit_entry<T: Serialize>(&self, by: &Request, deed: Deed<'_, T>) -> AuditEntry {
        let mut audit_metadata = BTreeMap::new();
        audit_metadata.insert("request_id".to_owned(), Value::from(by.request_id.as_str()));
        if let Some(home) = &by.caller.home {
            audit_metadata.insert("operator_of".to_owned(), Value::from(home.as_str()));
        }
        if let Some(key) = &by.caller.api_key {
            audit_metadata.insert("api_key".to_owned(), Value::from(key.as_str()));
        }
        if !deed.warnings.is_empty() {
            let messages = deed.warnings.iter().map(|warning| warning.message.as_str());
            audit_metadata.insert("warnings".to_owned(), messages.collect());
        }
        self.entry(&by.caller.user_id, audit_metadata, by.now, deed)
    }

    /// The entry for what the server did by itself.
    pub(crate) fn audit_entry_of_its_own<T: Serialize>(
        &self,
        now: Timestamp,
        deed: Deed<'_, T>,
    ) -> AuditEntry {
        let by_itself = BTreeMap::from([("by_itself".to_owned(), Value::from(true))]);
        self.entry("planwright", by_itself, now, deed)
    }

    fn entry<T: Serialize>(
        &self,
        user_id: &str,
        audit_metadata: BTreeMap<String, Value>,
        now: Timestamp,
        deed: Deed<'_, T>,
    ) -> AuditEntry {
        AuditEntry {
            id: ids::fresh(self.entropy.as_ref(), "aud_"),
            user_id: user_id.to_owned(),
            action: deed.action.to_owned(),
            entity_type: deed.entity_type.to_owned(),
            entity_id: deed.entity_id.to_owned(),
            description: deed.description,
            changes: audit::changes(deed.before, deed.after),
            audit_metadata,
            created_at: now,
        }
    }
}

/// One page of what was done in the tenant, newest first.
///
/// # Errors
/// A filter that is wrong in itself.
pub async fn list<S: Store>(
    app: &App<S>,
    by: &Request,
    filter: AuditFilter,
    page: PageRequest,
) -> Result<Page<CommittedEntry>, Error> {
    let filter = filter.checked()?;
    let snapshot = app.store.snapshot().await?;
    let log = Keys::of(&by.caller.tenant).audit();
    let (entries, total) = if filter.is_open() {
        page_of_all(&snapshot, &log, page).await?
    } else {
        page_of_some(&snapshot, &log, &filter, page).await?
    };
    let items = entries.iter().map(committed).collect::<Result<_, StoreError>>()?;
    Ok(page.answer(items, total))
}

/// Entries have no gaps, so a page is where its numbers are.
async fn page_of_all<N: Snapshot>(
    snapshot: &N,
    log: &Key,
    page: PageRequest,
) -> Result<(Vec<LogEntry>, u64), StoreError> {
    let total = snapshot.log_head(log).await?.sequence;
    let skip = u64::try_from(page.skip()).unwrap_or(u64::MAX);
    if skip >= total {
        return Ok((Vec::new(), total));
    }
    let scan = LogScan::newest(page.size()).after(total - skip + 1);
    Ok((snapshot.log(log, scan).await?, total))
}

/// Every entry has to be looked at, to count those that the filter lets through.
async fn page_of_some<N: Snapshot>(
    snapshot: &N,
    log: &Key,
    filter: &AuditFilter,
    page: PageRequest,
) -> Result<(Vec<LogEntry>, u64), StoreError> {
    let mut scan = LogScan::newest(PIECE);
    let (mut entries, mut total) = (Vec::new(), 0);
    loop {
        let piece = snapshot.log(log, scan).await?;
        let Some(last) = piece.last() else {
            let total = u64::try_from(total).unwrap_or(u64::MAX);
            return Ok((entries, total));
        };
        scan = scan.after(last.sequence);
        for entry in piece {
            if filter.lets_through(&entry.decode::<Face>()?) {
                if total >= page.skip() && entries.len() < page.size() {
                    entries.push(entry);
                }
                total += 1;
            }
        }
        tokio::task::yield_now().await;
    }
}

fn committed(entry: &LogEntry) -> Result<CommittedEntry, StoreError> {
    Ok(CommittedEntry {
        entry: entry.decode()?,
        sequence: entry.sequence,
        hash: entry.hash.to_string(),
        previous_hash: entry.previous.to_string(),
    })
}

/// Whether the tenant's log is as it was written, from its first entry to its last.
///
/// # Errors
/// When the store does not answer.
pub async fn verify<S: Store>(app: &App<S>, by: &Request) -> Result<Verified, Error> {
    let snapshot = app.store.snapshot().await?;
    let log = Keys::of(&by.caller.tenant).audit();
    let (end, broken) = walk(&snapshot, &log, |_| {}).await?;
    Ok(Verified {
        valid: broken.is_none(),
        entries: end.sequence,
        head: broken.is_none().then(|| end.hash.to_string()),
        broken_at: broken.as_ref().map(|broken| broken.sequence),
        reason: broken.map(|broken| broken.reason),
    })
}

/// Walks a log from its first entry on, as far as its chain holds. Gives where that is, and why it does not
/// hold any further if that is not the end.
pub(crate) async fn walk<N: Snapshot>(
    snapshot: &N,
    log: &Key,
    mut see: impl FnMut(&LogEntry),
) -> Result<(Head, Option<Break>), StoreError> {
    let mut chain = Chain::of(log);
    loop {
        let scan = LogScan::oldest(PIECE).after(chain.end().sequence);
        let piece = snapshot.log(log, scan).await?;
        if piece.is_empty() {
            let broken = chain.close(snapshot.log_head(log).await?).err();
            return Ok((chain.end(), broken));
        }
        for entry in &piece {
            if let Err(broken) = chain.take(entry) {
                return Ok((chain.end(), Some(broken)));
            }
            see(entry);
        }
        tokio::task::yield_now().await;
    }
}

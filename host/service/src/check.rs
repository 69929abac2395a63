//! Holds everything that is stored against everything else: records against their seals and shapes, indexes
//! against what they lead to, counters against what they count, plans against the audit log, and the log
//! against its chain.
//!
//! It reads one snapshot in bounded pieces and changes nothing. What belongs together is said by pure
//! functions, one file a subject; this file walks. A counter that nothing can be counted for again is only
//! looked at for its shape.

use std::collections::BTreeMap;

use planwright_domain::audit::AuditEntry;
use planwright_domain::tenant::caller::TenantId;
use planwright_store::{Document, Key, Prefix, Scan, Snapshot, Space, Store, StoreError};

use crate::audit;
use crate::keys::{Family, Keys};

mod answers;
mod counters;
mod credit;
mod entries;
mod host;
mod money;
mod plans;
mod plugins;
mod quota_thresholds;
mod records;
mod report;
mod statements;
mod subscriptions;
mod transactions;
mod usage;
mod webhooks;

pub use report::{Disagreement, Report};

/// Rows read at once, few enough that large ones fit in memory; behind each piece others get their turn.
const PIECE: usize = 32;

/// Walks the whole store. `progress` hears after every piece how far it is.
///
/// # Errors
/// When the store does not answer. What is wrong in it is no error but in the report.
pub async fn run<S: Store>(
    store: &S,
    mut progress: impl FnMut(&Report) + Send,
) -> Result<Report, StoreError> {
    let snapshot = store.snapshot().await?;
    let mut report = Report::default();
    let mut last = None;
    loop {
        let found = snapshot.spaces(last.as_ref(), 1).await;
        let Some(mut next) = kept_going(found, &mut report, "the store")? else { break };
        let Some(space) = next.pop() else { break };
        report.spaces += 1;
        walk_space(&snapshot, &space, &mut report, &mut progress).await?;
        last = Some(space);
    }
    Ok(report)
}

/// Rows that cannot be read are a disagreement, and the rest is walked all the same.
fn kept_going<T>(
    read: Result<T, StoreError>,
    report: &mut Report,
    at: &str,
) -> Result<Option<T>, StoreError> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(error @ (StoreError::Corrupt { .. } | StoreError::Newer { .. })) => {
            report.add(&at, [format!("It cannot be read any further: {error}.")]);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn walk_space<N: Snapshot>(
    snapshot: &N,
    space: &Space,
    report: &mut Report,
    progress: &mut (impl FnMut(&Report) + Send),
) -> Result<(), StoreError> {
    let (keys, at) = match space {
        Space::Host => (None, "host".to_owned()),
        Space::Tenant(name) => {
            (TenantId::new(name).map(|tenant| Keys::of(&tenant)), format!("tenant {name}"))
        }
    };
    let mut walk = Walk {
        snapshot,
        space,
        keys: keys.as_ref(),
        everything: Prefix::of_space(space),
        report,
        told: Some(plans::Told::default()),
        counted: BTreeMap::new(),
        plugins_counted: BTreeMap::new(),
        webhooks_told: webhooks::Webhooks::default(),
        pending_counted: BTreeMap::new(),
        tallied: BTreeMap::new(),
        used: BTreeMap::new(),
        gathered: entries::Gathered::default(),
        statements: statements::Gathered::default(),
        flows: money::Flows::default(),
    };
    let done = walk.logs(progress).await;
    kept_going(done, walk.report, &at)?;
    let done = walk.count_uses().await;
    kept_going(done, walk.report, &at)?;
    let done = walk.records(progress).await;
    kept_going(done, walk.report, &at)?;
    let done = walk.counters(progress).await;
    kept_going(done, walk.report, &at)?;
    let done = walk.tenant_record().await;
    kept_going(done, walk.report, &at)?;
    let done = walk.what_is_missing().await;
    kept_going(done, walk.report, &at).map(drop)
}

/// A way through one space, and what is gathered on it.
struct Walk<'a, N> {
    snapshot: &'a N,
    space: &'a Space,
    /// A tenant's; nothing in the host's space, and where this release keeps nothing.
    keys: Option<&'a Keys>,
    everything: Prefix,
    report: &'a mut Report,
    /// What the audit log tells of plans; nothing if the log is not whole.
    told: Option<plans::Told>,
    /// Subscriptions by the counter that must count them.
    counted: BTreeMap<Key, i64>,
    /// Plugins and their uses, by the counters that must count them.
    plugins_counted: BTreeMap<Key, i64>,
    /// Endpoints and deliveries.
    webhooks_told: webhooks::Webhooks,
    /// Payments that are pending, by the counter that must count them.
    pending_counted: BTreeMap<Key, i64>,
    /// Records by the counter that must count them.
    tallied: BTreeMap<Key, i64>,
    /// What events that are remembered used, by the counter that must have it.
    used: BTreeMap<Key, i64>,
    /// What the price catalog holds.
    gathered: entries::Gathered,
    /// What windows and credit say of statements.
    statements: statements::Gathered,
    /// What users paid and got.
    flows: money::Flows,
}

impl<N: Snapshot> Walk<'_, N> {
    async fn logs(
        &mut self,
        progress: &mut (impl FnMut(&Report) + Send),
    ) -> Result<(), StoreError> {
        let mut last: Option<Key> = None;
        while let Some(log) = self.snapshot.logs(&self.everything, last.as_ref(), 1).await?.pop() {
            if self.keys.is_some_and(|keys| keys.audit() == log) {
                self.audit(&log).await?;
            } else {
                self.report.add(&log, ["No log of this release has such a key.".to_owned()]);
            }
            progress(self.report);
            last = Some(log);
        }
        Ok(())
    }

    async fn audit(&mut self, log: &Key) -> Result<(), StoreError> {
        let (mut told, mut unreadable) = (plans::Told::default(), Vec::new());
        let (end, broken) =
            audit::walk(self.snapshot, log, |entry| match entry.decode::<AuditEntry>() {
                Ok(entry) => told.take(entry),
                Err(error) => unreadable.push(format!("{error}.")),
            })
            .await?;
        self.report.log_entries += end.sequence;
        // What a log tells that is not whole is held against nothing.
        self.told = (broken.is_none() && unreadable.is_empty()).then_some(told);
        self.report.add(log, unreadable);
        self.report.add(log, broken.map(|broken| broken.reason));
        Ok(())
    }

    async fn records(
        &mut self,
        progress: &mut (impl FnMut(&Report) + Send),
    ) -> Result<(), StoreError> {
        let newest = self.snapshot.version().await?;
        let mut scan = Scan::first(PIECE);
        loop {
            let piece = self.snapshot.scan(&self.everything, scan).await?;
            for (key, record) in &piece {
                self.report.records += 1;
                if !record.is_as_written(key) {
                    self.report.add(key, ["It is not as it was written.".to_owned()]);
                }
                if record.version > newest {
                    let version = record.version;
                    let problem = format!("It is of change {version}, and there were {newest}.");
                    self.report.add(key, [problem]);
                }
                let problems = self.record(key, record).await?;
                self.report.add(key, problems);
            }
            progress(self.report);
            tokio::task::yield_now().await;
            let Some((last, _)) = piece.into_iter().last() else { return Ok(()) };
            scan = Scan::first(PIECE).after(last);
        }
    }

    async fn counters(
        &mut self,
        progress: &mut (impl FnMut(&Report) + Send),
    ) -> Result<(), StoreError> {
        let mut scan = Scan::first(PIECE);
        loop {
            let piece = self.snapshot.counters(&self.everything, scan).await?;
            for (key, holds) in &piece {
                self.report.counters += 1;
                let problems = match Family::of(key) {
                    Some(Family::Usage) => self.usage_counter(key, *holds).await?,
                    Some(Family::Segment) => self.segment_counter(key, *holds).await?,
                    Some(Family::MeteredEvents) => self.metered_events(key, *holds).await?,
                    _ => self.counter(key, *holds).into_iter().collect(),
                };
                self.report.add(key, problems);
            }
            progress(self.report);
            tokio::task::yield_now().await;
            let Some((last, _)) = piece.into_iter().last() else { return Ok(()) };
            scan = Scan::first(PIECE).after(last);
        }
    }

    /// What a key leads to. What cannot be read is reported where it lies, and is as good as nothing here.
    async fn find<T: Document>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        match self.snapshot.get(key).await {
            Ok(found) => Ok(found.and_then(|record| record.decode().ok())),
            Err(StoreError::Corrupt { .. } | StoreError::Newer { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

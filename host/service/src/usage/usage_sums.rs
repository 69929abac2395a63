//! Additions to usage counters, summed up event by event before they are written: each event wholly, or not at all.

use std::collections::BTreeMap;

use planwright_domain::Refusal;
use planwright_domain::time::Timestamp;
use planwright_domain::usage::Limit;
use planwright_domain::usage::exceeded::Exceeded;
use planwright_domain::usage::metric::Metric;
use planwright_domain::usage::quantity::Quantity;
use planwright_domain::usage::usage_event::UsageEvent;
use planwright_store::{ChangeSet, Key, Snapshot, StoreError};

use crate::error::Error;
use crate::keys::Keys;
use crate::subscriptions::governing::Governing;
use crate::usage::quota_thresholds::Total;

/// What is added to one counter.
struct Sum<'a> {
    /// What it held in the snapshot.
    before: Total<'a>,
    /// What is added in all.
    added: Quantity,
    /// What is added until the last event that must stay within the quota, that one included, and the quota.
    within: Option<(Quantity, Quantity)>,
}

/// What events add to counters.
#[derive(Default)]
pub(crate) struct Sums<'a> {
    added: BTreeMap<Key, Sum<'a>>,
    /// What counters hold to which an event could not be added.
    refused: BTreeMap<Key, Total<'a>>,
}

impl<'a> Sums<'a> {
    /// Adds an event, behind those that were added before.
    ///
    /// # Errors
    /// The quota does not reach, where it must, or the total could not be counted. Nothing is added then.
    pub(crate) async fn add<N: Snapshot>(
        &mut self,
        snapshot: &N,
        keys: &Keys,
        user_id: &'a str,
        event: &'a UsageEvent,
        governing: &Governing,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut totals = Vec::with_capacity(event.asked.amounts.len());
        for (metric, amount) in &event.asked.amounts {
            let Governing { usage_epoch, window, .. } = *governing;
            let key = keys.usage(user_id, usage_epoch, window.start, metric);
            let (before, added) = match self.added.get(&key) {
                Some(sum) => (sum.before.holds, sum.added),
                None => (read(snapshot, &key).await?, Quantity::ZERO),
            };
            let limit = Limit::of(governing.plan.as_ref(), metric);
            let counter = Total { user_id, metric, usage_epoch, window, limit, holds: before };
            let total = before.checked_add(added).and_then(|holds| holds.checked_add(*amount));
            let ceiling = if event.enforce { limit.ceiling() } else { None };
            if total.is_none() || ceiling.is_some_and(|ceiling| total > Some(ceiling)) {
                let current = before.checked_add(added).unwrap_or(Quantity::MOST);
                self.refused.insert(key, Total { holds: current, ..counter });
                return Err(refusal(event, metric, limit, current, window, now).into());
            }
            totals.push((key, counter, added, *amount, ceiling));
        }
        for (key, before, added, amount, ceiling) in totals {
            let sum = self.added.entry(key).or_insert(Sum { before, added, within: None });
            // That both can be counted was seen above.
            sum.added = added.checked_add(amount).unwrap_or(Quantity::MOST);
            if let Some(ceiling) = ceiling {
                sum.within = Some((sum.added, ceiling));
            }
        }
        Ok(())
    }

    /// What the counters that are added to held before.
    pub(crate) fn before(&self) -> impl Iterator<Item = &Total<'a>> {
        self.added.values().map(|sum| &sum.before)
    }

    /// Writes them. A quota that others used up meanwhile refuses the whole change set, however many there are.
    pub(crate) fn write(&self, change: &mut ChangeSet) {
        for (key, sum) in &self.added {
            let within = sum.within.map_or(Quantity::ZERO, |(amount, _)| amount);
            if let Some((amount, ceiling)) = sum.within {
                change.add_with_ceiling(key, amount.millionths(), ceiling.millionths());
            }
            // Also where it is 0: the commit says what its counters hold.
            change.add(key, sum.added.saturating_sub(within).millionths());
        }
    }

    /// How far quotas are used: by what a commit says that its counters hold, in the order of their keys, and where an
    /// event could not be added by what was found.
    pub(crate) fn totals(&self, counted: &[(Key, i64)]) -> impl Iterator<Item = Total<'a>> {
        let held = |key: &Key| {
            let at = counted.binary_search_by(|(counter, _)| counter.cmp(key)).ok()?;
            counted.get(at).map(|(_, holds)| Quantity::from_millionths(*holds))
        };
        let added = self
            .added
            .iter()
            .filter_map(move |(key, sum)| held(key).map(|holds| Total { holds, ..sum.before }));
        let refused = self.refused.iter().filter(move |(key, _)| held(key).is_none());
        added.chain(refused.map(|(_, total)| *total))
    }
}

async fn read<N: Snapshot>(snapshot: &N, key: &Key) -> Result<Quantity, StoreError> {
    Ok(Quantity::from_millionths(snapshot.counter(key).await?))
}

/// Why an amount of a metric does not count.
pub(crate) fn refusal(
    event: &UsageEvent,
    metric: &Metric,
    limit: Limit,
    current: Quantity,
    window: planwright_domain::period::Window,
    now: Timestamp,
) -> Refusal {
    let amount = event.asked.amounts.get(metric).copied().unwrap_or_default();
    if event.enforce && limit.ceiling().is_some() {
        let exceeded = Exceeded::new(metric, limit, current, amount, window, now);
        return Refusal::QuotaExceeded(Box::new(exceeded));
    }
    Refusal::UsageTooLarge { metric: metric.clone() }
}

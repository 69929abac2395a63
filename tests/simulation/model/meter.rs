//! What is used: counted where it was used, once by event id, and past a quota only where that is billed or nobody asks.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::super::calendar::{DAY, Window};
use super::super::command::{Amounts, Event, Metric};
use super::account::Account;
use super::shop::{Limit, Shop};
use super::{Governing, No};

/// Events that are older are refused, and those that are more ahead.
const LATEST: i64 = 35 * DAY;
const AHEAD: i64 = 300;
/// For so long an event's id is remembered.
const REMEMBERED: i64 = 36 * DAY;
/// For so long after its end it is kept what was used in a window.
const COUNTED: i64 = LATEST + REMEMBERED + DAY;

/// How much was used of each metric in each window, in millionths.
pub(in super::super) type Totals = BTreeMap<(u64, i64, Metric), i64>;

/// An id, and whether the user has chosen it.
pub(in super::super) type EventId = (bool, u8);

#[derive(Clone, Debug, Default)]
pub(super) struct Meter {
    pub(super) totals: Totals,
    /// What nobody asks about any more. It is kept on as long as it is to be billed still.
    pub(super) past: Totals,
    /// When each window ends in which something was used.
    ends: HashMap<(u64, i64), i64>,
    /// By id, those of the user apart from a product's.
    events: HashMap<EventId, Remembered>,
}

#[derive(Clone, Debug)]
struct Remembered {
    amounts: Amounts,
    at: Option<i64>,
    /// Where it was counted, by which limits.
    counted: Governing,
    forgotten_from: i64,
}

/// How far a quota is used, as it is told; all in millionths but the quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Report {
    pub(in super::super) metric: Metric,
    pub(in super::super) used: i64,
    pub(in super::super) quota: Option<u64>,
    pub(in super::super) remaining: Option<i64>,
    pub(in super::super) window: Window,
}

/// Whether so much more of a metric may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Allowed {
    pub(in super::super) metric: Metric,
    pub(in super::super) allowed: bool,
    pub(in super::super) used: i64,
}

impl Meter {
    fn used(&self, governing: &Governing, metric: Metric) -> i64 {
        let key = (governing.bucket, governing.window.0, metric);
        self.totals.get(&key).copied().unwrap_or(0)
    }

    fn allows(&self, governing: &Governing, metric: Metric, amount: i64) -> bool {
        let Limit { quota, is_billed } = governing.limit(metric);
        let total = self.used(governing, metric) + amount;
        is_billed || quota.is_none_or(|quota| total <= millionths(quota))
    }

    pub(super) fn reports(
        &self,
        governing: &Governing,
        metrics: impl IntoIterator<Item = Metric>,
    ) -> Vec<Report> {
        let report = |metric| {
            let (used, quota) = (self.used(governing, metric), governing.limit(metric).quota);
            let remaining = quota.map(|quota| (millionths(quota) - used).max(0));
            Report { metric, used, quota, remaining, window: governing.window }
        };
        metrics.into_iter().map(report).collect()
    }

    pub(super) fn remembered(&self) -> BTreeSet<EventId> {
        self.events.keys().copied().collect()
    }

    /// Forgets event ids, and what was used long ago, as the worker does when it runs.
    pub(super) fn forget(&mut self, now: i64) {
        self.events.retain(|_, event| now < event.forgotten_from);
        self.ends.retain(|_, end| now < *end + COUNTED);
        let is_asked =
            |(bucket, start, _): &(u64, i64, Metric)| self.ends.contains_key(&(*bucket, *start));
        self.past.extend(
            self.totals.iter().filter(|(key, _)| !is_asked(key)).map(|(key, it)| (*key, *it)),
        );
        self.totals.retain(|key, _| is_asked(key));
    }
}

impl Account {
    /// Counts an event. Says whether it is new, and how far the quotas are used that it counts by.
    pub(super) fn record(
        &mut self,
        event: &Event,
        own: bool,
        shop: &Shop,
        now: i64,
    ) -> Result<(bool, Vec<Report>), No> {
        let at = event.offset.map(|offset| now + offset);
        if at.is_some_and(|at| at < now - LATEST) {
            return Err(No::because("too_late"));
        }
        if at.is_some_and(|at| now + AHEAD < at) {
            return Err(No::because("too_early"));
        }
        if let Some(before) = event.id.and_then(|id| self.meter.events.get(&(own, id))) {
            if (&before.amounts, before.at) != (&event.amounts, at) {
                return Err(No::because("event_id_reused"));
            }
            let metrics = event.amounts.keys().copied();
            return Ok((false, self.meter.reports(&before.counted, metrics)));
        }
        let governing = self.governing(shop, at.unwrap_or(now));
        let is_refused = |(metric, amount): (&Metric, &i64)| {
            event.enforce && !self.meter.allows(&governing, *metric, *amount)
        };
        if event.amounts.iter().any(is_refused) {
            return Err(No::because("quota_exceeded"));
        }
        for (metric, amount) in &event.amounts {
            let key = (governing.bucket, governing.window.0, *metric);
            *self.meter.totals.entry(key).or_default() += amount;
            if *amount > 0 {
                self.meter(*metric, *amount, &governing, at.unwrap_or(now));
            }
            self.meter.ends.insert((governing.bucket, governing.window.0), governing.window.1);
        }
        let reports = self.meter.reports(&governing, event.amounts.keys().copied());
        if let Some(id) = event.id {
            let (amounts, forgotten_from) = (event.amounts.clone(), now + REMEMBERED);
            let remembered = Remembered { amounts, at, counted: governing, forgotten_from };
            self.meter.events.insert((own, id), remembered);
        }
        Ok((true, reports))
    }

    /// Whether so much may be used now.
    pub(super) fn may_use(&self, amounts: &Amounts, shop: &Shop, now: i64) -> Vec<Allowed> {
        let governing = self.governing(shop, now);
        let allowed = |(metric, amount): (&Metric, &i64)| Allowed {
            metric: *metric,
            allowed: self.meter.allows(&governing, *metric, *amount),
            used: self.meter.used(&governing, *metric),
        };
        amounts.iter().map(allowed).collect()
    }
}

pub(super) fn millionths(quota: u64) -> i64 {
    i64::try_from(quota).map_or(i64::MAX, |quota| quota.saturating_mul(1_000_000))
}

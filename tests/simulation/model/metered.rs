//! What of usage is billed: counted apart where other prices hold, and past the quota where that is billed.

use std::collections::{BTreeMap, BTreeSet};

use super::super::calendar::DAY;
use super::super::command::Metric;
use super::account::Account;
use super::meter::millionths;
use super::shop::Limit;
use super::{Governing, Model};
use crate::simulation::command::User;

/// How long the first prices hold from the first use on.
const TRIAL: i64 = 7 * DAY;

/// Whose prices held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in super::super) enum Phase {
    Trial,
    Final,
}

/// What is billed by itself.
pub(in super::super) type Segment = (Metric, Phase);

/// Which window of a user: what it is counted in, and its start.
pub(in super::super) type Place = (u64, i64);

/// What was used in a window.
#[derive(Clone, Debug)]
pub(in super::super) struct Metered {
    pub(in super::super) end: i64,
    counted: BTreeMap<Segment, i64>,
    /// What plans allowed when it was last used.
    limits: BTreeMap<Metric, Limit>,
    /// What is billed, by the limits of then.
    billed: BTreeSet<Metric>,
}

impl Metered {
    /// How much of each segment is billed, in millionths.
    pub(in super::super) fn billable(&self) -> BTreeMap<Segment, i64> {
        let mut free: BTreeMap<Metric, i64> = BTreeMap::new();
        let mut billable = BTreeMap::new();
        for ((metric, phase), counted) in &self.counted {
            let free = free.entry(*metric).or_insert_with(|| self.free(*metric));
            let past = (counted - *free).max(0);
            *free = (*free - counted).max(0);
            billable.insert((*metric, *phase), past);
        }
        billable
    }

    fn free(&self, metric: Metric) -> i64 {
        let limit = self.limits.get(&metric).copied().unwrap_or(Limit::NONE);
        match limit.quota {
            None => 0,
            Some(_) if !limit.is_billed => i64::MAX,
            Some(quota) => millionths(quota),
        }
    }
}

impl Account {
    /// Counts an amount by segment, and begins the clock if nothing began it before.
    pub(super) fn meter(&mut self, metric: Metric, amount: i64, governing: &Governing, at: i64) {
        let subscribed = self.over.iter().map(|over| over.created_at);
        let subscribed = subscribed.chain(self.live.as_ref().map(|live| live.created_at)).min();
        let clock = *self.clock.get_or_insert(subscribed.unwrap_or(at));
        let phase = if at < clock + TRIAL { Phase::Trial } else { Phase::Final };
        let (start, end) = governing.window;
        let fresh = || Metered {
            end,
            counted: BTreeMap::new(),
            limits: BTreeMap::new(),
            billed: BTreeSet::new(),
        };
        let window = self.metered.entry((governing.bucket, start)).or_insert_with(fresh);
        *window.counted.entry((metric, phase)).or_default() += amount;
        let limit = governing.limit(metric);
        if window.billed.contains(&metric) {
            return;
        }
        if limit.quota.is_some() {
            window.limits.insert(metric, limit);
        } else {
            window.limits.remove(&metric);
        }
    }
}

impl Model {
    /// Hears what of a window was billed.
    pub(in super::super) fn bill(&mut self, user: User, place: Place, billed: BTreeSet<Metric>) {
        if let Some(window) = self.accounts[user].metered.get_mut(&place) {
            window.billed = billed;
        }
    }

    /// Every window that a user has used something in.
    pub(in super::super) fn metered(&self, user: User) -> &BTreeMap<Place, Metered> {
        &self.accounts[user].metered
    }
}

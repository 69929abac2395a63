//! What there is to buy, and on which terms.

use super::super::calendar::Interval;
use super::super::command::{Draft, Metric, Money, PlanNo};

/// A plan for good: its number may be given to another one later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PlanKey {
    pub(super) no: PlanNo,
    pub(super) generation: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) key: PlanKey,
    pub(super) version: u64,
    pub(super) terms: Terms,
    pub(super) is_active: bool,
}

/// What an admin types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) price: i64,
    pub(super) money: Money,
    pub(super) interval: Interval,
    pub(super) trial_days: u32,
    pub(super) quota: u64,
}

impl Terms {
    /// What may be used of a metric in a window, and whether more is billed.
    pub(super) fn limit(&self, metric: Metric) -> Limit {
        match metric {
            Metric::Requests => Limit { quota: Some(self.quota), is_billed: false },
            Metric::Images => Limit { quota: Some(self.quota / 2), is_billed: true },
            Metric::Minutes => Limit::NONE,
        }
    }
}

/// A limit of usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) quota: Option<u64>,
    pub(super) is_billed: bool,
}

impl Limit {
    pub(super) const NONE: Self = Self { quota: None, is_billed: false };
}

impl From<Draft> for Terms {
    fn from(draft: Draft) -> Self {
        let Draft { price, money, interval, trial_days, quota } = draft;
        Self { price, money, interval, trial_days, quota }
    }
}

/// The catalog and the settings.
#[derive(Clone, Debug)]
pub(super) struct Shop {
    pub(super) plans: Vec<Option<Plan>>,
    /// How many were deleted of each number.
    pub(super) deleted: Vec<u64>,
    pub(super) default_plan: Option<PlanNo>,
    pub(super) grace_days: i64,
}

impl Shop {
    pub(super) fn empty(plans: usize) -> Self {
        Self {
            plans: vec![None; plans],
            deleted: vec![0; plans],
            default_plan: None,
            grace_days: 3,
        }
    }

    pub(super) fn plan(&self, no: PlanNo) -> Option<Plan> {
        self.plans.get(no).copied().flatten()
    }

    /// The very plan, if it is there still.
    pub(super) fn very(&self, key: PlanKey) -> Option<Plan> {
        self.plan(key.no).filter(|plan| plan.key == key)
    }

    pub(super) fn default_plan(&self) -> Option<Plan> {
        self.plan(self.default_plan?)
    }
}

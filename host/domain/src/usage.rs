//! Usage against quotas: how much of a metric was used in a window, what may be used still, and what somebody is
//! told of it.

pub mod exceeded;
pub mod metric;
pub mod quantity;
pub mod quota_threshold;
pub mod usage_event;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::exceeded::Exceeded;
use self::metric::Metric;
use self::quantity::Quantity;
use crate::period::Window;
use crate::plan::{Overage, Plan};
use crate::schema::UnixSeconds;
use crate::time::{self, Timestamp};

/// What a plan allows of a metric in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// The plan's quota; without one there is no limit.
    pub quota: Option<u64>,
    /// Whether usage past the quota is allowed, and billed.
    pub is_billed: bool,
}

impl Limit {
    /// Nothing is limited where no plan governs.
    pub const NONE: Self = Self { quota: None, is_billed: false };

    /// What a plan says of a metric.
    #[must_use]
    pub fn of(plan: Option<&Plan>, metric: &Metric) -> Self {
        let Some(plan) = plan else { return Self::NONE };
        let overage = plan.overage.get(metric.as_str());
        let quota = plan.quotas.get(metric.as_str()).copied();
        Self { quota, is_billed: overage == Some(&Overage::Bill) }
    }

    /// What a total may not go past; nothing where it may grow as far as it can be counted.
    #[must_use]
    pub fn ceiling(self) -> Option<Quantity> {
        if self.is_billed { None } else { self.quota.and_then(Quantity::of_quota) }
    }

    /// Whether so much more may be used.
    #[must_use]
    pub fn allows(self, current: Quantity, amount: Quantity) -> bool {
        match (self.ceiling(), current.checked_add(amount)) {
            (_, None) => false,
            (Some(ceiling), Some(total)) => total <= ceiling,
            (None, Some(_)) => true,
        }
    }

    /// What is left until the quota; nothing where there is none. A quota that cannot be reached leaves what can be
    /// counted still.
    #[must_use]
    pub fn remaining(self, current: Quantity) -> Option<Quantity> {
        let quota = Quantity::of_quota(self.quota?).unwrap_or(Quantity::MOST);
        Some(quota.saturating_sub(current))
    }
}

/// Whether something may be done, and how far the quota is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = UsageAllowance)]
pub struct Allowance {
    /// Whether the amount is within the quota, or billed past it.
    pub allowed: bool,
    /// What was used in the window until now.
    pub current_usage: Quantity,
    /// The plan's; `null` where there is no limit.
    #[schema(required = true)]
    pub quota_limit: Option<u64>,
    /// Never below 0; `null` where there is no limit.
    #[schema(required = true)]
    pub remaining: Option<Quantity>,
}

impl Allowance {
    /// Of so much more of a metric.
    #[must_use]
    pub fn of(limit: Limit, current: Quantity, amount: Quantity) -> Self {
        Self {
            allowed: limit.allows(current, amount),
            current_usage: current,
            quota_limit: limit.quota,
            remaining: limit.remaining(current),
        }
    }
}

/// How far a metric is used in a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UsageReport {
    /// Which.
    pub metric: Metric,
    /// What was used in the window until now.
    pub current_usage: Quantity,
    /// The plan's; `null` where there is no limit.
    #[schema(required = true)]
    pub quota_limit: Option<u64>,
    /// Never below 0; `null` where there is no limit.
    #[schema(required = true)]
    pub remaining: Option<Quantity>,
    /// Start of the window that the quota counts in.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub period_start: Timestamp,
    /// End of it, not included.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub period_end: Timestamp,
}

impl UsageReport {
    /// Of a metric in a window.
    #[must_use]
    pub fn of(metric: Metric, limit: Limit, current: Quantity, window: Window) -> Self {
        Self {
            metric,
            current_usage: current,
            quota_limit: limit.quota,
            remaining: limit.remaining(current),
            period_start: window.start,
            period_end: window.end,
        }
    }
}

/// An answer to one metric, or to several by their names, as they were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum OneOrEach<T> {
    /// To `metric`.
    One(T),
    /// To `amounts`.
    Each(BTreeMap<String, T>),
}

impl Exceeded {
    /// By an amount of a metric, at an instant.
    #[must_use]
    pub fn new(
        metric: &Metric,
        limit: Limit,
        current: Quantity,
        amount: Quantity,
        window: Window,
        now: Timestamp,
    ) -> Self {
        let seconds = window.end.as_second().saturating_sub(now.as_second());
        Self {
            metric: metric.clone(),
            amount,
            current,
            limit: limit.quota.unwrap_or(u64::MAX),
            period_end: window.end,
            retry_after: (seconds > 0).then(|| u32::try_from(seconds).unwrap_or(u32::MAX)),
        }
    }

    /// Whether waiting helps, for people.
    #[must_use]
    pub fn begins_again(&self) -> String {
        let end = self.period_end;
        match self.retry_after {
            Some(_) => format!("It begins again at {end}."),
            None => {
                format!("What is told of is in a period that ended at {end}, and begins no more.")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantity(text: &str) -> Quantity {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_is_allowed_is_what_the_quota_leaves_or_what_is_billed() {
        for (quota, is_billed, current, amount, allowed, remaining) in [
            (Some(10), false, "0", "10", true, Some("10")),
            (Some(10), false, "9", "1", true, Some("1")),
            (Some(10), false, "10", "1", false, Some("0")),
            (Some(10), false, "9.999999", "0.000001", true, Some("0.000001")),
            (Some(10), false, "9.999999", "0.000002", false, Some("0.000001")),
            (Some(10), false, "10", "0", true, Some("0")),
            // The quota went down, or something was recorded that was not asked for before.
            (Some(10), false, "12", "0", false, Some("0")),
            (Some(0), false, "0", "0", true, Some("0")),
            (Some(0), false, "0", "0.000001", false, Some("0")),
            (Some(10), true, "12", "5", true, Some("0")),
            (None, false, "12", "5", true, None),
            (None, true, "12", "5", true, None),
            // More than can be counted.
            (None, false, "9223372036854", "1", false, None),
            (Some(10), true, "9223372036854", "1", false, Some("0")),
            // A quota that no total reaches.
            (Some(u64::MAX), false, "9223372036854", "0.5", true, Some("0.775807")),
            (Some(u64::MAX), false, "9223372036854", "1", false, Some("0.775807")),
        ] {
            let limit = Limit { quota, is_billed };
            let (current, amount) = (quantity(current), quantity(amount));
            let found = Allowance::of(limit, current, amount);
            let shown = format!("{quota:?} {is_billed} {current} + {amount}");
            assert_eq!(found.allowed, allowed, "{shown}");
            assert_eq!(found.remaining, remaining.map(quantity), "{shown}");
            assert_eq!((found.current_usage, found.quota_limit), (current, quota), "{shown}");
        }
    }

    #[test]
    fn a_quota_that_does_not_reach_says_when_it_begins_again() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let window = Window { start: at(0), end: at(100) };
        let limit = Limit { quota: Some(1), is_billed: false };
        for (now, retry_after) in [(0, Some(100)), (99, Some(1)), (100, None), (500, None)] {
            let metric = Metric::named("requests");
            let found =
                Exceeded::new(&metric, limit, Quantity::ONE, Quantity::ONE, window, at(now));
            assert_eq!(found.retry_after, retry_after, "at {now}");
            let is_over = found.begins_again().contains("ended at 1970-01-01T00:01:40Z");
            assert_eq!(is_over, retry_after.is_none(), "at {now}: {}", found.begins_again());
        }
    }
}

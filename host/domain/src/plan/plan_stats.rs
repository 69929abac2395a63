//! How many subscribe to a plan and what they bring a month.

use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::money;
use crate::period::Interval;
use crate::plan::Plan;
use crate::plan::review::SubscriptionCounts;
use crate::schema;

/// A plan with its subscribers counted, as admins see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlanStats {
    /// The plan itself.
    pub plan: Plan,
    /// Paying subscribers.
    pub active_subscriptions: u64,
    /// Subscribers in their trial.
    pub trialing_subscriptions: u64,
    /// Former subscribers.
    pub canceled_subscriptions: u64,
    /// All of these, and those whose payment is late.
    pub total_subscriptions: u64,
    /// Monthly recurring revenue of the active ones, in the plan's currency.
    #[serde(with = "crate::decimal")]
    #[schema(value_type = schema::Decimal)]
    pub mrr: Decimal,
}

impl PlanStats {
    /// Counts what a plan brings. A sum too large for an exact decimal is shown as the largest one.
    #[must_use]
    pub fn new(plan: Plan, counts: SubscriptionCounts) -> Self {
        let mrr = monthly_revenue(&plan, counts.active).unwrap_or(Decimal::MAX);
        Self {
            plan,
            active_subscriptions: counts.active,
            trialing_subscriptions: counts.trialing,
            canceled_subscriptions: counts.canceled,
            total_subscriptions: counts.live() + counts.canceled,
            mrr,
        }
    }
}

/// Price × subscribers × intervals in a month, rounded once. A year has 12 months, 52 weeks, 365 days.
fn monthly_revenue(plan: &Plan, active: u64) -> Option<Decimal> {
    let intervals_a_year = match plan.interval {
        Interval::Day => 365,
        Interval::Week => 52,
        Interval::Month => 12,
        Interval::Year => 1,
    };
    let yearly = plan
        .price
        .checked_mul(Decimal::from(active))?
        .checked_mul(Decimal::from(intervals_a_year))?;
    Some(money::round(yearly.checked_div(Decimal::from(12))?, plan.currency))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::plan_id::PlanId;
    use crate::time::Timestamp;

    #[test]
    fn mrr_counts_active_subscribers_by_the_month() {
        for (price, currency, interval, active, expected) in [
            ("490", "RUB", "month", 3, "1470"),
            ("4704", "RUB", "year", 1, "392"),
            ("100", "RUB", "year", 1, "8.33"),
            ("10", "USD", "week", 1, "43.33"),
            ("1", "USD", "day", 2, "60.83"),
            ("100", "JPY", "year", 1, "8"),
            ("0", "RUB", "month", 1000, "0"),
            ("490", "RUB", "month", 0, "0"),
        ] {
            let json = format!(
                r#"{{"name":"A","price":{price},"currency":"{currency}","interval":"{interval}"}}"#
            );
            let draft = serde_json::from_str(&json).unwrap();
            let id = PlanId::new("a").unwrap();
            let plan = Plan::from_draft(id, draft, Timestamp::UNIX_EPOCH).unwrap();
            let counts = SubscriptionCounts { active, trialing: 5, past_due: 7, canceled: 9 };
            let stats = PlanStats::new(plan, counts);
            assert_eq!(stats.mrr, Decimal::from_str_exact(expected).unwrap(), "{json}");
            assert_eq!(stats.total_subscriptions, active + 21);
        }
    }
}

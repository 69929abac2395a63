//! A user's subscription to a plan.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::period;
use crate::plan::{Plan, PlanId};
use crate::refusal::{FieldError, Refusal};
use crate::schema::UnixSeconds;
use crate::time::{self, Timestamp};

/// Where a subscription stands. All but `Canceled` are live: they give something to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// In its free days.
    Trialing,
    /// Paid.
    Active,
    /// In the days of grace after a payment that did not come.
    PastDue,
    /// Over.
    Canceled,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Trialing, Self::Active, Self::PastDue, Self::Canceled];

    /// As on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trialing => "trialing",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Canceled => "canceled",
        }
    }

    /// Reads a status as it is on the wire.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether a subscription in it still gives something to somebody.
    #[must_use]
    pub fn is_live(self) -> bool {
        self != Self::Canceled
    }
}

/// A subscription as the store holds it and as answers show it. All times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Subscription {
    /// Unique.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// To what.
    pub plan_id: PlanId,
    /// The plan's version when it was taken.
    pub plan_version: u64,
    /// Where it stands.
    pub status: Status,
    /// Start of the window that quotas count in.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub current_period_start: Timestamp,
    /// End of it, not included.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub current_period_end: Timestamp,
    /// What all period boundaries are counted from.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub anchor: Timestamp,
    /// Until when the fee is paid.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub paid_until: Timestamp,
    /// Whether it ends with the period.
    pub cancel_at_period_end: bool,
    /// When it was canceled.
    #[serde(with = "time::optional_seconds")]
    #[schema(value_type = Option<UnixSeconds>, required = true)]
    pub canceled_at: Option<Timestamp>,
    /// When its free days end.
    #[serde(with = "time::optional_seconds")]
    #[schema(value_type = Option<UnixSeconds>, required = true)]
    pub trial_end: Option<Timestamp>,
    /// The plan it goes on with at the period's end.
    #[schema(required = true)]
    pub pending_plan_id: Option<PlanId>,
    /// The operator's own notes.
    pub metadata: BTreeMap<String, String>,
    /// When the user subscribed.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub created_at: Timestamp,
    /// When it last changed.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub updated_at: Timestamp,
}

/// What an admin gives a user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"plan_id": "premium_abc12345", "trial_days": 14})))]
pub struct Grant {
    /// The plan, active or not.
    pub plan_id: PlanId,
    /// Free days first; none where absent.
    #[serde(default)]
    #[schema(maximum = 3650)]
    pub trial_days: u32,
}

impl Grant {
    /// Ten years.
    const LONGEST_TRIAL_DAYS: u32 = 3650;

    /// The subscription that the grant makes, from now: in its free days if there are some, else active
    /// and paid for one period. A live one (`current`) keeps its id and the day the user subscribed.
    ///
    /// # Errors
    /// Names `trial_days` if there are too many.
    pub fn subscribe(
        &self,
        user_id: &str,
        plan: &Plan,
        current: Option<&Subscription>,
        new_id: &str,
        now: Timestamp,
    ) -> Result<Subscription, Refusal> {
        if self.trial_days > Self::LONGEST_TRIAL_DAYS {
            let message = format!("trial_days must be at most {}.", Self::LONGEST_TRIAL_DAYS);
            let error = FieldError::new("trial_days", "out_of_range", &message);
            return Err(Refusal::Invalid(vec![error]));
        }
        let trial_end = if self.trial_days > 0 {
            Some(period::days_after(now, self.trial_days)?)
        } else {
            None
        };
        // Periods are counted from the end of the free days, as the first fee is due then.
        let anchor = trial_end.unwrap_or(now);
        let end = match trial_end {
            Some(trial_end) => trial_end,
            None => period::boundary(anchor, plan.interval, 1)?,
        };
        Ok(Subscription {
            id: current.map_or_else(|| new_id.to_owned(), |current| current.id.clone()),
            user_id: user_id.to_owned(),
            plan_id: plan.id.clone(),
            plan_version: plan.version,
            status: if trial_end.is_some() { Status::Trialing } else { Status::Active },
            current_period_start: now,
            current_period_end: end,
            anchor,
            paid_until: end,
            cancel_at_period_end: false,
            canceled_at: None,
            trial_end,
            pending_plan_id: None,
            metadata: current.map(|current| current.metadata.clone()).unwrap_or_default(),
            created_at: current.map_or(now, |current| current.created_at),
            updated_at: now,
        })
    }
}

/// One subscriber of a plan, as admins see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Subscriber {
    /// Who.
    pub user_id: String,
    /// As the user's credentials last said.
    #[schema(required = true)]
    pub email: Option<String>,
    /// As the user's credentials last said.
    #[schema(required = true)]
    pub name: Option<String>,
    /// Where the subscription stands.
    pub subscription_status: Status,
    /// Unix seconds.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub subscribed_at: Timestamp,
    /// Unix seconds.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub current_period_end: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let draft = serde_json::from_str(r#"{"name":"Pro","price":1,"interval":"month"}"#).unwrap();
        Plan::from_draft(PlanId::new("pro").unwrap(), draft, Timestamp::UNIX_EPOCH).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn grant(trial_days: u32) -> Grant {
        Grant { plan_id: PlanId::new("pro").unwrap(), trial_days }
    }

    #[test]
    fn a_grant_is_active_and_paid_for_one_period() {
        let now = at("2025-01-31T00:00:00Z");
        let subscription = grant(0).subscribe("u", &plan(), None, "s1", now).unwrap();
        assert_eq!(subscription.status, Status::Active);
        assert_eq!(subscription.current_period_end, at("2025-02-28T00:00:00Z"));
        assert_eq!(subscription.paid_until, subscription.current_period_end);
        assert_eq!(subscription.anchor, now);
    }

    #[test]
    fn a_grant_with_free_days_trials_and_counts_periods_from_their_end() {
        let now = at("2025-01-01T00:00:00Z");
        let subscription = grant(7).subscribe("u", &plan(), None, "s1", now).unwrap();
        let end = at("2025-01-08T00:00:00Z");
        assert_eq!(subscription.status, Status::Trialing);
        assert_eq!((subscription.trial_end, subscription.anchor), (Some(end), end));
        assert_eq!(subscription.current_period_end, end);
        assert!(grant(3651).subscribe("u", &plan(), None, "s1", now).is_err());
    }

    #[test]
    fn a_live_subscription_keeps_its_id_and_its_first_day() {
        let first =
            grant(0).subscribe("u", &plan(), None, "s1", at("2025-01-01T00:00:00Z")).unwrap();
        let now = at("2025-02-01T00:00:00Z");
        let second = grant(0).subscribe("u", &plan(), Some(&first), "s2", now).unwrap();
        assert_eq!((second.id.as_str(), second.created_at), ("s1", first.created_at));
        assert_eq!((second.current_period_start, second.updated_at), (now, now));
    }
}

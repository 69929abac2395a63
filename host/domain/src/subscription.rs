//! A user's subscription to a plan, as answers show it. How it lives is in `life` and `turn`.

pub mod course;
pub mod fee;
pub mod fee_charge;
pub mod grant;
pub mod history;
pub mod life;
pub mod quoted;
pub mod turn;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::plan::plan_id::PlanId;
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

//! A user as admins see one: what is known of the user, and the live subscription.

use serde::Serialize;
use utoipa::ToSchema;

use crate::credit::Credit;
use crate::money::Currency;
use crate::schema::{self, UnixSeconds};
use crate::subscription::Subscription;
use crate::time::{self, Timestamp};
use crate::user::{User, UserFacts};

/// What is known of a user, and how the user is subscribed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UserReport {
    /// As credentials name the user (`sub`).
    pub id: String,
    /// As an admin or the user's credentials last said.
    #[schema(required = true)]
    pub email: Option<String>,
    /// As an admin or the user's credentials last said.
    #[schema(required = true)]
    pub name: Option<String>,
    /// Where an admin put the user. With none, it is the group that the credentials name, else the default one.
    #[schema(required = true)]
    pub user_group_id: Option<u64>,
    /// With none, it is the tenant's.
    #[schema(required = true)]
    pub region_id: Option<u64>,
    /// With none, it is the tenant's.
    #[schema(value_type = Option<schema::Currency>, required = true)]
    pub currency: Option<Currency>,
    /// Since when phases of prices follow one another, as an admin says. With none, it is since the first subscription.
    #[serde(with = "time::optional_seconds")]
    #[schema(value_type = Option<UnixSeconds>, required = true)]
    pub phase_started: Option<Timestamp>,
    /// The live one, with its plan and status.
    #[schema(required = true)]
    pub subscription: Option<Subscription>,
    /// What the user has, by currency: it pays the next fee or statement.
    pub credit: Credit,
}

impl UserReport {
    /// Of what is kept of a user.
    #[must_use]
    pub fn new(user: User, subscription: Option<Subscription>, credit: Credit) -> Self {
        let User { id, facts } = user;
        let UserFacts { email, name, user_group_id, region_id, currency, phase_started } = facts;
        Self {
            id,
            email,
            name,
            user_group_id,
            region_id,
            currency,
            phase_started,
            subscription,
            credit,
        }
    }
}

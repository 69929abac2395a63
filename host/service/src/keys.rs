//! The key space: every key that the service writes, in one place.
//!
//! A plan's id may be used again after the plan is gone, so what is counted or listed for a plan carries
//! the plan's generation: how many plans of that id came before it.

mod entries;
mod family;
mod fee_charges;
mod host;
mod owner;
mod quota_thresholds;
mod statements;
mod subscriptions;
mod transactions;
mod usage;
mod webhooks;

use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_domain::usage::metric::Metric;
use planwright_domain::usage::usage_event::Teller;
use planwright_store::{Key, KeyBuilder, Part, Prefix, Space};

pub(crate) use family::Family;
pub(crate) use host::{DuePlace, HostKeys, Timeline};
pub(crate) use owner::OwnerKeys;
pub(crate) use quota_thresholds::ThresholdPlace;
pub(crate) use statements::WindowPlace;
pub(crate) use transactions::TransactionKeys;
pub(crate) use webhooks::WebhookPlace;

/// Makes the keys of one tenant.
pub(crate) struct Keys(Space);

impl Keys {
    pub(crate) fn of(tenant: &TenantId) -> Self {
        Self(Space::Tenant(tenant.as_str().to_owned()))
    }

    fn kind(&self, family: Family) -> KeyBuilder {
        Key::in_space(&self.0, family.as_str())
    }

    /// Record: the plan.
    pub(crate) fn plan(&self, id: &PlanId) -> Key {
        self.kind(Family::Plan).text(id.as_str()).key()
    }

    /// All plans.
    pub(crate) fn plans(&self) -> Prefix {
        self.kind(Family::Plan).prefix()
    }

    /// Counter: how often a plan was made, changed or deleted.
    pub(crate) fn catalog_changes(&self) -> Key {
        self.kind(Family::CatalogChanges).key()
    }

    /// Counter: how many plans of this id were deleted.
    pub(crate) fn plan_generation(&self, id: &PlanId) -> Key {
        self.kind(Family::PlanGeneration).text(id.as_str()).key()
    }

    /// Record: what is known of a user.
    pub(crate) fn user(&self, id: &str) -> Key {
        self.kind(Family::User).text(id).key()
    }

    /// All users of whom something is known.
    pub(crate) fn users(&self) -> Prefix {
        self.kind(Family::User).prefix()
    }

    /// Counter: how many they are.
    pub(crate) fn user_count(&self) -> Key {
        self.kind(Family::UserCount).key()
    }

    /// Record: what a request that may come again was answered.
    pub(crate) fn answer(&self, scope: &str) -> Key {
        self.kind(Family::Answer).text(scope).key()
    }

    /// Record: an answer in the order of expiring, the first one first.
    pub(crate) fn expiring_answer(&self, expires_at: i64, scope: &str) -> Key {
        let seconds = u64::try_from(expires_at).unwrap_or(0);
        self.kind(Family::ExpiringAnswer).number(seconds).text(scope).key()
    }

    /// Answers, those that expire first first.
    pub(crate) fn expiring_answers(&self) -> Prefix {
        self.kind(Family::ExpiringAnswer).prefix()
    }

    /// When the answer has expired that a key of these leads to.
    pub(crate) fn read_expiring_answer(key: &Key) -> Option<u64> {
        match key.parts().first() {
            Some(Part::Number(at)) => Some(*at),
            _ => None,
        }
    }

    /// Record: an API key, without its secret.
    pub(crate) fn api_key(&self, id: &str) -> Key {
        self.kind(Family::ApiKey).text(id).key()
    }

    /// All API keys.
    pub(crate) fn api_keys(&self) -> Prefix {
        self.kind(Family::ApiKey).prefix()
    }

    /// Record: the tenant's settings.
    pub(crate) fn settings(&self) -> Key {
        self.kind(Family::Settings).key()
    }

    /// Counter: what a user used of a metric in a window, in millionths.
    pub(crate) fn usage(
        &self,
        user_id: &str,
        usage_epoch: u64,
        start: Timestamp,
        metric: &Metric,
    ) -> Key {
        self.kind(Family::Usage)
            .text(user_id)
            .number(usage_epoch)
            .number(seconds(start))
            .text(metric.as_str())
            .key()
    }

    /// Record: an event that was counted and must not be counted again.
    pub(crate) fn usage_event(&self, teller: Teller, user_id: &str, event_id: &str) -> Key {
        let family = match teller {
            Teller::User => Family::OwnUsageEvent,
            Teller::Product => Family::UsageEvent,
        };
        self.kind(family).text(user_id).text(event_id).key()
    }

    /// Log: what admins did.
    pub(crate) fn audit(&self) -> Key {
        self.kind(Family::Audit).key()
    }
}

/// Instants that are kept are newer than 1970, so no order is lost here.
fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_second()).unwrap_or(0)
}

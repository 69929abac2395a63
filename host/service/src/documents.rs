//! What the store holds: the domain's values, and the few shapes that only serve to find them.

use planwright_domain::api_key::ApiKey;
use planwright_domain::caller::TenantId;
use planwright_domain::plan::Plan;
use planwright_domain::settings::Settings;
use planwright_domain::subscription::{Status, Subscription};
use planwright_domain::tenant::Tenant;
use planwright_store::Document;
use serde::{Deserialize, Serialize};

/// A plan, and how many plans of its id came before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlanRecord {
    pub(crate) generation: u64,
    pub(crate) plan: Plan,
}

impl PlanRecord {
    /// Differs whenever the plan does, also from a plan that had the id before.
    pub(crate) fn tag(&self) -> String {
        format!("\"{}-{}\"", self.generation, self.plan.version)
    }
}

impl Document for PlanRecord {
    const SCHEMA: u16 = 1;
}

/// A subscription, and the generation of the plan it is to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SubscriptionRecord {
    pub(crate) plan_generation: u64,
    pub(crate) subscription: Subscription,
}

impl Document for SubscriptionRecord {
    const SCHEMA: u16 = 1;
}

/// Points from a user to the live subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LiveSubscription {
    pub(crate) subscription_id: String,
}

impl Document for LiveSubscription {
    const SCHEMA: u16 = 1;
}

/// An entry in a plan's list of subscriptions; the status is kept beside it, so that a filter need not
/// read them all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlanSubscription {
    pub(crate) subscription_id: String,
    pub(crate) status: Status,
}

impl Document for PlanSubscription {
    const SCHEMA: u16 = 1;
}

/// What a user's credentials last said of the user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UserRecord {
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
}

impl Document for UserRecord {
    const SCHEMA: u16 = 1;
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TenantRecord {
    pub(crate) tenant: Tenant,
}

impl Document for TenantRecord {
    const SCHEMA: u16 = 1;
}

/// An API key, and the hash that it is found by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ApiKeyRecord {
    pub(crate) hash: String,
    pub(crate) api_key: ApiKey,
}

impl Document for ApiKeyRecord {
    const SCHEMA: u16 = 1;
}

/// Points from an API key's hash to the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ApiKeyPlace {
    pub(crate) tenant: TenantId,
    pub(crate) id: String,
}

impl Document for ApiKeyPlace {
    const SCHEMA: u16 = 1;
}

/// A tenant's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SettingsRecord {
    pub(crate) settings: Settings,
    /// Whether an admin or a pack has chosen a default plan, or that there be none; no pack does it again.
    pub(crate) default_plan_is_chosen: bool,
}

impl Document for SettingsRecord {
    const SCHEMA: u16 = 1;
}

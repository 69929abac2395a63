//! The key space: every key that the service writes, in one place.
//!
//! A plan's id may be used again after the plan is gone, so what is counted or listed for a plan carries
//! the plan's generation: how many plans of that id came before it.

use planwright_domain::caller::TenantId;
use planwright_domain::hook::Hook;
use planwright_domain::plan::PlanId;
use planwright_domain::plugin::{Digest, Owner};
use planwright_domain::subscription::Status;
use planwright_domain::time::Timestamp;
use planwright_store::{Key, KeyBuilder, Prefix, Space};

/// What a key is of: the part behind its space. Every family has its rules in `check`, which does not compile
/// without them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Plan,
    CatalogChanges,
    PlanGeneration,
    Subscribers,
    PendingPayments,
    Subscription,
    LiveSubscription,
    PlanSubscription,
    User,
    Audit,
    Answer,
    ExpiringAnswer,
    ApiKey,
    Tenant,
    Settings,
    Plugin,
    PluginCount,
    PluginUses,
    Binding,
    BindingGeneration,
    Component,
    ComponentPart,
    ComponentUpload,
    Uncompiled,
}

impl Family {
    const ALL: [Self; 24] = [
        Self::Plan,
        Self::CatalogChanges,
        Self::PlanGeneration,
        Self::Subscribers,
        Self::PendingPayments,
        Self::Subscription,
        Self::LiveSubscription,
        Self::PlanSubscription,
        Self::User,
        Self::Audit,
        Self::Answer,
        Self::ExpiringAnswer,
        Self::ApiKey,
        Self::Tenant,
        Self::Settings,
        Self::Plugin,
        Self::PluginCount,
        Self::PluginUses,
        Self::Binding,
        Self::BindingGeneration,
        Self::Component,
        Self::ComponentPart,
        Self::ComponentUpload,
        Self::Uncompiled,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::CatalogChanges => "catalog-changes",
            Self::PlanGeneration => "plan-generation",
            Self::Subscribers => "subscribers",
            Self::PendingPayments => "pending-payments",
            Self::Subscription => "subscription",
            Self::LiveSubscription => "live-subscription",
            Self::PlanSubscription => "plan-subscription",
            Self::User => "user",
            Self::Audit => "audit",
            Self::Answer => "answer",
            Self::ExpiringAnswer => "expiring-answer",
            Self::ApiKey => "api-key",
            Self::Tenant => "tenant",
            Self::Settings => "settings",
            Self::Plugin => "plugin",
            Self::PluginCount => "plugin-count",
            Self::PluginUses => "plugin-uses",
            Self::Binding => "binding",
            Self::BindingGeneration => "binding-generation",
            Self::Component => "component",
            Self::ComponentPart => "component-part",
            Self::ComponentUpload => "component-upload",
            Self::Uncompiled => "uncompiled",
        }
    }

    /// The family of a key, if it is one of ours.
    pub(crate) fn of(key: &Key) -> Option<Self> {
        let name = key.family();
        Self::ALL.into_iter().find(|family| family.as_str() == name)
    }
}

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

    /// Counter: subscriptions to a plan in a status.
    pub(crate) fn subscribers(&self, plan: &PlanId, generation: u64, status: Status) -> Key {
        self.kind(Family::Subscribers)
            .text(plan.as_str())
            .number(generation)
            .text(status.as_str())
            .key()
    }

    /// Counters: subscriptions to all plans.
    pub(crate) fn all_subscribers(&self) -> Prefix {
        self.kind(Family::Subscribers).prefix()
    }

    /// Counter: payments for a plan that are not settled.
    pub(crate) fn pending_payments(&self, plan: &PlanId, generation: u64) -> Key {
        self.kind(Family::PendingPayments).text(plan.as_str()).number(generation).key()
    }

    /// Record: a subscription.
    pub(crate) fn subscription(&self, id: &str) -> Key {
        self.kind(Family::Subscription).text(id).key()
    }

    /// Record: which subscription of a user is live. Its key being one is what keeps it to one.
    pub(crate) fn live_subscription(&self, user_id: &str) -> Key {
        self.kind(Family::LiveSubscription).text(user_id).key()
    }

    /// Record: a plan's subscription in the order of subscribing, newest first.
    pub(crate) fn plan_subscription(
        &self,
        plan: &PlanId,
        generation: u64,
        subscribed_at: Timestamp,
        id: &str,
    ) -> Key {
        // Subscriptions are newer than 1970, so no order is lost here.
        let seconds = u64::try_from(subscribed_at.as_second()).unwrap_or(0);
        self.kind(Family::PlanSubscription)
            .text(plan.as_str())
            .number(generation)
            .newest_first(seconds)
            .text(id)
            .key()
    }

    /// A plan's subscriptions, newest first.
    pub(crate) fn plan_subscriptions(&self, plan: &PlanId, generation: u64) -> Prefix {
        self.kind(Family::PlanSubscription).text(plan.as_str()).number(generation).prefix()
    }

    /// Record: what is known of a user.
    pub(crate) fn user(&self, id: &str) -> Key {
        self.kind(Family::User).text(id).key()
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

    /// Log: what admins did.
    pub(crate) fn audit(&self) -> Key {
        self.kind(Family::Audit).key()
    }
}

/// Makes the keys of what a tenant and the host can both have: plugins and bindings.
pub(crate) struct OwnerKeys(Space);

impl OwnerKeys {
    pub(crate) fn of(owner: &Owner) -> Self {
        Self(match owner {
            Owner::Host => Space::Host,
            Owner::Tenant(tenant) => Space::Tenant(tenant.as_str().to_owned()),
        })
    }

    fn kind(&self, family: Family) -> KeyBuilder {
        Key::in_space(&self.0, family.as_str())
    }

    /// Record: that a plugin is the owner's. What it is lies under its component.
    pub(crate) fn plugin(&self, digest: &Digest) -> Key {
        self.kind(Family::Plugin).text(&digest.to_string()).key()
    }

    /// All plugins of the owner.
    pub(crate) fn plugins(&self) -> Prefix {
        self.kind(Family::Plugin).prefix()
    }

    /// Counter: how many they are.
    pub(crate) fn plugin_count(&self) -> Key {
        self.kind(Family::PluginCount).key()
    }

    /// Counter: how many bindings name one of them. A tenant's binding may name a plugin of the host.
    pub(crate) fn plugin_uses(&self, digest: &Digest) -> Key {
        self.kind(Family::PluginUses).text(&digest.to_string()).key()
    }

    /// Record: which plugins answer for a hook.
    pub(crate) fn binding(&self, hook: Hook) -> Key {
        self.kind(Family::Binding).text(hook.as_str()).key()
    }

    /// Counter: how often a binding of the owner was changed.
    pub(crate) fn binding_generation(&self) -> Key {
        self.kind(Family::BindingGeneration).key()
    }
}

/// Makes the keys of what belongs to no tenant, or must be found before the tenant is known.
pub(crate) struct HostKeys;

impl HostKeys {
    fn kind(family: Family) -> KeyBuilder {
        Key::in_space(&Space::Host, family.as_str())
    }

    /// Record: the tenant.
    pub(crate) fn tenant(id: &TenantId) -> Key {
        Self::kind(Family::Tenant).text(id.as_str()).key()
    }

    /// All tenants.
    pub(crate) fn tenants() -> Prefix {
        Self::kind(Family::Tenant).prefix()
    }

    /// Record: where the API key with this hash is.
    pub(crate) fn api_key(hash: &str) -> Key {
        Self::kind(Family::ApiKey).text(hash).key()
    }

    /// Record: what an uploaded component is, whoever uploaded it.
    pub(crate) fn component(digest: &Digest) -> Key {
        Self::kind(Family::Component).text(&digest.to_string()).key()
    }

    /// All components.
    pub(crate) fn components() -> Prefix {
        Self::kind(Family::Component).prefix()
    }

    /// Record: a part of a component's bytes.
    pub(crate) fn component_part(digest: &Digest, number: u64) -> Key {
        Self::kind(Family::ComponentPart).text(&digest.to_string()).number(number).key()
    }

    /// Record: that parts of a component are being written. It is gone once all of them are there.
    pub(crate) fn component_upload(digest: &Digest) -> Key {
        Self::kind(Family::ComponentUpload).text(&digest.to_string()).key()
    }

    /// All uploads under way.
    pub(crate) fn component_uploads() -> Prefix {
        Self::kind(Family::ComponentUpload).prefix()
    }

    /// Record: that a component is to be compiled.
    pub(crate) fn uncompiled(digest: &Digest) -> Key {
        Self::kind(Family::Uncompiled).text(&digest.to_string()).key()
    }
}

//! The key space: every key that the service writes, in one place.
//!
//! A plan's id may be used again after the plan is gone, so what is counted or listed for a plan carries
//! the plan's generation: how many plans of that id came before it.

mod entries;
mod fee_charges;
mod host;
mod owner;
mod quota_thresholds;
mod statements;
mod transactions;
mod usage;
mod webhooks;

use planwright_domain::caller::TenantId;
use planwright_domain::metric::Metric;
use planwright_domain::money::Currency;
use planwright_domain::plan_id::PlanId;
use planwright_domain::subscription::Status;
use planwright_domain::time::Timestamp;
use planwright_domain::usage_event::Teller;
use planwright_store::{Key, KeyBuilder, Part, Prefix, Space};

pub(crate) use host::{DuePlace, HostKeys, Timeline};
pub(crate) use owner::OwnerKeys;
pub(crate) use quota_thresholds::ThresholdPlace;
pub(crate) use statements::WindowPlace;
pub(crate) use transactions::TransactionKeys;
pub(crate) use webhooks::WebhookPlace;

/// What a key is of: the part behind its space. Every family has its rules in `check`, which does not compile
/// without them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Plan,
    CatalogChanges,
    PlanGeneration,
    Subscribers,
    PendingPayments,
    PendingChanges,
    Subscription,
    LiveSubscription,
    PlanSubscription,
    User,
    UserCount,
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
    EverySubscription,
    UserSubscription,
    History,
    Credit,
    CreditEntry,
    Due,
    Clock,
    Webhooks,
    WebhookHealth,
    WebhookDelivery,
    WebhookDeliveries,
    WebhookMissed,
    WebhookDue,
    WebhooksWaiting,
    WebhookDone,
    Transaction,
    TransactionCount,
    EveryTransaction,
    UserTransaction,
    PendingTransaction,
    Payment,
    PaymentDue,
    Usage,
    UsageEvent,
    OwnUsageEvent,
    ExpiringUsageEvents,
    UsageWindow,
    ExpiringUsage,
    QuotaThreshold,
    Entry,
    EntryNumbers,
    EntryUses,
    EntryChanges,
    BillingWindow,
    MeteredEvents,
    Segment,
    AdjustmentDue,
    Statement,
    EveryStatement,
    UserStatement,
    StatementDue,
    FeeCharge,
    UnbilledCharge,
    PricedBy,
}

impl Family {
    const ALL: [Self; 70] = [
        Self::Plan,
        Self::CatalogChanges,
        Self::PlanGeneration,
        Self::Subscribers,
        Self::PendingPayments,
        Self::PendingChanges,
        Self::Subscription,
        Self::LiveSubscription,
        Self::PlanSubscription,
        Self::User,
        Self::UserCount,
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
        Self::EverySubscription,
        Self::UserSubscription,
        Self::History,
        Self::Credit,
        Self::CreditEntry,
        Self::Due,
        Self::Clock,
        Self::Webhooks,
        Self::WebhookHealth,
        Self::WebhookDelivery,
        Self::WebhookDeliveries,
        Self::WebhookMissed,
        Self::WebhookDue,
        Self::WebhooksWaiting,
        Self::WebhookDone,
        Self::Transaction,
        Self::TransactionCount,
        Self::EveryTransaction,
        Self::UserTransaction,
        Self::PendingTransaction,
        Self::Payment,
        Self::PaymentDue,
        Self::Usage,
        Self::UsageEvent,
        Self::OwnUsageEvent,
        Self::ExpiringUsageEvents,
        Self::UsageWindow,
        Self::ExpiringUsage,
        Self::QuotaThreshold,
        Self::Entry,
        Self::EntryNumbers,
        Self::EntryUses,
        Self::EntryChanges,
        Self::BillingWindow,
        Self::MeteredEvents,
        Self::Segment,
        Self::AdjustmentDue,
        Self::Statement,
        Self::EveryStatement,
        Self::UserStatement,
        Self::StatementDue,
        Self::FeeCharge,
        Self::UnbilledCharge,
        Self::PricedBy,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::CatalogChanges => "catalog-changes",
            Self::PlanGeneration => "plan-generation",
            Self::Subscribers => "subscribers",
            Self::PendingPayments => "pending-payments",
            Self::PendingChanges => "pending-changes",
            Self::Subscription => "subscription",
            Self::LiveSubscription => "live-subscription",
            Self::PlanSubscription => "plan-subscription",
            Self::User => "user",
            Self::UserCount => "user-count",
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
            Self::EverySubscription => "every-subscription",
            Self::UserSubscription => "user-subscription",
            Self::History => "history",
            Self::Credit => "credit",
            Self::CreditEntry => "credit-entry",
            Self::Due => "due",
            Self::Clock => "clock",
            Self::Webhooks => "webhooks",
            Self::WebhookHealth => "webhook-health",
            Self::WebhookDelivery => "webhook-delivery",
            Self::WebhookDeliveries => "webhook-deliveries",
            Self::WebhookMissed => "webhook-missed",
            Self::WebhookDue => "webhook-due",
            Self::WebhooksWaiting => "webhooks-waiting",
            Self::WebhookDone => "webhook-done",
            Self::Transaction => "transaction",
            Self::TransactionCount => "transaction-count",
            Self::EveryTransaction => "every-transaction",
            Self::UserTransaction => "user-transaction",
            Self::PendingTransaction => "pending-transaction",
            Self::Payment => "payment",
            Self::PaymentDue => "payment-due",
            Self::Usage => "usage",
            Self::UsageEvent => "usage-event",
            Self::OwnUsageEvent => "own-usage-event",
            Self::ExpiringUsageEvents => "expiring-usage-events",
            Self::UsageWindow => "usage-window",
            Self::ExpiringUsage => "expiring-usage",
            Self::QuotaThreshold => "quota-threshold",
            Self::Entry => "entry",
            Self::EntryNumbers => "entry-numbers",
            Self::EntryUses => "entry-uses",
            Self::EntryChanges => "entry-changes",
            Self::BillingWindow => "billing-window",
            Self::MeteredEvents => "metered-events",
            Self::Segment => "segment",
            Self::AdjustmentDue => "adjustment-due",
            Self::Statement => "statement",
            Self::EveryStatement => "every-statement",
            Self::UserStatement => "user-statement",
            Self::StatementDue => "statement-due",
            Self::FeeCharge => "fee-charge",
            Self::UnbilledCharge => "unbilled-charge",
            Self::PricedBy => "priced-by",
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

    /// Counter: subscriptions that go on with a plan when their period ends.
    pub(crate) fn pending_changes(&self, plan: &PlanId, generation: u64) -> Key {
        self.kind(Family::PendingChanges).text(plan.as_str()).number(generation).key()
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
        self.kind(Family::PlanSubscription)
            .text(plan.as_str())
            .number(generation)
            .newest_first(seconds(subscribed_at))
            .text(id)
            .key()
    }

    /// Record: a subscription of the tenant in the order of subscribing, newest first.
    pub(crate) fn every_subscription(&self, subscribed_at: Timestamp, id: &str) -> Key {
        self.kind(Family::EverySubscription).newest_first(seconds(subscribed_at)).text(id).key()
    }

    /// The tenant's subscriptions, newest first.
    pub(crate) fn every_subscriptions(&self) -> Prefix {
        self.kind(Family::EverySubscription).prefix()
    }

    /// Record: a user's subscription in the order of subscribing, newest first.
    pub(crate) fn user_subscription(
        &self,
        user_id: &str,
        subscribed_at: Timestamp,
        id: &str,
    ) -> Key {
        let newest_first = seconds(subscribed_at);
        self.kind(Family::UserSubscription).text(user_id).newest_first(newest_first).text(id).key()
    }

    /// A user's subscriptions, newest first.
    pub(crate) fn user_subscriptions(&self, user_id: &str) -> Prefix {
        self.kind(Family::UserSubscription).text(user_id).prefix()
    }

    /// Record: what is remembered of a user's subscriptions.
    pub(crate) fn history(&self, user_id: &str) -> Key {
        self.kind(Family::History).text(user_id).key()
    }

    /// Record: what a user has in a currency.
    pub(crate) fn credit(&self, user_id: &str, currency: Currency) -> Key {
        self.kind(Family::Credit).text(user_id).text(currency.code()).key()
    }

    /// What a user has in each currency.
    pub(crate) fn credits(&self, user_id: &str) -> Prefix {
        self.kind(Family::Credit).text(user_id).prefix()
    }

    /// Record: a movement of a user's credit, newest first.
    pub(crate) fn credit_entry(
        &self,
        user_id: &str,
        currency: Currency,
        at: Timestamp,
        id: &str,
    ) -> Key {
        self.credit_entries_key(user_id, currency).newest_first(seconds(at)).text(id).key()
    }

    /// The movements of a user's credit in a currency, newest first.
    pub(crate) fn credit_entries(&self, user_id: &str, currency: Currency) -> Prefix {
        self.credit_entries_key(user_id, currency).prefix()
    }

    fn credit_entries_key(&self, user_id: &str, currency: Currency) -> KeyBuilder {
        self.kind(Family::CreditEntry).text(user_id).text(currency.code())
    }

    /// A plan's subscriptions, newest first.
    pub(crate) fn plan_subscriptions(&self, plan: &PlanId, generation: u64) -> Prefix {
        self.kind(Family::PlanSubscription).text(plan.as_str()).number(generation).prefix()
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

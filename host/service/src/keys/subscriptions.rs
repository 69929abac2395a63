//! The keys of subscriptions, of what is counted of them, and of what users have.

use planwright_domain::money::Currency;
use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::subscription::Status;
use planwright_domain::time::Timestamp;
use planwright_store::{Key, KeyBuilder, Prefix};

use super::{Family, Keys, seconds};

impl Keys {
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
}

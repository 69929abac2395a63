//! The keys of a tenant's transactions.

use planwright_domain::money;
use planwright_domain::payment::transaction::{Booked, TransactionStatus};
use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_store::{Key, KeyBuilder, Prefix, Space};

use super::{Family, seconds};

/// Makes them.
pub(crate) struct TransactionKeys(Space);

impl TransactionKeys {
    pub(crate) fn of(tenant: &TenantId) -> Self {
        Self(Space::Tenant(tenant.as_str().to_owned()))
    }

    fn kind(&self, family: Family) -> KeyBuilder {
        Key::in_space(&self.0, family.as_str())
    }

    /// Record: a transaction.
    pub(crate) fn transaction(&self, id: &str) -> Key {
        self.kind(Family::Transaction).text(id).key()
    }

    /// Counter: how many are for a plan, or for none, and in a status.
    pub(crate) fn count(&self, plan_id: Option<&PlanId>, status: TransactionStatus) -> Key {
        self.counts_key(plan_id).text(status.as_str()).key()
    }

    /// Counters: how many are for a plan, in each status.
    pub(crate) fn counts_of(&self, plan_id: &PlanId) -> Prefix {
        self.counts_key(Some(plan_id)).prefix()
    }

    /// Counters: how many there are, for each plan in each status.
    pub(crate) fn counts(&self) -> Prefix {
        self.kind(Family::TransactionCount).prefix()
    }

    fn counts_key(&self, plan_id: Option<&PlanId>) -> KeyBuilder {
        self.kind(Family::TransactionCount).text(plan_id.map_or("", PlanId::as_str))
    }

    /// Records: a transaction's places in the lists of the tenant and its user, newest first.
    pub(crate) fn places(&self, booked: &Booked) -> [Key; 2] {
        let transaction = &booked.transaction;
        [
            self.every(transaction.created_at, &transaction.id),
            self.of_user(&transaction.user_id, transaction.created_at, &transaction.id),
        ]
    }

    fn every(&self, at: Timestamp, id: &str) -> Key {
        self.kind(Family::EveryTransaction).newest_first(seconds(at)).text(id).key()
    }

    fn of_user(&self, user_id: &str, at: Timestamp, id: &str) -> Key {
        let list = self.kind(Family::UserTransaction).text(user_id);
        list.newest_first(seconds(at)).text(id).key()
    }

    /// The tenant's transactions, newest first.
    pub(crate) fn all(&self) -> Prefix {
        self.kind(Family::EveryTransaction).prefix()
    }

    /// A user's transactions, newest first.
    pub(crate) fn all_of_user(&self, user_id: &str) -> Prefix {
        self.kind(Family::UserTransaction).text(user_id).prefix()
    }

    /// Record: which transaction of a user for the same thing and amount is pending. Its key being one is what keeps
    /// it to one.
    pub(crate) fn pending(&self, booked: &Booked) -> Key {
        let transaction = &booked.transaction;
        let key = self
            .kind(Family::PendingTransaction)
            .text(&transaction.user_id)
            .text(transaction.plan_id.as_ref().map_or("", PlanId::as_str))
            .number(booked.plan_generation)
            .text(transaction.currency.code())
            .text(&money::written(transaction.amount, transaction.currency));
        match &booked.statement_id {
            Some(id) => key.text(id).key(),
            None => key.key(),
        }
    }
}

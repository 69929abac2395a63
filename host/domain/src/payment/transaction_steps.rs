//! What becomes of a transaction, from the moment it is asked for until the money came, did not come, or was given back.
//! Every transition consumes it as it was and gives it as it is then.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::money::{self, Currency};
use crate::payment::transaction::{Booked, Refund, Transaction, TransactionStatus};
use crate::payment::{PaymentOrder, PaymentTold, RefundTold, Standing};
use crate::period::Interval;
use crate::plan::plan_id::PlanId;
use crate::statement::Statement;
use crate::subscription::life::PlanKey;
use crate::tenant::caller::TenantId;
use crate::time::Timestamp;

/// What a user is to pay for.
#[derive(Clone, Debug)]
pub struct Owed {
    /// Who pays.
    pub user_id: String,
    /// What for.
    pub plan_id: PlanId,
    /// For people.
    pub plan_name: String,
    /// Tells the plan from others that had the id.
    pub plan_generation: u64,
    /// The plan's price.
    pub price: Decimal,
    /// What it is paid for.
    pub interval: Interval,
    /// The subscription that it renews or changes.
    pub subscription_id: Option<String>,
    /// The plan of that.
    pub beside: Option<PlanKey>,
    /// More than 0.
    pub amount: Decimal,
    /// The plan's.
    pub currency: Currency,
    /// `start`, `renewal` or `change`.
    pub reason: &'static str,
}

/// What an answer of the provider means for a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing that was not known.
    Nothing,
    /// It is open still: keep what was said, and ask again.
    Note,
    /// It is open, and was so for too long: nobody waits any more.
    GiveUp,
    /// The money came.
    Pay,
    /// The money will not come.
    Cancel,
}

/// The real clock, and the tenant's.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    /// What the provider lives by.
    pub real: Timestamp,
    /// What the tenant is shown.
    pub tenant: Timestamp,
}

impl Booked {
    /// The provider forgets a key after 24 hours; sent after that, the same order would be another payment. So it is
    /// sent for an hour less.
    pub const ORDERED_FOR: i64 = 23 * 60 * 60;
    /// The provider ends a payment by itself much sooner. Behind this nobody asks any more; that the money came is
    /// still heard.
    pub const WAITED_FOR: i64 = 7 * 24 * 60 * 60;
    /// The first pause between two questions; longer than the first request to the provider may take.
    const FIRST_PAUSE: i64 = 15;
    /// The longest one.
    const LONGEST_PAUSE: i64 = 60 * 60;

    /// Money that is asked for a plan.
    #[must_use]
    pub fn ask(id: String, owed: Owed, return_url: &str, at: Clocks) -> Self {
        let description = describe(owed.reason, &owed.plan_name);
        let metadata = BTreeMap::from([("reason".to_owned(), owed.reason.to_owned())]);
        let sum = (owed.amount, owed.currency);
        let mut booked = Self::begun(id, owed.user_id, sum, description, return_url, at);
        booked.transaction.subscription_id = owed.subscription_id;
        booked.transaction.plan_id = Some(owed.plan_id);
        booked.transaction.metadata = metadata;
        let Owed { plan_generation, price, interval, beside, .. } = owed;
        Self { plan_generation, price, interval: Some(interval), beside, ..booked }
    }

    /// Money that is asked for an open statement.
    #[must_use]
    pub fn ask_for(
        id: String,
        statement: &Statement,
        currency: Currency,
        return_url: &str,
        at: Clocks,
    ) -> Self {
        let Statement { user_id, due, .. } = statement;
        let day = |t: Timestamp| t.strftime("%Y-%m-%d").to_string();
        let (from, to) = (day(statement.period_start), day(statement.period_end));
        let description = format!("Statement for {from} to {to}");
        let mut booked =
            Self::begun(id, user_id.clone(), (*due, currency), description, return_url, at);
        booked.transaction.metadata = BTreeMap::from([
            ("reason".to_owned(), "statement".to_owned()),
            ("statement_id".to_owned(), statement.id.clone()),
        ]);
        Self { statement_id: Some(statement.id.clone()), ..booked }
    }

    fn begun(
        id: String,
        user_id: String,
        (amount, currency): (Decimal, Currency),
        description: String,
        return_url: &str,
        at: Clocks,
    ) -> Self {
        let transaction = Transaction {
            id,
            user_id,
            subscription_id: None,
            plan_id: None,
            amount,
            currency,
            status: TransactionStatus::Pending,
            payment_id: None,
            provider_status: None,
            description,
            receipt_url: None,
            metadata: BTreeMap::new(),
            created_at: at.tenant,
            updated_at: at.tenant,
        };
        Self {
            transaction,
            plan_generation: 0,
            price: amount,
            interval: None,
            beside: None,
            statement_id: None,
            return_url: return_url.to_owned(),
            confirmation_url: None,
            booked_at: at.real,
            ask_at: Some(after(at.real, Self::FIRST_PAUSE)),
            asked: 0,
            refunds: BTreeMap::new(),
            shop_id: None,
        }
    }

    /// The same by a shop, in which it stays.
    #[must_use]
    pub fn by_shop(self, shop_id: &str) -> Self {
        Self { shop_id: Some(shop_id.to_owned()), ..self }
    }

    /// The same, asked for again by a user who has what that one has: it is quoted beside that plan from now on.
    #[must_use]
    pub fn quoted_again(self, again: &Self, at: Clocks) -> Self {
        let mut quoted = Self { beside: again.beside.clone(), ..self };
        quoted.transaction.subscription_id.clone_from(&again.transaction.subscription_id);
        quoted.transaction.updated_at = at.tenant;
        quoted
    }

    /// What the provider is asked to take on: the same each time.
    #[must_use]
    pub fn order(&self, tenant: &TenantId) -> PaymentOrder {
        let transaction = &self.transaction;
        PaymentOrder {
            key: transaction.id.clone(),
            amount: transaction.amount,
            currency: transaction.currency,
            return_url: self.return_url.clone(),
            description: transaction.description.clone(),
            metadata: self.marks(tenant),
        }
    }

    /// What a payment of this transaction carries.
    fn marks(&self, tenant: &TenantId) -> BTreeMap<String, String> {
        let transaction = &self.transaction;
        let what = match &self.statement_id {
            Some(id) => ("statement_id".to_owned(), id.clone()),
            None => {
                let id = transaction.plan_id.as_ref().map(ToString::to_string);
                ("plan_id".to_owned(), id.unwrap_or_default())
            }
        };
        BTreeMap::from([
            ("tenant".to_owned(), tenant.to_string()),
            ("user_id".to_owned(), transaction.user_id.clone()),
            what,
            ("transaction_id".to_owned(), transaction.id.clone()),
        ])
    }

    /// What of an answer is not this transaction's: nothing counts then.
    #[must_use]
    pub fn mismatches(&self, tenant: &TenantId, told: &PaymentTold) -> Vec<String> {
        let transaction = &self.transaction;
        let mut found = Vec::new();
        if transaction.payment_id.as_ref().is_some_and(|id| *id != told.id) {
            found.push("id".to_owned());
        }
        if transaction.amount != told.amount {
            found.push("amount".to_owned());
        }
        if transaction.currency.code() != told.currency {
            found.push("currency".to_owned());
        }
        for (name, value) in self.marks(tenant) {
            if told.metadata.get(&name) != Some(&value) {
                found.push(format!("metadata.{name}"));
            }
        }
        found
    }

    /// What an answer that is this transaction's means. Money that came counts, also where nobody waited any more.
    #[must_use]
    pub fn step(&self, told: &PaymentTold, real: Timestamp) -> Step {
        use TransactionStatus::{Canceled, Failed, Pending, Refunded, Succeeded};
        match (self.transaction.status, told.standing()) {
            (Succeeded | Refunded, _) => Step::Nothing,
            (Pending | Failed | Canceled, Standing::Succeeded) => Step::Pay,
            (Pending, Standing::Canceled) => Step::Cancel,
            (Pending, Standing::Open) if self.is_over_time(real) => Step::GiveUp,
            (Pending, Standing::Open) => Step::Note,
            (Failed | Canceled, Standing::Open | Standing::Canceled) => Step::Nothing,
        }
    }

    /// Whether the provider may be asked to take it on. A payment that it has taken on is never ordered again.
    #[must_use]
    pub fn may_be_ordered(&self, real: Timestamp) -> bool {
        self.transaction.payment_id.is_none() && self.age(real) < Self::ORDERED_FOR
    }

    /// Whether nobody waits for it any more.
    #[must_use]
    pub fn is_over_time(&self, real: Timestamp) -> bool {
        let most = match self.transaction.payment_id {
            // Nobody knows where to pay it.
            None => Self::ORDERED_FOR,
            Some(_) => Self::WAITED_FOR,
        };
        self.age(real) >= most
    }

    fn age(&self, real: Timestamp) -> i64 {
        real.as_second().saturating_sub(self.booked_at.as_second())
    }

    /// The provider said where it stands, and it is open.
    #[must_use]
    pub fn noted(self, told: &PaymentTold, at: Clocks) -> Self {
        let asked = if self.transaction.payment_id.is_none() { 0 } else { self.asked };
        let is_news = self.transaction.provider_status.as_deref() != Some(&told.status);
        let mut noted = Self { asked, ..self }.knowing(told);
        if is_news {
            noted.transaction.updated_at = at.tenant;
        }
        noted.asked_again(at.real)
    }

    /// The provider was asked, and it is as open as before.
    #[must_use]
    pub fn asked_again(self, real: Timestamp) -> Self {
        let longer = 1_i64.checked_shl(self.asked).filter(|factor| *factor > 0);
        let pause = longer.and_then(|factor| Self::FIRST_PAUSE.checked_mul(2)?.checked_mul(factor));
        let pause = pause.unwrap_or(Self::LONGEST_PAUSE).min(Self::LONGEST_PAUSE);
        let asked = self.asked.saturating_add(1).min(30);
        Self { ask_at: Some(after(real, pause)), asked, ..self }
    }

    /// The money came, for a subscription, or as credit where the plan was not to be had.
    #[must_use]
    pub fn paid(self, told: &PaymentTold, subscription_id: Option<String>, at: Clocks) -> Self {
        let mut paid = self.knowing(told).ended(TransactionStatus::Succeeded, at);
        match subscription_id {
            Some(id) => paid.transaction.subscription_id = Some(id),
            None => {
                let taken_as = ("taken_as".to_owned(), "credit".to_owned());
                paid.transaction.metadata.extend([taken_as]);
            }
        }
        paid
    }

    /// The money came, for its statement.
    #[must_use]
    pub fn settled(self, told: &PaymentTold, at: Clocks) -> Self {
        self.knowing(told).ended(TransactionStatus::Succeeded, at)
    }

    /// Whether the money was taken as credit, as what it was for was not to be had any more.
    #[must_use]
    pub fn is_credit(&self) -> bool {
        self.transaction.metadata.contains_key("taken_as")
    }

    /// The money will not come, as the provider says.
    #[must_use]
    pub fn canceled(self, told: &PaymentTold, at: Clocks) -> Self {
        self.knowing(told).ended(TransactionStatus::Canceled, at)
    }

    /// Nobody waits for it any more.
    #[must_use]
    pub fn given_up(self, at: Clocks) -> Self {
        self.ended(TransactionStatus::Canceled, at)
    }

    /// The provider did not take it on, for a reason of its own.
    #[must_use]
    pub fn failed(mut self, reason: &str, at: Clocks) -> Self {
        self.transaction.provider_status = Some(reason.to_owned());
        self.ended(TransactionStatus::Failed, at)
    }

    /// Money of it was given back. Nothing where that is known.
    ///
    /// # Errors
    /// Names what of the refund is not this transaction's.
    pub fn refunded(mut self, told: &RefundTold, at: Clocks) -> Result<Option<Self>, &'static str> {
        let transaction = &mut self.transaction;
        if transaction.payment_id.as_ref() != Some(&told.payment_id) {
            return Err("payment_id");
        }
        if transaction.currency.code() != told.currency {
            return Err("currency");
        }
        if self.refunds.contains_key(&told.id) {
            return Ok(None);
        }
        let back: Decimal = self.refunds.values().map(|refund| refund.amount).sum();
        let back = back + told.amount;
        if !transaction.status.is_paid() {
            return Err("status");
        }
        if told.amount <= Decimal::ZERO || back > transaction.amount {
            return Err("amount");
        }
        self.refunds.insert(told.id.clone(), Refund { amount: told.amount });
        let shown = ("refunded_amount".to_owned(), money::written(back, transaction.currency));
        transaction.metadata.extend([shown]);
        transaction.updated_at = at.tenant;
        if back == transaction.amount {
            transaction.status = TransactionStatus::Refunded;
        }
        Ok(Some(self))
    }

    fn knowing(mut self, told: &PaymentTold) -> Self {
        self.transaction.payment_id = Some(told.id.clone());
        self.transaction.provider_status = Some(told.status.clone());
        if told.confirmation_url.is_some() {
            self.confirmation_url.clone_from(&told.confirmation_url);
        }
        self
    }

    fn ended(mut self, status: TransactionStatus, at: Clocks) -> Self {
        self.transaction.status = status;
        self.transaction.updated_at = at.tenant;
        self.ask_at = None;
        self
    }
}

/// The provider takes 128 characters.
fn describe(reason: &str, plan: &str) -> String {
    let text = match reason {
        "renewal" => format!("Renewal of plan '{plan}'"),
        "change" => format!("Change to plan '{plan}'"),
        _ => format!("Plan '{plan}'"),
    };
    text.chars().take(128).collect()
}

fn after(real: Timestamp, seconds: i64) -> Timestamp {
    // At the end of the calendar nobody waits any more.
    Timestamp::from_second(real.as_second().saturating_add(seconds)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;

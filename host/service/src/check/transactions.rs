//! Transactions against the lists, pointers, counts and instants that lead to them, and what was given back of them.

use planwright_domain::payment::transaction::{Booked, TransactionStatus};
use planwright_domain::statement::StatementStatus;
use planwright_domain::tenant::caller::TenantId;
use planwright_store::{Key, Record, Snapshot, Space, StoreError};
use rust_decimal::Decimal;

use super::Walk;
use super::records::{Problems, misplaced, unreadable};
use crate::documents::{PendingTransaction, TransactionEntry, TransactionPlace, TransactionRecord};
use crate::keys::{HostKeys, TransactionKeys};
use crate::payments::transaction_records::{counter, counter_of, due};

/// What leads to a transaction.
struct Around {
    /// In the lists of the tenant and its user, where it must be.
    entries: [Option<TransactionEntry>; 2],
    /// Which one is pending for the same thing and amount.
    pending: Option<PendingTransaction>,
    /// Whether it is among what the provider is to be asked about, when it says.
    is_due: bool,
    /// Whose its payment is, by the provider's id.
    payment: Option<TransactionPlace>,
}

/// What is wrong with a transaction's record.
fn disagreements(booked: &Booked, tenant: &TenantId, around: &Around) -> Vec<String> {
    let transaction = &booked.transaction;
    let is_pending = transaction.status == TransactionStatus::Pending;
    let mut found = Vec::new();
    for (entry, list) in around.entries.iter().zip(["the tenant's", "its user's"]) {
        if entry.as_ref() != Some(&TransactionEntry::of(booked)) {
            found.push(format!("It is missing in {list} list, or is there as another one."));
        }
    }
    let pointed_to = around.pending.as_ref().map(|one| one.transaction_id.as_str());
    if is_pending && pointed_to != Some(&transaction.id) {
        found.push("It is pending, and missing among what is.".to_owned());
    }
    if is_pending != booked.ask_at.is_some() {
        found.push(
            "The provider is asked about what is pending, and about nothing else.".to_owned(),
        );
    }
    if booked.ask_at.is_some() && !around.is_due {
        found.push("It is missing among what the provider is to be asked about.".to_owned());
    }
    if transaction.payment_id.is_some()
        && around
            .payment
            .as_ref()
            .is_none_or(|at| at.tenant != *tenant || at.transaction_id != transaction.id)
    {
        found.push("Its payment does not lead to it.".to_owned());
    }
    if transaction.amount <= Decimal::ZERO {
        found.push(format!(
            "It asks for {}, and only more than 0 is asked for.",
            transaction.amount
        ));
    }
    found.extend(given_back(booked));
    found
}

/// What was given back is no more than was paid, and all of it is `refunded`.
fn given_back(booked: &Booked) -> Option<String> {
    let (status, amount) = (booked.transaction.status, booked.transaction.amount);
    let back: Decimal = booked.refunds.values().map(|refund| refund.amount).sum();
    let fits = match status {
        TransactionStatus::Refunded => back == amount,
        TransactionStatus::Succeeded => back < amount,
        TransactionStatus::Pending | TransactionStatus::Failed | TransactionStatus::Canceled => {
            booked.refunds.is_empty()
        }
    };
    let negative = booked.refunds.values().any(|refund| refund.amount <= Decimal::ZERO);
    (!fits || negative)
        .then(|| format!("It is {}, and {back} of {amount} was given back.", status.as_str()))
}

impl<N: Snapshot> Walk<'_, N> {
    pub(super) fn tenant_id(&self) -> Option<TenantId> {
        match self.space {
            Space::Tenant(name) => TenantId::new(name),
            Space::Host => None,
        }
    }

    /// A transaction of this tenant.
    pub(super) async fn transaction_of(&self, id: &str) -> Result<Option<Booked>, StoreError> {
        match self.tenant_id() {
            Some(tenant) => self.transaction_in(&tenant, id).await,
            None => Ok(None),
        }
    }

    async fn transaction_in(
        &self,
        tenant: &TenantId,
        id: &str,
    ) -> Result<Option<Booked>, StoreError> {
        let found: Option<TransactionRecord> =
            self.find(&TransactionKeys::of(tenant).transaction(id)).await?;
        Ok(found.map(|record| record.booked))
    }

    pub(super) async fn transaction(&mut self, key: &Key, record: &Record) -> Problems {
        let booked = match record.decode::<TransactionRecord>() {
            Ok(record) => record.booked,
            Err(error) => return Ok(unreadable(&error)),
        };
        let Some(tenant) = self.tenant_id() else { return Ok(misplaced()) };
        let keys = TransactionKeys::of(&tenant);
        if *key != keys.transaction(&booked.transaction.id) {
            return Ok(misplaced());
        }
        self.flows.transaction(&booked.transaction);
        if booked.transaction.status == TransactionStatus::Pending
            && let Some(counter) = counter(&tenant, &booked)
        {
            *self.pending_counted.entry(counter).or_default() += 1;
        }
        self.tally(counter_of(&tenant, &booked));
        let [of_all, of_user] = keys.places(&booked);
        let is_due = match due(&tenant, &booked) {
            Some(key) => self.find::<TransactionPlace>(&key).await?.is_some(),
            None => false,
        };
        let payment = match &booked.transaction.payment_id {
            Some(id) => self.find(&HostKeys::payment(id)).await?,
            None => None,
        };
        let around = Around {
            entries: [self.find(&of_all).await?, self.find(&of_user).await?],
            pending: self.find(&keys.pending(&booked)).await?,
            is_due,
            payment,
        };
        let mut found = disagreements(&booked, &tenant, &around);
        found.extend(self.settles(&booked).await?);
        Ok(found)
    }

    /// A payment for a statement settled it, or is credit.
    async fn settles(&self, booked: &Booked) -> Result<Option<String>, StoreError> {
        let Some(id) = &booked.statement_id else { return Ok(None) };
        let (user_id, status) = (&booked.transaction.user_id, booked.transaction.status);
        let statement = self.statement_of(id).await?.filter(|one| one.user_id == *user_id);
        Ok(match statement {
            None => Some(format!("It is for the statement '{id}', which is none of its user's.")),
            Some(statement)
                if status.is_paid()
                    && !booked.is_credit()
                    && statement.status != StatementStatus::Paid =>
            {
                Some(format!(
                    "It settled the statement '{id}', which is {}.",
                    statement.status.as_str()
                ))
            }
            Some(_) => None,
        })
    }

    pub(super) async fn transaction_entry(&self, key: &Key, record: &Record) -> Problems {
        let entry = match record.decode::<TransactionEntry>() {
            Ok(entry) => entry,
            Err(error) => return Ok(unreadable(&error)),
        };
        let id = &entry.transaction_id;
        let Some(tenant) = self.tenant_id() else { return Ok(misplaced()) };
        Ok(match self.transaction_in(&tenant, id).await? {
            None => vec![format!("It lists the transaction '{id}', which is not there.")],
            Some(booked) if !TransactionKeys::of(&tenant).places(&booked).contains(key) => {
                vec![format!("It lists the transaction '{id}', whose place is elsewhere.")]
            }
            // What differs is reported where the transaction lies.
            Some(_) => Vec::new(),
        })
    }

    pub(super) async fn pending_transaction(&self, key: &Key, record: &Record) -> Problems {
        let id = match record.decode::<PendingTransaction>() {
            Ok(pending) => pending.transaction_id,
            Err(error) => return Ok(unreadable(&error)),
        };
        let Some(tenant) = self.tenant_id() else { return Ok(misplaced()) };
        let is_its = self.transaction_in(&tenant, &id).await?.is_some_and(|booked| {
            booked.transaction.status == TransactionStatus::Pending
                && TransactionKeys::of(&tenant).pending(&booked) == *key
        });
        let problem =
            format!("It points to the transaction '{id}', which is not pending for this.");
        Ok(if is_its { Vec::new() } else { vec![problem] })
    }

    /// What leads from the provider's id, or from what is due, to a transaction.
    pub(super) async fn transaction_place(&self, key: &Key, record: &Record) -> Problems {
        let TransactionPlace { tenant, transaction_id: id } = match record.decode() {
            Ok(place) => place,
            Err(error) => return Ok(unreadable(&error)),
        };
        let leads_here = self.transaction_in(&tenant, &id).await?.is_some_and(|booked| {
            let payment = booked.transaction.payment_id.as_deref().map(HostKeys::payment);
            [payment, due(&tenant, &booked)].iter().flatten().any(|one| one == key)
        });
        let problem =
            format!("It leads to the transaction '{id}' of '{tenant}', whose place it is not.");
        Ok(if leads_here { Vec::new() } else { vec![problem] })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use planwright_domain::money::Currency;
    use planwright_domain::payment::transaction_steps::{Clocks, Owed};
    use planwright_domain::payment::{PaymentTold, RefundTold};
    use planwright_domain::period::Interval;
    use planwright_domain::plan::plan_id::PlanId;
    use planwright_domain::time::Timestamp;

    use super::*;

    /// 490, of which 100 went back.
    pub(in crate::check) fn paid() -> Booked {
        let at = Clocks { real: Timestamp::UNIX_EPOCH, tenant: Timestamp::UNIX_EPOCH };
        let owed = Owed {
            user_id: "bob".to_owned(),
            plan_id: PlanId::new("pro").unwrap(),
            plan_name: "Pro".to_owned(),
            plan_generation: 0,
            subscription_id: None,
            beside: None,
            price: 490.into(),
            interval: Interval::Month,
            amount: Decimal::from(490),
            currency: Currency::RUB,
            reason: "start",
        };
        let told = PaymentTold {
            id: "pay_1".to_owned(),
            status: "succeeded".to_owned(),
            amount: Decimal::from(490),
            currency: "RUB".to_owned(),
            metadata: std::collections::BTreeMap::new(),
            confirmation_url: None,
        };
        let refund = RefundTold {
            id: "ref_1".to_owned(),
            payment_id: "pay_1".to_owned(),
            status: "succeeded".to_owned(),
            amount: Decimal::from(100),
            currency: "RUB".to_owned(),
        };
        let booked = Booked::ask("txn_1".to_owned(), owed, "https://shop.example", at);
        booked.paid(&told, None, at).refunded(&refund, at).unwrap().unwrap()
    }

    fn around(booked: &Booked) -> Around {
        let entry = Some(TransactionEntry::of(booked));
        let payment =
            TransactionPlace { tenant: TenantId::default(), transaction_id: "txn_1".to_owned() };
        Around {
            entries: [entry.clone(), entry],
            pending: None,
            is_due: false,
            payment: Some(payment),
        }
    }

    #[test]
    fn what_does_not_agree_with_a_transaction_is_named() {
        type Edit = fn(&mut Booked, &mut Around);
        let cases: [(Edit, &[&str]); 7] = [
            (|_, _| {}, &[]),
            (
                |_, around| around.entries[1] = None,
                &["It is missing in its user's list, or is there as another one."],
            ),
            (|_, around| around.payment = None, &["Its payment does not lead to it."]),
            (
                |booked, around| {
                    booked.transaction.status = TransactionStatus::Pending;
                    booked.refunds.clear();
                    around.entries =
                        [Some(TransactionEntry::of(booked)), Some(TransactionEntry::of(booked))];
                },
                &[
                    "It is pending, and missing among what is.",
                    "The provider is asked about what is pending, and about nothing else.",
                ],
            ),
            (
                |booked, _| booked.ask_at = Some(Timestamp::UNIX_EPOCH),
                &[
                    "The provider is asked about what is pending, and about nothing else.",
                    "It is missing among what the provider is to be asked about.",
                ],
            ),
            (
                |booked, _| booked.transaction.amount = Decimal::from(100),
                &["It is succeeded, and 100 of 100 was given back."],
            ),
            (
                |booked, _| {
                    booked
                        .refunds
                        .values_mut()
                        .for_each(|refund| refund.amount = Decimal::from(-1));
                },
                &["It is succeeded, and -1 of 490 was given back."],
            ),
        ];
        for (index, (edit, expected)) in cases.into_iter().enumerate() {
            let mut booked = paid();
            let mut around = around(&booked);
            edit(&mut booked, &mut around);
            assert_eq!(
                disagreements(&booked, &TenantId::default(), &around),
                expected,
                "case {index}"
            );
        }
    }
}

//! What users have, against the movements that it is the sum of.

use planwright_domain::money::Currency;
use planwright_domain::time::Timestamp;
use planwright_store::{Key, Part, Record, Scan, Snapshot, StoreError};
use rust_decimal::Decimal;

use super::Walk;
use super::records::{Problems, misplaced, unreadable};
use crate::documents::{CreditEntryRecord, CreditRecord, FeeChargeRecord};
use crate::keys::Keys;

impl<N: Snapshot> Walk<'_, N> {
    pub(super) async fn credit(&mut self, keys: &Keys, key: &Key, record: &Record) -> Problems {
        let balance = match record.decode::<CreditRecord>() {
            Ok(record) => record.balance,
            Err(error) => return Ok(unreadable(&error)),
        };
        let Some((user, currency)) = whose(key) else { return Ok(misplaced()) };
        if *key != keys.credit(&user, currency) {
            return Ok(misplaced());
        }
        self.flows.credit(&user, currency, balance);
        let moved = self.moved(keys, &user, currency).await?;
        let mut found = Vec::new();
        if moved != balance {
            found.push(format!("It holds {balance}, and {moved} is the sum of its movements."));
        }
        if balance < Decimal::ZERO {
            found.push(format!("It holds {balance}, and nobody owes credit."));
        }
        Ok(found)
    }

    async fn moved(
        &self,
        keys: &Keys,
        user: &str,
        currency: Currency,
    ) -> Result<Decimal, StoreError> {
        let entries = keys.credit_entries(user, currency);
        let mut moved = Decimal::ZERO;
        let mut scan = Scan::first(super::PIECE);
        loop {
            let piece = self.snapshot.scan(&entries, scan).await?;
            for (_, record) in &piece {
                // What cannot be read is reported where it lies.
                let amount = record.decode::<CreditEntryRecord>().map(|entry| entry.amount);
                moved += amount.unwrap_or_default();
            }
            let Some((last, _)) = piece.into_iter().last() else { return Ok(moved) };
            scan = Scan::first(super::PIECE).after(last);
        }
    }

    pub(super) async fn credit_entry(
        &mut self,
        keys: &Keys,
        key: &Key,
        record: &Record,
    ) -> Problems {
        let entry = match record.decode::<CreditEntryRecord>() {
            Ok(entry) => entry,
            Err(error) => return Ok(unreadable(&error)),
        };
        let Some((user, currency)) = whose(key) else { return Ok(misplaced()) };
        if !is_at(key, entry.at) {
            return Ok(misplaced());
        }
        let mut found = Vec::new();
        let credit: Option<CreditRecord> = self.find(&keys.credit(&user, currency)).await?;
        if credit.is_none() {
            found.push("It moves a credit that is not there.".to_owned());
        }
        if let Some(id) = &entry.subscription_id
            && self.snapshot.get(&keys.subscription(id)).await?.is_none()
        {
            found.push(format!("It names the subscription '{id}', which is not there."));
        }
        if let Some(id) = &entry.transaction_id
            && self.transaction_of(id).await?.is_none()
        {
            found.push(format!("It names the transaction '{id}', which is not there."));
        }
        found.extend(self.moved_for(keys, key, &user, currency, &entry).await?);
        Ok(found)
    }

    /// What moved for a fee names the charge, which names it. What did not is a payment, and names its transaction.
    async fn moved_for(
        &mut self,
        keys: &Keys,
        key: &Key,
        user: &str,
        currency: Currency,
        entry: &CreditEntryRecord,
    ) -> Result<Option<String>, StoreError> {
        if let Some(id) = &entry.statement_id {
            return self.moved_for_statement(id, user, currency, entry.amount).await;
        }
        let Some(charge_id) = &entry.charge_id else {
            let problem = match (entry.reason.as_str(), &entry.transaction_id) {
                ("payment", Some(_)) => None,
                ("payment", None) => Some("It is of a payment, and names no transaction."),
                (_, _) => Some("It names nothing that it was moved for."),
            };
            return Ok(problem.map(str::to_owned));
        };
        let charge: Option<FeeChargeRecord> =
            self.find(&keys.fee_charge(user, entry.at, charge_id)).await?;
        let names_it = charge.map(|record| record.charge).is_some_and(|charge| {
            let named = |id: &String| keys.credit_entry(user, currency, entry.at, id) == *key;
            charge.credit_entry_id.as_ref().is_some_and(named)
        });
        let problem = || format!("It names the fee charge '{charge_id}', which does not name it.");
        Ok((!names_it).then(problem))
    }

    /// What moved for a statement was used on it.
    async fn moved_for_statement(
        &mut self,
        id: &str,
        user: &str,
        currency: Currency,
        amount: Decimal,
    ) -> Result<Option<String>, StoreError> {
        self.statements.moved(id, amount);
        self.flows.billed(user, currency, -amount);
        let statement = self.statement_of(id).await?;
        let is_its = statement.is_some_and(|statement| statement.user_id == user);
        let problem = || format!("It names the statement '{id}', which is none of its user's.");
        Ok((!is_its).then(problem))
    }
}

/// The user and currency that a key begins with.
fn whose(key: &Key) -> Option<(String, Currency)> {
    match key.parts().as_slice() {
        [Part::Text(user), Part::Text(code), ..] => {
            Some((user.clone(), Currency::from_code(code)?))
        }
        _ => None,
    }
}

/// The user that a key begins with.
pub(super) fn user_of(key: &Key) -> Option<String> {
    match key.parts().into_iter().next() {
        Some(Part::Text(user)) => Some(user),
        _ => None,
    }
}

fn is_at(key: &Key, at: Timestamp) -> bool {
    let at = u64::try_from(at.as_second()).unwrap_or(0);
    matches!(key.parts().as_slice(), [_, _, Part::NewestFirst(seconds), Part::Text(_)] if *seconds == at)
}

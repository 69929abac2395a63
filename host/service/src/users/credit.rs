//! What a user has, by currency.

use planwright_domain::credit::Credit;
use planwright_domain::money::Currency;
use planwright_store::{Part, Scan, Snapshot, StoreError};

use crate::documents::CreditRecord;
use crate::keys::Keys;

/// As a snapshot has it. There is at most one record for each currency of ISO 4217.
pub(crate) async fn of<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    user_id: &str,
) -> Result<Credit, StoreError> {
    let mut balances = Vec::new();
    for (key, record) in snapshot.scan(&keys.credits(user_id), Scan::first(usize::MAX)).await? {
        let currency = match key.parts().last() {
            Some(Part::Text(code)) => Currency::from_code(code),
            _ => None,
        };
        let currency = currency.ok_or_else(|| StoreError::Corrupt {
            reason: format!("{key} does not say which currency it is"),
        })?;
        balances.push((currency, record.decode::<CreditRecord>()?.balance));
    }
    Ok(balances.into_iter().collect())
}

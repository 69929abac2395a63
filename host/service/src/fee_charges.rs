//! The ledger of fees: what was charged, with what it rests on, and which charges are on no statement yet.

use planwright_domain::fee_charge::{ChargeIds, FeeCharge, Sale};
use planwright_store::{ChangeSet, Key, Scan, Snapshot, StoreError};

use crate::documents::{FeeChargeRecord, UnbilledCharge};
use crate::edge::Entropy;
use crate::ids;
use crate::keys::Keys;

/// How many charges one statement takes; what is more comes on the next one.
const MOST_AT_ONCE: usize = 500;

/// The charge of a sale, if anything is charged.
pub(crate) fn charge(entropy: &dyn Entropy, sale: Sale<'_>) -> Option<FeeCharge> {
    let (charge, credit_entry) = (ids::fresh(entropy, "fee_"), ids::fresh(entropy, "crd_"));
    FeeCharge::of(sale, ChargeIds { charge, credit_entry })
}

/// Writes a charge, and that it is on no statement yet.
pub(crate) fn write(change: &mut ChangeSet, keys: &Keys, charge: &FeeCharge) {
    let FeeCharge { user_id, at, id, .. } = charge;
    let record = FeeChargeRecord { charge: charge.clone() };
    change.put(&keys.fee_charge(user_id, *at, id), &record);
    change.put(&keys.unbilled_charge(charge), &UnbilledCharge { charge_id: id.clone(), at: *at });
}

/// A charge that is on no statement yet.
pub(crate) struct Unbilled {
    /// Its place among those: expected as it was read, and deleted by whoever puts the charge on a statement.
    pub(crate) place: (Key, u64),
    pub(crate) charge: FeeCharge,
}

/// A user's charges that are on no statement yet, the oldest first.
pub(crate) async fn unbilled<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    user_id: &str,
) -> Result<Vec<Unbilled>, StoreError> {
    let places = snapshot.scan(&keys.unbilled_charges(user_id), Scan::first(MOST_AT_ONCE)).await?;
    let mut found = Vec::with_capacity(places.len());
    for (place, record) in places {
        let of = record.decode::<UnbilledCharge>()?;
        let key = keys.fee_charge(user_id, of.at, &of.charge_id);
        let charge = snapshot.get(&key).await?.ok_or_else(|| StoreError::Corrupt {
            reason: format!("the fee charge '{}' is missing", of.charge_id),
        })?;
        let charge = charge.decode::<FeeChargeRecord>()?.charge;
        found.push(Unbilled { place: (place, record.version), charge });
    }
    Ok(found)
}

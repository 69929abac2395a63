//! The ledger of fees: what was charged, with what it rests on, and which charges are on no statement yet.

use planwright_domain::subscription::fee_charge::{ChargeIds, FeeCharge, Sale};
use planwright_store::{ChangeSet, Key, Scan, Snapshot, StoreError};

use crate::documents::{FeeChargeRecord, UnbilledCharge};
use crate::edge::Entropy;
use crate::ids;
use crate::keys::{Keys, WindowPlace};

/// The charge of a sale, if anything is charged.
pub(crate) fn charge(entropy: &dyn Entropy, sale: Sale<'_>) -> Option<FeeCharge> {
    let (charge, credit_entry) = (ids::fresh(entropy, "fee_"), ids::fresh(entropy, "crd_"));
    FeeCharge::of(sale, ChargeIds { charge, credit_entry })
}

/// Writes a charge, and that the statement of a window is to have it.
pub(crate) fn write(change: &mut ChangeSet, keys: &Keys, place: &WindowPlace, charge: &FeeCharge) {
    let FeeCharge { user_id, at, id, .. } = charge;
    let record = FeeChargeRecord {
        charge: charge.clone(),
        usage_epoch: place.usage_epoch,
        window_start: place.start,
    };
    change.put(&keys.fee_charge(user_id, *at, id), &record);
    let unbilled = UnbilledCharge { charge_id: id.clone(), at: *at };
    change.put(&keys.unbilled_charge(place, charge), &unbilled);
}

/// A charge that is on no statement yet.
pub(crate) struct Unbilled {
    /// Its place among those: expected as it was read, and deleted by whoever puts the charge on a statement.
    pub(crate) place: (Key, u64),
    pub(crate) charge: FeeCharge,
}

/// The charges that the statement of a window is to have, the oldest first.
pub(crate) async fn unbilled<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    place: &WindowPlace,
) -> Result<Vec<Unbilled>, StoreError> {
    let places = snapshot.scan(&keys.unbilled_charges(place), Scan::first(usize::MAX)).await?;
    let mut found = Vec::with_capacity(places.len());
    for (key, record) in places {
        let of = record.decode::<UnbilledCharge>()?;
        let charge = snapshot.get(&keys.fee_charge(&place.user_id, of.at, &of.charge_id)).await?;
        let charge = charge.ok_or_else(|| StoreError::Corrupt {
            reason: format!("the fee charge '{}' is missing", of.charge_id),
        })?;
        let charge = charge.decode::<FeeChargeRecord>()?.charge;
        found.push(Unbilled { place: (key, record.version), charge });
    }
    Ok(found)
}

//! The keys of fees that were charged.

use planwright_domain::fee_charge::FeeCharge;
use planwright_domain::time::Timestamp;
use planwright_store::{Key, Prefix};

use super::{Family, Keys, seconds};

impl Keys {
    /// Record: a fee that was charged, a user's newest first.
    pub(crate) fn fee_charge(&self, user_id: &str, at: Timestamp, id: &str) -> Key {
        self.kind(Family::FeeCharge).text(user_id).newest_first(seconds(at)).text(id).key()
    }

    /// Record: a fee that is on no statement yet, a user's oldest first.
    pub(crate) fn unbilled_charge(&self, charge: &FeeCharge) -> Key {
        let FeeCharge { user_id, at, id, .. } = charge;
        self.kind(Family::UnbilledCharge).text(user_id).number(seconds(*at)).text(id).key()
    }

    /// A user's fees that are on no statement yet, oldest first.
    pub(crate) fn unbilled_charges(&self, user_id: &str) -> Prefix {
        self.kind(Family::UnbilledCharge).text(user_id).prefix()
    }
}

//! The keys of fees that were charged.

use planwright_domain::subscription::fee_charge::FeeCharge;
use planwright_domain::time::Timestamp;
use planwright_store::{Key, Prefix};

use super::{Family, Keys, WindowPlace, seconds};

impl Keys {
    /// Record: a fee that was charged, a user's newest first.
    pub(crate) fn fee_charge(&self, user_id: &str, at: Timestamp, id: &str) -> Key {
        self.kind(Family::FeeCharge).text(user_id).newest_first(seconds(at)).text(id).key()
    }

    /// Record: a fee that is on no statement yet, a window's oldest first.
    pub(crate) fn unbilled_charge(&self, place: &WindowPlace, charge: &FeeCharge) -> Key {
        let of_window = place.in_key(self.kind(Family::UnbilledCharge));
        of_window.number(seconds(charge.at)).text(&charge.id).key()
    }

    /// The fees that the statement of a window is to have, oldest first.
    pub(crate) fn unbilled_charges(&self, place: &WindowPlace) -> Prefix {
        place.in_key(self.kind(Family::UnbilledCharge)).prefix()
    }
}

//! The keys of the price catalog: things by their kind and number.

use planwright_domain::billing_plan::entry::Kind;
use planwright_store::{Key, Prefix};

use super::{Family, Keys};

impl Keys {
    /// Record: a thing of the price catalog.
    pub(crate) fn entry(&self, kind: Kind, id: u64) -> Key {
        self.kind(Family::Entry).text(kind.as_str()).number(id).key()
    }

    /// All things of a kind, in the order of their numbers.
    pub(crate) fn entries(&self, kind: Kind) -> Prefix {
        self.kind(Family::Entry).text(kind.as_str()).prefix()
    }

    /// Counter: the last number of a kind that was given.
    pub(crate) fn entry_numbers(&self, kind: Kind) -> Key {
        self.kind(Family::EntryNumbers).text(kind.as_str()).key()
    }

    /// Counter: how often a thing is named by others.
    pub(crate) fn entry_uses(&self, kind: Kind, id: u64) -> Key {
        self.kind(Family::EntryUses).text(kind.as_str()).number(id).key()
    }

    /// Counter: how many entries of the audit log tell of changes of the price catalog.
    pub(crate) fn entry_changes(&self) -> Key {
        self.kind(Family::EntryChanges).key()
    }
}

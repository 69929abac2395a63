//! The keys of what belongs to no tenant, or must be found before the tenant is known.

use planwright_domain::plugin::Digest;
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_store::{Key, KeyBuilder, Part, Prefix, Space};

use super::{Family, seconds};

/// By whose clock something is due: the real one, or that of a sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Timeline {
    Real,
    Sandbox(TenantId),
}

impl Timeline {
    /// Whether somebody sets its time.
    pub(crate) fn is_sandbox(&self) -> bool {
        matches!(self, Self::Sandbox(_))
    }

    /// Real time has no name that a tenant could have.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Real => "",
            Self::Sandbox(tenant) => tenant.as_str(),
        }
    }
}

/// What is due, and the instant at which it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DuePlace {
    pub(crate) at: u64,
    pub(crate) tenant: TenantId,
    pub(crate) kind: String,
    pub(crate) id: String,
}

/// Makes them.
pub(crate) struct HostKeys;

impl HostKeys {
    pub(super) fn kind(family: Family) -> KeyBuilder {
        Key::in_space(&Space::Host, family.as_str())
    }

    /// Record: the tenant.
    pub(crate) fn tenant(id: &TenantId) -> Key {
        Self::kind(Family::Tenant).text(id.as_str()).key()
    }

    /// All tenants.
    pub(crate) fn tenants() -> Prefix {
        Self::kind(Family::Tenant).prefix()
    }

    /// Record: where the API key with this hash is.
    pub(crate) fn api_key(hash: &str) -> Key {
        Self::kind(Family::ApiKey).text(hash).key()
    }

    /// Record: what an uploaded component is, whoever uploaded it.
    pub(crate) fn component(digest: &Digest) -> Key {
        Self::kind(Family::Component).text(&digest.to_string()).key()
    }

    /// All components.
    pub(crate) fn components() -> Prefix {
        Self::kind(Family::Component).prefix()
    }

    /// Record: a part of a component's bytes.
    pub(crate) fn component_part(digest: &Digest, number: u64) -> Key {
        Self::kind(Family::ComponentPart).text(&digest.to_string()).number(number).key()
    }

    /// Record: that parts of a component are being written. It is gone once all of them are there.
    pub(crate) fn component_upload(digest: &Digest) -> Key {
        Self::kind(Family::ComponentUpload).text(&digest.to_string()).key()
    }

    /// All uploads under way.
    pub(crate) fn component_uploads() -> Prefix {
        Self::kind(Family::ComponentUpload).prefix()
    }

    /// Record: that a component is to be compiled.
    pub(crate) fn uncompiled(digest: &Digest) -> Key {
        Self::kind(Family::Uncompiled).text(&digest.to_string()).key()
    }

    /// Record: something is due, those that are due first first. `kind` and `id` say what it is.
    pub(crate) fn due(
        timeline: &Timeline,
        at: Timestamp,
        tenant: &TenantId,
        kind: &str,
        id: &str,
    ) -> Key {
        Self::kind(Family::Due)
            .text(timeline.as_str())
            .number(seconds(at))
            .text(tenant.as_str())
            .text(kind)
            .text(id)
            .key()
    }

    /// All that is due by a clock, sooner or later.
    pub(crate) fn dues(timeline: &Timeline) -> Prefix {
        Self::kind(Family::Due).text(timeline.as_str()).prefix()
    }

    /// What a key of these says.
    pub(crate) fn read_due(key: &Key) -> Option<DuePlace> {
        let parts = key.parts();
        let [_, Part::Number(at), Part::Text(tenant), Part::Text(kind), Part::Text(id)] =
            parts.as_slice()
        else {
            return None;
        };
        let tenant = TenantId::new(tenant)?;
        Some(DuePlace { at: *at, tenant, kind: kind.clone(), id: id.clone() })
    }

    /// Record: a sandbox's time.
    pub(crate) fn clock(tenant: &TenantId) -> Key {
        Self::kind(Family::Clock).text(tenant.as_str()).key()
    }

    /// Whose time a key of these holds.
    pub(crate) fn read_clock(key: &Key) -> Option<TenantId> {
        match key.parts().as_slice() {
            [Part::Text(tenant)] => TenantId::new(tenant),
            _ => None,
        }
    }

    /// The times of all sandboxes.
    pub(crate) fn clocks() -> Prefix {
        Self::kind(Family::Clock).prefix()
    }

    /// Record: whose payment a provider's id means.
    pub(crate) fn payment(id: &str) -> Key {
        Self::kind(Family::Payment).text(id).key()
    }

    /// Record: that the provider is to be asked about a transaction, those that are due first first. It is asked by the
    /// real clock, which is its own, whatever clock the tenant lives by; and what waits for it keeps nothing else
    /// waiting, so that it has a list of its own.
    pub(crate) fn payment_due(at: Timestamp, tenant: &TenantId, transaction_id: &str) -> Key {
        Self::kind(Family::PaymentDue)
            .number(seconds(at))
            .text(tenant.as_str())
            .text(transaction_id)
            .key()
    }

    /// All that the provider is to be asked about, sooner or later.
    pub(crate) fn payment_dues() -> Prefix {
        Self::kind(Family::PaymentDue).prefix()
    }

    /// When a key of these is due.
    pub(crate) fn read_payment_due(key: &Key) -> Option<u64> {
        match key.parts().first() {
            Some(Part::Number(at)) => Some(*at),
            _ => None,
        }
    }

    /// Record: events that were recorded together and may be forgotten from an instant on, the first ones first.
    pub(crate) fn expiring_usage_events(
        timeline: &Timeline,
        at: i64,
        tenant: &TenantId,
        id: &str,
    ) -> Key {
        Self::kind(Family::ExpiringUsageEvents)
            .text(timeline.as_str())
            .number(u64::try_from(at).unwrap_or(0))
            .text(tenant.as_str())
            .text(id)
            .key()
    }

    /// All events that may be forgotten by a clock, sooner or later.
    pub(crate) fn all_expiring_usage_events(timeline: &Timeline) -> Prefix {
        Self::kind(Family::ExpiringUsageEvents).text(timeline.as_str()).prefix()
    }

    /// From when on, and of which tenant a key of these holds events.
    pub(crate) fn read_expiring_usage_events(key: &Key) -> Option<(u64, TenantId)> {
        match key.parts().as_slice() {
            [_, Part::Number(at), Part::Text(tenant), Part::Text(_)] => {
                Some((*at, TenantId::new(tenant)?))
            }
            _ => None,
        }
    }
}

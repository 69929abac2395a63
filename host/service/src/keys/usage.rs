//! The keys of windows in which something was used. They lie with their tenant; from when on they may be cleared away lies
//! with the host, so that whoever does it finds the tenant.

use planwright_domain::tenant::caller::TenantId;
use planwright_store::{Key, Part, Prefix};

use super::{Family, HostKeys, Keys, Timeline, WindowPlace};

impl Keys {
    /// Record: a window in which something was used.
    pub(crate) fn usage_window(&self, place: &WindowPlace) -> Key {
        place.in_key(self.kind(Family::UsageWindow)).key()
    }

    /// Counters: what was used of all metrics in a window.
    pub(crate) fn usage_of(&self, place: &WindowPlace) -> Prefix {
        place.in_key(self.kind(Family::Usage)).prefix()
    }
}

impl HostKeys {
    /// Record: that the counters of a window may be cleared away from an instant on, the first ones first.
    pub(crate) fn expiring_usage(
        timeline: &Timeline,
        at: i64,
        tenant: &TenantId,
        place: &WindowPlace,
    ) -> Key {
        let at = u64::try_from(at).unwrap_or(0);
        let expiring = Self::kind(Family::ExpiringUsage).text(timeline.as_str()).number(at);
        place.in_key(expiring.text(tenant.as_str())).key()
    }

    /// All windows whose counters may be cleared away by a clock, sooner or later.
    pub(crate) fn all_expiring_usage(timeline: &Timeline) -> Prefix {
        Self::kind(Family::ExpiringUsage).text(timeline.as_str()).prefix()
    }

    /// From when on, whose and which window a key of these says.
    pub(crate) fn read_expiring_usage(key: &Key) -> Option<(i64, TenantId, WindowPlace)> {
        let parts = key.parts();
        let (head, place) = parts.split_at_checked(3)?;
        let [Part::Text(_), Part::Number(at), Part::Text(tenant)] = head else { return None };
        Some((i64::try_from(*at).ok()?, TenantId::new(tenant)?, WindowPlace::read(place)?))
    }
}

//! The keys of what was told of quotas. They begin with the instant from which on nothing counts into the window any
//! more, so that whoever clears them away finds them; the window says it, and so they are found by who asks, too.

use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_domain::usage::metric::Metric;
use planwright_store::{Key, Part, Prefix};

use super::{Family, HostKeys, Timeline, seconds};

/// Whose quota of what, in which window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ThresholdPlace {
    /// From when on nothing counts into the window any more.
    pub(crate) expires_at: u64,
    pub(crate) tenant: TenantId,
    pub(crate) user_id: String,
    pub(crate) usage_epoch: u64,
    pub(crate) start: Timestamp,
    pub(crate) metric: Metric,
}

impl HostKeys {
    /// Record: what was told of a user's quota in a window.
    pub(crate) fn quota_threshold(timeline: &Timeline, place: &ThresholdPlace) -> Key {
        Self::kind(Family::QuotaThreshold)
            .text(timeline.as_str())
            .number(place.expires_at)
            .text(place.tenant.as_str())
            .text(&place.user_id)
            .number(place.usage_epoch)
            .number(seconds(place.start))
            .text(place.metric.as_str())
            .key()
    }

    /// All that was told of quotas by a clock, what may go first first.
    pub(crate) fn quota_thresholds(timeline: &Timeline) -> Prefix {
        Self::kind(Family::QuotaThreshold).text(timeline.as_str()).prefix()
    }

    /// What a key of these says.
    pub(crate) fn read_quota_threshold(key: &Key) -> Option<ThresholdPlace> {
        let parts = key.parts();
        let [_, Part::Number(expires_at), Part::Text(tenant), Part::Text(user_id), rest @ ..] =
            parts.as_slice()
        else {
            return None;
        };
        let [Part::Number(usage_epoch), Part::Number(start), Part::Text(metric)] = rest else {
            return None;
        };
        Some(ThresholdPlace {
            expires_at: *expires_at,
            tenant: TenantId::new(tenant)?,
            user_id: user_id.clone(),
            usage_epoch: *usage_epoch,
            start: Timestamp::from_second(i64::try_from(*start).ok()?).ok()?,
            metric: Metric::named(metric),
        })
    }
}

//! What time it is for a tenant.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::schema::UnixSeconds;
use crate::time::{self, Timestamp};

/// A tenant's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Clock {
    /// Unix seconds.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub now: Timestamp,
    /// Whether it stands still, since it was set by hand.
    pub stands_still: bool,
}

/// A sandbox's time as an admin sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"now": 1_741_161_600})))]
pub struct ClockSetting {
    /// Not before the time it is.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub now: Timestamp,
}

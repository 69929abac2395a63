//! A quota that does not reach.

use crate::time::Timestamp;
use crate::usage::metric::Metric;
use crate::usage::quantity::Quantity;

/// A quota that does not reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// Of which metric.
    pub metric: Metric,
    /// What was asked for.
    pub amount: Quantity,
    /// What was used in the window until now.
    pub current: Quantity,
    /// The plan's.
    pub limit: u64,
    /// When the quota begins again.
    pub period_end: Timestamp,
    /// In how many seconds that is; nothing if the window is over, as no waiting helps then.
    pub retry_after: Option<u32>,
}

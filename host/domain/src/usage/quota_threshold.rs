//! How far a quota is used before its product is told: at 80 and at 100 percent.

use serde::{Deserialize, Serialize};

use crate::usage::Limit;
use crate::usage::quantity::Quantity;

/// A part of a quota, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Threshold(u8);

impl Threshold {
    /// Those that are told, the lowest first.
    pub const ALL: [Self; 2] = [Self(80), Self(100)];

    /// How much of a quota it is.
    #[must_use]
    pub fn percent(self) -> u8 {
        self.0
    }

    /// The highest that a total has reached; none without a quota, and none of a quota of 0, of which nothing can be
    /// used up.
    #[must_use]
    pub fn reached(limit: Limit, total: Quantity) -> Option<Self> {
        let quota = limit.quota.filter(|quota| *quota > 0)?;
        // A percent of a whole one has 10,000 millionths.
        let is_reached = |threshold: &Self| {
            i128::from(total.millionths())
                >= i128::from(quota) * i128::from(threshold.percent()) * 10_000
        };
        Self::ALL.into_iter().rev().find(is_reached)
    }

    /// What is to be told still where one is reached, and all up to another were told before.
    pub fn untold(reached: Self, told: Option<Self>) -> impl Iterator<Item = Self> {
        let is_untold = move |one: &Self| *one <= reached && told.is_none_or(|told| *one > told);
        Self::ALL.into_iter().filter(is_untold)
    }
}

impl From<Threshold> for u8 {
    fn from(threshold: Threshold) -> Self {
        threshold.0
    }
}

impl TryFrom<u8> for Threshold {
    type Error = String;

    fn try_from(percent: u8) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|one| one.0 == percent);
        found.ok_or_else(|| format!("nothing is told at {percent} percent"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_reached_at_it_and_not_one_millionth_before() {
        const MOST: u64 = 9_223_372_036_854;
        for (quota, is_billed, total, expected) in [
            (Some(10), false, "0", None),
            (Some(10), false, "7.999999", None),
            (Some(10), false, "8", Some(80)),
            (Some(10), false, "9.999999", Some(80)),
            (Some(10), false, "10", Some(100)),
            (Some(10), false, "12.5", Some(100)),
            // Also where what is past the quota is billed.
            (Some(10), true, "8", Some(80)),
            (Some(10), true, "99", Some(100)),
            // 80 percent of it is no whole number.
            (Some(1), false, "0.799999", None),
            (Some(1), false, "0.8", Some(80)),
            (Some(3), false, "2.399999", None),
            (Some(3), false, "2.4", Some(80)),
            (Some(0), false, "0", None),
            (Some(0), true, "5", None),
            (None, false, "1000000", None),
            // The greatest quota that a total reaches, and greater ones.
            (Some(MOST), false, "9223372036853.999999", Some(80)),
            (Some(MOST), false, "9223372036854", Some(100)),
            (Some(MOST + 1), false, "9223372036854.775807", Some(80)),
            (Some(u64::MAX), false, "9223372036854.775807", None),
        ] {
            let limit = Limit { quota, is_billed };
            let total: Quantity = serde_json::from_str(total).unwrap();
            let found = Threshold::reached(limit, total).map(Threshold::percent);
            assert_eq!(found, expected, "{total} of {quota:?}");
        }
    }

    #[test]
    fn each_is_told_once_and_the_lower_one_first() {
        let [low, high] = Threshold::ALL;
        for (reached, told, expected) in [
            (low, None, &[80][..]),
            (high, None, &[80, 100]),
            (high, Some(low), &[100]),
            (low, Some(low), &[]),
            (low, Some(high), &[]),
            (high, Some(high), &[]),
        ] {
            let found: Vec<u8> = Threshold::untold(reached, told).map(Threshold::percent).collect();
            assert_eq!(found, expected, "{reached:?} after {told:?}");
        }
    }

    #[test]
    fn only_what_is_told_is_read() {
        for (json, is_one) in [("80", true), ("100", true), ("90", false), ("0", false)] {
            let read = serde_json::from_str::<Threshold>(json);
            assert_eq!(read.is_ok(), is_one, "{json}");
        }
        assert_eq!(serde_json::to_string(&Threshold::ALL).unwrap(), "[80,100]");
    }
}

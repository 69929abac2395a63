//! Billing periods: boundary k is the anchor and k intervals in the calendar, clamped to the month's last
//! day, always counted from the anchor and never chained. Half-open: `start ≤ t < end`.

use jiff::tz::TimeZone;
use jiff::{Span, Zoned};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::refusal::{FieldError, Refusal};
use crate::time::Timestamp;

/// How often a plan is paid, and how long a quota's window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum Interval {
    /// 24 hours.
    Day,
    /// 7 days.
    Week,
    /// A calendar month.
    Month,
    /// A calendar year.
    Year,
}

impl Interval {
    /// As on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }
}

impl TryFrom<String> for Interval {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        [Self::Day, Self::Week, Self::Month, Self::Year]
            .into_iter()
            .find(|interval| interval.as_str() == text)
            .ok_or_else(|| format!("'{text}' is not one of day, week, month and year"))
    }
}

/// Boundary `k` of the periods that start at `anchor`, in UTC.
///
/// # Errors
/// The calendar ends with the year 9999.
pub fn boundary(anchor: Timestamp, interval: Interval, k: i32) -> Result<Timestamp, Refusal> {
    let span = match interval {
        Interval::Day => Span::new().try_days(k),
        Interval::Week => Span::new().try_weeks(k),
        Interval::Month => Span::new().try_months(k),
        Interval::Year => Span::new().try_years(k),
    };
    span.and_then(|span| utc(anchor).checked_add(span))
        .map(|boundary| boundary.timestamp())
        .map_err(|_| beyond_the_calendar())
}

/// An instant some days later.
///
/// # Errors
/// The calendar ends with the year 9999.
pub fn days_after(start: Timestamp, days: u32) -> Result<Timestamp, Refusal> {
    Span::new()
        .try_days(days)
        .and_then(|span| utc(start).checked_add(span))
        .map(|end| end.timestamp())
        .map_err(|_| beyond_the_calendar())
}

fn utc(instant: Timestamp) -> Zoned {
    instant.to_zoned(TimeZone::UTC)
}

fn beyond_the_calendar() -> Refusal {
    let message = "The period would end after the year 9999.";
    Refusal::Invalid(vec![FieldError::new("", "beyond_the_calendar", message)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_are_counted_from_the_anchor_and_clamped() {
        for (anchor, interval, k, expected) in [
            ("2025-01-31T12:00:00Z", Interval::Month, 0, "2025-01-31T12:00:00Z"),
            ("2025-01-31T12:00:00Z", Interval::Month, 1, "2025-02-28T12:00:00Z"),
            ("2025-01-31T12:00:00Z", Interval::Month, 2, "2025-03-31T12:00:00Z"),
            ("2025-01-31T12:00:00Z", Interval::Month, 3, "2025-04-30T12:00:00Z"),
            ("2025-01-31T12:00:00Z", Interval::Month, 13, "2026-02-28T12:00:00Z"),
            ("2024-01-31T00:00:00Z", Interval::Month, 1, "2024-02-29T00:00:00Z"),
            ("2024-02-29T00:00:00Z", Interval::Year, 1, "2025-02-28T00:00:00Z"),
            ("2024-02-29T00:00:00Z", Interval::Year, 4, "2028-02-29T00:00:00Z"),
            ("2025-12-31T23:59:59Z", Interval::Day, 1, "2026-01-01T23:59:59Z"),
            ("2025-12-29T00:00:00Z", Interval::Week, 1, "2026-01-05T00:00:00Z"),
        ] {
            let found = boundary(anchor.parse().unwrap(), interval, k).unwrap();
            assert_eq!(found, expected.parse().unwrap(), "{anchor} {interval:?} {k}");
        }
    }

    #[test]
    fn the_end_of_the_calendar_is_refused() {
        let anchor: Timestamp = "9999-06-01T00:00:00Z".parse().unwrap();
        assert!(boundary(anchor, Interval::Year, 1).is_err());
        assert!(boundary(anchor, Interval::Month, i32::MAX).is_err());
        assert!(days_after(anchor, u32::MAX).is_err());
    }
}

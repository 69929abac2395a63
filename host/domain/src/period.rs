//! Billing periods: boundary k is the anchor and k intervals in the calendar, clamped to the month's last
//! day, always counted from the anchor and never chained. Half-open: `start ≤ t < end`.

use jiff::tz::TimeZone;
use jiff::{Span, Zoned};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::refusal::{FieldError, Refusal};
use crate::time::{self, Timestamp};

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

/// A stretch of time: `start ≤ t < end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Its first instant.
    #[serde(with = "time::seconds")]
    pub start: Timestamp,
    /// The first instant behind it.
    #[serde(with = "time::seconds")]
    pub end: Timestamp,
}

impl Window {
    /// Whether an instant lies in it.
    #[must_use]
    pub fn holds(self, t: Timestamp) -> bool {
        self.start <= t && t < self.end
    }
}

/// The window that holds an instant, of those that the anchor begins; before the anchor they go backwards.
///
/// # Errors
/// The calendar ends with the year 9999.
pub fn window_at(anchor: Timestamp, interval: Interval, t: Timestamp) -> Result<Window, Refusal> {
    // What the calendar says without days and hours is at most one off.
    let mut k = rough_distance(anchor, interval, t);
    while boundary(anchor, interval, k)? > t {
        k -= 1;
    }
    loop {
        let (start, end) = (boundary(anchor, interval, k)?, boundary(anchor, interval, k + 1)?);
        if t < end {
            return Ok(Window { start, end });
        }
        k += 1;
    }
}

fn rough_distance(anchor: Timestamp, interval: Interval, t: Timestamp) -> i32 {
    const DAY: i64 = 86_400;
    let seconds = t.as_second() - anchor.as_second();
    let (from, to) = (utc(anchor), utc(t));
    let years = i32::from(to.year()) - i32::from(from.year());
    match interval {
        // The calendar has less than four million days.
        Interval::Day => i32::try_from(seconds.div_euclid(DAY)).unwrap_or(0),
        Interval::Week => i32::try_from(seconds.div_euclid(7 * DAY)).unwrap_or(0),
        Interval::Month => 12 * years + i32::from(to.month()) - i32::from(from.month()),
        Interval::Year => years,
    }
}

/// The calendar month that holds an instant, in UTC: the window of whoever has no subscription.
///
/// # Errors
/// The calendar ends with the year 9999.
pub fn calendar_month(t: Timestamp) -> Result<Window, Refusal> {
    let first = utc(t).first_of_month().and_then(|day| day.start_of_day());
    window_at(first.map_err(|_| beyond_the_calendar())?.timestamp(), Interval::Month, t)
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
    use proptest::prelude::*;

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
    fn a_window_is_found_by_any_instant_in_it_and_never_by_its_end() {
        let (day, week, month, year) =
            (Interval::Day, Interval::Week, Interval::Month, Interval::Year);
        for (anchor, interval, t, start, end) in [
            // The anchor itself, the last second, the boundary.
            ("2025-01-31", month, "2025-01-31T00:00:00Z", "2025-01-31", "2025-02-28"),
            ("2025-01-31", month, "2025-02-27T23:59:59Z", "2025-01-31", "2025-02-28"),
            ("2025-01-31", month, "2025-02-28T00:00:00Z", "2025-02-28", "2025-03-31"),
            // The clamped instant itself begins the window that ends on the 31st again.
            ("2025-01-31", month, "2025-04-30T00:00:00Z", "2025-04-30", "2025-05-31"),
            ("2025-01-31", month, "2025-04-29T23:59:59Z", "2025-03-31", "2025-04-30"),
            ("2024-01-30", month, "2024-02-29T00:00:00Z", "2024-02-29", "2024-03-30"),
            ("2024-01-31", month, "2024-02-29T00:00:00Z", "2024-02-29", "2024-03-31"),
            ("2025-12-31", month, "2026-01-01T00:00:00Z", "2025-12-31", "2026-01-31"),
            // The year's end between estimate and truth.
            ("2025-06-15", month, "2026-01-14T23:59:59Z", "2025-12-15", "2026-01-15"),
            ("2024-02-29", year, "2025-02-27T23:59:59Z", "2024-02-29", "2025-02-28"),
            ("2024-02-29", year, "2025-02-28T00:00:00Z", "2025-02-28", "2026-02-28"),
            ("2024-02-29", year, "2028-02-28T12:00:00Z", "2027-02-28", "2028-02-29"),
            ("2024-02-29", year, "2028-02-29T00:00:00Z", "2028-02-29", "2029-02-28"),
            ("2025-03-01", week, "2025-03-07T23:59:59Z", "2025-03-01", "2025-03-08"),
            ("2025-03-01", week, "2025-03-08T00:00:00Z", "2025-03-08", "2025-03-15"),
            ("2025-03-01", day, "2035-03-01T05:00:00Z", "2035-03-01", "2035-03-02"),
            // Before the anchor.
            ("2025-03-31", month, "2025-03-30T23:59:59Z", "2025-02-28", "2025-03-31"),
            ("2025-03-31", month, "2025-02-27T00:00:00Z", "2025-01-31", "2025-02-28"),
            ("2025-03-31", year, "2025-03-30T00:00:00Z", "2024-03-31", "2025-03-31"),
            ("2025-03-08", week, "2025-03-07T00:00:00Z", "2025-03-01", "2025-03-08"),
            ("2025-03-08", day, "2025-03-07T23:59:59Z", "2025-03-07", "2025-03-08"),
        ] {
            let midnight = |day: &str| format!("{day}T00:00:00Z").parse::<Timestamp>().unwrap();
            let found = window_at(midnight(anchor), interval, t.parse().unwrap()).unwrap();
            let expected = Window { start: midnight(start), end: midnight(end) };
            assert_eq!(found, expected, "{anchor} {interval:?} {t}");
            assert!(found.holds(t.parse().unwrap()) && !found.holds(found.end));
        }
    }

    #[test]
    fn nobodys_window_is_the_calendar_month() {
        for (t, start, end) in [
            ("2025-02-01T00:00:00Z", "2025-02-01T00:00:00Z", "2025-03-01T00:00:00Z"),
            ("2024-02-29T23:59:59Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
            ("2025-12-31T23:59:59Z", "2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ] {
            let found = calendar_month(t.parse().unwrap()).unwrap();
            let expected = Window { start: start.parse().unwrap(), end: end.parse().unwrap() };
            assert_eq!(found, expected, "{t}");
        }
    }

    proptest! {
        #[test]
        fn windows_tile_the_calendar(
            anchor in 0i64..8_000_000_000, t in 0i64..8_000_000_000, interval in 0usize..4,
        ) {
            let at = |second| Timestamp::from_second(second).unwrap();
            let interval = [Interval::Day, Interval::Week, Interval::Month, Interval::Year][interval];
            let window = window_at(at(anchor), interval, at(t)).unwrap();
            prop_assert!(window.holds(at(t)));
            let next = window_at(at(anchor), interval, window.end).unwrap();
            prop_assert_eq!(next.start, window.end);
            let last = at(window.end.as_second() - 1);
            prop_assert_eq!(window_at(at(anchor), interval, last).unwrap(), window);
        }
    }

    #[test]
    fn the_end_of_the_calendar_is_refused() {
        let anchor: Timestamp = "9999-06-01T00:00:00Z".parse().unwrap();
        assert!(boundary(anchor, Interval::Year, 1).is_err());
        assert!(boundary(anchor, Interval::Month, i32::MAX).is_err());
        assert!(window_at(anchor, Interval::Year, anchor).is_err());
        assert!(days_after(anchor, u32::MAX).is_err());
    }
}

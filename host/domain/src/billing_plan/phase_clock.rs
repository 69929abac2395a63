//! A user's clock: from its start on, a trial comes first, a discount after its end, and the final phase after that,
//! for ever. The calendar's months and years are counted from where a phase begins, clamped to the month's last day.

use jiff::tz::TimeZone;
use jiff::{Span, Zoned};

use crate::billing_plan::{BillingPhase, Duration, DurationUnit, PhaseType};
use crate::time::Timestamp;

/// When a phase's prices hold: `starts_at ≤ t < ends_at`, and without an end for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseWindow<'a> {
    /// Whose prices.
    pub phase: &'a BillingPhase,
    /// The first instant.
    pub starts_at: Timestamp,
    /// The first instant behind it.
    pub ends_at: Option<Timestamp>,
}

impl PhaseWindow<'_> {
    /// Whether the phase holds at an instant.
    #[must_use]
    pub fn holds(&self, t: Timestamp) -> bool {
        self.starts_at <= t && self.ends_at.is_none_or(|end| t < end)
    }
}

/// A phase, and when it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseSpan {
    /// Which one.
    pub phase_type: PhaseType,
    /// The first instant behind it.
    pub ends_at: Option<Timestamp>,
}

/// Which phases follow one another for a user whose clock began at `started`.
#[must_use]
pub fn spans(phases: &[BillingPhase], started: Timestamp) -> Vec<PhaseSpan> {
    let span = |window: PhaseWindow<'_>| PhaseSpan {
        phase_type: window.phase.phase_type,
        ends_at: window.ends_at,
    };
    windows(phases, started).into_iter().map(span).collect()
}

/// The phase that holds at an instant; before the clock began it is the first one.
#[must_use]
pub fn phase_at(spans: &[PhaseSpan], t: Timestamp) -> Option<PhaseType> {
    let holds = |span: &&PhaseSpan| span.ends_at.is_none_or(|end| t < end);
    spans.iter().find(holds).map(|span| span.phase_type)
}

/// When the phases of a product hold for a user whose clock began at `started`. They are sorted as a billing plan
/// has them. A phase that would outlast the calendar does not end, and nothing comes after it.
#[must_use]
pub fn windows(phases: &[BillingPhase], started: Timestamp) -> Vec<PhaseWindow<'_>> {
    let mut windows = Vec::new();
    let mut begins = Some(started);
    for phase in phases {
        let Some(starts_at) = begins else { break };
        let ends_at = phase.duration.and_then(|duration| end(starts_at, duration));
        windows.push(PhaseWindow { phase, starts_at, ends_at });
        begins = ends_at;
    }
    windows
}

/// Nothing if the calendar ends before.
fn end(start: Timestamp, duration: Duration) -> Option<Timestamp> {
    let count = i64::from(duration.quantity);
    let span = match duration.unit {
        DurationUnit::Hours => Span::new().try_hours(count),
        DurationUnit::Days => Span::new().try_days(count),
        DurationUnit::Months => Span::new().try_months(count),
        DurationUnit::Years => Span::new().try_years(count),
    };
    let start: Zoned = start.to_zoned(TimeZone::UTC);
    span.and_then(|span| start.checked_add(span)).map(|end| end.timestamp()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing_plan::tests::phase;

    /// `trial 2025-01-01T… to 2025-01-08T…`, a line each.
    fn said(phases: &[BillingPhase], started: &str) -> Vec<String> {
        let show = |window: &PhaseWindow<'_>| {
            let end = window.ends_at.map_or_else(|| "ever".to_owned(), |end| end.to_string());
            format!("{} {} to {end}", window.phase.phase_type.as_str(), window.starts_at)
        };
        windows(phases, started.parse().unwrap()).iter().map(show).collect()
    }

    fn long(unit: DurationUnit, quantity: u32) -> Option<Duration> {
        Some(Duration { unit, quantity })
    }

    #[test]
    fn phases_follow_one_another_by_the_calendar() {
        use DurationUnit::{Days, Hours, Months, Years};
        let last = || phase(PhaseType::Final, None);
        let trial = |unit, quantity| phase(PhaseType::Trial, long(unit, quantity));
        let discount = |unit, quantity| phase(PhaseType::Discount, long(unit, quantity));
        let cases: [(Vec<BillingPhase>, &str, &[&str]); 8] = [
            (vec![last()], "2025-01-31T12:00:00Z", &["final 2025-01-31T12:00:00Z to ever"]),
            (
                vec![trial(Hours, 36), last()],
                "2025-01-31T12:00:00Z",
                &[
                    "trial 2025-01-31T12:00:00Z to 2025-02-02T00:00:00Z",
                    "final 2025-02-02T00:00:00Z to ever",
                ],
            ),
            (
                vec![trial(Days, 7), discount(Months, 3), last()],
                "2025-01-24T00:00:01Z",
                &[
                    "trial 2025-01-24T00:00:01Z to 2025-01-31T00:00:01Z",
                    "discount 2025-01-31T00:00:01Z to 2025-04-30T00:00:01Z",
                    "final 2025-04-30T00:00:01Z to ever",
                ],
            ),
            // Without a trial the discount is first.
            (
                vec![discount(Months, 1), last()],
                "2024-01-31T00:00:00Z",
                &[
                    "discount 2024-01-31T00:00:00Z to 2024-02-29T00:00:00Z",
                    "final 2024-02-29T00:00:00Z to ever",
                ],
            ),
            (
                vec![discount(Years, 1), last()],
                "2024-02-29T00:00:00Z",
                &[
                    "discount 2024-02-29T00:00:00Z to 2025-02-28T00:00:00Z",
                    "final 2025-02-28T00:00:00Z to ever",
                ],
            ),
            (
                vec![discount(Years, 4), last()],
                "2024-02-29T00:00:00Z",
                &[
                    "discount 2024-02-29T00:00:00Z to 2028-02-29T00:00:00Z",
                    "final 2028-02-29T00:00:00Z to ever",
                ],
            ),
            // The last hour of the calendar, and one past it.
            (
                vec![trial(Years, 7_974), last()],
                "2025-01-01T00:00:00Z",
                &[
                    "trial 2025-01-01T00:00:00Z to 9999-01-01T00:00:00Z",
                    "final 9999-01-01T00:00:00Z to ever",
                ],
            ),
            (
                vec![trial(Years, 7_975), last()],
                "2025-01-01T00:00:00Z",
                &["trial 2025-01-01T00:00:00Z to ever"],
            ),
        ];
        for (phases, started, expected) in cases {
            assert_eq!(said(&phases, started), expected, "{started}");
        }
    }

    #[test]
    fn an_instant_on_the_edge_is_the_next_phases() {
        let phases =
            [phase(PhaseType::Trial, long(DurationUnit::Days, 7)), phase(PhaseType::Final, None)];
        let started = Timestamp::from_second(1_000_000).unwrap();
        let windows = windows(&phases, started);
        let edge = 1_000_000 + 7 * 86_400;
        for (t, expected) in [
            (999_999, None),
            (1_000_000, Some(PhaseType::Trial)),
            (edge - 1, Some(PhaseType::Trial)),
            (edge, Some(PhaseType::Final)),
            (i64::from(u32::MAX), Some(PhaseType::Final)),
        ] {
            let t = Timestamp::from_second(t).unwrap();
            let holding: Vec<_> = windows.iter().filter(|window| window.holds(t)).collect();
            assert_eq!(holding.first().map(|window| window.phase.phase_type), expected, "{t}");
            assert!(holding.len() <= 1, "{t}");
            let spans = spans(&phases, started);
            assert_eq!(phase_at(&spans, t), Some(expected.unwrap_or(PhaseType::Trial)), "{t}");
        }
    }
}

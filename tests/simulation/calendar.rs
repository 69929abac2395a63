//! The calendar, once more: days are counted by their number, months by theirs. Nothing of it is shared with what it
//! is held against.

pub(super) const DAY: i64 = 86_400;

/// How often a plan is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Interval {
    Day,
    Week,
    Month,
    Year,
}

impl Interval {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }
}

/// From its first instant to the first behind it.
pub(super) type Window = (i64, i64);

/// The window that holds an instant, of those that begin at the anchor and every interval from there.
pub(super) fn window(anchor: i64, interval: Interval, t: i64) -> Window {
    let (each, one) = match interval {
        Interval::Day => return evenly(anchor, DAY, t),
        Interval::Week => return evenly(anchor, 7 * DAY, t),
        Interval::Month => (1, month_of(t) - month_of(anchor)),
        Interval::Year => (12, (month_of(t) - month_of(anchor)).div_euclid(12)),
    };
    // The month or year that the instant lies in may begin before the boundary in it, and year by year a boundary more.
    let last = (one - 1..=one + 1).rev().find(|k| months_later(anchor, k * each) <= t);
    let k = last.unwrap_or(one - 1);
    (months_later(anchor, k * each), months_later(anchor, (k + 1) * each))
}

/// The calendar month that holds an instant.
pub(super) fn month(t: i64) -> Window {
    let first = month_of(t);
    (midnight(first, 1), midnight(first + 1, 1))
}

fn evenly(anchor: i64, each: i64, t: i64) -> Window {
    let start = anchor + (t - anchor).div_euclid(each) * each;
    (start, start + each)
}

/// The same day of another month, or its last one where it has no such day.
fn months_later(t: i64, months: i64) -> i64 {
    let month = month_of(t);
    let day = (t - midnight(month, 1)).div_euclid(DAY) + 1;
    let there = month + months;
    let days = (midnight(there + 1, 1) - midnight(there, 1)) / DAY;
    midnight(there, day.min(days)) + t.rem_euclid(DAY)
}

/// Months since January of the year 0.
fn month_of(t: i64) -> i64 {
    let day = t.div_euclid(DAY);
    // A day too late at most, as no month is longer than 31 days.
    let mut month = 1970 * 12 + day.div_euclid(31);
    while midnight(month + 1, 1) <= t {
        month += 1;
    }
    month
}

/// When a day of a month begins.
fn midnight(month: i64, day: i64) -> i64 {
    let (year, month) = (month.div_euclid(12), month.rem_euclid(12));
    let leap = i64::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let in_year =
        before.into_iter().zip(0..).find(|(_, at)| *at == month).map_or(0, |(days, _)| days);
    let leap_day = if month > 1 { leap } else { 0 };
    (days_before_year(year) - days_before_year(1970) + in_year + leap_day + day - 1) * DAY
}

fn days_before_year(year: i64) -> i64 {
    let last = year - 1;
    365 * year + last.div_euclid(4) - last.div_euclid(100) + last.div_euclid(400)
}

#[test]
fn the_models_calendar_is_the_one_on_the_wall() {
    // Seconds of days that anybody can look up: 2024-01-31, 2024-02-29, 2024-03-31, 2023-02-28, 2025-02-28.
    let [january, leap, march, before, after] =
        [1_706_659_200, 1_709_164_800, 1_711_843_200, 1_677_542_400, 1_740_700_800];
    for (anchor, interval, t, expected) in [
        (january, Interval::Month, january, (january, leap)),
        (january, Interval::Month, leap - 1, (january, leap)),
        (january, Interval::Month, leap, (leap, march)),
        (leap, Interval::Year, after - 1, (leap, after)),
        (leap, Interval::Year, leap - 1, (before, leap)),
        (january, Interval::Week, january + 7 * DAY, (january + 7 * DAY, january + 14 * DAY)),
        (january, Interval::Day, january - 1, (january - DAY, january)),
    ] {
        assert_eq!(window(anchor, interval, t), expected, "{anchor} {interval:?} {t}");
    }
    assert_eq!(month(leap), (leap - 28 * DAY, leap + DAY));
}

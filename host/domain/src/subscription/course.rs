//! A course: the windows that a subscriber's quotas count in, and how far they are paid. It belongs to a user's
//! stay on a plan, and waits for the user who leaves: whoever comes back goes on with it.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::money::Currency;
use crate::period::{self, Interval, Window};
use crate::refusal::Refusal;
use crate::time::{self, Timestamp};

/// What was paid, and for which time. Credit that was used up is paid, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paid {
    /// More than 0.
    #[serde(with = "crate::decimal")]
    pub amount: Decimal,
    /// ISO 4217.
    pub currency: Currency,
    /// What for.
    pub window: Window,
}

/// Windows on an anchor, and what is paid of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// What all boundaries are counted from.
    #[serde(with = "time::seconds")]
    pub anchor: Timestamp,
    /// From boundary to boundary.
    pub interval: Interval,
    /// Usage is counted by it and the window's start: another number begins at 0.
    pub usage_epoch: u64,
    /// The window it stands in.
    pub window: Window,
    /// Its free days, if it had some: one window, before the anchor's first.
    pub trial: Option<Window>,
    /// Until when nothing is owed: a boundary.
    #[serde(with = "time::seconds")]
    pub paid_until: Timestamp,
    /// What of the time from now on was paid with money, the next first.
    pub paid: Vec<Paid>,
}

impl Course {
    /// Begins with free days. Boundaries are counted from their end, as the first fee is due then.
    ///
    /// # Errors
    /// The calendar ends with the year 9999.
    pub fn trial(
        now: Timestamp,
        days: u32,
        interval: Interval,
        usage_epoch: u64,
    ) -> Result<Self, Refusal> {
        let end = period::days_after(now, days)?;
        let window = Window { start: now, end };
        Ok(Self {
            anchor: end,
            interval,
            usage_epoch,
            window,
            trial: Some(window),
            paid_until: end,
            paid: Vec::new(),
        })
    }

    /// Begins on an anchor, with the window that holds now; nothing of it is paid yet.
    ///
    /// # Errors
    /// The calendar ends with the year 9999.
    pub fn unpaid(
        anchor: Timestamp,
        now: Timestamp,
        interval: Interval,
        usage_epoch: u64,
    ) -> Result<Self, Refusal> {
        let window = period::window_at(anchor, interval, now)?;
        let (trial, paid_until) = (None, window.start);
        Ok(Self { anchor, interval, usage_epoch, window, trial, paid_until, paid: Vec::new() })
    }

    /// The same, standing in the window that holds an instant.
    ///
    /// # Errors
    /// The calendar ends with the year 9999.
    pub fn at(mut self, t: Timestamp) -> Result<Self, Refusal> {
        self.window = self.window_at(t)?;
        self.paid.retain(|paid| t < paid.window.end);
        Ok(self)
    }

    /// The window that holds an instant, before or behind the one it stands in.
    ///
    /// # Errors
    /// The calendar ends with the year 9999.
    pub fn window_at(&self, t: Timestamp) -> Result<Window, Refusal> {
        let known = [Some(self.window), self.trial].into_iter().flatten();
        match known.into_iter().find(|window| window.holds(t)) {
            Some(window) => Ok(window),
            None => period::window_at(self.anchor, self.interval, t),
        }
    }

    /// The same for whoever comes back to it: what was owed for windows that are over is not.
    ///
    /// # Errors
    /// The calendar ends with the year 9999.
    pub fn resumed(self, now: Timestamp) -> Result<Self, Refusal> {
        let mut course = self.at(now)?;
        if !course.covers(now) {
            course.paid_until = course.window.start;
        }
        Ok(course)
    }

    /// How many windows are to be paid until nothing is owed, at least one; and the last of them.
    ///
    /// # Errors
    /// The calendar ends with the year 9999.
    pub fn owed(&self, now: Timestamp) -> Result<(u32, Window), Refusal> {
        let mut window = period::window_at(self.anchor, self.interval, self.paid_until)?;
        let mut windows = 1;
        while window.end <= now {
            window = period::window_at(self.anchor, self.interval, window.end)?;
            windows += 1;
        }
        Ok((windows, window))
    }

    /// Paid for one window more, with money or as a present.
    ///
    /// # Errors
    /// The calendar ends with the year 9999.
    pub fn renewed(self, amount: Decimal, currency: Currency) -> Result<Self, Refusal> {
        let from = self.paid_until;
        self.bought(from, amount, currency)
    }

    /// The same from an instant on, which may lie inside the window that is paid for.
    ///
    /// # Errors
    /// The calendar ends with the year 9999.
    pub fn bought(
        mut self,
        from: Timestamp,
        amount: Decimal,
        currency: Currency,
    ) -> Result<Self, Refusal> {
        let until = period::window_at(self.anchor, self.interval, self.paid_until)?.end;
        if amount > Decimal::ZERO {
            self.paid.push(Paid { amount, currency, window: Window { start: from, end: until } });
        }
        self.paid_until = until;
        Ok(self)
    }

    /// The same after what was paid for the time behind an instant was given back. Days that were free or a present
    /// stay, as far as they come before it.
    ///
    /// # Errors
    /// The calendar ends with the year 9999.
    pub fn given_back(mut self, t: Timestamp) -> Result<Self, Refusal> {
        let first =
            self.paid.iter().filter(|paid| t < paid.window.end).map(|paid| paid.window.start).min();
        if let Some(first) = first {
            let from = if first > t { first } else { self.window_at(t)?.start };
            self.paid_until = self.paid_until.min(from);
        }
        self.paid.clear();
        Ok(self)
    }

    /// Whether nothing is owed for an instant.
    #[must_use]
    pub fn covers(&self, t: Timestamp) -> bool {
        t < self.paid_until
    }

    /// Whether whoever left it and comes back goes on with it.
    #[must_use]
    pub fn is_open(&self, t: Timestamp) -> bool {
        t < self.open_until()
    }

    /// Until when whoever left it and comes back goes on with it.
    #[must_use]
    pub fn open_until(&self) -> Timestamp {
        self.window.end.max(self.paid_until)
    }

    /// Whether an instant lies in its free days.
    #[must_use]
    pub fn is_trial(&self, t: Timestamp) -> bool {
        self.trial.is_some_and(|trial| t < trial.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(day * 86_400).unwrap()
    }

    #[test]
    fn what_is_given_back_is_what_was_paid_and_no_present() {
        let free = Course::trial(at(0), 7, Interval::Week, 1).unwrap();
        let given = Course::unpaid(at(0), at(0), Interval::Week, 1).unwrap();
        let given = given.renewed(Decimal::ZERO, Currency::RUB).unwrap();
        let paid = |course: &Course| course.clone().renewed(490.into(), Currency::RUB).unwrap();
        let bought = Course::unpaid(at(0), at(0), Interval::Week, 1).unwrap();
        for (course, day, expected, case) in [
            (paid(&bought), 3, 0, "the window it stands in"),
            (paid(&paid(&bought)), 3, 0, "and what was paid ahead"),
            (paid(&free), 3, 7, "free days stay"),
            (paid(&given), 3, 7, "a present stays"),
            (paid(&paid(&given)), 3, 7, "a present stays before all that is paid"),
            (paid(&given), 10, 7, "a present that is over"),
            (given, 3, 7, "nothing was paid"),
        ] {
            let course = course.at(at(day)).unwrap().given_back(at(day)).unwrap();
            assert_eq!((course.paid_until, course.paid.len()), (at(expected), 0), "{case}");
        }
    }
}

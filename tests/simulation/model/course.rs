//! Windows in which quotas count, and how far they are paid.

use super::super::calendar::{self, DAY, Interval, Window};
use super::super::command::Money;

#[derive(Clone, Debug)]
pub(super) struct Course {
    pub(super) anchor: i64,
    pub(super) interval: Interval,
    /// What usage is counted in: another one is empty.
    pub(super) bucket: u64,
    pub(super) trial: Option<Window>,
    pub(super) paid_until: i64,
    pub(super) payments: Vec<Payment>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Payment {
    pub(super) amount: i64,
    pub(super) money: Money,
    pub(super) window: Window,
}

impl Course {
    /// Begins now or began at the anchor; nothing is paid.
    pub(super) fn unpaid(anchor: i64, interval: Interval, bucket: u64, now: i64) -> Self {
        let paid_until = calendar::window(anchor, interval, now).0;
        Self { anchor, interval, bucket, trial: None, paid_until, payments: Vec::new() }
    }

    /// Free days first; all else is counted from their end.
    pub(super) fn trial(now: i64, days: u32, interval: Interval, bucket: u64) -> Self {
        let end = now + i64::from(days) * DAY;
        let trial = Some((now, end));
        Self { anchor: end, interval, bucket, trial, paid_until: end, payments: Vec::new() }
    }

    pub(super) fn window(&self, t: i64) -> Window {
        let in_trial = self.trial.filter(|(start, end)| *start <= t && t < *end);
        in_trial.unwrap_or_else(|| self.regular(t))
    }

    fn regular(&self, t: i64) -> Window {
        calendar::window(self.anchor, self.interval, t)
    }

    pub(super) fn is_trial(&self, t: i64) -> bool {
        self.trial.is_some_and(|(_, end)| t < end)
    }

    pub(super) fn is_paid(&self, t: i64) -> bool {
        t < self.paid_until
    }

    /// How many windows are to be paid so that this one is.
    pub(super) fn owed(&self, now: i64) -> i64 {
        let mut windows = 1;
        let mut end = self.regular(self.paid_until).1;
        while end <= now {
            end = self.regular(end).1;
            windows += 1;
        }
        windows
    }

    /// Paid to the end of the window after the last that is, or of the one that it stands in.
    pub(super) fn pay(&mut self, from: i64, windows: i64, amount: i64, money: Money) {
        for _ in 0..windows {
            self.paid_until = self.regular(self.paid_until).1;
        }
        if amount > 0 {
            self.payments.push(Payment { amount, money, window: (from, self.paid_until) });
        }
    }

    /// For whoever comes back to it: what was not paid of windows that are over is forgotten.
    pub(super) fn resumed(mut self, now: i64) -> Self {
        if !self.is_paid(now) {
            self.paid_until = self.window(now).0;
        }
        self
    }

    /// What was paid of the time behind an instant.
    pub(super) fn unused(&self, now: i64) -> impl Iterator<Item = Payment> {
        self.payments.iter().copied().filter(move |payment| now < payment.window.1)
    }

    /// After what was paid behind an instant was given back, but for what is used up. What had been free stays so.
    pub(super) fn given_back(mut self, from: i64, used_until: i64) -> Self {
        let unused = self.unused(from.max(used_until));
        if let Some(start) = unused.map(|payment| payment.window.0).min() {
            let start = if start > from { start } else { self.window(from).0 };
            self.paid_until = self.paid_until.min(start);
        }
        self.payments.clear();
        self
    }
}

/// `amount × part ÷ whole`, halves away from zero; nothing here is negative.
pub(super) fn share(amount: i64, part: i64, whole: i64) -> i64 {
    let (amount, part, whole) = (i128::from(amount), i128::from(part), i128::from(whole));
    i64::try_from((2 * amount * part + whole) / (2 * whole)).unwrap_or(i64::MAX)
}

//! Billing windows: the windows in which something was metered or charged, until a statement says what it comes to, and
//! what was billed of them, which usage that comes late is held against.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::decimal;
use crate::metric::Metric;
use crate::money::Currency;
use crate::period::Window;
use crate::quantity::Quantity;
use crate::segment::{Quantities, Segment, billable};
use crate::time::Timestamp;
use crate::usage::Limit;

/// Pauses between two attempts to write a statement, in seconds; the last one goes on.
const PAUSES: [i64; 6] = [60, 300, 1_800, 7_200, 21_600, 86_400];

/// A window that is to be closed by a statement, or was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingWindow {
    /// What usage counts in.
    pub window: Window,
    /// What plans allowed of metered metrics when they were last used; nothing where there was no quota.
    pub limits: BTreeMap<Metric, Limit>,
    /// How far it has come.
    pub state: WindowState,
}

/// How far a billing window has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowState {
    /// It is not billed yet.
    Open {
        /// The last attempt, if there was one.
        failed: Option<FailedAttempt>,
    },
    /// It is billed.
    Closed(Closed),
}

/// An attempt to write a statement that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAttempt {
    /// The statement that says why, and that will be written once it succeeds.
    pub statement_id: String,
    /// How many attempts failed.
    pub attempts: usize,
    /// When it is tried again.
    #[serde(with = "crate::time::seconds")]
    pub again_at: Timestamp,
}

/// What was billed of a window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// The statements, one for each currency; none where there was nothing to say.
    pub statements: Vec<String>,
    /// What usage was billed in, if some was.
    pub currency: Option<Currency>,
    /// What was billed of usage, on those statements and as adjustments on later ones.
    pub billed: Vec<Billed>,
}

/// What was billed of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Billed {
    /// Which one.
    pub segment: Segment,
    /// What was counted in it by then.
    pub counted: Quantity,
    /// How much of that was billed.
    pub quantity: Quantity,
    /// What for.
    #[serde(with = "decimal")]
    pub amount: Decimal,
}

/// What was counted in a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metered {
    /// By segment.
    pub counted: Quantities,
    /// All that was used of those with a quota, priced or not.
    pub totals: BTreeMap<Metric, Quantity>,
}

impl BillingWindow {
    /// One that was not there before.
    #[must_use]
    pub fn open(window: Window) -> Self {
        Self { window, limits: BTreeMap::new(), state: WindowState::Open { failed: None } }
    }

    /// Whether it is not billed yet.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, WindowState::Open { .. })
    }

    /// The attempt that failed, if there was one.
    #[must_use]
    pub fn failed_attempt(&self) -> Option<&FailedAttempt> {
        match &self.state {
            WindowState::Open { failed } => failed.as_ref(),
            WindowState::Closed(_) => None,
        }
    }

    /// Notes what a plan allows of a metric.
    pub fn note_limit(&mut self, metric: &Metric, limit: Limit) {
        if limit.quota.is_none() {
            self.limits.remove(metric);
        } else if self.limits.get(metric) != Some(&limit) {
            self.limits.insert(metric.clone(), limit);
        }
    }

    /// When a statement is to be written; nothing once it was.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        match &self.state {
            WindowState::Open { failed: None } => Some(self.window.end),
            WindowState::Open { failed: Some(failed) } => Some(failed.again_at),
            WindowState::Closed(_) => None,
        }
    }

    /// The same after an attempt that failed.
    #[must_use]
    pub fn failed(self, statement_id: String, now: Timestamp) -> Self {
        let attempts = self.failed_attempt().map_or(0, |failed| failed.attempts) + 1;
        let pause = PAUSES[attempts.min(PAUSES.len()) - 1];
        let again = now.as_second().saturating_add(pause);
        // The calendar ends, and nothing is tried behind it.
        let again_at = Timestamp::from_second(again).unwrap_or(Timestamp::MAX);
        let failed = Some(FailedAttempt { statement_id, attempts, again_at });
        Self { state: WindowState::Open { failed }, ..self }
    }

    /// What is to be billed of an open window: something or nothing of each segment.
    #[must_use]
    pub fn to_bill(&self, metered: &Metered) -> Quantities {
        billable(&metered.counted, &self.limits, &metered.totals)
    }
}

impl Closed {
    /// What of usage that came late is to be priced: whole quantities of those segments of which more is billed now.
    #[must_use]
    pub fn to_adjust(&self, limits: &BTreeMap<Metric, Limit>, metered: &Metered) -> Quantities {
        let mut grown = billable(&metered.counted, limits, &metered.totals);
        grown.retain(|segment, quantity| {
            *quantity > self.of(segment).map_or(Quantity::ZERO, |it| it.quantity)
        });
        grown
    }

    /// What was billed of a segment.
    #[must_use]
    pub fn of(&self, segment: &Segment) -> Option<&Billed> {
        self.billed.iter().find(|billed| billed.segment == *segment)
    }

    /// The same once usage that came late is billed: `priced` has what whole quantities cost now. Where that is less
    /// than what was billed, since prices fell, nothing is given back.
    #[must_use]
    pub fn adjusted(
        self,
        metered: &Metered,
        priced: &BTreeMap<Segment, (Quantity, Decimal)>,
    ) -> Self {
        let billed = metered.counted.iter().map(|(segment, counted)| {
            let before = self.of(segment);
            let (quantity, amount) =
                before.map_or((Quantity::ZERO, Decimal::ZERO), |it| (it.quantity, it.amount));
            let now = priced.get(segment);
            Billed {
                segment: segment.clone(),
                counted: *counted,
                quantity: now.map_or(quantity, |(quantity, _)| *quantity),
                amount: now.map_or(amount, |(_, now)| amount + due_more(amount, *now)),
            }
        });
        let billed = billed.collect();
        Self { billed, ..self }
    }
}

/// What is due more where so much was billed, and it costs so much now.
#[must_use]
pub fn due_more(billed: Decimal, costs: Decimal) -> Decimal {
    (costs - billed).max(Decimal::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing_plan::PhaseType;
    use crate::segment::tests::{quantity, segment};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn metered(used: &[(PhaseType, &str)]) -> Metered {
        let counted: Quantities =
            used.iter().map(|(phase, text)| (segment("cpu", *phase, 1), quantity(text))).collect();
        let sum = counted.values().fold(Quantity::ZERO, |sum, one| sum.checked_add(*one).unwrap());
        Metered { counted, totals: [(Metric::named("cpu"), sum)].into() }
    }

    #[test]
    fn a_statement_is_tried_again_in_growing_pauses() {
        let mut window = BillingWindow::open(Window { start: at(0), end: at(1_000) });
        assert_eq!(window.due_at(), Some(at(1_000)));
        let mut now = 1_000;
        for (attempt, pause) in
            [60, 300, 1_800, 7_200, 21_600, 86_400, 86_400].into_iter().enumerate()
        {
            window = window.failed("sta".to_owned(), at(now));
            assert_eq!(window.due_at(), Some(at(now + pause)), "attempt {attempt}");
            now += pause;
        }
        let closed = BillingWindow { state: WindowState::Closed(Closed::default()), ..window };
        assert_eq!(closed.due_at(), None);
        let last = BillingWindow::open(Window { start: at(0), end: at(1_000) });
        let last = last.failed("sta".to_owned(), Timestamp::MAX);
        assert_eq!(last.due_at(), Some(Timestamp::MAX));
    }

    #[test]
    fn a_limit_is_what_was_noted_last() {
        let mut window = BillingWindow::open(Window { start: at(0), end: at(1_000) });
        let metric = Metric::named("cpu");
        for (quota, expected) in [(Some(5), Some(5)), (Some(7), Some(7)), (None, None)] {
            window.note_limit(&metric, Limit { quota, is_billed: true });
            assert_eq!(window.limits.get(&metric).and_then(|limit| limit.quota), expected);
        }
    }

    #[test]
    fn what_came_late_is_billed_by_what_it_adds_and_nothing_is_given_back() {
        use PhaseType::{Final, Trial};
        let first = metered(&[(Trial, "60"), (Final, "60")]);
        let limits: BTreeMap<_, _> =
            [(Metric::named("cpu"), Limit { quota: Some(100), is_billed: true })].into();
        let costs = |all: &Quantities, each: i64| {
            let price = |quantity: Quantity| quantity.exact() * Decimal::from(each);
            all.iter().map(|(one, quantity)| (one.clone(), (*quantity, price(*quantity)))).collect()
        };
        let closed = Closed::default();
        let bill = closed.to_adjust(&limits, &first);
        let closed = closed.adjusted(&first, &costs(&bill, 2));
        let shown = |closed: &Closed| {
            let each = closed
                .billed
                .iter()
                .map(|it| format!("{} {} {}", it.counted, it.quantity, it.amount));
            each.collect::<Vec<_>>()
        };
        assert_eq!(shown(&closed), ["60 0 0", "60 20 40"]);
        assert!(closed.to_adjust(&limits, &first).is_empty());
        for (late, each, expected) in [
            // In the trial: the quota is used up there now, and the final phase is billed whole.
            ([(Trial, "110"), (Final, "60")], 2, ["110 10 20", "60 60 120"]),
            ([(Trial, "60"), (Final, "61")], 2, ["60 0 0", "61 21 42"]),
            // It is within the quota of the other.
            ([(Trial, "61"), (Final, "60")], 2, ["61 0 0", "60 21 42"]),
            // Prices fell: what was billed stays.
            ([(Trial, "60"), (Final, "61")], 1, ["60 0 0", "61 21 40"]),
        ] {
            let late = metered(&late);
            let grown = closed.to_adjust(&limits, &late);
            let after = closed.clone().adjusted(&late, &costs(&grown, each));
            assert_eq!(shown(&after), expected);
        }
        // A quota that went up since gives nothing back either.
        let raised = [(Metric::named("cpu"), Limit { quota: Some(500), is_billed: true })].into();
        assert!(closed.to_adjust(&raised, &metered(&[(Trial, "60"), (Final, "70")])).is_empty());
    }
}

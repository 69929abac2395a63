//! Billing windows: the windows in which something was metered or charged, until a statement says what it comes to, and
//! what was billed of them, which usage that comes late is held against.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::decimal;
use crate::money::Currency;
use crate::period::Window;
use crate::statement::segment::{Quantities, Segment, billable};
use crate::time::Timestamp;
use crate::usage::Limit;
use crate::usage::metric::Metric;
use crate::usage::quantity::Quantity;

/// Pauses between two attempts to write a statement, in seconds; the last one goes on.
const PAUSES: [i64; 6] = [60, 300, 1_800, 7_200, 21_600, 86_400];

/// A window that is to be closed by a statement, or was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingWindow {
    /// What usage counts in.
    pub window: Window,
    /// What plans allowed of metered metrics when they were last used; nothing where there was no quota.
    pub limits: BTreeMap<Metric, Limit>,
    /// What of the price catalog its usage is still to be billed by. It is not deleted meanwhile.
    #[serde(default)]
    pub rests_on: Priced,
    /// How far it has come.
    pub state: WindowState,
}

/// What of the price catalog usage is billed by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Priced {
    /// The billing plans that metered it.
    pub billing_plans: BTreeSet<u64>,
    /// The regions that it was used in, where that was known.
    pub regions: BTreeSet<u64>,
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
    /// Where the question is kept that has the prices; nothing if none of it was priced.
    #[serde(default)]
    pub asked: Option<AskedIn>,
}

/// Where a question about a segment is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedIn {
    /// On this statement.
    pub statement_id: String,
    /// Which of its questions, from 0.
    pub question: usize,
    /// Which line of that question, from 0.
    pub line: usize,
    /// What the product was called then, for people.
    pub label: String,
}

/// What a segment comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// How much of it is billed, in all.
    pub quantity: Quantity,
    /// What all of that costs.
    pub amount: Decimal,
    /// Where the question is kept that has the prices.
    pub asked: AskedIn,
}

/// A kept question that is put again, since more of some of its lines is billed now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedAgain {
    /// On which statement it is kept.
    pub statement_id: String,
    /// Which of its questions.
    pub question: usize,
    /// What its lines are about, by their places, and how much of each is billed now.
    pub lines: BTreeMap<usize, (Segment, Quantity)>,
}

/// What was counted in a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metered {
    /// By segment.
    pub counted: Quantities,
    /// All that was used of those with a quota, priced or not.
    pub totals: BTreeMap<Metric, Quantity>,
}

impl Priced {
    /// Whether a segment's billing plan and region are among it.
    #[must_use]
    pub fn has(&self, segment: &Segment) -> bool {
        let Segment { billing_plan_id, region_id, .. } = segment;
        self.billing_plans.contains(billing_plan_id)
            && (*region_id == 0 || self.regions.contains(region_id))
    }
}

impl BillingWindow {
    /// One that was not there before.
    #[must_use]
    pub fn open(window: Window) -> Self {
        let state = WindowState::Open { failed: None };
        Self { window, limits: BTreeMap::new(), rests_on: Priced::default(), state }
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

    /// Notes what a plan allows of a metric. Of what was billed it is what was allowed then.
    pub fn note_limit(&mut self, metric: &Metric, limit: Limit) {
        if let WindowState::Closed(closed) = &self.state
            && closed.billed.iter().any(|billed| billed.segment.metric == *metric)
        {
            return;
        }
        if limit.quota.is_none() {
            self.limits.remove(metric);
        } else if self.limits.get(metric) != Some(&limit) {
            self.limits.insert(metric.clone(), limit);
        }
    }

    /// Notes where something was used and by whose prices.
    pub fn note_segment(&mut self, segment: &Segment) {
        self.rests_on.billing_plans.insert(segment.billing_plan_id);
        self.rests_on.regions.extend(Some(segment.region_id).filter(|id| *id != 0));
    }

    /// The same once all that was used is billed.
    #[must_use]
    pub fn closed(self, closed: Closed) -> Self {
        Self { rests_on: Priced::default(), state: WindowState::Closed(closed), ..self }
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

    /// The questions that are put again for segments that have grown: whole, with all of their lines, as an answer may
    /// rest on any. What was never priced has none.
    #[must_use]
    pub fn asked_again(&self, grown: &Quantities) -> Vec<AskedAgain> {
        let asked = self.billed.iter().filter_map(|it| Some((it, it.asked.as_ref()?)));
        let mut questions: BTreeMap<(&str, usize), (bool, BTreeMap<usize, _>)> = BTreeMap::new();
        for (billed, asked) in asked {
            let of = (asked.statement_id.as_str(), asked.question);
            let (is_wanted, lines) = questions.entry(of).or_default();
            let now = grown.get(&billed.segment);
            *is_wanted |= now.is_some();
            let quantity = now.copied().unwrap_or(billed.quantity);
            lines.insert(asked.line, (billed.segment.clone(), quantity));
        }
        let wanted = questions.into_iter().filter(|(_, (is_wanted, _))| *is_wanted);
        let again = wanted.map(|((statement_id, question), (_, lines))| AskedAgain {
            statement_id: statement_id.to_owned(),
            question,
            lines,
        });
        again.collect()
    }

    /// The same once usage that came late is billed: `priced` has what whole quantities cost. Where that is less than
    /// what was billed, nothing is given back.
    #[must_use]
    pub fn adjusted(self, metered: &Metered, priced: &BTreeMap<Segment, Cost>) -> Self {
        let billed = metered.counted.iter().map(|(segment, counted)| {
            let before = self.of(segment);
            let (quantity, amount) =
                before.map_or((Quantity::ZERO, Decimal::ZERO), |it| (it.quantity, it.amount));
            let now = priced.get(segment);
            let asked = now.map(|cost| &cost.asked);
            Billed {
                segment: segment.clone(),
                counted: *counted,
                quantity: now.map_or(quantity, |cost| cost.quantity),
                amount: now.map_or(amount, |cost| amount + due_more(amount, cost.amount)),
                asked: asked.or_else(|| before?.asked.as_ref()).cloned(),
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
    use crate::statement::segment::tests::{quantity, segment};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn metered(used: &[(PhaseType, &str)]) -> Metered {
        let counted: Quantities =
            used.iter().map(|(phase, text)| (segment("cpu", *phase, 1), quantity(text))).collect();
        let sum = counted.values().fold(Quantity::ZERO, |sum, one| sum.checked_add(*one).unwrap());
        Metered { counted, totals: [(Metric::named("cpu"), sum)].into() }
    }

    fn asked_in(statement_id: &str, question: usize, line: usize) -> AskedIn {
        let (statement_id, label) = (statement_id.to_owned(), "CPU".to_owned());
        AskedIn { statement_id, question, line, label }
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
        assert_eq!(window.closed(Closed::default()).due_at(), None);
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
    fn what_was_billed_keeps_the_limit_that_it_was_billed_by() {
        let metered = metered(&[(PhaseType::Final, "60")]);
        let closed = Closed::default().adjusted(&metered, &BTreeMap::new());
        let mut window = BillingWindow::open(Window { start: at(0), end: at(1_000) });
        let blocked = Limit { quota: Some(50), is_billed: false };
        window.note_limit(&Metric::named("cpu"), blocked);
        let mut window = window.closed(closed);
        for (metric, expected) in
            [("cpu", blocked), ("memory", Limit { quota: Some(7), is_billed: true })]
        {
            window.note_limit(&Metric::named(metric), Limit { quota: Some(7), is_billed: true });
            assert_eq!(window.limits[&Metric::named(metric)], expected);
        }
    }

    #[test]
    fn what_came_late_is_billed_by_what_it_adds_and_nothing_is_given_back() {
        use PhaseType::{Final, Trial};
        let first = metered(&[(Trial, "60"), (Final, "60")]);
        let limits: BTreeMap<_, _> =
            [(Metric::named("cpu"), Limit { quota: Some(100), is_billed: true })].into();
        let costs = |all: &Quantities, each: i64| {
            let cost = |quantity: Quantity| Cost {
                quantity,
                amount: quantity.exact() * Decimal::from(each),
                asked: asked_in("sta_1", 0, 0),
            };
            all.iter().map(|(one, quantity)| (one.clone(), cost(*quantity))).collect()
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

    #[test]
    fn questions_are_put_again_whole_where_a_line_of_theirs_has_grown() {
        let billed = |region: u64, text: &str, asked: Option<AskedIn>| Billed {
            segment: segment("cpu", PhaseType::Final, region),
            counted: quantity(text),
            quantity: quantity(text),
            amount: Decimal::ONE,
            asked,
        };
        let billed = vec![
            billed(1, "10", Some(asked_in("sta_1", 0, 1))),
            billed(2, "20", Some(asked_in("sta_1", 0, 0))),
            billed(3, "30", Some(asked_in("sta_1", 1, 0))),
            billed(4, "40", Some(asked_in("sta_2", 0, 0))),
            billed(5, "0", None),
        ];
        let closed = Closed { billed, ..Closed::default() };
        for (grown, expected) in [
            (&[][..], vec![]),
            (&[(1, "11")], vec!["sta_1 0: 2=20 1=11"]),
            (&[(1, "11"), (2, "22")], vec!["sta_1 0: 2=22 1=11"]),
            (&[(2, "21"), (3, "31")], vec!["sta_1 0: 2=21 1=10", "sta_1 1: 3=31"]),
            (&[(4, "41"), (5, "1")], vec!["sta_2 0: 4=41"]),
            // Nothing was priced in those regions.
            (&[(5, "1"), (6, "1")], vec![]),
        ] {
            let grown = grown
                .iter()
                .map(|(region, text)| (segment("cpu", PhaseType::Final, *region), quantity(text)));
            let again = closed.asked_again(&grown.collect());
            let said = again.iter().map(|one| {
                let line = |(of, much): &(Segment, Quantity)| format!(" {}={much}", of.region_id);
                let lines: String = one.lines.values().map(line).collect();
                format!("{} {}:{lines}", one.statement_id, one.question)
            });
            assert_eq!(said.collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_window_rests_on_what_prices_it_until_it_is_billed() {
        let mut window = BillingWindow::open(Window { start: at(0), end: at(1_000) });
        for region in [2, 0, 2, 1] {
            window.note_segment(&segment("cpu", PhaseType::Final, region));
        }
        let expected = Priced { billing_plans: [1].into(), regions: [1, 2].into() };
        assert_eq!(window.rests_on, expected);
        for (region, has) in [(0, true), (1, true), (3, false)] {
            assert_eq!(expected.has(&segment("cpu", PhaseType::Final, region)), has, "{region}");
        }
        let failed = window.failed("sta".to_owned(), at(1_000));
        assert_eq!(failed.rests_on, expected, "it is to be billed still");
        let mut closed = failed.closed(Closed::default());
        assert_eq!(closed.rests_on, Priced::default());
        // Usage that comes late is to be billed, too.
        closed.note_segment(&segment("cpu", PhaseType::Final, 2));
        assert_eq!(closed.rests_on.regions, [2].into());
    }
}

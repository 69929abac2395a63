//! What was billed of a window, which usage that comes late is held against.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::decimal;
use crate::money::Currency;
use crate::statement::segment::{Quantities, Segment, billable};
use crate::usage::Limit;
use crate::usage::metric::Metric;
use crate::usage::quantity::Quantity;

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
pub(super) mod tests {
    use super::*;
    use crate::billing_plan::PhaseType;
    use crate::statement::segment::tests::{quantity, segment};

    pub(in crate::statement) fn metered(used: &[(PhaseType, &str)]) -> Metered {
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
}

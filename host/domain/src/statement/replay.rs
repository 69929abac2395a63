//! Replay: what was priced once is asked again, of the component that priced it or of another one, and what differs is
//! told by user and line.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::billing_plan::charge::Charge;
use crate::billing_plan::quote::QuoteStep;
use crate::decimal;
use crate::money::Currency;
use crate::plugin::Digest;
use crate::schema;
use crate::statement::closed_window::due_more;
use crate::statement::statement_line::StatementLine;
use crate::subscription::fee::{FeeItem, Step};
use crate::subscription::fee_charge::FeeCharge;

/// What asking again came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Replay {
    /// The other component that was asked; `null` where each question was put to the one that had answered it.
    #[schema(required = true)]
    pub digest: Option<Digest>,
    /// How many statements were asked again.
    pub statements: usize,
    /// How many of their lines rest on an answer.
    pub lines: usize,
    /// How many of these got none, or a refusal. They count as they were.
    pub unanswered: usize,
    /// Whether nothing differs: with the same component no digit and no step, with another one no amount.
    pub identical: bool,
    /// What the lines come to, by currency.
    pub totals: Vec<ReplayTotal>,
    /// The statements in which something differs.
    pub differing: Vec<ReplayedStatement>,
    /// Where to go on, as `after`; `null` at the end.
    #[schema(required = true)]
    pub next: Option<String>,
}

/// What lines came to, and come to now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplayTotal {
    /// ISO 4217.
    #[schema(value_type = schema::Currency)]
    pub currency: Currency,
    /// As it was charged.
    #[serde(with = "decimal")]
    #[schema(value_type = schema::Decimal)]
    pub before: Decimal,
    /// As it would be charged by the answers of now.
    #[serde(with = "decimal")]
    #[schema(value_type = schema::Decimal)]
    pub after: Decimal,
    /// How much more that is.
    #[serde(with = "decimal")]
    #[schema(value_type = schema::Decimal)]
    pub difference: Decimal,
}

/// A statement in which something differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplayedStatement {
    /// Which one.
    pub statement_id: String,
    /// Whose.
    pub user_id: String,
    /// What its lines that rest on answers come to.
    pub total: ReplayTotal,
    /// The lines that differ.
    pub lines: Vec<ReplayedLine>,
}

/// A line that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplayedLine {
    /// Its place on the statement, from 0.
    pub line: usize,
    /// As the statement has it.
    pub description: String,
    /// As it was charged; of a fee less the unused rest that was given back with it.
    #[serde(with = "decimal")]
    #[schema(value_type = schema::Decimal)]
    pub before: Decimal,
    /// As it would be charged; `null` where there is no answer.
    #[serde(with = "decimal::optional")]
    #[schema(value_type = Option<schema::Decimal>, required = true)]
    pub after: Option<Decimal>,
    /// How much more that is.
    #[serde(with = "decimal")]
    #[schema(value_type = schema::Decimal)]
    pub difference: Decimal,
    /// How the answer of now comes about.
    pub steps: Vec<QuoteStep>,
    /// Why there is no answer, where there is none.
    #[schema(required = true)]
    pub reason: Option<String>,
}

/// What a line comes to when it is asked again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Again {
    /// As it would be charged.
    pub amount: Decimal,
    /// How it comes about.
    pub steps: Vec<Step>,
    /// Whether the answer is the same, to the last digit and step.
    pub is_same: bool,
}

/// A line that was asked again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its place on the statement.
    pub place: usize,
    /// As the statement has it.
    pub description: &'a str,
    /// As it was charged.
    pub before: Decimal,
    /// What is said now, or why nothing is.
    pub again: Result<Again, String>,
}

impl Replay {
    /// Nothing asked yet.
    #[must_use]
    pub fn of(digest: Option<Digest>) -> Self {
        Self {
            digest,
            statements: 0,
            lines: 0,
            unanswered: 0,
            identical: true,
            totals: Vec::new(),
            differing: Vec::new(),
            next: None,
        }
    }

    /// Takes in what asking a statement's lines again came to.
    pub fn take(
        &mut self,
        (statement_id, user_id): (&str, &str),
        currency: Currency,
        lines: Vec<Line<'_>>,
    ) {
        self.statements += 1;
        let is_strict = self.digest.is_none();
        let mut total = ReplayTotal::nothing(currency);
        let mut differing = Vec::new();
        for line in lines {
            self.lines += 1;
            self.unanswered += usize::from(line.again.is_err());
            let after = line.again.as_ref().map_or(line.before, |again| again.amount);
            total.add(line.before, after);
            differing.extend(line.differs(is_strict));
        }
        let of_all = match self.totals.iter_mut().find(|one| one.currency == currency) {
            Some(of_all) => of_all,
            None => {
                self.totals.push(ReplayTotal::nothing(currency));
                let last = self.totals.len() - 1;
                &mut self.totals[last]
            }
        };
        of_all.add(total.before, total.after);
        if !differing.is_empty() {
            self.identical = false;
            self.differing.push(ReplayedStatement {
                statement_id: statement_id.to_owned(),
                user_id: user_id.to_owned(),
                total,
                lines: differing,
            });
        }
    }
}

impl ReplayTotal {
    fn nothing(currency: Currency) -> Self {
        let [before, after, difference] = [Decimal::ZERO; 3];
        Self { currency, before, after, difference }
    }

    fn add(&mut self, before: Decimal, after: Decimal) {
        self.before += before;
        self.after += after;
        self.difference = self.after - self.before;
    }
}

impl<'a> Line<'a> {
    /// A line of usage: its answer among those of its question, as it is kept and as it is said now.
    #[must_use]
    pub fn of_usage(
        place: usize,
        line: &'a StatementLine,
        kept: &[Charge],
        said: &Result<Vec<Charge>, String>,
    ) -> Self {
        let at = line.question_line.unwrap_or_default();
        let again = said.as_ref().map_err(String::clone).and_then(|charges| {
            let charge =
                charges.get(at).ok_or_else(|| "There is no answer of its place.".to_owned())?;
            Ok(Again {
                amount: due_more(line.billed_before.unwrap_or_default(), charge.amount),
                steps: charge.steps.clone(),
                is_same: kept.get(at) == Some(charge),
            })
        });
        Self { place, description: &line.description, before: line.amount, again }
    }

    /// A fee less the unused rest that was given back with it: all answers that it rests on, as they are said now.
    #[must_use]
    pub fn of_charge(
        place: usize,
        description: &'a str,
        charge: &FeeCharge,
        said: Vec<Result<Vec<FeeItem>, String>>,
    ) -> Self {
        let again = said.into_iter().collect::<Result<Vec<_>, String>>().map(|answers| {
            let mut again = Again { amount: Decimal::ZERO, steps: Vec::new(), is_same: true };
            for (one, answer) in charge.asked.iter().zip(answers) {
                let (fee, unused) = one.comes_to(&answer);
                again.amount += fee - unused;
                again.is_same &= one.asked.answer == answer;
                again.steps.extend(answer.into_iter().flat_map(|item| item.steps));
            }
            again
        });
        Self { place, description, before: charge.amount - charge.unused, again }
    }
}

impl Line<'_> {
    /// What of it differs, if anything does. The same component has to say the very same.
    fn differs(self, is_strict: bool) -> Option<ReplayedLine> {
        let Self { place, description, before, again } = self;
        let (after, steps, reason) = match again {
            Ok(again) if again.amount == before && (again.is_same || !is_strict) => return None,
            Ok(again) => (Some(again.amount), again.steps, None),
            Err(reason) => (None, Vec::new(), Some(reason)),
        };
        let steps = steps.into_iter().map(|step| QuoteStep {
            quantity: step.quantity,
            unit_price: step.unit_price,
            amount: step.amount,
            note: step.note,
        });
        Some(ReplayedLine {
            line: place,
            description: description.to_owned(),
            before,
            after,
            difference: after.map_or(Decimal::ZERO, |after| after - before),
            steps: steps.collect(),
            reason,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing_plan::PhaseType;
    use crate::statement::statement_line::LineKind;

    fn decimal(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    fn line(before: &str, again: Result<(&str, bool), &str>) -> Line<'static> {
        let again = again.map_err(str::to_owned).map(|(amount, is_same)| Again {
            amount: decimal(amount),
            steps: Vec::new(),
            is_same,
        });
        Line { place: 3, description: "CPU", before: decimal(before), again }
    }

    /// `1 of 2 0 unanswered: RUB 3 -> 4; sta: 3 1 -> 2`.
    fn said(replay: &Replay) -> String {
        let total = |one: &ReplayTotal| {
            format!("{} {} -> {} ({})", one.currency.code(), one.before, one.after, one.difference)
        };
        let line = |one: &ReplayedLine| {
            let after = one.after.map_or_else(|| "nothing".to_owned(), |after| after.to_string());
            let reason = one.reason.as_deref().unwrap_or_default();
            format!("{}: {} -> {after}{reason}", one.line, one.before)
        };
        let totals: Vec<String> = replay.totals.iter().map(total).collect();
        let lines: Vec<String> =
            replay.differing.iter().flat_map(|one| &one.lines).map(line).collect();
        let Replay { statements, lines: asked, unanswered, identical, .. } = replay;
        format!(
            "{statements} {asked} {unanswered} {identical} [{}] [{}]",
            totals.join(", "),
            lines.join(", ")
        )
    }

    #[test]
    fn what_differs_is_told_by_line_and_in_all() {
        let other = Some(Digest::from_bytes([1; 32]));
        for (digest, lines, expected) in [
            (None, vec![line("1.50", Ok(("1.5", true)))], "1 1 0 true [RUB 1.50 -> 1.5 (0.00)] []"),
            (other, vec![line("1.5", Ok(("1.5", false)))], "1 1 0 true [RUB 1.5 -> 1.5 (0.0)] []"),
            // The same component has to explain it in the same way.
            (
                None,
                vec![line("1.5", Ok(("1.5", false)))],
                "1 1 0 false [RUB 1.5 -> 1.5 (0.0)] [3: 1.5 -> 1.5]",
            ),
            (
                other,
                vec![line("1", Ok(("3", false))), line("2", Ok(("2", true)))],
                "1 2 0 false [RUB 3 -> 5 (2)] [3: 1 -> 3]",
            ),
            (
                other,
                vec![line("1", Err(" no")), line("2", Ok(("1", false)))],
                "1 2 1 false [RUB 3 -> 2 (-1)] [3: 1 -> nothing no, 3: 2 -> 1]",
            ),
            (None, vec![], "1 0 0 true [RUB 0 -> 0 (0)] []"),
        ] {
            let mut replay = Replay::of(digest);
            replay.take(("sta", "bob"), Currency::RUB, lines);
            assert_eq!(said(&replay), expected);
        }
    }

    #[test]
    fn a_line_of_usage_is_held_against_the_answer_of_its_place() {
        let charge = |amount: &str, note: &str| Charge {
            phase_type: PhaseType::Final,
            amount: decimal(amount),
            steps: vec![Step {
                quantity: Decimal::ONE,
                unit_price: decimal(amount),
                amount: decimal(amount),
                note: note.to_owned(),
            }],
        };
        let kept = [charge("1", "a"), charge("5", "b")];
        let line = |billed_before: Option<&str>| StatementLine {
            question: Some(0),
            question_line: Some(1),
            billed_before: billed_before.map(decimal),
            ..StatementLine::of_money(LineKind::Usage, "CPU".to_owned(), decimal("5"))
        };
        let said = |amount: &str, note: &str| Ok(vec![charge("1", "a"), charge(amount, note)]);
        for (line, said, expected) in [
            (line(None), said("5.0", "b"), Ok(("5", true))),
            (line(None), said("5", "c"), Ok(("5", false))),
            (line(None), said("7", "b"), Ok(("7", false))),
            (line(Some("2")), said("7", "b"), Ok(("5", false))),
            (line(Some("9")), said("7", "b"), Ok(("0", false))),
            (line(None), Ok(vec![charge("1", "a")]), Err("There is no answer of its place.")),
            (line(None), Err("No.".to_owned()), Err("No.")),
        ] {
            let again = Line::of_usage(0, &line, &kept, &said).again;
            let again = again.map(|again| (again.amount.normalize().to_string(), again.is_same));
            let again = again.as_ref().map(|(amount, same)| (amount.as_str(), *same));
            assert_eq!(again.map_err(String::as_str), expected, "{said:?}");
        }
    }

    #[test]
    fn totals_are_by_currency() {
        let mut replay = Replay::of(None);
        for (currency, amount) in [(Currency::RUB, "1"), (Currency::USD, "2"), (Currency::RUB, "4")]
        {
            replay.take(("sta", "bob"), currency, vec![line(amount, Ok((amount, true)))]);
        }
        assert_eq!(said(&replay), "3 3 0 true [RUB 5 -> 5 (0), USD 2 -> 2 (0)] []");
    }
}

//! Statements: what a user owes for a period, line by line. What was written is never edited; only its status moves, and
//! what failed is written once it succeeds.

pub mod asked;
pub mod billing_window;
pub mod closed_window;
pub mod replay;
pub mod replay_request;
pub mod segment;
pub mod statement_line;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::asked::Asked;
use self::statement_line::{LineKind, StatementLine};
use crate::billing_plan::charge::{Charge, UsageQuestion};
use crate::decimal;
use crate::money::Currency;
use crate::period::Window;
use crate::refusal::{FieldError, Refusal};
use crate::schema::{self, UnixSeconds};
use crate::subscription::fee_charge::FeeCharge;
use crate::time::{self, Timestamp};

/// How far a statement has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = StatementStatus)]
pub enum StatementStatus {
    /// Something is to be paid.
    Open,
    /// Nothing is, any more.
    Paid,
    /// It could not be written; `reason` says why. It is tried again.
    Failed,
}

impl StatementStatus {
    /// As on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Failed => "failed",
        }
    }
}

/// A statement as it would be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpcomingStatement {
    /// Whose.
    pub user_id: String,
    /// Start of the period.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub period_start: Timestamp,
    /// End of it, not included.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub period_end: Timestamp,
    /// What it is paid in; `null` where it fails since nobody says in what.
    #[schema(value_type = Option<schema::Currency>, required = true)]
    pub currency: Option<Currency>,
    /// What it comes from.
    pub lines: Vec<StatementLine>,
    /// What all lines come to but for credit.
    #[serde(with = "decimal")]
    #[schema(value_type = schema::Decimal)]
    pub total: Decimal,
    /// How much credit is used.
    #[serde(with = "decimal")]
    #[schema(value_type = schema::Decimal)]
    pub credit_applied: Decimal,
    /// What is to be paid.
    #[serde(with = "decimal")]
    #[schema(value_type = schema::Decimal)]
    pub due: Decimal,
    /// Why it cannot be written, where it cannot.
    #[schema(required = true)]
    pub reason: Option<String>,
}

impl UpcomingStatement {
    /// Sums lines up, and uses as much of a user's credit as there is to pay.
    ///
    /// # Errors
    /// A sum of more digits than a decimal has.
    pub fn of(
        user_id: &str,
        window: Window,
        currency: Currency,
        mut lines: Vec<StatementLine>,
        credit: Decimal,
    ) -> Result<Self, Refusal> {
        let sum = |total: Decimal, line: &StatementLine| total.checked_add(line.amount);
        let total = lines.iter().try_fold(Decimal::ZERO, sum).ok_or_else(|| {
            let message = "The total of the period is larger than can be written. Lower the prices of the billing plan.";
            Refusal::unfit(FieldError::new("lines", "amount_out_of_range", message))
        })?;
        let credit_applied = credit.min(total).max(Decimal::ZERO);
        if credit_applied > Decimal::ZERO {
            let description = "Credit".to_owned();
            lines.push(StatementLine::of_money(LineKind::Credit, description, -credit_applied));
        }
        let due = total - credit_applied;
        let currency = Some(currency);
        Ok(Self { lines, total, credit_applied, due, currency, ..Self::empty(user_id, window) })
    }

    /// One that cannot be written now.
    #[must_use]
    pub fn failed(
        user_id: &str,
        window: Window,
        currency: Option<Currency>,
        reason: String,
    ) -> Self {
        Self { currency, reason: Some(reason), ..Self::empty(user_id, window) }
    }

    /// One with nothing on it.
    #[must_use]
    pub fn empty(user_id: &str, window: Window) -> Self {
        Self {
            user_id: user_id.to_owned(),
            period_start: window.start,
            period_end: window.end,
            currency: None,
            lines: Vec::new(),
            total: Decimal::ZERO,
            credit_applied: Decimal::ZERO,
            due: Decimal::ZERO,
            reason: None,
        }
    }
}

/// A statement. All times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[allow(missing_docs, reason = "documented on UpcomingStatement")]
pub struct Statement {
    /// Unique.
    pub id: String,
    pub user_id: String,
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub period_start: Timestamp,
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub period_end: Timestamp,
    #[schema(value_type = Option<schema::Currency>, required = true)]
    pub currency: Option<Currency>,
    /// How far it has come.
    pub status: StatementStatus,
    pub lines: Vec<StatementLine>,
    #[serde(with = "decimal")]
    #[schema(value_type = schema::Decimal)]
    pub total: Decimal,
    #[serde(with = "decimal")]
    #[schema(value_type = schema::Decimal)]
    pub credit_applied: Decimal,
    #[serde(with = "decimal")]
    #[schema(value_type = schema::Decimal)]
    pub due: Decimal,
    #[schema(required = true)]
    pub reason: Option<String>,
    /// When it was first tried to write it.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub created_at: Timestamp,
}

impl Statement {
    /// Written as it was to be. What has nothing to pay is paid.
    #[must_use]
    pub fn written(id: String, upcoming: UpcomingStatement, created_at: Timestamp) -> Self {
        let UpcomingStatement { reason, due, .. } = &upcoming;
        let status = if reason.is_some() {
            StatementStatus::Failed
        } else if due.is_zero() {
            StatementStatus::Paid
        } else {
            StatementStatus::Open
        };
        let UpcomingStatement { user_id, period_start, period_end, currency, .. } = upcoming;
        let UpcomingStatement { lines, total, credit_applied, due, reason, .. } = upcoming;
        Self {
            id,
            user_id,
            period_start,
            period_end,
            currency,
            status,
            lines,
            total,
            credit_applied,
            due,
            reason,
            created_at,
        }
    }
}

impl Statement {
    /// The same once what was due is paid.
    #[must_use]
    pub fn settled(self) -> Self {
        Self { status: StatementStatus::Paid, ..self }
    }

    /// What is to be paid, and in what; nothing unless it is open.
    #[must_use]
    pub fn payable(&self) -> Option<(Decimal, Currency)> {
        let currency = self.currency.filter(|_| self.status == StatementStatus::Open);
        currency.map(|currency| (self.due, currency))
    }
}

/// A statement with all that its lines rest on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Documented {
    /// As it is shown.
    pub statement: Statement,
    /// What the pricing plugin was asked of usage, and what it said.
    pub questions: Vec<Asked<UsageQuestion, Vec<Charge>>>,
    /// The fees that were charged.
    #[serde(default)]
    pub charges: Vec<FeeCharge>,
}

impl Documented {
    /// What does not agree in it: lines with their answers, and sums with lines.
    #[must_use]
    pub fn disagreements(&self) -> Vec<String> {
        let Statement { lines, total, credit_applied, due, .. } = &self.statement;
        let mut found = Vec::new();
        for (place, line) in lines.iter().enumerate() {
            if let Some(said) = self.answered(line)
                && said != line.amount
            {
                found.push(format!(
                    "Line {place} is {}, and by its answer it is {said}.",
                    line.amount
                ));
            }
        }
        for (place, charge) in self.charges.iter().enumerate() {
            let own = |line: &&StatementLine| line.charge == Some(place);
            let lines: Vec<_> = lines.iter().filter(own).cloned().collect();
            if lines != StatementLine::of_charge(place, charge).collect::<Vec<_>>() {
                found.push(format!("Its lines are not those of the fee charge '{}'.", charge.id));
            }
        }
        let of = |is_credit: bool| -> Decimal {
            let lines = lines.iter().filter(|line| (line.kind == LineKind::Credit) == is_credit);
            lines.map(|line| line.amount).sum()
        };
        if of(false) != *total {
            found.push(format!("Its total is {total}, and its lines come to {}.", of(false)));
        }
        if of(true) != -*credit_applied {
            found.push(format!("It uses {credit_applied} of credit, and its lines {}.", -of(true)));
        }
        if total - credit_applied != *due {
            found.push(format!("Its due is {due}, and its total less credit is another."));
        }
        found
    }

    /// What a line is by its answer, if it rests on one; nothing fits an answer that is not there.
    fn answered(&self, line: &StatementLine) -> Option<Decimal> {
        let asked = self.questions.get(line.question?);
        let charge = asked.and_then(|asked| asked.answer.get(line.question_line?));
        let said = charge.map_or(Decimal::NEGATIVE_ONE, |charge| charge.amount);
        let before = line.billed_before.unwrap_or_default();
        Some(closed_window::due_more(before, said))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(amounts: &[&str]) -> Vec<StatementLine> {
        let line = |amount: &&str| {
            let amount = Decimal::from_str_exact(amount).unwrap();
            StatementLine::of_money(LineKind::Usage, String::new(), amount)
        };
        amounts.iter().map(line).collect()
    }

    fn upcoming(amounts: &[&str], credit: &str) -> Result<UpcomingStatement, Refusal> {
        let window = Window { start: Timestamp::UNIX_EPOCH, end: Timestamp::UNIX_EPOCH };
        let credit = Decimal::from_str_exact(credit).unwrap();
        UpcomingStatement::of("bob", window, Currency::USD, lines(amounts), credit)
    }

    #[test]
    fn lines_are_summed_up_and_credit_is_used_first() {
        for (amounts, credit, expected) in [
            (&["5.5", "0.25"][..], "0", "5.75 0 5.75 Open 2"),
            (&["5.5", "0.25"], "1", "5.75 1 4.75 Open 3"),
            (&["5.5", "0.25"], "5.75", "5.75 5.75 0 Paid 3"),
            (&["5.5", "0.25"], "100", "5.75 5.75 0 Paid 3"),
            (&["0"], "100", "0 0 0 Paid 1"),
            (&["490", "-490"], "100", "0 0 0 Paid 2"),
        ] {
            let upcoming = upcoming(amounts, credit).unwrap();
            let statement = Statement::written("sta".to_owned(), upcoming, Timestamp::UNIX_EPOCH);
            let Statement { total, credit_applied, due, status, lines, .. } = &statement;
            let (total, due) = (total.normalize(), due.normalize());
            let said = format!("{total} {credit_applied} {due} {status:?} {}", lines.len());
            assert_eq!(said, expected, "{amounts:?} {credit}");
            let documented = Documented { statement, questions: Vec::new(), charges: Vec::new() };
            assert_eq!(documented.disagreements(), Vec::<String>::new());
        }
        let largest = Decimal::MAX.to_string();
        assert!(upcoming(&[&largest, "1"], "0").is_err());
    }

    #[test]
    fn what_was_changed_shows() {
        let whole = upcoming(&["5.5", "0.25"], "1").unwrap();
        let whole = Statement::written("sta".to_owned(), whole, Timestamp::UNIX_EPOCH);
        type Edit = fn(&mut Statement);
        let changes: [(Edit, &str); 5] = [
            (|it| it.total = Decimal::ONE, "Its total is 1"),
            (|it| it.due = Decimal::ONE, "Its due is 1"),
            (|it| it.credit_applied = Decimal::TEN, "It uses 10 of credit"),
            (|it| it.lines[0].amount = Decimal::ONE, "its lines come to 1.25"),
            (|it| (it.lines[0].question, it.lines[0].question_line) = (Some(0), Some(0)), "Line 0"),
        ];
        for (change, problem) in changes {
            let mut statement = whole.clone();
            change(&mut statement);
            let found = Documented { statement, questions: Vec::new(), charges: Vec::new() }
                .disagreements();
            assert!(found.iter().any(|one| one.contains(problem)), "{found:?}");
        }
    }

    #[test]
    fn what_could_not_be_written_says_why() {
        let window = Window { start: Timestamp::UNIX_EPOCH, end: Timestamp::UNIX_EPOCH };
        let failed = UpcomingStatement::failed("bob", window, None, "No price.".to_owned());
        let statement = Statement::written("sta".to_owned(), failed, Timestamp::UNIX_EPOCH);
        assert_eq!(statement.status, StatementStatus::Failed);
        assert_eq!(statement.reason.as_deref(), Some("No price."));
    }
}

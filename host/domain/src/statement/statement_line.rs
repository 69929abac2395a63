//! The lines of a statement: what of it is owed for what, and what it rests on.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::billing_plan::PhaseType;
use crate::billing_plan::quote::{QuotePlugin, QuoteStep};
use crate::decimal;
use crate::period::Window;
use crate::schema::{self, UnixSeconds};
use crate::subscription::fee_charge::FeeCharge;
use crate::time::{self, Timestamp};
use crate::usage::quantity::Quantity;

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// A plan's own fee.
    Fee,
    /// Metered usage of the period.
    Usage,
    /// Metered usage of an earlier period that came after its statement.
    Adjustment,
    /// What was paid already when it was charged: less than 0.
    PaidInAdvance,
    /// What the user had: less than 0.
    Credit,
}

/// A line of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatementLine {
    /// What it is about.
    pub kind: LineKind,
    /// For people.
    pub description: String,
    /// Of the product that was used.
    #[schema(required = true)]
    pub external_id: Option<String>,
    /// Whose prices held.
    #[schema(required = true)]
    pub phase: Option<PhaseType>,
    /// Where it was used, by name.
    #[schema(required = true)]
    pub region: Option<String>,
    /// How much is billed by it, of the metric.
    #[schema(required = true)]
    pub quantity: Option<Quantity>,
    /// In the statement's currency.
    #[serde(with = "decimal")]
    #[schema(value_type = schema::Decimal)]
    pub amount: Decimal,
    /// How the answer's amount comes about: that of all that was used, also on an adjustment.
    pub steps: Vec<QuoteStep>,
    /// What was billed of the same before; on an adjustment.
    #[serde(with = "decimal::optional")]
    #[schema(value_type = Option<schema::Decimal>, required = true)]
    pub billed_before: Option<Decimal>,
    /// Start of the time that it is for.
    #[serde(with = "time::optional_seconds")]
    #[schema(value_type = Option<UnixSeconds>, required = true)]
    pub period_start: Option<Timestamp>,
    /// End of it, not included.
    #[serde(with = "time::optional_seconds")]
    #[schema(value_type = Option<UnixSeconds>, required = true)]
    pub period_end: Option<Timestamp>,
    /// Which of the statement's questions it rests on, from 0.
    #[schema(required = true)]
    pub question: Option<usize>,
    /// Which line of that question, from 0.
    #[schema(required = true)]
    pub question_line: Option<usize>,
    /// Which of the statement's charges it is of, from 0.
    #[schema(required = true)]
    pub charge: Option<usize>,
    /// Who has calculated it.
    #[schema(required = true)]
    pub plugin: Option<QuotePlugin>,
}

impl StatementLine {
    /// One of money alone.
    #[must_use]
    pub fn of_money(kind: LineKind, description: String, amount: Decimal) -> Self {
        Self {
            kind,
            description,
            external_id: None,
            phase: None,
            region: None,
            quantity: None,
            amount,
            steps: Vec::new(),
            billed_before: None,
            period_start: None,
            period_end: None,
            question: None,
            question_line: None,
            charge: None,
            plugin: None,
        }
    }

    /// Those of a fee that was charged, and paid then: they come to 0. `place` is where the statement has the charge.
    pub fn of_charge(place: usize, charge: &FeeCharge) -> impl Iterator<Item = Self> {
        let FeeCharge { plan_name, amount, unused, window, .. } = charge;
        let plugin = charge.asked.first().map(|one| QuotePlugin::of(&one.asked.pricer));
        let lines = [
            (LineKind::Fee, format!("Plan '{plan_name}'"), *amount),
            (LineKind::Fee, format!("Unused rest of the plan before '{plan_name}'"), -unused),
            (LineKind::PaidInAdvance, "Paid when it was charged".to_owned(), unused - amount),
        ];
        let window = *window;
        lines.into_iter().filter(|(_, _, amount)| !amount.is_zero()).map(
            move |(kind, text, amount)| {
                let plugin = plugin.clone().filter(|_| kind == LineKind::Fee);
                let line =
                    Self { charge: Some(place), plugin, ..Self::of_money(kind, text, amount) };
                line.during(window)
            },
        )
    }

    /// The same for a time.
    #[must_use]
    pub fn during(self, window: Window) -> Self {
        Self { period_start: Some(window.start), period_end: Some(window.end), ..self }
    }
}

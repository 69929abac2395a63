//! A quote: what quantities would cost, with what-ifs of time, region, phase and quantity.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::billing_plan::charge::{Charge, MOST_LINES, UsageLine};
use crate::billing_plan::{PhaseType, is_quantity, quantity_rule};
use crate::money::{self, Currency};
use crate::refusal::{FieldError, Refusal};
use crate::schema::{self, DateTime, UnixSeconds};
use crate::statement::asked::Pricer;
use crate::time::{self, Timestamp};

/// A quantity of one product.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuoteLine {
    /// The product's: the metric. Once in a quote.
    pub external_id: String,
    /// Of the metric.
    #[serde(deserialize_with = "crate::decimal::deserialize")]
    #[schema(value_type = schema::Measure)]
    pub quantity: Decimal,
}

/// What an admin asks of a billing plan.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({
    "currency": "USD", "region": "eu", "phase": "final", "lines": [{"external_id": "cpu", "quantity": 12}],
})))]
pub struct BillingPlanQuote {
    /// The user's where absent, else the tenant's.
    #[serde(default, deserialize_with = "money::read_optional_currency")]
    #[schema(value_type = Option<schema::Currency>)]
    pub currency: Option<Currency>,
    /// By name; the user's where absent, else the tenant's.
    pub region: Option<String>,
    /// When it would be used; now where absent.
    #[serde(default, with = "time::optional_rfc3339")]
    #[schema(value_type = Option<DateTime>)]
    pub at: Option<Timestamp>,
    /// Whose clock, group, region and currency.
    pub user_id: Option<String>,
    /// Whatever the clock says. Without it and without a user it is the final one.
    pub phase: Option<PhaseType>,
    /// What would be used.
    #[schema(min_items = 1, max_items = 100)]
    pub lines: Vec<QuoteLine>,
}

/// What a user asks of the own price book.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({
    "currency": "USD", "region": "eu", "lines": [{"external_id": "cpu", "quantity": 12}],
})))]
pub struct UserQuote {
    /// The own one where absent, else the tenant's.
    #[serde(default, deserialize_with = "money::read_optional_currency")]
    #[schema(value_type = Option<schema::Currency>)]
    pub currency: Option<Currency>,
    /// By name; the own one where absent, else the tenant's.
    pub region: Option<String>,
    /// When it would be used, in Unix seconds; now where absent.
    #[serde(default, with = "time::optional_seconds")]
    #[schema(value_type = Option<UnixSeconds>)]
    pub at: Option<Timestamp>,
    /// Somebody else may be asked about by admins.
    pub user_id: Option<String>,
    /// Whatever the own clock says.
    pub phase: Option<PhaseType>,
    /// What would be used.
    #[schema(min_items = 1, max_items = 100)]
    pub lines: Vec<QuoteLine>,
}

/// What is asked, wherever it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuoteRequest {
    /// As in the request, as all that follow.
    pub currency: Option<Currency>,
    #[allow(missing_docs, reason = "documented on BillingPlanQuote")]
    pub region: Option<String>,
    #[allow(missing_docs, reason = "documented on BillingPlanQuote")]
    pub at: Option<Timestamp>,
    #[allow(missing_docs, reason = "documented on BillingPlanQuote")]
    pub user_id: Option<String>,
    #[allow(missing_docs, reason = "documented on BillingPlanQuote")]
    pub phase: Option<PhaseType>,
    #[allow(missing_docs, reason = "documented on BillingPlanQuote")]
    pub lines: Vec<QuoteLine>,
}

impl From<BillingPlanQuote> for QuoteRequest {
    fn from(asked: BillingPlanQuote) -> Self {
        let BillingPlanQuote { currency, region, at, user_id, phase, lines } = asked;
        Self { currency, region, at, user_id, phase, lines }
    }
}

impl From<UserQuote> for QuoteRequest {
    fn from(asked: UserQuote) -> Self {
        let UserQuote { currency, region, at, user_id, phase, lines } = asked;
        Self { currency, region, at, user_id, phase, lines }
    }
}

impl QuoteRequest {
    /// # Errors
    /// Names every line at fault.
    pub fn check(&self) -> Result<(), Refusal> {
        let mut wrong = Vec::new();
        if !(1..=MOST_LINES).contains(&self.lines.len()) {
            let message = format!("lines must have 1 to {MOST_LINES} entries.");
            wrong.push(FieldError::new("lines", "out_of_range", &message));
        }
        let mut seen = BTreeSet::new();
        for (at, line) in self.lines.iter().enumerate().take(MOST_LINES) {
            let field = |name: &str| format!("lines[{at}].{name}");
            if !seen.insert(&line.external_id) {
                let message = "A product is asked about once: add its quantities up.";
                wrong.push(FieldError::new(&field("external_id"), "product_repeated", message));
            }
            if line.quantity < Decimal::ZERO {
                let name = field("quantity");
                let message = format!("{name} must be 0 or more.");
                wrong.push(FieldError::new(&name, "out_of_range", &message));
            }
            if !is_quantity(line.quantity) {
                let name = field("quantity");
                wrong.push(FieldError::new(&name, "too_many_digits", &quantity_rule(&name)));
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(Refusal::Unfit(wrong)) }
    }
}

/// What it would cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Quote {
    /// What it is paid in.
    #[schema(value_type = schema::Currency)]
    pub currency: Currency,
    /// The sum of all charges.
    #[serde(with = "crate::decimal")]
    #[schema(value_type = schema::Decimal)]
    pub total: Decimal,
    /// One for each line, in their order.
    pub charges: Vec<QuoteCharge>,
    /// Who has calculated it.
    pub plugin: QuotePlugin,
}

/// What a line would cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuoteCharge {
    /// The product's.
    pub external_id: String,
    /// Whose prices would hold.
    pub phase: PhaseType,
    /// Rounded once, to the currency's digits.
    #[serde(with = "crate::decimal")]
    #[schema(value_type = schema::Decimal)]
    pub amount: Decimal,
    /// How it comes about; they add up to the amount but for its rounding.
    pub steps: Vec<QuoteStep>,
}

/// One step of the arithmetic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuoteStep {
    /// How much.
    #[serde(with = "crate::decimal")]
    #[schema(value_type = schema::Decimal)]
    pub quantity: Decimal,
    /// Of what.
    #[serde(with = "crate::decimal")]
    #[schema(value_type = schema::Decimal)]
    pub unit_price: Decimal,
    /// What it comes to.
    #[serde(with = "crate::decimal")]
    #[schema(value_type = schema::Decimal)]
    pub amount: Decimal,
    /// For people.
    pub note: String,
}

/// The pricing plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuotePlugin {
    /// As it calls itself.
    pub name: String,
    /// SHA-256 of its bytes.
    pub digest: String,
}

impl QuotePlugin {
    /// Whoever is kept beside an answer.
    #[must_use]
    pub fn of(pricer: &Pricer) -> Self {
        Self { name: pricer.name.clone(), digest: pricer.digest.to_string() }
    }
}

impl Quote {
    /// The answer to lines that were asked together.
    ///
    /// # Errors
    /// A sum of more digits than a decimal has.
    pub fn of(
        currency: Currency,
        lines: &[UsageLine],
        charges: Vec<Charge>,
        plugin: QuotePlugin,
    ) -> Result<Self, Refusal> {
        let sum = |total: Decimal, charge: &Charge| total.checked_add(charge.amount);
        let total = charges.iter().try_fold(Decimal::ZERO, sum).ok_or_else(|| {
            let message = "The total is larger than can be written; ask for less at once.";
            Refusal::unfit(FieldError::new("lines", "amount_out_of_range", message))
        })?;
        let charges = lines.iter().zip(charges).map(|(line, charge)| QuoteCharge {
            external_id: line.external_id.clone(),
            phase: charge.phase_type,
            amount: charge.amount,
            steps: charge
                .steps
                .into_iter()
                .map(|step| QuoteStep {
                    quantity: step.quantity,
                    unit_price: step.unit_price,
                    amount: step.amount,
                    note: step.note,
                })
                .collect(),
        });
        Ok(Self { currency, total, charges: charges.collect(), plugin })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_and_named_by_their_place() {
        let line = |id: &str, quantity: &str| QuoteLine {
            external_id: id.to_owned(),
            quantity: quantity.parse().unwrap(),
        };
        let many = |count: usize| (0..count).map(|at| line(&at.to_string(), "1")).collect();
        for (lines, expected) in [
            (vec![line("cpu", "0")], None),
            (vec![line("cpu", "0.000001"), line("disk", "999999999999.999999")], None),
            (vec![line("cpu", "0.0000001")], Some("lines[0].quantity")),
            (vec![line("cpu", "1000000000000000000")], Some("lines[0].quantity")),
            (vec![line("cpu", "1"), line("disk", "-1")], Some("lines[1].quantity")),
            (vec![line("cpu", "1"), line("cpu", "1")], Some("lines[1].external_id")),
            (vec![], Some("lines")),
            (many(100), None),
            (many(101), Some("lines")),
        ] {
            let asked = QuoteRequest {
                currency: None,
                region: None,
                at: None,
                user_id: None,
                phase: None,
                lines,
            };
            let field = match asked.check() {
                Ok(()) => None,
                Err(Refusal::Unfit(errors)) => Some(errors[0].field.clone()),
                Err(other) => panic!("{other:?}"),
            };
            assert_eq!(field.as_deref(), expected);
        }
    }
}

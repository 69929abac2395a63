//! A plan's own fee, and what a change of plan is worth.

use num_rational::BigRational;
use planwright_sdk::Refusal;
use planwright_sdk::pricing::{FeeItem, FeeQuestion, Leaving, Step};
use planwright_sdk::types::{Currency, Plan, Timestamp};

use crate::exact::{Quotient, fraction, round_to_currency, shown, text};

/// A start and a renewal cost the plan's price. A change costs the new plan's price for the part of the window
/// it holds (all of it, where the window begins with the change), less the unused rest of what was paid.
pub(crate) fn price(question: &FeeQuestion) -> Result<Vec<FeeItem>, Refusal> {
    let FeeQuestion { reason, plan, leaving, period_start, period_end, effective_at, .. } =
        question;
    let window = Window { from: *period_start, until: *period_end };
    match (reason.as_str(), leaving) {
        ("start" | "renewal", None) => Ok(vec![fee(plan, &window, window.from)?]),
        ("change", Some(leaving)) => {
            let mut items = vec![fee(plan, &window, *effective_at)?];
            items.extend(unused(leaving, &plan.currency, *effective_at)?);
            Ok(items)
        }
        _ => Err(Refusal::new(
            "unknown_reason",
            format!(
                "A fee is for a start, a renewal, or a change that names the plan it leaves; this is none: '{reason}'."
            ),
        )),
    }
}

/// Half-open: `from ≤ t < until`.
struct Window {
    from: Timestamp,
    until: Timestamp,
}

impl Window {
    /// Seconds from `t` to the end, and of the whole. Before the window begins all of it is left, after its
    /// end nothing.
    fn rest(&self, t: Timestamp) -> Result<(i64, i64), Refusal> {
        let seconds = |from: Timestamp| self.until.checked_sub(from);
        seconds(self.from)
            .filter(|whole| *whole > 0)
            .and_then(|whole| Some((seconds(t.max(self.from))?.max(0), whole)))
            .ok_or_else(|| {
                let message = format!(
                    "A window must end after it begins; this goes from {} to {}.",
                    self.from, self.until
                );
                Refusal::new("window_out_of_order", message)
            })
    }
}

fn fee(plan: &Plan, window: &Window, from: Timestamp) -> Result<FeeItem, Refusal> {
    let (rest, all) = window.rest(from)?;
    if rest == 0 || from < window.from {
        let message = format!(
            "The plan must begin inside the window it is paid for, and {from} lies outside."
        );
        return Err(Refusal::new("effective_outside_window", message));
    }
    let note = if rest == all {
        format!("{}, one {}", plan.name, plan.interval)
    } else {
        format!("{}, {rest} of {all} seconds of one {}", plan.name, plan.interval)
    };
    let part = BigRational::new(rest.into(), all.into());
    item("fee", &part, &fraction(plan.price), &plan.currency, note)
}

/// The rest of what was paid, as credit; nothing where nothing is left.
fn unused(
    leaving: &Leaving,
    currency: &Currency,
    at: Timestamp,
) -> Result<Option<FeeItem>, Refusal> {
    if leaving.paid.coefficient == 0 {
        return Ok(None);
    }
    if leaving.plan.currency.code != currency.code {
        let message = format!(
            "What was paid in {} cannot be set off against a fee in {}; change at the end of the period instead.",
            leaving.plan.currency.code, currency.code,
        );
        return Err(Refusal::new("currency_differs", message));
    }
    let (rest, all) = Window { from: leaving.paid_from, until: leaving.paid_until }.rest(at)?;
    if rest == 0 {
        return Ok(None);
    }
    let note = format!(
        "{}, {rest} of {all} seconds unused of {} paid",
        leaving.plan.name,
        text(leaving.paid)
    );
    let part = -BigRational::new(rest.into(), all.into());
    item("unused", &part, &fraction(leaving.paid), currency, note).map(Some)
}

fn item(
    kind: &str,
    part: &BigRational,
    price: &BigRational,
    currency: &Currency,
    note: String,
) -> Result<FeeItem, Refusal> {
    let amount = Quotient::from(&(part * price));
    let (quantity, unit_price) = (shown(&part.into())?, shown(&price.into())?);
    let step = Step { quantity, unit_price, amount: shown(&amount)?, note };
    Ok(FeeItem {
        kind: kind.to_owned(),
        amount: round_to_currency(&amount, currency)?,
        steps: vec![step],
    })
}

//! Asking the pricing plugin what used quantities cost, and what its answer must look like to be believed.

use std::sync::Arc;

use planwright_domain::billing_plan::charge::{
    Charge, LinePhase, UsageLine, UsageQuestion, UsageRefusal,
};
use planwright_domain::billing_plan::{MOST_TIERS, PhaseType};
use planwright_domain::money::{self, Currency};
use planwright_domain::plan::review::ReviewContext;
use rust_decimal::Decimal;

use crate::contract::exports::planwright::plugin::pricing as wit_pricing;
use crate::contract::planwright::plugin::types as wit;
use crate::fees::{pricing, step};
use crate::plugin::Plugin;
use crate::{Hook, PluginError, convert, text};

impl Plugin {
    /// What used quantities cost: a charge for each line, in their order, or why they are not priced.
    ///
    /// # Errors
    /// [`PluginError`] names the plugin.
    pub async fn price_usage(
        self: &Arc<Self>,
        context: &ReviewContext,
        question: &UsageQuestion,
    ) -> Result<Result<Vec<Charge>, UsageRefusal>, PluginError> {
        self.must_be(Hook::Pricing)?;
        let asked = ask(context, question).map_err(|reason| self.bad_question(reason))?;
        let bounds = Bounds {
            currency: question.currency,
            lines: question.lines.iter().map(|line| line.phases.clone()).collect(),
            text_bytes: self.running.limits.text_bytes,
        };
        self.call(
            context.at,
            move |store, exports| pricing(exports)?.call_price_usage(store, &asked),
            move |plugin, answer| match answer {
                Ok(charges) => {
                    bounds.believe(charges).map(Ok).map_err(|reason| plugin.bad_answer(reason))
                }
                Err(no) => Ok(Err(bounds.refusal(&no))),
            },
        )
        .await
    }
}

fn ask(
    context: &ReviewContext,
    question: &UsageQuestion,
) -> Result<wit_pricing::UsageQuestion, String> {
    let lines = question.lines.iter().enumerate();
    Ok(wit_pricing::UsageQuestion {
        context: wit::Context {
            user_group: question.user_group.clone(),
            region: question.region.clone(),
            ..convert::context(context)
        },
        currency: convert::currency(question.currency),
        lines: lines.map(|(at, line)| line_of(at, line)).collect::<Result<_, _>>()?,
    })
}

fn line_of(at: usize, line: &UsageLine) -> Result<wit_pricing::Line, String> {
    Ok(wit_pricing::Line {
        reference: reference(at),
        product: line.external_id.clone(),
        quantity: convert::decimal("quantity", line.quantity)?,
        unit: convert::decimal("unit", line.unit.into())?,
        tier_mode: line.tier_mode.as_str().to_owned(),
        used_at: line.used_at.as_second(),
        phases: line.phases.iter().map(phase).collect::<Result<_, _>>()?,
    })
}

/// A question has a hundred lines at most.
fn reference(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn phase(phase: &LinePhase) -> Result<wit_pricing::PhaseWindow, String> {
    Ok(wit_pricing::PhaseWindow {
        kind: phase.phase_type.as_str().to_owned(),
        starts_at: phase.starts_at.as_second(),
        ends_at: phase.ends_at.map(|end| end.as_second()),
        prices: phase.prices.iter().map(convert::tier).collect::<Result<_, _>>()?,
    })
}

/// What an answer to one question may say.
struct Bounds {
    currency: Currency,
    /// The phases of each line that was asked.
    lines: Vec<Vec<LinePhase>>,
    text_bytes: usize,
}

impl Bounds {
    fn believe(&self, charges: Vec<wit_pricing::Charge>) -> Result<Vec<Charge>, String> {
        let (asked, got) = (self.lines.len(), charges.len());
        if asked != got {
            return Err(format!("{got} charges for {asked} lines"));
        }
        charges.into_iter().enumerate().map(|(at, charge)| self.charge(at, charge)).collect()
    }

    fn charge(&self, at: usize, charge: wit_pricing::Charge) -> Result<Charge, String> {
        if charge.reference != reference(at) {
            let reference = charge.reference;
            return Err(format!("the charge of line {reference} where that of line {at} belongs"));
        }
        // Longer names are no phases, and are not shown.
        let has_it =
            |kind: &PhaseType| self.lines[at].iter().any(|phase| phase.phase_type == *kind);
        let phase_type = PhaseType::from_name(&charge.phase)
            .filter(has_it)
            .ok_or_else(|| format!("line {at} is charged by a phase that was not asked about"))?;
        let amount = convert::read_decimal("an amount", charge.amount)?;
        if !money::fits(amount, self.currency) {
            let (digits, code) = (money::digits(self.currency), self.currency.code());
            return Err(format!("the amount {amount}, and {code} has {digits} fraction digits"));
        }
        if amount < Decimal::ZERO {
            return Err(format!("a charge of {amount}, and charges are 0 or more"));
        }
        let steps = charge.steps.len();
        if steps > MOST_TIERS {
            return Err(format!("{steps} steps for a line, and {MOST_TIERS} are allowed"));
        }
        let steps = charge.steps.into_iter().map(|one| step(one, self.text_bytes));
        Ok(Charge { phase_type, amount, steps: steps.collect::<Result<_, _>>()? })
    }

    /// A line that was not asked is none.
    fn refusal(&self, no: &wit_pricing::UsageRefusal) -> UsageRefusal {
        let line = no.reference.and_then(|line| usize::try_from(line).ok());
        UsageRefusal {
            line: line.filter(|line| *line < self.lines.len()),
            code: text::clean(&no.refusal.code, self.text_bytes),
            message: text::clean(&no.refusal.message, self.text_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use planwright_domain::time::Timestamp;

    use super::*;

    fn bounds() -> Bounds {
        let last = LinePhase {
            phase_type: PhaseType::Final,
            starts_at: Timestamp::UNIX_EPOCH,
            ends_at: None,
            prices: Vec::new(),
        };
        Bounds {
            currency: Currency::USD,
            lines: vec![vec![last.clone()], vec![last]],
            text_bytes: 10,
        }
    }

    fn charge(reference: u32, phase: &str, coefficient: i64, scale: u8) -> wit_pricing::Charge {
        let amount = wit::Decimal { coefficient, scale };
        wit_pricing::Charge { reference, phase: phase.to_owned(), amount, steps: Vec::new() }
    }

    fn with_steps(count: usize, note: &str) -> wit_pricing::Charge {
        let one = wit::Decimal { coefficient: 1, scale: 0 };
        let step = wit_pricing::Step {
            quantity: one,
            unit_price: one,
            amount: one,
            note: note.to_owned(),
        };
        wit_pricing::Charge { steps: vec![step; count], ..charge(1, "final", 1, 0) }
    }

    #[test]
    fn an_answer_is_believed_within_its_bounds() {
        let first = || charge(0, "final", 125, 2);
        for (charges, expected) in [
            (vec![first(), charge(1, "final", 0, 0)], Ok("1.25 0")),
            (vec![first(), charge(1, "final", 1_000, 3)], Ok("1.25 1")),
            (vec![first(), with_steps(50, "a note")], Ok("1.25 1")),
            (vec![first()], Err("1 charges for 2 lines")),
            (vec![charge(1, "final", 1, 0), first()], Err("the charge of line 1 where")),
            (vec![first(), first()], Err("where that of line 1 belongs")),
            (vec![first(), charge(1, "trial", 1, 0)], Err("was not asked about")),
            (vec![first(), charge(1, "sale", 1, 0)], Err("was not asked about")),
            (vec![first(), charge(1, "final", -1, 0)], Err("a charge of -1")),
            (vec![first(), charge(1, "final", 1, 3)], Err("USD has 2 fraction digits")),
            (vec![first(), charge(1, "final", 0, 19)], Err("the scale 19")),
            (vec![first(), with_steps(51, "")], Err("51 steps for a line, and 50 are allowed")),
            (vec![first(), with_steps(1, "a note that is long")], Err("more than 10 bytes")),
        ] {
            let asked = format!("{charges:?}");
            let said = bounds().believe(charges).map(|charges| {
                charges.iter().map(|one| one.amount.to_string()).collect::<Vec<_>>().join(" ")
            });
            match (said, expected) {
                (Ok(said), Ok(expected)) => assert_eq!(said, expected, "{asked}"),
                (Err(said), Err(part)) => assert!(said.contains(part), "{asked}: {said}"),
                (said, _) => panic!("{asked}: {said:?}"),
            }
        }
    }

    #[test]
    fn a_refusal_is_of_a_line_that_was_asked_or_of_none() {
        for (reference, expected) in [(Some(1), Some(1)), (Some(2), None), (None, None)] {
            let refusal = wit::Refusal { code: "no\nprice".to_owned(), message: "No.".to_owned() };
            let said = bounds().refusal(&wit_pricing::UsageRefusal { refusal, reference });
            assert_eq!((said.line, said.code.as_str()), (expected, "no price"));
        }
    }
}

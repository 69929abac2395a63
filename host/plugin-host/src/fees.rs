//! Asking the pricing plugin for a fee, and what its answer must look like to be believed.

use std::sync::Arc;

use planwright_domain::money::{self, Currency};
use planwright_domain::plan::review::ReviewContext;
use planwright_domain::subscription::fee::{
    FeeItem, FeeQuestion, ItemKind, Leaving, Reason, Step, total,
};
use rust_decimal::Decimal;
use wasmtime::bail;

use crate::contract::exports::planwright::plugin::pricing as wit_pricing;
use crate::instance::Exports;
use crate::plugin::Plugin;
use crate::{Hook, Limits, PluginError, convert};

impl Plugin {
    /// See [`Bindings::price_fee`](crate::Bindings::price_fee).
    ///
    /// # Errors
    /// [`PluginError`] names the plugin.
    pub async fn price_fee(
        self: &Arc<Self>,
        context: &ReviewContext,
        question: &FeeQuestion,
    ) -> Result<Vec<FeeItem>, PluginError> {
        self.must_be(Hook::Pricing)?;
        let asked = ask(context, question).map_err(|reason| self.bad_question(reason))?;
        let bounds = Bounds::of(question, &self.running.limits);
        self.call(
            context.at,
            move |store, exports| pricing(exports)?.call_price_fee(store, &asked),
            move |plugin, answer| {
                let items = answer.map_err(|no| plugin.refused(&no.code, &no.message))?;
                bounds.believe(items).map_err(|reason| plugin.bad_answer(reason))
            },
        )
        .await
    }
}

pub(crate) fn pricing(exports: &Exports) -> wasmtime::Result<&wit_pricing::Guest> {
    match exports {
        Exports::Pricing(guest) => Ok(guest),
        _ => bail!("not a pricing plugin"),
    }
}

fn ask(
    context: &ReviewContext,
    question: &FeeQuestion,
) -> Result<wit_pricing::FeeQuestion, String> {
    let (reason, leaving) = match &question.reason {
        Reason::Start => ("start", None),
        Reason::Renewal => ("renewal", None),
        Reason::Change(left) => ("change", Some(leaving(left)?)),
    };
    Ok(wit_pricing::FeeQuestion {
        context: convert::context(context),
        reason: reason.to_owned(),
        plan: convert::plan(&question.plan)?,
        leaving,
        period_start: question.window.start.as_second(),
        period_end: question.window.end.as_second(),
        effective_at: question.effective_at.as_second(),
    })
}

fn leaving(leaving: &Leaving) -> Result<wit_pricing::Leaving, String> {
    Ok(wit_pricing::Leaving {
        plan: convert::plan(&leaving.plan)?,
        paid: convert::decimal("paid", leaving.paid)?,
        paid_from: leaving.window.start.as_second(),
        paid_until: leaving.window.end.as_second(),
    })
}

/// What an answer to one question may say.
struct Bounds {
    currency: Currency,
    /// No more than what was paid is given back.
    paid: Decimal,
    items: usize,
    steps: usize,
    text_bytes: usize,
}

impl Bounds {
    fn of(question: &FeeQuestion, limits: &Limits) -> Self {
        let paid = match &question.reason {
            Reason::Change(leaving) => leaving.paid,
            Reason::Start | Reason::Renewal => Decimal::ZERO,
        };
        Self {
            currency: question.plan.currency,
            paid,
            items: limits.fee_items,
            steps: limits.fee_steps,
            text_bytes: limits.text_bytes,
        }
    }

    fn believe(&self, items: Vec<wit_pricing::FeeItem>) -> Result<Vec<FeeItem>, String> {
        if items.len() > self.items {
            return Err(format!("{} items, and {} are allowed", items.len(), self.items));
        }
        let steps: usize = items.iter().map(|item| item.steps.len()).sum();
        if steps > self.steps {
            return Err(format!("{steps} steps, and {} are allowed", self.steps));
        }
        let items: Vec<FeeItem> =
            items.into_iter().map(|item| self.item(item)).collect::<Result<_, _>>()?;
        if !items.iter().any(|item| item.kind == ItemKind::Fee) {
            return Err("no fee: a plan that costs nothing has a fee of 0".to_owned());
        }
        let unused = total(&items, ItemKind::Unused);
        if unused > self.paid {
            return Err(format!("{unused} is unused of {} that was paid", self.paid));
        }
        Ok(items)
    }

    fn item(&self, item: wit_pricing::FeeItem) -> Result<FeeItem, String> {
        // Longer names are no kinds, and are not shown.
        let kind = ItemKind::from_name(&item.kind)
            .ok_or_else(|| "an item whose kind is neither 'fee' nor 'unused'".to_owned())?;
        let amount = convert::read_decimal("an amount", item.amount)?;
        if !money::fits(amount, self.currency) {
            let (digits, code) = (money::digits(self.currency), self.currency.code());
            return Err(format!("the amount {amount}, and {code} has {digits} fraction digits"));
        }
        match kind {
            ItemKind::Fee if amount < Decimal::ZERO => {
                return Err(format!("a fee of {amount}, and fees are 0 or more"));
            }
            ItemKind::Unused if amount > Decimal::ZERO => {
                return Err(format!("an unused rest of {amount}, and rests are 0 or less"));
            }
            ItemKind::Fee | ItemKind::Unused => {}
        }
        let steps = item.steps.into_iter().map(|one| step(one, self.text_bytes));
        Ok(FeeItem { kind, amount, steps: steps.collect::<Result<_, _>>()? })
    }
}

/// A step as it was said, its note no longer than it may be.
pub(crate) fn step(step: wit_pricing::Step, text_bytes: usize) -> Result<Step, String> {
    if step.note.len() > text_bytes {
        return Err(format!("a step's note has more than {text_bytes} bytes"));
    }
    Ok(Step {
        quantity: convert::read_decimal("a step's quantity", step.quantity)?,
        unit_price: convert::read_decimal("a step's unit price", step.unit_price)?,
        amount: convert::read_decimal("a step's amount", step.amount)?,
        note: step.note,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::planwright::plugin::types as wit;

    fn bounds() -> Bounds {
        let paid = Decimal::new(490, 0);
        Bounds { currency: Currency::RUB, paid, items: 3, steps: 2, text_bytes: 10 }
    }

    fn item(kind: &str, coefficient: i64, scale: u8, notes: &[&str]) -> wit_pricing::FeeItem {
        let one = wit::Decimal { coefficient: 1, scale: 0 };
        let step = |note: &&str| wit_pricing::Step {
            quantity: one,
            unit_price: one,
            amount: one,
            note: (*note).to_owned(),
        };
        wit_pricing::FeeItem {
            kind: kind.to_owned(),
            amount: wit::Decimal { coefficient, scale },
            steps: notes.iter().map(step).collect(),
        }
    }

    #[test]
    fn an_answer_is_believed_within_its_bounds() {
        let fee = |amount| item("fee", amount, 0, &[]);
        for (items, expected) in [
            (vec![fee(490)], Ok("490 0")),
            (vec![fee(0)], Ok("0 0")),
            (vec![item("fee", 49_000_000, 5, &["a note"])], Ok("490 0")),
            (vec![fee(1), fee(2), item("unused", -49_000, 2, &[])], Ok("3 490")),
            (vec![], Err("no fee")),
            (vec![item("unused", 0, 0, &[])], Err("no fee")),
            (vec![fee(-1)], Err("a fee of -1")),
            (vec![fee(1), item("unused", 1, 0, &[])], Err("an unused rest of 1")),
            (vec![fee(1), item("unused", -491, 0, &[])], Err("491 is unused of 490")),
            (vec![item("discount", 1, 0, &[])], Err("neither 'fee' nor 'unused'")),
            (vec![item("fee", 1, 3, &[])], Err("RUB has 2 fraction digits")),
            (vec![item("fee", 0, 19, &[])], Err("the scale 19")),
            (vec![fee(1), fee(1), fee(1), fee(1)], Err("4 items, and 3 are allowed")),
            (vec![item("fee", 1, 0, &["a", "b", "c"])], Err("3 steps, and 2 are allowed")),
            (vec![item("fee", 1, 0, &["a note that is long"])], Err("more than 10 bytes")),
        ] {
            let asked = format!("{items:?}");
            let said = bounds().believe(items).map(|items| {
                format!("{} {}", total(&items, ItemKind::Fee), total(&items, ItemKind::Unused))
            });
            match (said, expected) {
                (Ok(said), Ok(expected)) => assert_eq!(said, expected, "{asked}"),
                (Err(said), Err(part)) => assert!(said.contains(part), "{asked}: {said}"),
                (said, _) => panic!("{asked}: {said:?}"),
            }
        }
    }
}

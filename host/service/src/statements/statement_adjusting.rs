//! What came late into windows that are billed. The questions of then are put again with the quantities of now, to whoever
//! answered them, so that what came late costs what it would have cost in time: their answers less what was billed are
//! adjustments. What nothing was priced of then, and what has no price of then, is billed by the prices of now.

use std::collections::BTreeMap;
use std::sync::Arc;

use planwright_domain::billing_plan::charge::Charge;
use planwright_domain::billing_plan::quote::QuotePlugin;
use planwright_domain::money::Currency;
use planwright_domain::plan::review::ReviewContext;
use planwright_domain::statement::asked::Asked;
use planwright_domain::statement::billing_window::{BillingWindow, WindowState};
use planwright_domain::statement::closed_window::{
    AskedAgain, AskedIn, Closed, Cost, Metered, due_more,
};
use planwright_domain::statement::segment::{Quantities, Segment};
use planwright_domain::statement::statement_line::{LineKind, StatementLine};
use planwright_domain::usage::quantity::Quantity;
use planwright_plugin_host::{Plugin, PluginError, TrapKind};
use planwright_store::{Key, Scan, Snapshot, Store, StoreError};
use rust_decimal::Decimal;

use crate::error::Error;
use crate::keys::{Keys, WindowPlace};
use crate::statements::statement_billing::{Adjusted, Billing, Sheets, Wanted, line};
use crate::statements::statement_pricing::{AskedUsage, Priced, Pricing};
use crate::statements::{billing_windows, statement_records};

/// How many windows that usage came late into one statement carries; what is more comes on the next one.
const MOST_ADJUSTED: usize = 100;

/// A window that was closed, and what is counted in it since.
pub(crate) struct Late {
    place: WindowPlace,
    mark: (Key, u64),
    version: u64,
    before: BillingWindow,
    closed: Closed,
    metered: Metered,
    /// Whole quantities of those segments of which more is billed now.
    grown: Quantities,
}

impl Late {
    /// What is due more.
    fn line(&self, segment: &Segment, priced: &Priced, what: &str) -> StatementLine {
        let before = self.closed.of(segment);
        let (quantity, billed) =
            before.map_or((Quantity::ZERO, Decimal::ZERO), |it| (it.quantity, it.amount));
        StatementLine {
            amount: due_more(billed, priced.charge.amount),
            quantity: Some(priced.quantity.saturating_sub(quantity)),
            billed_before: Some(billed),
            ..line(LineKind::Adjustment, segment, priced, self.before.window, what)
        }
    }

    /// What is billed of it then; `currency` is what usage is paid in where none of it was billed before.
    fn adjusted(&self, priced: &BTreeMap<Segment, Cost>, currency: Option<Currency>) -> Adjusted {
        let mut closed = self.closed.clone().adjusted(&self.metered, priced);
        closed.currency = closed.currency.or(currency.filter(|_| !priced.is_empty()));
        Adjusted {
            place: self.place.clone(),
            mark: self.mark.clone(),
            version: self.version,
            before: self.before.clone(),
            after: self.before.clone().closed(closed),
        }
    }
}

impl<'a, S: Store> Billing<'a, S> {
    /// Windows that usage came into after they were closed.
    pub(crate) async fn late(&mut self) -> Result<Vec<Late>, Error> {
        let marks = self.keys.adjustments_due(&self.place.user_id);
        let mut late = Vec::new();
        for (mark, record) in self.snapshot.scan(&marks, Scan::first(MOST_ADJUSTED)).await? {
            let place = Keys::read_window(&mark);
            if place.as_ref().is_some_and(|place| self.taken.adjusted.contains(place)) {
                continue;
            }
            let found = match &place {
                Some(place) => billing_windows::find(self.snapshot, &self.keys, place).await?,
                None => None,
            };
            let (Some(place), Some((version, before))) = (place, found) else {
                let reason = format!("{mark} leads to no window");
                return Err(StoreError::Corrupt { reason }.into());
            };
            let WindowState::Closed(closed) = &before.state else { continue };
            let metered = self.metered(&place, &before.limits).await?;
            let grown = closed.to_adjust(&before.limits, &metered);
            let (closed, mark) = (closed.clone(), (mark, record.version));
            late.push(Late { place, mark, version, before, closed, metered, grown });
        }
        Ok(late)
    }

    /// Puts what came late into a window on the sheets.
    pub(crate) async fn adjust(
        &mut self,
        late: &Late,
        pricing: &mut Option<Pricing<'a, S>>,
        sheets: &mut Sheets<'_>,
    ) -> Result<Adjusted, Error> {
        let mut costs = BTreeMap::new();
        let mut left = late.grown.clone();
        for again in late.closed.asked_again(&late.grown) {
            let Some(asked) = self.ask_again(&again, pricing.as_ref()).await? else { continue };
            costs.extend(put_again(late, &again, asked, sheets)?);
            left.retain(|segment, _| !costs.contains_key(segment));
        }
        if !left.is_empty() {
            let by = self.pricing(pricing).await?;
            let wanted = Wanted {
                window: late.before.window,
                currency: late.closed.currency,
                quantities: left,
            };
            let what = " that came late, by the prices of now";
            let new =
                self.price(by, &wanted, sheets, |segment, priced| late.line(segment, priced, what));
            costs.extend(new.await?);
        }
        Ok(late.adjusted(&costs, self.currency))
    }

    /// Puts a kept question once more. Nothing is said where there is no price of then for so much.
    async fn ask_again(
        &self,
        again: &AskedAgain,
        pricing: Option<&Pricing<'_, S>>,
    ) -> Result<Option<AskedUsage>, Error> {
        let id = &again.statement_id;
        let (_, kept) = statement_records::load(self.snapshot, &self.keys, id).await?;
        let missing = || StoreError::Corrupt {
            reason: format!("the statement '{id}' has no question {}", again.question),
        };
        let asked = kept.questions.get(again.question).ok_or_else(missing)?;
        let Asked { pricer, at, question, .. } = asked;
        let plugin = match pricing.filter(|pricing| pricing.pricer == *pricer) {
            Some(pricing) => Arc::clone(&pricing.plugin),
            None => self.run.pricer_of_then(self.app, self.snapshot, pricer, *at).await?,
        };
        let quantities = again.lines.iter().map(|(place, (_, much))| (*place, much.exact()));
        let question = question.of(quantities);
        let context = ReviewContext {
            tenant: self.tenant.clone(),
            user_id: Some(self.place.user_id.clone()),
            at: *at,
        };
        let said = said(&plugin, plugin.price_usage(&context, &question).await)?;
        Ok(said.map(|answer| Asked { pricer: pricer.clone(), at: *at, question, answer }))
    }
}

/// Puts what a question of then says now on its sheet: each line that has grown, and each that costs more since another
/// has.
fn put_again(
    late: &Late,
    again: &AskedAgain,
    asked: AskedUsage,
    sheets: &mut Sheets<'_>,
) -> Result<BTreeMap<Segment, Cost>, StoreError> {
    let sheet = sheets.of(asked.question.currency);
    let mut costs = BTreeMap::new();
    for (place, (segment, quantity)) in &again.lines {
        let kept = late.closed.of(segment).and_then(|billed| billed.asked.as_ref());
        let (Some(charge), Some(kept)) = (asked.answer.get(*place), kept) else {
            let reason = format!("the question of '{}' has no such line", segment.metric);
            return Err(StoreError::Corrupt { reason });
        };
        let priced = Priced {
            quantity: *quantity,
            charge: charge.clone(),
            label: kept.label.clone(),
            region: asked.question.region.clone(),
            at: (sheet.questions.len(), *place),
            plugin: QuotePlugin::of(&asked.pricer),
        };
        let line = late.line(segment, &priced, " that came late");
        if late.grown.contains_key(segment) || !line.amount.is_zero() {
            sheet.lines.push(line);
        }
        // The prices of then are kept where they are.
        let (amount, asked) = (charge.amount, AskedIn::clone(kept));
        costs.insert(segment.clone(), Cost { quantity: *quantity, amount, asked });
    }
    sheet.questions.push(asked);
    Ok(costs)
}

/// What a component of then says. One that refuses, or that always fails at so much, says nothing: no admin can mend it.
fn said<R>(
    plugin: &Plugin,
    answer: Result<Result<Vec<Charge>, R>, PluginError>,
) -> Result<Option<Vec<Charge>>, PluginError> {
    match answer {
        Ok(answer) => Ok(answer.ok()),
        // What was slow or had no room may be had later.
        Err(error @ PluginError::Trap { kind: TrapKind::Time | TrapKind::Host, .. }) => Err(error),
        Err(error @ (PluginError::Trap { .. } | PluginError::BadAnswer { .. })) => {
            let name = plugin.name();
            tracing::warn!(name, %error, "what came late is billed by the prices of now");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

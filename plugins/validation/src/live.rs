//! What subscribers are protected from: nothing they have is taken away under them.

use planwright_sdk::types::{Decimal, Plan};
use planwright_sdk::validation::{Finding, PlanChange, SubscriptionCounts};
use planwright_sdk::{Decimal as Exact, OutOfRange};

/// Trialing, active and past-due subscriptions are live.
fn live(counts: &SubscriptionCounts) -> u64 {
    counts.trialing.saturating_add(counts.active).saturating_add(counts.past_due)
}

pub(crate) fn update(before: &Plan, after: &Plan, counts: &SubscriptionCounts) -> Vec<Finding> {
    let subscribers = live(counts);
    if subscribers == 0 {
        return Vec::new();
    }
    let currency = switch("currency", &before.currency.code, &after.currency.code);
    let interval = switch("interval", &before.interval, &after.interval);
    quotas(before, after)
        .into_iter()
        .chain(currency)
        .chain(interval)
        .chain(price(before, after, subscribers))
        .collect()
}

/// A lower limit, or one where there was none, takes from subscribers. Lifting a limit does not.
fn quotas(before: &Plan, after: &Plan) -> Vec<Finding> {
    let taken = |quota: &planwright_sdk::types::Quota| {
        let (key, new) = (&quota.metric, quota.limit);
        let old = before.quotas.iter().find(|old| old.metric == *key).map(|old| old.limit);
        let (code, what) = match old {
            Some(old) if new < old => {
                ("quota_decreased", format!("decrease quota '{key}' from {old} to {new}"))
            }
            Some(_) => return None,
            None => ("quota_added", format!("add quota '{key}' of {new} where there was no limit")),
        };
        Some(Finding::error(code, cannot(&what)).at(format!("quotas.{key}")))
    };
    after.quotas.iter().filter_map(taken).collect()
}

fn switch(field: &str, old: &str, new: &str) -> Option<Finding> {
    let finding = || {
        Finding::error(
            format!("{field}_changed"),
            cannot(&format!("change {field} from {old} to {new}")),
        )
        .at(field)
    };
    (old != new).then(finding)
}

fn price(before: &Plan, after: &Plan, subscribers: u64) -> Option<Finding> {
    if same(before.price, after.price) {
        return None;
    }
    let (old, new, currency) = (text(before.price), text(after.price), &after.currency.code);
    let who = if subscribers == 1 {
        "1 subscriber".to_owned()
    } else {
        format!("{subscribers} subscribers")
    };
    let message = format!(
        "The price changes from {old} to {new} {currency}; {who} will pay it from the next renewal on."
    );
    Some(Finding::warning("price_changed", message).at("price"))
}

pub(crate) fn deletion(change: &PlanChange) -> Vec<Finding> {
    let id = change.before.as_ref().map_or("{id}", |plan| &plan.id);
    let instead =
        format!("deactivate it with PATCH /api/v1/admin/billing/plans/{id}/toggle instead");
    let refuse = |code, message| vec![Finding::error(code, message)];
    match (live(&change.subscriptions), change.pending_payments) {
        (0, 0) => Vec::new(),
        (0, payments) => {
            let message =
                format!("Cannot delete plan with pending payments ({payments}); {instead}.");
            refuse("plan_has_pending_payments", message)
        }
        (subscribers, _) => {
            let message =
                format!("Cannot delete plan with active subscriptions ({subscribers}); {instead}.");
            refuse("plan_has_subscriptions", message)
        }
    }
}

fn cannot(what: &str) -> String {
    format!("Cannot {what} while plan has active subscriptions. Create a new plan instead.")
}

fn exact(number: Decimal) -> Result<Exact, OutOfRange> {
    number.try_into()
}

fn same(one: Decimal, other: Decimal) -> bool {
    exact(one) == exact(other)
}

fn text(number: Decimal) -> String {
    exact(number).map_or_else(|wrong| wrong.to_string(), |number| number.to_string())
}

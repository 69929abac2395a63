//! The standard validation plugin: the rules for plans and price books.
//!
//! An error refuses the change; a warning goes with it. What was wrong before and is left alone is not the
//! change's fault: a plan whose currency has since been taken off the list can still be renamed or switched off.
#![forbid(unsafe_code)]

mod book;
mod live;
mod plan;
#[cfg(test)]
mod tests;

use planwright_sdk::types::Context;
use planwright_sdk::validation::{BillingPlanChange, Finding, PlanChange, Severity};
use planwright_sdk::{Plugin, Validation};

/// What the operator may set.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The currencies that a plan may have, by ISO 4217 code.
    pub currencies: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { currencies: ["RUB", "USD", "EUR"].map(str::to_owned).to_vec() }
    }
}

/// The plugin.
pub struct Standard;

impl Plugin for Standard {
    type Settings = Settings;

    fn check(settings: &Settings) -> Vec<String> {
        if settings.currencies.is_empty() {
            return vec![
                "`currencies` is empty, so that no plan could be kept; name at least one."
                    .to_owned(),
            ];
        }
        let odd = settings.currencies.iter().filter(|code| !is_currency_code(code));
        odd.map(|code| {
            format!(
                "`currencies` has '{code}', and a currency is three capital letters such as USD."
            )
        })
        .collect()
    }
}

impl Validation for Standard {
    fn review_plan(settings: &Settings, _: &Context, change: &PlanChange) -> Vec<Finding> {
        let Some(after) = &change.after else {
            return live::deletion(change);
        };
        let review = |plan| plan::review(settings, &change.known_metrics, plan);
        let mut findings = new_ones(change.before.as_ref().map(review), review(after));
        if let Some(before) = &change.before {
            findings.extend(live::update(before, after, &change.subscriptions));
        }
        findings
    }

    fn review_billing_plan(_: &Settings, _: &Context, change: &BillingPlanChange) -> Vec<Finding> {
        match &change.after {
            Some(after) => {
                let before = change.before.as_ref().map(book::review);
                shortened(new_ones(before, book::review(after)))
            }
            None => book::deletion(&change.user_groups),
        }
    }
}

planwright_sdk::export_validation!(Standard);

/// The findings after, without errors that were there before.
fn new_ones(before: Option<Vec<Finding>>, mut after: Vec<Finding>) -> Vec<Finding> {
    let before = before.unwrap_or_default();
    after.retain(|finding| finding.severity == Severity::Warning || !before.contains(finding));
    after
}

/// A book has room for thousands of findings, and nobody reads them all. Errors come first, as they refuse.
fn shortened(mut findings: Vec<Finding>) -> Vec<Finding> {
    const MOST: usize = 100;
    findings.sort_by_key(|finding| finding.severity == Severity::Warning);
    if findings.len() > MOST {
        let more = findings.len() - MOST;
        let severity = findings[MOST].severity;
        findings.truncate(MOST);
        let message = format!("There are {more} findings more; mend these first.");
        findings.push(Finding { severity, ..Finding::warning("more_findings", message) });
    }
    findings
}

fn is_currency_code(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

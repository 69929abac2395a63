//! The regions, products and billing plans of a template pack: installed together, as a catalog's document is put.

use std::collections::BTreeSet;

use planwright_domain::Refusal;
use planwright_domain::billing_plan::BillingPlan;
use planwright_domain::catalog::Catalog;
use planwright_domain::catalog::catalog_document::CatalogDocument;
use planwright_domain::plan::template::{Install, PricesInstallation, Template};
use planwright_domain::refusal::FieldError;
use planwright_store::Store;

use crate::app::App;
use crate::billing_plans::entry_records;
use crate::catalog::catalog_edit::CatalogEdit;
use crate::error::Error;
use crate::keys::Keys;
use crate::plans::plan_surroundings::Surroundings;
use crate::request::Request;

/// What became of a pack's prices.
pub(crate) struct Prices {
    pub(crate) done: PricesInstallation,
    /// In a dry run, what would be there.
    pub(crate) would: Option<WouldBe>,
}

/// The catalog as an installation would leave it.
pub(crate) struct WouldBe {
    after: Catalog,
    made_books: BTreeSet<u64>,
}

impl WouldBe {
    /// What plans would have around them.
    pub(crate) fn around(&self, around: Surroundings) -> Surroundings {
        around.with(&self.after.products, self.made_books.clone())
    }
}

/// Installs them, or says what that would do. What is there is left as it is, or with `force` put through the rules.
/// A refusal is an answer here: a pack's plans are installed all the same, as far as they can be.
pub(crate) async fn install<S: Store>(
    app: &App<S>,
    by: &Request,
    has: &CatalogDocument,
    wanted: &Install,
) -> Result<Prices, Error> {
    if has.is_empty() {
        return Ok(Prices { done: PricesInstallation::default(), would: None });
    }
    let edit = CatalogEdit::begin(app, by).await?;
    let there = CatalogDocument::of(&edit.before);
    let asked = if wanted.force { has.clone() } else { has.without(&there) };
    let books = |catalog: &Catalog| catalog.billing_plans.iter().map(|plan| plan.id).collect();
    let before: BTreeSet<u64> = books(&edit.before);
    let reviewed = match edit.replace(&asked, false).await {
        Err(Error::Refused(refusal)) => {
            let done = PricesInstallation::refused(has, &asked, &refusal);
            return Ok(Prices { done, would: None });
        }
        reviewed => reviewed?,
    };
    let done = PricesInstallation::of(has, &asked, &reviewed.changes);
    if wanted.dry_run {
        let after = reviewed.after;
        let made_books = books(&after).difference(&before).copied().collect();
        return Ok(Prices { done, would: Some(WouldBe { after, made_books }) });
    }
    if !reviewed.changes.is_nothing() {
        reviewed.commit(&()).await?;
    }
    Ok(Prices { done, would: None })
}

/// The number of the price book that a pack's plan names.
pub(crate) async fn book<S: Store>(
    snapshot: &S::Snapshot,
    by: &Request,
    template: &Template,
    would: Option<&WouldBe>,
) -> Result<Option<u64>, Error> {
    let Some(name) = &template.billing_plan else { return Ok(None) };
    let plans = match would {
        Some(would) => would.after.billing_plans.clone(),
        None => {
            entry_records::all::<BillingPlan, _>(snapshot, &Keys::of(&by.caller.tenant)).await?
        }
    };
    let mut its = plans.iter().filter(|plan| plan.name == *name);
    match (its.next(), its.next()) {
        (Some(plan), None) => Ok(Some(plan.id)),
        (found, _) => {
            let message = if found.is_some() {
                format!("Several billing plans are called '{name}'. Rename all but one.")
            } else {
                format!("There is no billing plan '{name}'. Install the group that has it.")
            };
            let error = FieldError::new("billing_plan", "unknown_name", &message);
            Err(Refusal::Invalid(vec![error]).into())
        }
    }
}

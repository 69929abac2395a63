//! What a change of a whole catalog comes to: what differs, and what is found about it on the way.

use std::collections::{BTreeMap, BTreeSet};

use planwright_domain::Refusal;
use planwright_domain::billing_plan::BillingPlan;
use planwright_domain::billing_plan::product::Product;
use planwright_domain::catalog::catalog_change::{CatalogChanges, CatalogKind};
use planwright_domain::catalog::catalog_replacing::Mistakes;
use planwright_domain::plan::Plan;
use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::plan::review::Finding;
use planwright_domain::refusal::FieldError;

use crate::billing_plans::entry_records::Entry;
use crate::documents::PlanRecord;
use crate::error::Error;
use crate::plans::plan_commit::{Action, Change};

/// What is found on the way.
pub(super) struct Review {
    /// Where in the document each thing is.
    pub(super) places: BTreeMap<(CatalogKind, String), usize>,
    pub(super) mistakes: Mistakes,
    pub(super) changes: CatalogChanges,
    pub(super) warnings: Vec<Finding>,
}

impl Review {
    pub(super) fn refuse(&mut self, kind: CatalogKind, name: &str, refusal: &Refusal) {
        self.mistakes.note(kind, self.place(kind, name), refusal);
    }

    pub(super) fn place(&self, kind: CatalogKind, name: &str) -> Option<usize> {
        self.places.get(&(kind, name.to_owned())).copied()
    }

    /// The warnings about a thing, if it is not refused; the others are looked at all the same.
    pub(super) fn take(
        &mut self,
        kind: CatalogKind,
        name: &str,
        found: Result<Vec<Finding>, Error>,
    ) -> Result<Option<Vec<Finding>>, Error> {
        match found {
            Ok(warnings) => {
                for warning in &warnings {
                    self.changes.warn(kind, name, &warning.message);
                }
                self.warnings.extend(warnings.iter().cloned());
                Ok(Some(warnings))
            }
            Err(Error::Refused(refusal)) => {
                self.refuse(kind, name, &refusal);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// Each plan that differs, with what is done to it.
pub(super) fn plan_changes_of(
    before: &BTreeMap<PlanId, (u64, PlanRecord)>,
    after: &[Plan],
) -> Vec<(PlanId, Change)> {
    let kept: BTreeSet<&PlanId> = after.iter().map(|plan| &plan.id).collect();
    let gone = before.iter().filter(|(id, _)| !kept.contains(id));
    let mut changes: Vec<(PlanId, Change)> =
        gone.map(|(id, was)| (id.clone(), Change::delete(was.clone()))).collect();
    for plan in after {
        let (id, is) = (plan.id.clone(), plan.clone());
        match before.get(&plan.id) {
            None => changes.push((id, Change::make(is, Action::Created))),
            Some(was) if was.1.plan != is => {
                changes.push((id, Change::alter(was.clone(), is, Action::Updated)));
            }
            Some(_) => {}
        }
    }
    changes
}

/// What was and what is, of everything that differs.
pub(super) fn differing<'a, T: Entry + PartialEq>(
    before: &'a [T],
    after: &'a [T],
) -> Vec<(Option<&'a T>, Option<&'a T>)> {
    let by_id = |list: &'a [T]| -> BTreeMap<u64, &'a T> {
        list.iter().map(|one| (one.id(), one)).collect()
    };
    let (before, after) = (by_id(before), by_id(after));
    let ids: BTreeSet<&u64> = before.keys().chain(after.keys()).collect();
    let pairs = ids.into_iter().map(|id| (before.get(id).copied(), after.get(id).copied()));
    pairs.filter(|(was, is)| was != is).collect()
}

pub(super) fn must_fit<T: Entry>(all: &[T]) -> Result<(), Refusal> {
    if all.len() <= T::MOST {
        return Ok(());
    }
    let most = u64::try_from(T::MOST).unwrap_or(u64::MAX);
    Err(Refusal::TooManyEntries { kind: T::KIND, most })
}

/// How often each thing is named.
pub(super) fn counted(uses: impl Iterator<Item = (u64, u64)>) -> BTreeMap<u64, u64> {
    let mut counted = BTreeMap::new();
    for (id, times) in uses {
        *counted.entry(id).or_default() += times;
    }
    counted
}

/// The products that a billing plan priced, and prices still.
pub(super) fn priced_in_both(before: &[BillingPlan], after: &[BillingPlan]) -> BTreeSet<u64> {
    let pairs = |plans: &[BillingPlan]| -> BTreeSet<(u64, u64)> {
        let of_plan = |plan: &BillingPlan| {
            let id = plan.id;
            plan.uses().products.into_keys().map(move |product| (id, product))
        };
        plans.iter().flat_map(of_plan).collect()
    };
    pairs(before).intersection(&pairs(after)).map(|(_, product)| *product).collect()
}

/// A product keeps what its prices rest on while billing plans price it.
pub(super) fn priced(product: &Product, field: &'static str) -> Refusal {
    let message = format!(
        "The {field} of product '{}' cannot change while billing plans price it. Make another product, and price \
         that one.",
        product.external_id
    );
    Refusal::unfit(FieldError::new(field, "entry_in_use", &message))
}

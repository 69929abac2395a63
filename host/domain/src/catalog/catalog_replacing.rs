//! What a catalog becomes when a document is put in its place: made, changed, left as it is, and with `prune` taken away.
//! Whether each of it is allowed is for the rules of each thing.

mod known;
mod mistakes;

use std::collections::BTreeMap;

use self::known::Known;
pub use self::mistakes::{MOST_MISTAKES, Mistakes};
use crate::billing_plan::BillingPlan;
use crate::billing_plan::billing_change::PartNumbers;
use crate::billing_plan::billing_document::{Numbered, PlanDocument};
use crate::billing_plan::entry::Numbers;
use crate::billing_plan::product::Product;
use crate::billing_plan::region::{Region, RegionDraft};
use crate::billing_plan::user_group::UserGroup;
use crate::catalog::Catalog;
use crate::catalog::catalog_change::CatalogKind;
use crate::catalog::catalog_document::CatalogDocument;
use crate::plan::Plan;
use crate::plan::plan_change::PlanPatch;
use crate::refusal::{FieldError, Refusal};
use crate::time::Timestamp;

/// Where the numbers of things that are made come from.
pub struct CatalogNumbers {
    /// Of regions.
    pub regions: Numbers,
    /// Of products.
    pub products: Numbers,
    /// Of products' packages.
    pub packages: Numbers,
    /// Of billing plans.
    pub billing_plans: Numbers,
    /// Of their parts.
    pub parts: PartNumbers,
    /// Of user groups.
    pub user_groups: Numbers,
}

/// What lists become that a document has.
struct Merge<'a> {
    /// Whether what the document does not have goes.
    prune: bool,
    mistakes: &'a mut Mistakes,
}

impl Merge<'_> {
    /// What is there, changed where it is wanted otherwise, and behind it what is new. `put` is given what is wanted
    /// and what there is of this name.
    fn list<T: Known + Clone, W: Known>(
        &mut self,
        kind: CatalogKind,
        before: &[T],
        wanted: Vec<W>,
        mut put: impl FnMut(W, Option<&T>) -> Result<T, Refusal>,
    ) -> Vec<T> {
        let names = before.iter().enumerate().map(|(at, one)| (one.name(), at));
        let places: BTreeMap<&str, usize> = names.collect();
        let stays = |one: &T| (!self.prune).then(|| one.clone());
        let mut kept: Vec<Option<T>> = before.iter().map(stays).collect();
        let mut new = Vec::new();
        for (at, wanted) in wanted.into_iter().enumerate() {
            let place = places.get(wanted.name()).copied();
            match (put(wanted, place.map(|place| &before[place])), place) {
                (Ok(thing), Some(place)) => kept[place] = Some(thing),
                (Ok(thing), None) => new.push(thing),
                (Err(refusal), _) => self.mistakes.note(kind, Some(at), &refusal),
            }
        }
        kept.into_iter().flatten().chain(new).collect()
    }
}

impl Catalog {
    /// The catalog with what the document has in the place of what it had; what the document does not have stays, or
    /// with `prune` goes. What is as it is wanted is left as it is, version and all.
    ///
    /// # Errors
    /// Names everything that is wrong in itself, or names what there is not, by its place in the document.
    pub fn replaced(
        &self,
        document: CatalogDocument,
        prune: bool,
        numbers: &mut CatalogNumbers,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        self.must_fit_a_document()?;
        let mut mistakes = Mistakes::default();
        document.note_repeated(&mut mistakes);
        let mut merge = Merge { prune, mistakes: &mut mistakes };
        let [named_regions, named_products, named_books] =
            [names(&document.regions), names(&document.products), names(&document.billing_plans)];
        let CatalogDocument { regions, products, billing_plans, user_groups, plans } = document;
        let mut after = Self {
            regions: merge.list(
                CatalogKind::Region,
                &self.regions,
                regions,
                |wanted, was| match was {
                    Some(was) => Ok(was.clone()),
                    None => {
                        let draft = RegionDraft { name: wanted.name };
                        Region::from_draft(numbers.regions.take(), &draft, now)
                    }
                },
            ),
            products: merge.list(CatalogKind::Product, &self.products, products, |wanted, was| {
                let package_id = || numbers.packages.take();
                match was {
                    Some(was) => was.patched(wanted.patch(), package_id, now),
                    None => {
                        let id = numbers.products.take();
                        Product::from_draft(id, wanted.draft(), package_id, now)
                    }
                }
            }),
            ..Self::default()
        };
        let mut numbered = after.numbered();
        add_faulty(&mut numbered.regions, named_regions, &mut numbers.regions);
        add_faulty(&mut numbered.products, named_products, &mut numbers.products);
        after.billing_plans = merge.list(
            CatalogKind::BillingPlan,
            &self.billing_plans,
            billing_plans,
            |wanted, was| put_billing_plan(wanted, was, &numbered, numbers, now),
        );
        let books = after.billing_plans.iter();
        let mut books: BTreeMap<_, _> = books.map(|one| (one.name.clone(), one.id)).collect();
        add_faulty(&mut books, named_books, &mut numbers.billing_plans);
        let books = Books(books);
        let groups =
            merge.list(CatalogKind::UserGroup, &self.user_groups, user_groups, |wanted, was| {
                let book = books.find(wanted.billing_plan.as_deref())?;
                match was {
                    Some(was) => was.patched(&wanted.patch(book), now),
                    None => {
                        UserGroup::from_draft(numbers.user_groups.take(), &wanted.draft(book), now)
                    }
                }
            });
        after.user_groups = self.with_one_default(groups, now);
        after.plans = merge.list(CatalogKind::Plan, &self.plans, plans, |wanted, was| {
            let book = books.find(wanted.billing_plan.as_deref())?;
            let (id, draft) = (wanted.id.clone(), wanted.draft(book));
            match was {
                Some(was) => was.patched(PlanPatch::from(draft), now),
                None => Plan::from_draft(id, draft, now),
            }
        });
        mistakes.none_yet()?;
        after.must_fit_a_document()?;
        Ok(after)
    }

    /// A group that has become the default takes that from the one that was.
    fn with_one_default(&self, mut groups: Vec<UserGroup>, now: Timestamp) -> Vec<UserGroup> {
        if groups.iter().filter(|group| group.is_default).count() > 1 {
            let was_default =
                |id: u64| self.user_groups.iter().any(|one| one.id == id && one.is_default);
            for group in groups.iter_mut().filter(|group| group.is_default && was_default(group.id))
            {
                *group = group.no_default(now);
            }
        }
        groups
    }
}

fn names<W: Known>(list: &[W]) -> Vec<String> {
    list.iter().map(|one| one.name().to_owned()).collect()
}

/// What is wrong in itself is there all the same for whatever names it: a mistake is told once, where it is.
fn add_faulty(known: &mut BTreeMap<String, u64>, wanted: Vec<String>, numbers: &mut Numbers) {
    for name in wanted {
        known.entry(name).or_insert_with(|| numbers.take());
    }
}

/// Price books by their names.
struct Books(BTreeMap<String, u64>);

impl Books {
    fn find(&self, name: Option<&str>) -> Result<Option<u64>, Refusal> {
        let Some(name) = name else { return Ok(None) };
        if let Some(id) = self.0.get(name.trim()) {
            return Ok(Some(*id));
        }
        let shown: String = name.chars().take(100).collect();
        let message = format!("There is no billing plan '{shown}'. Add it to the catalog.");
        Err(Refusal::unfit(FieldError::new("billing_plan", "unknown_name", &message)))
    }
}

/// A billing plan as it is wanted. One that has the same parts in another order is left as it is.
fn put_billing_plan(
    wanted: PlanDocument,
    was: Option<&BillingPlan>,
    numbered: &Numbered,
    numbers: &mut CatalogNumbers,
    now: Timestamp,
) -> Result<BillingPlan, Refusal> {
    match was {
        Some(was) => {
            let plan = wanted.replace(was, numbered, &mut numbers.parts)?;
            let is_same = in_order(plan.clone()) == in_order(was.clone());
            Ok(if is_same { was.clone() } else { plan.counted_after(was, now) })
        }
        None => {
            let empty = BillingPlan::new(numbers.billing_plans.take(), &wanted.name, now)?;
            wanted.replace(&empty, numbered, &mut numbers.parts)
        }
    }
}

/// Its parts by their numbers.
fn in_order(mut plan: BillingPlan) -> BillingPlan {
    plan.resources.sort_by_key(|resource| resource.id);
    for phase in plan.resources.iter_mut().flat_map(|resource| &mut resource.phases) {
        phase.prices.sort_by_key(|price| price.id);
    }
    plan
}

#[cfg(test)]
mod tests;

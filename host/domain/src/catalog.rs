//! All that a tenant's catalog holds, and what it becomes when a document is put in its place: made, changed, left as
//! it is, and with `prune` taken away. Whether each of it is allowed is for the rules of each thing.

use std::collections::{BTreeMap, BTreeSet};

use crate::billing_change::PartNumbers;
use crate::billing_document::{Numbered, PlanDocument};
use crate::billing_plan::BillingPlan;
use crate::catalog_change::CatalogKind;
use crate::catalog_document::{
    CatalogDocument, CatalogPlan, CatalogProduct, CatalogRegion, CatalogUserGroup,
};
use crate::entry::Numbers;
use crate::plan::Plan;
use crate::plan_change::PlanPatch;
use crate::price_book::Named;
use crate::product::Product;
use crate::refusal::{FieldError, Refusal};
use crate::region::{Region, RegionDraft};
use crate::time::Timestamp;
use crate::user_group::UserGroup;

/// The most mistakes that are named at once.
pub const MOST_MISTAKES: usize = 100;
/// The most prices of all billing plans together that a document has.
const MOST_PRICES: usize = 100_000;

/// All that a tenant's catalog holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    /// Where it is sold.
    pub regions: Vec<Region>,
    /// What is metered.
    pub products: Vec<Product>,
    /// Price books.
    pub billing_plans: Vec<BillingPlan>,
    /// Users that are priced alike.
    pub user_groups: Vec<UserGroup>,
    /// Subscription tiers.
    pub plans: Vec<Plan>,
}

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

/// What is wrong in a document, by its place in it.
#[derive(Debug, Default)]
pub struct Mistakes(Vec<FieldError>);

impl Mistakes {
    /// Notes why one thing of a list is refused; of what is not in the document, only its kind is named.
    pub fn note(&mut self, kind: CatalogKind, at: Option<usize>, refusal: &Refusal) {
        let place = at.map_or_else(
            || kind.list().to_owned(),
            |at| format!("{list}[{at}]", list = kind.list()),
        );
        let mut errors = refusal.fields();
        if errors.is_empty() {
            errors.push(FieldError::new("", refusal.code(), &refusal.to_string()));
        }
        for error in errors {
            // A billing plan's own document is called so.
            let within = error.field.strip_prefix("billing_plan.").unwrap_or(&error.field);
            let dot = if within.is_empty() { "" } else { "." };
            self.push(FieldError { field: format!("{place}{dot}{within}"), ..error });
        }
    }

    fn push(&mut self, error: FieldError) {
        if self.0.len() < MOST_MISTAKES {
            self.0.push(error);
        }
    }

    /// # Errors
    /// Everything that was noted until now.
    pub fn none_yet(&mut self) -> Result<(), Refusal> {
        if self.0.is_empty() { Ok(()) } else { Err(Refusal::Unfit(std::mem::take(&mut self.0))) }
    }

    /// Notes a thing that a list has twice.
    fn note_repeated<'a>(
        &mut self,
        kind: CatalogKind,
        field: &str,
        names: impl Iterator<Item = &'a str>,
    ) {
        let mut seen = BTreeSet::new();
        for (at, name) in names.enumerate().filter(|(_, name)| !seen.insert(*name)) {
            let shown: String = name.chars().take(100).collect();
            let message = format!("'{shown}' is there twice; keep one of them.");
            let field = format!("{}[{at}].{field}", kind.list());
            self.push(FieldError::new(&field, "repeated", &message));
        }
    }
}

/// What a document knows things by.
trait Known {
    fn name(&self) -> &str;
}

macro_rules! known_by {
    ($($thing:ty: $one:ident => $name:expr,)*) => {
        $(impl Known for $thing {
            fn name(&self) -> &str {
                let $one = self;
                $name
            }
        })*
    };
}

known_by! {
    Region: one => &one.name,
    Product: one => &one.external_id,
    BillingPlan: one => &one.name,
    UserGroup: one => &one.name,
    Plan: one => one.id.as_str(),
    CatalogRegion: one => one.name.trim(),
    CatalogProduct: one => &one.external_id,
    PlanDocument: one => one.name.trim(),
    CatalogUserGroup: one => one.name.trim(),
    CatalogPlan: one => one.id.as_str(),
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

impl CatalogDocument {
    /// Where in its lists each thing is.
    #[must_use]
    pub fn places(&self) -> BTreeMap<(CatalogKind, String), usize> {
        fn of<W: Known>(
            kind: CatalogKind,
            list: &[W],
        ) -> impl Iterator<Item = ((CatalogKind, String), usize)> {
            list.iter().enumerate().map(move |(at, one)| ((kind, one.name().to_owned()), at))
        }
        of(CatalogKind::Region, &self.regions)
            .chain(of(CatalogKind::Product, &self.products))
            .chain(of(CatalogKind::BillingPlan, &self.billing_plans))
            .chain(of(CatalogKind::UserGroup, &self.user_groups))
            .chain(of(CatalogKind::Plan, &self.plans))
            .collect()
    }

    /// Each thing, kind by kind, as its list has it.
    #[must_use]
    pub fn in_order(&self) -> Vec<(CatalogKind, String)> {
        let mut all: Vec<_> = self.places().into_iter().collect();
        all.sort_by_key(|((kind, _), at)| (*kind, *at));
        all.into_iter().map(|(thing, _)| thing).collect()
    }

    /// What is not in the other one by its name.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let there = other.places();
        fn rest<W: Known + Clone>(
            kind: CatalogKind,
            list: &[W],
            there: &BTreeMap<(CatalogKind, String), usize>,
        ) -> Vec<W> {
            let is_new = |one: &&W| !there.contains_key(&(kind, one.name().to_owned()));
            list.iter().filter(is_new).cloned().collect()
        }
        Self {
            regions: rest(CatalogKind::Region, &self.regions, &there),
            products: rest(CatalogKind::Product, &self.products, &there),
            billing_plans: rest(CatalogKind::BillingPlan, &self.billing_plans, &there),
            user_groups: rest(CatalogKind::UserGroup, &self.user_groups, &there),
            plans: rest(CatalogKind::Plan, &self.plans, &there),
        }
    }

    /// Whether it has nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Each name is in its list once.
    fn note_repeated(&self, mistakes: &mut Mistakes) {
        fn names<W: Known>(list: &[W]) -> impl Iterator<Item = &str> {
            list.iter().map(Known::name)
        }
        mistakes.note_repeated(CatalogKind::Region, "name", names(&self.regions));
        mistakes.note_repeated(CatalogKind::Product, "external_id", names(&self.products));
        mistakes.note_repeated(CatalogKind::BillingPlan, "name", names(&self.billing_plans));
        mistakes.note_repeated(CatalogKind::UserGroup, "name", names(&self.user_groups));
        mistakes.note_repeated(CatalogKind::Plan, "id", names(&self.plans));
        let defaults = self.user_groups.iter().enumerate().filter(|(_, group)| group.is_default);
        for (at, _) in defaults.skip(1) {
            let message = "Another group is the default one already; at most one is.";
            let field = format!("{}[{at}].is_default", CatalogKind::UserGroup.list());
            mistakes.push(FieldError::new(&field, "repeated", message));
        }
    }
}

impl Catalog {
    /// Whether a document can hold it: billing plans are known by their numbers, and two may have one name, where a
    /// document knows them by their names; and a document has an end.
    ///
    /// # Errors
    /// Names the billing plans that share a name, or says how many prices there are.
    pub fn must_fit_a_document(&self) -> Result<(), Refusal> {
        let phases = self.billing_plans.iter().flat_map(|plan| &plan.resources);
        let phases = phases.flat_map(|resource| &resource.phases);
        let prices: usize = phases.map(|phase| phase.prices.len()).sum();
        if prices > MOST_PRICES {
            let message = format!(
                "The billing plans have {prices} prices, and a catalog's document has {MOST_PRICES} at most. Use the \
                 document of each: /api/admin/billing_plans/{{id}}/document."
            );
            let error = FieldError::new("billing_plans", "too_many", &message);
            return Err(Refusal::unfit(error));
        }
        let mut seen = BTreeMap::new();
        let mut errors = Vec::new();
        for plan in &self.billing_plans {
            if let Some(other) = seen.insert(plan.name.as_str(), plan.id) {
                let message = format!(
                    "The billing plans {other} and {} are both called '{}', and a catalog's document knows them by \
                     name. Rename one: PATCH /api/admin/billing_plans/{}.",
                    plan.id, plan.name, plan.id
                );
                errors.push(FieldError::new("billing_plans", "name_shared", &message));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Refusal::Unfit(errors)) }
    }

    /// What billing plans name, by its number.
    #[must_use]
    pub fn named(&self) -> Named {
        Named {
            products: self.products.iter().map(|one| (one.id, one.clone())).collect(),
            regions: self.regions.iter().map(|one| (one.id, one.clone())).collect(),
        }
    }

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
        // Each step is asked only when what it names is known: a mistake is told once.
        mistakes.none_yet()?;
        let mut merge = Merge { prune, mistakes: &mut mistakes };
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
        merge.mistakes.none_yet()?;
        let numbered = after.numbered();
        after.billing_plans = merge.list(
            CatalogKind::BillingPlan,
            &self.billing_plans,
            billing_plans,
            |wanted, was| put_billing_plan(wanted, was, &numbered, numbers, now),
        );
        merge.mistakes.none_yet()?;
        let books = after.billing_plans.iter();
        let books = Books(books.map(|one| (one.name.clone(), one.id)).collect());
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

    /// What a billing plan may name, by name.
    fn numbered(&self) -> Numbered {
        Numbered {
            products: self.products.iter().map(|one| (one.external_id.clone(), one.id)).collect(),
            regions: self.regions.iter().map(|one| (one.name.clone(), one.id)).collect(),
        }
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

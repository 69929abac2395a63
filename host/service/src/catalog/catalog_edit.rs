//! A change of a tenant's whole catalog: each thing reviewed under the rules that hold where it is changed alone, and
//! all of it in one change set.

use std::collections::{BTreeMap, BTreeSet};

use planwright_domain::Refusal;
use planwright_domain::billing_plan::billing_change::PartNumbers;
use planwright_domain::billing_plan::entry::Kind;
use planwright_domain::billing_plan::price_book::PriceBookChange;
use planwright_domain::catalog::Catalog;
use planwright_domain::catalog::catalog_change::{CatalogChanges, CatalogKind};
use planwright_domain::catalog::catalog_document::CatalogDocument;
use planwright_domain::catalog::catalog_replacing::{CatalogNumbers, Mistakes};
use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::plan::review::Finding;
use planwright_domain::webhook::event::Event;
use planwright_store::{Scan, Snapshot, Store};
use serde::Serialize;

use crate::app::App;
use crate::billing_plans::billing_plan_edit::Done;
use crate::billing_plans::entries::Edit;
use crate::billing_plans::entry_records::Entry;
use crate::billing_plans::{self, regions};
use crate::catalog::catalog_review::{
    Review, counted, differing, must_fit, plan_changes_of, priced, priced_in_both,
};
use crate::documents::PlanRecord;
use crate::error::Error;
use crate::plans::plan_surroundings::Surroundings;
use crate::request::Request;
use crate::webhooks::outbox::Listeners;

/// The catalog as a snapshot holds it, and what is to become of it.
pub(crate) struct CatalogEdit<'a, S: Store> {
    edit: Edit<'a, S>,
    pub(crate) before: Catalog,
    /// Each plan with the version of its record.
    plans: BTreeMap<PlanId, (u64, PlanRecord)>,
    /// How often a plan was made, changed or deleted.
    plan_changes: i64,
}

impl<'a, S: Store> CatalogEdit<'a, S> {
    pub(crate) async fn begin(app: &'a App<S>, by: &'a Request) -> Result<Self, Error> {
        let mut edit = Edit::begin(app, by).await?;
        let counter = edit.keys.catalog_changes();
        let plan_changes = edit.snapshot.counter(&counter).await?;
        edit.change.expect_counter(&counter, plan_changes);
        let mut plans = BTreeMap::new();
        for (_, found) in edit.snapshot.scan(&edit.keys.plans(), Scan::first(usize::MAX)).await? {
            let record = found.decode::<PlanRecord>()?;
            plans.insert(record.plan.id.clone(), (found.version, record));
        }
        let before = Catalog {
            regions: edit.all().await?,
            products: edit.all().await?,
            billing_plans: edit.all().await?,
            user_groups: edit.all().await?,
            plans: plans.values().map(|(_, record)| record.plan.clone()).collect(),
        };
        Ok(Self { edit, before, plans, plan_changes })
    }

    /// Differs whenever the catalog does: the counters of its changes only grow.
    pub(crate) fn tag(&self) -> String {
        format!("\"{}-{}\"", self.edit.changes(), self.plan_changes)
    }

    /// It is the one that the caller has read, if the caller says which.
    pub(crate) fn must_be_as_read(&self) -> Result<(), Refusal> {
        if self.edit.by.may_change(&self.tag()) {
            return Ok(());
        }
        let id = self.edit.by.caller.tenant.to_string();
        Err(Refusal::Stale { noun: "The catalog of tenant", id })
    }

    /// Reviews what a document makes of the catalog.
    pub(crate) async fn replace(
        mut self,
        document: &CatalogDocument,
        prune: bool,
    ) -> Result<ReviewedCatalog<'a, S>, Error> {
        let mut numbers = self.numbers().await?;
        let now = self.edit.by.now;
        let after = self.before.replaced(document.clone(), prune, &mut numbers, now)?;
        self.keep_numbers(&numbers);
        let (shown, wanted) = (CatalogDocument::of(&self.before), CatalogDocument::of(&after));
        let mut review = Review {
            places: document.places(),
            mistakes: Mistakes::default(),
            changes: CatalogChanges::between(&shown, &wanted),
            warnings: Vec::new(),
        };
        self.regions(&after, &mut review).await?;
        self.products(&after, &mut review).await?;
        self.billing_plans(&after, &mut review).await?;
        self.user_groups(&after, &mut review).await?;
        let events = self.subscription_plans(&after, &mut review).await?;
        review.mistakes.none_yet()?;
        let Review { changes, warnings, .. } = review;
        Ok(ReviewedCatalog { edit: self, after, changes, warnings, events })
    }

    async fn numbers(&self) -> Result<CatalogNumbers, Error> {
        Ok(CatalogNumbers {
            regions: self.edit.numbers(Kind::Region).await?,
            products: self.edit.numbers(Kind::Product).await?,
            packages: self.edit.numbers(Kind::Package).await?,
            billing_plans: self.edit.numbers(Kind::BillingPlan).await?,
            parts: PartNumbers {
                resources: self.edit.numbers(Kind::BillingResource).await?,
                phases: self.edit.numbers(Kind::BillingPhase).await?,
                prices: self.edit.numbers(Kind::BillingResourcePrice).await?,
            },
            user_groups: self.edit.numbers(Kind::UserGroup).await?,
        })
    }

    fn keep_numbers(&mut self, numbers: &CatalogNumbers) {
        for (kind, numbers) in [
            (Kind::Region, &numbers.regions),
            (Kind::Product, &numbers.products),
            (Kind::Package, &numbers.packages),
            (Kind::BillingPlan, &numbers.billing_plans),
            (Kind::BillingResource, &numbers.parts.resources),
            (Kind::BillingPhase, &numbers.parts.phases),
            (Kind::BillingResourcePrice, &numbers.parts.prices),
            (Kind::UserGroup, &numbers.user_groups),
        ] {
            self.edit.keep_numbers(kind, numbers);
        }
    }

    async fn regions(&mut self, after: &Catalog, review: &mut Review) -> Result<(), Error> {
        must_fit(&after.regions)?;
        let uses = self.before.billing_plans.iter().flat_map(|plan| plan.uses().regions);
        let named = counted(uses);
        for (was, is) in differing(&self.before.regions, &after.regions) {
            match (was, is) {
                (Some(was), None) => {
                    let by = regions::NAMED;
                    let kind = CatalogKind::Region;
                    let Some(uses) = self.uses(review, kind, was, &named, by).await? else {
                        continue;
                    };
                    self.edit.delete_named(was, uses);
                }
                (_, Some(is)) => self.edit.put(is),
                (None, None) => {}
            }
            self.edit.tell_entry(was, is);
        }
        Ok(())
    }

    async fn products(&mut self, after: &Catalog, review: &mut Review) -> Result<(), Error> {
        must_fit(&after.products)?;
        let uses = self.before.billing_plans.iter().flat_map(|plan| plan.uses().products);
        let named = counted(uses);
        let priced_still = priced_in_both(&self.before.billing_plans, &after.billing_plans);
        for (was, is) in differing(&self.before.products, &after.products) {
            match (was, is) {
                (Some(was), None) => {
                    let by = "something else names it. Take it out there first";
                    let kind = CatalogKind::Product;
                    let Some(uses) = self.uses(review, kind, was, &named, by).await? else {
                        continue;
                    };
                    self.edit.delete_named(was, uses);
                }
                (Some(was), Some(is)) => {
                    // Where a billing plan names it only from now on, the plan is reviewed with it as it will be.
                    if let Some(field) = was.priced_otherwise(is)
                        && priced_still.contains(&is.id)
                    {
                        review.refuse(CatalogKind::Product, &is.external_id, &priced(is, field));
                    }
                    self.edit.put(is);
                }
                (None, Some(is)) => self.edit.put(is),
                (None, None) => {}
            }
            self.edit.tell_entry(was, is);
        }
        Ok(())
    }

    async fn billing_plans(&mut self, after: &Catalog, review: &mut Review) -> Result<(), Error> {
        must_fit(&after.billing_plans)?;
        let (named_before, named_after) = (self.before.named(), after.named());
        let groups = self.before.user_groups.iter().map(|group| group.billing_plan_id);
        let naming = groups.chain(self.before.plans.iter().map(|plan| plan.billing_plan_id));
        let named = counted(naming.flatten().map(|id| (id, 1)));
        for (was, is) in differing(&self.before.billing_plans, &after.billing_plans) {
            let Some(plan) = is.or(was) else { continue };
            let its = after.user_groups.iter();
            let its = its.filter(|group| group.billing_plan_id == Some(plan.id));
            let asked = PriceBookChange {
                before: was.map(|plan| plan.price_book(&named_before)),
                after: is.map(|plan| plan.price_book(&named_after)),
                user_groups: its.map(|group| group.name.clone()).collect(),
            };
            let found = self.edit.review_price_book(&asked).await;
            let Some(warnings) = review.take(CatalogKind::BillingPlan, &plan.name, found)? else {
                continue;
            };
            self.edit.count_uses(was, is);
            match (was, is) {
                (Some(was), None) => {
                    let by = billing_plans::UNBILLED;
                    let kind = CatalogKind::BillingPlan;
                    let Some(uses) = self.uses(review, kind, was, &named, by).await? else {
                        continue;
                    };
                    self.edit.delete_named(was, uses);
                }
                (_, Some(is)) => self.edit.put(is),
                (None, None) => {}
            }
            let (kind, id) = (Kind::BillingPlan, plan.id);
            let done = Done { kind, id, before: was.cloned(), after: is.cloned() };
            self.edit.tell_of_plan(&plan.name, &done, &warnings);
        }
        Ok(())
    }

    async fn user_groups(&mut self, after: &Catalog, review: &mut Review) -> Result<(), Error> {
        must_fit(&after.user_groups)?;
        for (was, is) in differing(&self.before.user_groups, &after.user_groups) {
            match (was, is) {
                (Some(was), None) => {
                    let by = "users are in it. Put them into another one first";
                    let kind = CatalogKind::UserGroup;
                    // Nothing in a catalog names a group.
                    if self.uses(review, kind, was, &BTreeMap::new(), by).await?.is_some() {
                        self.edit.delete_group(was);
                    }
                }
                (_, Some(is)) => self.edit.put_group(was, is),
                (None, None) => {}
            }
        }
        Ok(())
    }

    /// Gives what is to be told of the plans.
    async fn subscription_plans(
        &mut self,
        after: &Catalog,
        review: &mut Review,
    ) -> Result<Vec<Event>, Error> {
        let Self { edit, before, plans, plan_changes } = self;
        let was: BTreeSet<u64> = before.billing_plans.iter().map(|plan| plan.id).collect();
        let made = after.billing_plans.iter().map(|plan| plan.id).filter(|id| !was.contains(id));
        let around = Surroundings::read(edit.app, &edit.snapshot, edit.by).await?;
        let around = around.with(&after.products, made.collect());
        let mut events = Vec::new();
        let mut changes = plan_changes_of(plans, &after.plans);
        changes.sort_by_key(|(id, _)| review.place(CatalogKind::Plan, id.as_str()));
        for (id, change) in changes {
            let reviewed = change
                .review_into(&mut edit.change, edit.app, &edit.snapshot, edit.by, &around)
                .await
                .map(|(reviewed, event)| {
                    events.push(event);
                    reviewed.warnings
                });
            review.take(CatalogKind::Plan, id.as_str(), reviewed)?;
        }
        if !events.is_empty() {
            around.expect(&mut edit.change);
        }
        let changed = i64::try_from(events.len()).unwrap_or(i64::MAX);
        *plan_changes = plan_changes.saturating_add(changed);
        Ok(events)
    }

    /// How often a thing is named, if by nothing but what this change takes away; else that is refused.
    async fn uses<T: Entry>(
        &self,
        review: &mut Review,
        kind: CatalogKind,
        entry: &T,
        named: &BTreeMap<u64, u64>,
        by: &str,
    ) -> Result<Option<i64>, Error> {
        let named = named.get(&entry.id()).copied().unwrap_or(0);
        let uses = self.edit.uses(T::KIND, entry.id()).await?;
        if u64::try_from(uses).is_ok_and(|uses| uses <= named) {
            return Ok(Some(uses));
        }
        let (name, by) = (entry.name().to_owned(), by.to_owned());
        let refusal = Refusal::EntryInUse { kind: T::KIND, name, what: "be deleted", by };
        review.refuse(kind, entry.name(), &refusal);
        Ok(None)
    }
}

/// A change that may be made.
pub(crate) struct ReviewedCatalog<'a, S: Store> {
    edit: CatalogEdit<'a, S>,
    /// The catalog as it will be.
    pub(crate) after: Catalog,
    pub(crate) changes: CatalogChanges,
    pub(crate) warnings: Vec<Finding>,
    events: Vec<Event>,
}

impl<S: Store> ReviewedCatalog<'_, S> {
    /// The entity tag that the catalog will have.
    pub(crate) fn tag(&self) -> String {
        self.edit.tag()
    }

    pub(crate) async fn commit<R: Serialize>(self, result: &R) -> Result<(), Error> {
        let mut edit = self.edit.edit;
        let listeners = Listeners::read(&edit.snapshot, &edit.by.caller.tenant).await?;
        listeners.tell(edit.app, &mut edit.change, &self.events, edit.by.now);
        edit.commit(result).await
    }
}

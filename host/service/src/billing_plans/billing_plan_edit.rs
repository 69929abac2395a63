//! The one way to change a billing plan: as a whole, whichever part of it is changed. What comes of it is reviewed by
//! the validation plugins, and committed with what it names counted.

use std::collections::{BTreeMap, BTreeSet};

use planwright_domain::Refusal;
use planwright_domain::billing_plan::BillingPlan;
use planwright_domain::billing_plan::billing_change::PartNumbers;
use planwright_domain::billing_plan::entry::Kind;
use planwright_domain::billing_plan::price_book::{Named, PriceBookChange};
use planwright_domain::billing_plan::user_group::UserGroup;
use planwright_domain::plan::review::{self, Finding, ReviewContext};
use planwright_domain::plugin::hook::Hook;
use planwright_domain::refusal::FieldError;
use planwright_store::Store;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::audit::Deed;
use crate::billing_plans::book_cache::named;
use crate::billing_plans::entries::Edit;
use crate::billing_plans::entry_records::{count_move, unknown};
use crate::billing_plans::price_books::missing;
use crate::error::Error;
use crate::request::Request;

/// What came of a change of a billing plan, and what the validation plugins warn of.
#[derive(Serialize, Deserialize)]
pub struct Edited<T> {
    /// What was changed, as it is now.
    pub value: T,
    /// The billing plan's entity tag.
    pub tag: String,
    /// Findings that do not refuse.
    pub warnings: Vec<Finding>,
}

/// Differs whenever the plan does; a number is never given again.
pub(crate) fn tag(plan: &BillingPlan) -> String {
    format!("\"{}-{}\"", plan.id, plan.version)
}

/// What was done, for the audit log.
pub(crate) struct Done<T> {
    pub(crate) kind: Kind,
    pub(crate) id: u64,
    pub(crate) before: Option<T>,
    pub(crate) after: Option<T>,
}

/// A billing plan as it will be, to be shown.
pub(crate) struct View<'a> {
    pub(crate) plan: &'a BillingPlan,
    pub(crate) groups: &'a [UserGroup],
    pub(crate) named: &'a Named,
}

/// A billing plan about to be made, changed or deleted.
pub(crate) struct PlanEdit<'a, S: Store> {
    pub(crate) edit: Edit<'a, S>,
    pub(crate) before: Option<BillingPlan>,
    /// To be changed as asked.
    pub(crate) after: BillingPlan,
    pub(crate) numbers: PartNumbers,
    is_deletion: bool,
    groups_were: Vec<UserGroup>,
    groups: Vec<UserGroup>,
}

impl<'a, S: Store> PlanEdit<'a, S> {
    /// A plan that is there, and is the one that the caller has read, if the caller says which.
    pub(crate) async fn begin(app: &'a App<S>, by: &'a Request, id: u64) -> Result<Self, Error> {
        let edit = Edit::begin(app, by).await?;
        let before = edit.get::<BillingPlan>(id).await?;
        if !by.may_change(&tag(&before)) {
            return Err(Refusal::Stale { noun: "Billing plan", id: id.to_string() }.into());
        }
        Self::of(edit, Some(before.clone()), before).await
    }

    /// A plan that is new.
    pub(crate) async fn make(app: &'a App<S>, by: &'a Request, name: &str) -> Result<Self, Error> {
        let mut edit = Edit::begin(app, by).await?;
        edit.all_with_room::<BillingPlan>().await?;
        let mut numbers = edit.numbers(Kind::BillingPlan).await?;
        let plan = BillingPlan::new(numbers.take(), name, by.now)?;
        edit.keep_numbers(Kind::BillingPlan, &numbers);
        Self::of(edit, None, plan).await
    }

    async fn of(
        edit: Edit<'a, S>,
        before: Option<BillingPlan>,
        after: BillingPlan,
    ) -> Result<Self, Error> {
        let numbers = PartNumbers {
            resources: edit.numbers(Kind::BillingResource).await?,
            phases: edit.numbers(Kind::BillingPhase).await?,
            prices: edit.numbers(Kind::BillingResourcePrice).await?,
        };
        let groups = edit.all::<UserGroup>().await?;
        let groups_were = groups.clone();
        Ok(Self { edit, before, after, numbers, is_deletion: false, groups_were, groups })
    }

    /// Has the plan price these groups and no others. A group that another plan prices moves here.
    pub(crate) fn price_groups(&mut self, ids: &[u64]) -> Result<(), Refusal> {
        for (at, id) in ids.iter().enumerate() {
            if !self.groups.iter().any(|group| group.id == *id) {
                return Err(unknown(Kind::UserGroup, &format!("user_group_ids[{at}]"), *id));
            }
        }
        let (plan, now) = (self.after.id, self.edit.by.now);
        for group in &mut self.groups {
            if ids.contains(&group.id) {
                *group = group.priced_by(Some(plan), now);
            } else if group.billing_plan_id == Some(plan) {
                *group = group.priced_by(None, now);
            }
        }
        Ok(())
    }

    /// Commits it, if the validation plugins let it through. What changes nothing leaves no trace.
    pub(crate) async fn finish<T: Serialize, R: Serialize>(
        mut self,
        done: Done<T>,
        show: impl FnOnce(&View<'_>) -> R,
    ) -> Result<Edited<R>, Error> {
        if let Some(before) = &self.before {
            self.after = self.after.counted_after(before, self.edit.by.now);
        }
        let both: Vec<&BillingPlan> = self.before.iter().chain([&self.after]).collect();
        let named = named(&self.edit.snapshot, &self.edit.keys, &both).await?;
        let view = View { plan: &self.after, groups: &self.groups, named: &named };
        let (value, tag) = (show(&view), tag(&self.after));
        if self.before.as_ref() == Some(&self.after) && self.groups == self.groups_were {
            return Ok(Edited { value, tag, warnings: Vec::new() });
        }
        if let Some((kind, id)) = missing(&self.after, &named) {
            let field = if kind == Kind::Region { "region_ids" } else { "product_id" };
            return Err(unknown(kind, field, id).into());
        }
        let warnings = self.review(&named).await?;
        self.write();
        self.tell(&done, &warnings);
        let edited = Edited { value, tag, warnings };
        self.edit.commit(&edited).await?;
        Ok(edited)
    }

    /// Deletes the plan, if nothing names it.
    pub(crate) async fn delete(mut self) -> Result<Edited<()>, Error> {
        let named = named(&self.edit.snapshot, &self.edit.keys, &[&self.after]).await?;
        self.is_deletion = true;
        let warnings = self.review(&named).await?;
        self.write();
        let plan = self.after.clone();
        let done = Done { kind: Kind::BillingPlan, id: plan.id, before: Some(plan), after: None };
        self.tell(&done, &warnings);
        let edited = Edited { value: (), tag: String::new(), warnings };
        self.edit.commit(&edited).await?;
        Ok(edited)
    }

    /// Asks the validation plugins what they find.
    async fn review(&mut self, named: &Named) -> Result<Vec<Finding>, Error> {
        let its = self.groups.iter().filter(|group| group.billing_plan_id == Some(self.after.id));
        let asked = PriceBookChange {
            before: self.before.as_ref().map(|plan| plan.price_book(named)),
            after: (!self.is_deletion).then(|| self.after.price_book(named)),
            user_groups: its.map(|group| group.name.clone()).collect(),
        };
        self.edit.review_price_book(&asked).await
    }

    /// Writes the plan, its groups, and how often each thing is named.
    fn write(&mut self) {
        let PartNumbers { resources, phases, prices } = &self.numbers;
        self.edit.keep_numbers(Kind::BillingResource, resources);
        self.edit.keep_numbers(Kind::BillingPhase, phases);
        self.edit.keep_numbers(Kind::BillingResourcePrice, prices);
        let after = (!self.is_deletion).then_some(&self.after);
        self.edit.count_uses(self.before.as_ref(), after);
        if self.is_deletion {
            self.edit.delete(&self.after);
        } else {
            self.edit.put(&self.after);
        }
        for (was, is) in self.groups_were.iter().zip(&self.groups).filter(|(was, is)| was != is) {
            self.edit.put_group(Some(was), is);
        }
    }

    fn tell<T: Serialize>(&mut self, done: &Done<T>, warnings: &[Finding]) {
        self.edit.tell_of_plan(&self.after.name, done, warnings);
    }
}

impl<S: Store> Edit<'_, S> {
    /// Asks the validation plugins what they find. That the same ones decide still is expected.
    pub(crate) async fn review_price_book(
        &mut self,
        asked: &PriceBookChange,
    ) -> Result<Vec<Finding>, Error> {
        let Self { app, by, snapshot, change, .. } = self;
        if asked.before == asked.after {
            return Ok(Vec::new());
        }
        let tenant = &by.caller.tenant;
        let bindings = app.bindings(snapshot, tenant).await?;
        let context = ReviewContext {
            tenant: tenant.clone(),
            user_id: Some(by.caller.user_id.clone()),
            at: by.now,
        };
        let plugins = app.plugins_for(&bindings, Hook::Validation, by.now).await?;
        let findings =
            planwright_plugin_host::review_billing_plan(&plugins, &context, asked).await?;
        bindings.expect(change);
        // A change of the second document that is refused is 422.
        review::warnings(findings).map_err(|refusal| Refusal::Unfit(refusal.fields()).into())
    }

    /// Counts what a billing plan names no longer out, and what it names now in.
    pub(crate) fn count_uses(&mut self, before: Option<&BillingPlan>, after: Option<&BillingPlan>) {
        let [before, after] = [before, after].map(|plan| plan.map(BillingPlan::uses));
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        for (kind, was, is) in [
            (Kind::Product, &before.products, &after.products),
            (Kind::Region, &before.regions, &after.regions),
        ] {
            let ids: BTreeSet<&u64> = was.keys().chain(is.keys()).collect();
            for id in ids {
                let times = |uses: &BTreeMap<u64, u64>| {
                    i64::try_from(uses.get(id).copied().unwrap_or(0)).unwrap_or(i64::MAX)
                };
                self.count_use(kind, *id, times(is) - times(was));
            }
        }
    }

    /// Writes a group that was made or changed, counts what prices it, and tells of it.
    pub(crate) fn put_group(&mut self, before: Option<&UserGroup>, after: &UserGroup) {
        let was = before.and_then(|group| group.billing_plan_id);
        count_move(&mut self.change, &self.keys, Kind::BillingPlan, was, after.billing_plan_id);
        self.put(after);
        self.tell_entry(before, Some(after));
    }

    /// Deletes a group that no user is in, then either, and counts what priced it.
    pub(crate) fn delete_group(&mut self, group: &UserGroup) {
        let priced_by = group.billing_plan_id;
        count_move(&mut self.change, &self.keys, Kind::BillingPlan, priced_by, None);
        self.delete(group);
        self.tell_entry(Some(group), None);
    }

    /// Tells of a billing plan or a part of it.
    pub(crate) fn tell_of_plan<T: Serialize>(
        &mut self,
        name: &str,
        done: &Done<T>,
        warnings: &[Finding],
    ) {
        let Done { kind, id, before, after } = done;
        let (code, did) = match (before, after) {
            (None, _) => ("created", "Created"),
            (_, None) => ("deleted", "Deleted"),
            _ => ("updated", "Updated"),
        };
        let noun = kind.noun().to_lowercase();
        let description = if *kind == Kind::BillingPlan {
            format!("{did} {noun} '{name}'")
        } else {
            format!("{did} {noun} {id} of billing plan '{name}'")
        };
        self.tell(Deed {
            action: &format!("{}_{code}", kind.as_str()),
            entity_type: kind.as_str(),
            entity_id: &id.to_string(),
            description,
            before: before.as_ref(),
            after: after.as_ref(),
            warnings,
        });
    }
}

/// A field of what was asked names a plan that there is not.
pub(crate) fn no_such_clone(id: u64) -> Refusal {
    let message =
        format!("clone: there is no billing plan {id}. Leave it out, or name another one.");
    Refusal::unfit(FieldError::new("clone", "unknown_id", &message))
}

//! The price catalog: things under their own numbers, that name what there is, and are counted where they are named.

use std::collections::{BTreeMap, BTreeSet};

use planwright_domain::billing_plan::BillingPlan;
use planwright_domain::billing_plan::entry::Kind;
use planwright_domain::billing_plan::product::Product;
use planwright_domain::billing_plan::region::Region;
use planwright_domain::billing_plan::user_group::UserGroup;
use planwright_domain::tenant::caller::is_user_id;
use planwright_store::{Key, Part, Record, Snapshot, StoreError};

use super::Walk;
use super::records::{Problems, misplaced, unknown, unreadable};
use crate::billing_plans::entry_records::Entry;
use crate::documents::{EntryRecord, UserRecord};
use crate::keys::Keys;

/// What is gathered of the price catalog on the way.
#[derive(Default)]
pub(super) struct Gathered {
    /// How often things are named, by the counter that must say so.
    pub(super) uses: BTreeMap<Key, i64>,
    /// The largest number of each kind.
    pub(super) largest: BTreeMap<Kind, u64>,
    /// What must be unique in its kind.
    names: BTreeSet<(Kind, String)>,
}

impl Gathered {
    fn number(&mut self, kind: Kind, id: u64) {
        let largest = self.largest.entry(kind).or_default();
        *largest = id.max(*largest);
    }

    /// The numbers of a plan's parts.
    fn parts(&mut self, plan: &BillingPlan) {
        for resource in &plan.resources {
            self.number(Kind::BillingResource, resource.id);
            for phase in &resource.phases {
                self.number(Kind::BillingPhase, phase.id);
                for price in &phase.prices {
                    self.number(Kind::BillingResourcePrice, price.id);
                }
            }
        }
    }
}

impl<N: Snapshot> Walk<'_, N> {
    pub(super) async fn entry(&mut self, keys: &Keys, key: &Key, record: &Record) -> Problems {
        let parts = key.parts();
        let Some(Part::Text(kind)) = parts.first() else { return Ok(unknown()) };
        match Kind::from_name(kind) {
            Some(Kind::Region) => {
                Ok(self.read::<Region>(keys, key, record).err().unwrap_or_default())
            }
            Some(Kind::Product) => match self.read::<Product>(keys, key, record) {
                Ok(product) => {
                    let package = product.package.map_or(0, |package| package.id);
                    self.gathered.number(Kind::Package, package);
                    Ok(Vec::new())
                }
                Err(problems) => Ok(problems),
            },
            Some(Kind::UserGroup) => match self.read::<UserGroup>(keys, key, record) {
                Ok(group) => self.names(keys, Kind::BillingPlan, group.billing_plan_id, 1).await,
                Err(problems) => Ok(problems),
            },
            Some(Kind::BillingPlan) => match self.read::<BillingPlan>(keys, key, record) {
                Ok(plan) => self.billing_plan(keys, &plan).await,
                Err(problems) => Ok(problems),
            },
            Some(
                Kind::Package
                | Kind::User
                | Kind::BillingResource
                | Kind::BillingPhase
                | Kind::BillingResourcePrice,
            )
            | None => Ok(unknown()),
        }
    }

    /// The thing, if it lies where it belongs and its name is its own.
    fn read<T: Entry>(
        &mut self,
        keys: &Keys,
        key: &Key,
        record: &Record,
    ) -> Result<T, Vec<String>> {
        let entry = record.decode::<EntryRecord<T>>().map_err(|error| unreadable(&error))?.entry;
        if *key != keys.entry(T::KIND, entry.id()) {
            return Err(misplaced());
        }
        self.gathered.number(T::KIND, entry.id());
        let name = (T::KIND, entry.name().to_owned());
        // Billing plans are known by their numbers alone.
        if T::KIND != Kind::BillingPlan && !self.gathered.names.insert(name) {
            return Err(vec![format!(
                "Another {} is called '{}'.",
                T::KIND.as_str(),
                entry.name()
            )]);
        }
        Ok(entry)
    }

    async fn billing_plan(&mut self, keys: &Keys, plan: &BillingPlan) -> Problems {
        self.gathered.parts(plan);
        let refused = plan.check_part().err();
        let mut found: Vec<String> = refused.iter().map(ToString::to_string).collect();
        let uses = plan.uses();
        for (kind, named) in [(Kind::Product, uses.products), (Kind::Region, uses.regions)] {
            for (id, times) in named {
                let times = i64::try_from(times).unwrap_or(i64::MAX);
                found.extend(self.names(keys, kind, Some(id), times).await?);
            }
        }
        Ok(found)
    }

    /// Counts that something is named; it must be there.
    pub(super) async fn names(
        &mut self,
        keys: &Keys,
        kind: Kind,
        id: Option<u64>,
        times: i64,
    ) -> Problems {
        let Some(id) = id else { return Ok(Vec::new()) };
        *self.gathered.uses.entry(keys.entry_uses(kind, id)).or_default() += times;
        let is_there = match self.snapshot.get(&keys.entry(kind, id)).await {
            Ok(found) => found.is_some(),
            // It is reported where it lies.
            Err(StoreError::Corrupt { .. } | StoreError::Newer { .. }) => true,
            Err(error) => return Err(error),
        };
        let problem = || format!("It names the {} {id}, which is not there.", kind.as_str());
        Ok(if is_there { Vec::new() } else { vec![problem()] })
    }

    pub(super) async fn user(&mut self, keys: &Keys, key: &Key, record: &Record) -> Problems {
        match key.parts().first() {
            Some(Part::Text(id)) if is_user_id(id) && *key == keys.user(id) => {}
            _ => return Ok(unknown()),
        }
        let facts = match record.decode::<UserRecord>() {
            Ok(record) => record.facts,
            Err(error) => return Ok(unreadable(&error)),
        };
        self.tally(keys.user_count());
        let mut found = self.names(keys, Kind::UserGroup, facts.user_group_id, 1).await?;
        found.extend(self.names(keys, Kind::Region, facts.region_id, 1).await?);
        Ok(found)
    }

    /// What is wrong with how often a thing is named.
    pub(super) fn entry_uses(&self, key: &Key, holds: i64) -> Option<String> {
        let counted = self.gathered.uses.get(key).copied().unwrap_or(0);
        (holds != counted).then(|| format!("It holds {holds}, and it is named {counted} times."))
    }

    /// What is wrong with the last number of a kind.
    pub(super) fn entry_numbers(&self, keys: &Keys, key: &Key, holds: i64) -> Option<String> {
        let Some(kind) = Kind::ALL.into_iter().find(|kind| keys.entry_numbers(*kind) == *key)
        else {
            return Some("No counter of this release has such a key.".to_owned());
        };
        let largest = self.gathered.largest.get(&kind).copied().unwrap_or(0);
        let is_behind = u64::try_from(holds).is_ok_and(|holds| holds < largest) || holds < 0;
        is_behind.then(|| format!("It holds {holds}, and number {largest} is given."))
    }

    /// Counters of the price catalog that should hold something.
    pub(super) async fn entry_counters_missing(&mut self, keys: &Keys) -> Result<(), StoreError> {
        let gathered = std::mem::take(&mut self.gathered);
        for (key, counted) in &gathered.uses {
            if self.snapshot.counter(key).await? == 0 {
                self.report.add(key, [format!("It holds 0, and it is named {counted} times.")]);
            }
        }
        for (kind, largest) in gathered.largest.iter().filter(|(_, largest)| **largest > 0) {
            let key = keys.entry_numbers(*kind);
            if self.snapshot.counter(&key).await? == 0 {
                self.report.add(&key, [format!("It holds 0, and number {largest} is given.")]);
            }
        }
        Ok(())
    }
}

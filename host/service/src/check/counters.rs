//! What a counter has to hold, by its family. A counter that holds 0 is not listed; whether one should hold
//! more is asked from the other side.

use planwright_domain::plan::plan_id::PlanId;
use planwright_store::{Key, Part, Snapshot, StoreError};

use super::Walk;
use crate::keys::Family;

impl<N: Snapshot> Walk<'_, N> {
    /// What is wrong with a counter, whatever it is.
    pub(super) fn counter(&self, key: &Key, holds: i64) -> Option<String> {
        let unknown = || Some("No counter of this release has such a key.".to_owned());
        if let Some(problem) = self.plugin_counter(key, holds) {
            return problem;
        }
        if let Some(Family::UserCount | Family::TransactionCount | Family::WebhooksWaiting) =
            Family::of(key)
        {
            let counted = self.tallied.get(key).copied().unwrap_or(0);
            return differs(holds, counted, RECORDS);
        }
        let Some(keys) = self.keys else { return unknown() };
        if let Some(problem) = self.webhook_counter(key, holds) {
            return problem;
        }
        let of = plan_of(key);
        match (Family::of(key), of) {
            (Some(Family::Subscribers | Family::PendingChanges), _) => {
                let counted = self.counted.get(key).copied().unwrap_or(0);
                differs(holds, counted, "subscriptions are counted by it")
            }
            (Some(Family::CatalogChanges), _) if *key == keys.catalog_changes() => {
                let told = self.told.as_ref()?;
                differs(holds, told.changes, "changes of plans are in the audit log")
            }
            (Some(Family::EntryUses), _) => self.entry_uses(key, holds),
            (Some(Family::EntryNumbers), _) => self.entry_numbers(keys, key, holds),
            (Some(Family::EntryChanges), _) if *key == keys.entry_changes() => {
                let told = self.told.as_ref()?;
                differs(
                    holds,
                    told.entry_changes,
                    "changes of the price catalog are in the audit log",
                )
            }
            (Some(Family::PlanGeneration), Some((id, _))) if *key == keys.plan_generation(&id) => {
                let told = self.told.as_ref()?.plans.get(id.as_str());
                let deleted = told.map_or(0, |plan| plan.deleted);
                differs(holds, deleted, "deletions of the plan are in the audit log")
            }
            (Some(Family::PendingPayments), Some((id, generation)))
                if *key == keys.pending_payments(&id, generation) =>
            {
                let counted = self.pending_counted.get(key).copied().unwrap_or(0);
                differs(holds, counted, "payments are pending")
            }
            _ => unknown(),
        }
    }

    /// One record more that a counter must count.
    pub(super) fn tally(&mut self, counter: Key) {
        *self.tallied.entry(counter).or_default() += 1;
    }

    /// Records that no counter counts.
    pub(super) async fn tallies_missing(&mut self) -> Result<(), StoreError> {
        for (key, counted) in &self.tallied {
            if self.snapshot.counter(key).await? == 0 {
                self.report.add(key, differs(0, *counted, RECORDS));
            }
        }
        Ok(())
    }
}

const RECORDS: &str = "records are counted by it";

pub(super) fn differs(holds: i64, counted: i64, what: &str) -> Option<String> {
    (holds != counted).then(|| format!("It holds {holds}, and {counted} {what}."))
}

/// The plan and generation that a key begins with; generation 0 if it says none.
fn plan_of(key: &Key) -> Option<(PlanId, u64)> {
    let mut parts = key.parts().into_iter();
    let Some(Part::Text(id)) = parts.next() else { return None };
    let generation = match parts.next() {
        Some(Part::Number(generation)) => generation,
        _ => 0,
    };
    Some((PlanId::new(&id).ok()?, generation))
}

//! Plans against what the audit log tells of them: every change of a plan is committed with its entry, so
//! the log alone makes the catalog.

use std::collections::BTreeMap;

use planwright_domain::audit::AuditEntry;
use planwright_domain::billing_plan::entry::Kind;
use serde_json::Value;

use crate::documents::PlanRecord;
use crate::plans::plan_commit;

/// What a log tells of a tenant's plans.
#[derive(Default)]
pub(super) struct Told {
    /// How often a plan was made, changed or deleted.
    pub(super) changes: i64,
    /// How many entries tell of the price catalog.
    pub(super) entry_changes: i64,
    /// By id.
    pub(super) plans: BTreeMap<String, ToldPlan>,
}

/// What a log tells of the plans of one id.
#[derive(Default)]
pub(super) struct ToldPlan {
    pub(super) is_there: bool,
    /// How many plans of the id were deleted.
    pub(super) deleted: i64,
    fields: BTreeMap<String, Value>,
}

impl Told {
    /// Goes on to the next entry.
    pub(super) fn take(&mut self, entry: AuditEntry) {
        let of_catalog = Kind::from_name(&entry.entity_type).is_some_and(|kind| kind != Kind::User);
        self.entry_changes += i64::from(of_catalog);
        if !plan_commit::is_action(&entry.action) {
            return;
        }
        self.changes += 1;
        let plan = self.plans.entry(entry.entity_id).or_default();
        if plan_commit::is_deletion(&entry.action) {
            let deleted = plan.deleted + 1;
            *plan = ToldPlan { deleted, ..ToldPlan::default() };
        } else {
            plan.is_there = true;
            plan.fields.extend(entry.changes.into_iter().map(|(name, change)| (name, change.new)));
        }
    }
}

/// What is wrong with a plan's record. `deletions` is what its counter of generations holds; `told` is nothing
/// if there is no whole log to hold it against.
pub(super) fn disagreements(
    record: &PlanRecord,
    deletions: i64,
    told: Option<&Told>,
) -> Vec<String> {
    let mut found = Vec::new();
    if i64::try_from(record.generation) != Ok(deletions) {
        let generation = record.generation;
        found.push(format!(
            "It is of generation {generation}, and {deletions} plans of its id were deleted."
        ));
    }
    if let Some(told) = told {
        found.extend(against_log(record, told.plans.get(record.plan.id.as_str())));
    }
    found
}

/// A field that one of both does not know is of another release, and no disagreement.
fn against_log(record: &PlanRecord, told: Option<&ToldPlan>) -> Vec<String> {
    let Some(told) = told.filter(|told| told.is_there) else {
        return vec!["The audit log does not tell that there is such a plan.".to_owned()];
    };
    let Ok(Value::Object(fields)) = serde_json::to_value(&record.plan) else {
        return Vec::new();
    };
    let differ = told.fields.iter().filter_map(|(name, told)| {
        let holds = fields.get(name).filter(|holds| *holds != told)?;
        Some(format!("Its {name} is {holds}, and the audit log tells of {told}."))
    });
    differ.collect()
}

#[cfg(test)]
mod tests {
    use planwright_domain::audit;
    use planwright_domain::plan::Plan;
    use planwright_domain::plan::plan_id::PlanId;
    use planwright_domain::time::Timestamp;

    use super::*;

    fn plan(price: u32) -> Plan {
        let draft = format!(r#"{{"name":"Pro","price":{price},"interval":"month"}}"#);
        let draft = serde_json::from_str(&draft).unwrap();
        Plan::from_draft(PlanId::new("pro").unwrap(), draft, Timestamp::UNIX_EPOCH).unwrap()
    }

    fn entry(action: &str, before: Option<&Plan>, after: Option<&Plan>) -> AuditEntry {
        AuditEntry {
            id: "aud_1".to_owned(),
            user_id: "root".to_owned(),
            action: action.to_owned(),
            entity_type: "plan".to_owned(),
            entity_id: "pro".to_owned(),
            description: String::new(),
            changes: audit::changes(before, after),
            audit_metadata: BTreeMap::new(),
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_plan_is_what_its_entries_make_it() {
        let (one, two) = (plan(1), plan(2));
        let made = entry("plan_created", None, Some(&one));
        let changed = entry("plan_updated", Some(&one), Some(&two));
        let gone = entry("plan_deleted", Some(&two), None);
        let granted = entry("subscription_granted", None, None);
        let cases: [(&[&AuditEntry], u32, u64, &[&str]); 7] = [
            (&[&made], 1, 0, &[]),
            (&[&made, &granted, &changed], 2, 0, &[]),
            (&[&made, &changed, &gone, &made], 1, 1, &[]),
            (&[&made, &changed], 1, 0, &["Its price is 1, and the audit log tells of 2."]),
            (&[&made], 1, 1, &["It is of generation 1, and 0 plans of its id were deleted."]),
            (&[&made, &gone], 1, 1, &["The audit log does not tell that there is such a plan."]),
            (&[&granted], 1, 0, &["The audit log does not tell that there is such a plan."]),
        ];
        for (index, (entries, price, generation, expected)) in cases.into_iter().enumerate() {
            let mut told = Told::default();
            for entry in entries {
                told.take((*entry).clone());
            }
            let deletions = told.plans.get("pro").map_or(0, |plan| plan.deleted);
            let record = PlanRecord { generation, plan: plan(price) };
            assert_eq!(disagreements(&record, deletions, Some(&told)), expected, "case {index}");
        }
    }
}

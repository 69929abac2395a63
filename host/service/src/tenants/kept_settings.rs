//! The settings of a tenant as a snapshot holds them.

use planwright_domain::Refusal;
use planwright_domain::billing_plan::entry::Kind;
use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::refusal::FieldError;
use planwright_domain::tenant::caller::TenantId;
use planwright_store::{ChangeSet, Key, Snapshot, Store, StoreError};

use crate::app::App;
use crate::audit::Deed;
use crate::billing_plans::entry_records::{count_move, expect_there};
use crate::documents::SettingsRecord;
use crate::error::Error;
use crate::keys::Keys;
use crate::request::Request;

/// Settings as a snapshot holds them, to decide on and to expect.
pub(crate) struct Kept {
    key: Key,
    version: Option<u64>,
    pub(crate) record: SettingsRecord,
}

impl Kept {
    pub(crate) async fn read<N: Snapshot>(
        snapshot: &N,
        tenant: &TenantId,
    ) -> Result<Self, StoreError> {
        let key = Keys::of(tenant).settings();
        Ok(match snapshot.get(&key).await? {
            Some(found) => Self { version: Some(found.version), record: found.decode()?, key },
            None => Self { version: None, record: SettingsRecord::default(), key },
        })
    }

    /// The version of their record, if they were ever changed.
    pub(crate) fn version(&self) -> Option<u64> {
        self.version
    }

    /// Whether users without a subscription are governed by this plan.
    pub(crate) fn default_plan_is(&self, id: &PlanId) -> bool {
        self.record.settings.default_plan.as_ref() == Some(id)
    }

    /// The settings are still these when the change is committed.
    pub(crate) fn expect(&self, change: &mut ChangeSet) {
        change.expect_as_read(&self.key, self.version);
    }

    /// Commits other settings in their place. A default plan is expected to be there still, as its deletion
    /// expects the settings: whichever of the two comes second sees the first.
    pub(crate) async fn replace<S: Store>(
        &self,
        app: &App<S>,
        snapshot: &S::Snapshot,
        by: &Request,
        record: &SettingsRecord,
    ) -> Result<(), Error> {
        let keys = Keys::of(&by.caller.tenant);
        let mut change = ChangeSet::new();
        self.expect(&mut change);
        if let Some(id) = &record.settings.default_plan {
            let plan = keys.plan(id);
            let found = snapshot.get(&plan).await?.ok_or_else(|| no_such_plan(id))?;
            change.expect_version(&plan, found.version);
        }
        let (before, after) = (self.record.settings.region_id, record.settings.region_id);
        if let Some(id) = after.filter(|_| after != before)
            && !expect_there(snapshot, &keys, Kind::Region, id, &mut change).await?
        {
            let message = format!("region_id: there is no region {id}. Make it first.");
            let error = FieldError::new("region_id", "unknown_id", &message);
            return Err(Refusal::Invalid(vec![error]).into());
        }
        count_move(&mut change, &keys, Kind::Region, before, after);
        change.put(&self.key, record);
        let deed = Deed {
            action: "settings_updated",
            entity_type: "settings",
            entity_id: by.caller.tenant.as_str(),
            description: "Updated the settings".to_owned(),
            before: Some(&self.record.settings),
            after: Some(&record.settings),
            warnings: &[],
        };
        change.append(&keys.audit(), &app.audit_entry(by, deed));
        app.commit(by, change, &record.settings).await?;
        Ok(())
    }
}

fn no_such_plan(id: &PlanId) -> Refusal {
    let message = format!("There is no plan '{id}' to be the default_plan. Make it first.");
    Refusal::Invalid(vec![FieldError::new("default_plan", "unknown_plan", &message)])
}

//! A tenant's settings.

use planwright_domain::Refusal;
use planwright_domain::caller::TenantId;
use planwright_domain::entry::Kind;
use planwright_domain::plan::PlanId;
use planwright_domain::refusal::FieldError;
use planwright_domain::settings::{Settings, SettingsPatch};
use planwright_store::{ChangeSet, Key, Snapshot, Store, StoreError};

use crate::app::{App, Request};
use crate::audit::Deed;
use crate::documents::SettingsRecord;
use crate::entries::{count_move, expect_there};
use crate::error::Error;
use crate::keys::Keys;
use crate::once::once;
use crate::worker;

/// The tenant's settings.
///
/// # Errors
/// When the store does not answer.
pub async fn get<S: Store>(app: &App<S>, by: &Request) -> Result<Settings, Error> {
    let snapshot = app.store.snapshot().await?;
    Ok(Kept::read(&snapshot, &by.caller.tenant).await?.record.settings)
}

/// Changes the settings that a patch names. A patch that changes nothing leaves no trace.
///
/// # Errors
/// A default plan that there is not, naming the field.
pub async fn update<S: Store>(
    app: &App<S>,
    by: &Request,
    patch: &SettingsPatch,
) -> Result<Settings, Error> {
    once(app, by, || try_update(app, by, patch)).await
}

async fn try_update<S: Store>(
    app: &App<S>,
    by: &Request,
    patch: &SettingsPatch,
) -> Result<Settings, Error> {
    if patch.grace_days.is_some() {
        // What is due already has the grace that there was.
        worker::work_plan(app, &by.caller.tenant, None, by.now).await?;
    }
    let snapshot = app.store.snapshot().await?;
    let kept = Kept::read(&snapshot, &by.caller.tenant).await?;
    let payments = kept.record.payments().patched(patch.payments.as_ref(), by.received_at)?;
    let record = SettingsRecord {
        settings: Settings { payments: payments.settings, ..kept.record.settings.patched(patch)? },
        default_plan_is_chosen: kept.record.default_plan_is_chosen || patch.default_plan.is_some(),
        shop_secret_key: payments.secret_key,
        earlier_shops: payments.earlier,
    };
    if record != kept.record {
        kept.replace(app, &snapshot, by, &record).await?;
    }
    Ok(record.settings)
}

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

//! A tenant's settings.

use planwright_domain::tenant::settings::{Settings, SettingsPatch};
use planwright_store::Store;

use crate::app::App;
use crate::documents::SettingsRecord;
use crate::error::Error;
use crate::once::once;
use crate::request::Request;
use crate::tenants::kept_settings::Kept;
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

//! Setting a sandbox's time.

use planwright_domain::Refusal;
use planwright_domain::tenant::clock::{Clock, ClockSetting};
use planwright_store::{ChangeSet, Store};

use crate::app::App;
use crate::audit::Deed;
use crate::documents::ClockRecord;
use crate::error::Error;
use crate::keys::{HostKeys, Keys, Timeline};
use crate::once::once;
use crate::request::Request;
use crate::statements::statement_run;
use crate::tenants::clocks::read;
use crate::{tenants, worker};

/// Sets a sandbox's time, never back, and works all that is due by then.
///
/// # Errors
/// A tenant that is no sandbox, or a time that it cannot be set to.
pub async fn set<S: Store>(
    app: &App<S>,
    by: &Request,
    setting: ClockSetting,
) -> Result<Clock, Error> {
    let timeline = tenants::timeline(app, &by.caller.tenant).await?;
    if timeline == Timeline::Real {
        return Err(Refusal::NotASandbox { tenant: by.caller.tenant.to_string() }.into());
    }
    let clock = once(app, by, || try_set(app, by, setting)).await?;
    // Also where the clock was set before and the work was cut off.
    worker::work(app, &timeline, clock.now).await?;
    statement_run::work(app, &timeline, clock.now).await?;
    Ok(clock)
}

async fn try_set<S: Store>(
    app: &App<S>,
    by: &Request,
    setting: ClockSetting,
) -> Result<Clock, Error> {
    let tenant = &by.caller.tenant;
    let (version, before) = read(&app.store.snapshot().await?, tenant).await?;
    let is = before.standing().unwrap_or(by.received_at);
    let old = Clock { now: is, stands_still: before.now.is_some() };
    let clock = old.set(setting)?;
    let now = clock.now;
    if old == clock {
        return Ok(clock);
    }
    let key = HostKeys::clock(tenant);
    let mut change = ChangeSet::new();
    change.expect_as_read(&key, version).put(&key, &ClockRecord { now: Some(now) });
    let deed = Deed {
        action: "clock_set",
        entity_type: "clock",
        entity_id: tenant.as_str(),
        description: format!("Set the time to {now}"),
        before: Some(&old),
        after: Some(&clock),
        warnings: &[],
    };
    change.append(&Keys::of(tenant).audit(), &app.audit_entry(by, deed));
    app.commit(by, change, &clock).await?;
    Ok(clock)
}

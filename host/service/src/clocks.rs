//! A sandbox's time: the real one until an admin sets it. From then on it stands still where it was set last.

use planwright_domain::Refusal;
use planwright_domain::caller::TenantId;
use planwright_domain::clock::{Clock, ClockSetting};
use planwright_domain::time::Timestamp;
use planwright_store::{ChangeSet, Scan, Snapshot, Store};

use crate::app::{App, Request};
use crate::audit::Deed;
use crate::documents::ClockRecord;
use crate::error::Error;
use crate::keys::{HostKeys, Keys, Timeline};
use crate::once::once;
use crate::{statement_run, tenants, worker};

/// What time it is for a tenant that is there.
///
/// # Errors
/// When the store does not answer.
pub async fn time<S: Store>(
    app: &App<S>,
    tenant: &TenantId,
    real: Timestamp,
) -> Result<Timestamp, Error> {
    match tenants::timeline(app, tenant).await? {
        Timeline::Real => Ok(real),
        Timeline::Sandbox(_) => {
            let (_, record) = read(&app.store.snapshot().await?, tenant).await?;
            Ok(record.standing().unwrap_or(real))
        }
    }
}

/// All sandboxes, each with its time.
pub(crate) async fn sandboxes<S: Store>(
    app: &App<S>,
    real: Timestamp,
) -> Result<Vec<(TenantId, Timestamp)>, Error> {
    let snapshot = app.store.snapshot().await?;
    let mut all = Vec::new();
    for (key, record) in snapshot.scan(&HostKeys::clocks(), Scan::first(usize::MAX)).await? {
        let now = record.decode::<ClockRecord>()?.standing().unwrap_or(real);
        all.extend(HostKeys::read_clock(&key).map(|tenant| (tenant, now)));
    }
    Ok(all)
}

/// The tenant's time, also where it is the real one.
///
/// # Errors
/// When the store does not answer.
pub async fn get<S: Store>(app: &App<S>, by: &Request) -> Result<Clock, Error> {
    let (_, record) = read(&app.store.snapshot().await?, &by.caller.tenant).await?;
    Ok(Clock { now: by.now, stands_still: record.now.is_some() })
}

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

async fn read<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
) -> Result<(Option<u64>, ClockRecord), Error> {
    Ok(match snapshot.get(&HostKeys::clock(tenant)).await? {
        Some(record) => (Some(record.version), record.decode()?),
        None => (None, ClockRecord::default()),
    })
}

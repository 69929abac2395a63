//! A sandbox's time: the real one until an admin sets it. From then on it stands still where it was set last.

use planwright_domain::tenant::caller::TenantId;
use planwright_domain::tenant::clock::Clock;
use planwright_domain::time::Timestamp;
use planwright_store::{Scan, Snapshot, Store};

use crate::app::App;
use crate::documents::ClockRecord;
use crate::error::Error;
use crate::keys::{HostKeys, Timeline};
use crate::request::Request;
use crate::tenants;

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

/// A sandbox's record, and its version.
pub(crate) async fn read<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
) -> Result<(Option<u64>, ClockRecord), Error> {
    Ok(match snapshot.get(&HostKeys::clock(tenant)).await? {
        Some(record) => (Some(record.version), record.decode()?),
        None => (None, ClockRecord::default()),
    })
}

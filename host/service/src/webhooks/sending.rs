//! What is to be sent now, and what came of it. Whoever sends asks for parcels, and tells of each how it went; what
//! nobody has told of is sent again after a restart, so everything is sent at least once.
//!
//! Times are those of the real clock, also for a sandbox.

use std::collections::BTreeSet;

use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_domain::webhook::delivery::{DeliveryState, Reply, is_past_patience};
use planwright_domain::webhook::event::EventType;
use planwright_store::{ChangeSet, CommitError, Key, Scan, Snapshot, Store, StoreError};

use crate::app::App;
use crate::error::Error;
use crate::keys::{HostKeys, Keys, WebhookPlace};
use crate::retry::retrying;
use crate::tenants::clocks;
use crate::webhooks::webhook_documents::{
    DeliveryRecord, KeptEndpoint, KeptWebhooks, WebhookHealth,
};
use crate::webhooks::{self, delivery_log, webhook_secret};

/// How many parcels are on their way to one endpoint.
const AT_ONCE: usize = 8;
/// How many to one that fails: it is asked whether it is there again, and takes no place from others.
const AT_ONCE_FAILING: usize = 1;
/// How many are given up in one commit.
const PIECE: usize = 100;

/// A delivery on its way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Addressee {
    tenant: TenantId,
    endpoint_id: String,
    delivery_id: String,
}

/// What is sent.
pub struct Parcel {
    /// Whose it is.
    pub to: Addressee,
    /// Where to.
    pub url: String,
    /// What it tells of.
    pub kind: EventType,
    /// The header `webhook-id`.
    pub id: String,
    /// The header `webhook-timestamp`.
    pub timestamp: i64,
    /// The header `webhook-signature`.
    pub signature: String,
    /// JSON.
    pub body: String,
}

/// Deliveries that are on their way.
#[derive(Default)]
pub struct UnderWay(BTreeSet<Addressee>);

impl UnderWay {
    /// How many they are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// One more.
    pub fn begin(&mut self, to: Addressee) {
        self.0.insert(to);
    }

    /// One has come back.
    pub fn end(&mut self, to: &Addressee) {
        self.0.remove(to);
    }

    fn to_endpoint(&self, tenant: &TenantId, endpoint_id: &str) -> usize {
        let is_there = |one: &&Addressee| one.tenant == *tenant && one.endpoint_id == endpoint_id;
        self.0.iter().filter(is_there).count()
    }
}

/// What is to be sent now and is not under way; some for each endpoint, and no more than `most` in all. What waits for
/// an endpoint that is gone or switched off is given up.
///
/// # Errors
/// When the store does not answer.
pub async fn next<S: Store>(
    app: &App<S>,
    under_way: &UnderWay,
    most: usize,
    now: Timestamp,
) -> Result<Vec<Parcel>, Error> {
    let snapshot = app.store.snapshot().await?;
    let mut parcels = Vec::new();
    let mut after = None;
    while parcels.len() < most {
        let scan = Scan { after, ..Scan::first(1) };
        let first = snapshot.scan(&HostKeys::webhook_dues(), scan).await?.pop();
        let Some((key, _)) = first else { break };
        let first = read_due(&key)?;
        let (tenant, endpoint_id) = (&first.tenant, &first.endpoint_id);
        after = Some(HostKeys::behind_webhook_dues_of(tenant, endpoint_id));
        if !is_due(&first, now) {
            continue;
        }
        let most = most - parcels.len();
        match of_endpoint(app, &snapshot, &first, under_way, most, now).await {
            Ok(found) => parcels.extend(found),
            // One that cannot be read keeps no other waiting.
            Err(error @ Error::Store(StoreError::Corrupt { .. } | StoreError::Newer { .. })) => {
                tracing::error!(%tenant, endpoint_id, %error, "nothing is sent to an endpoint");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(parcels)
}

/// What is to be sent to the endpoint of the first thing that is due for it.
async fn of_endpoint<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    first: &WebhookPlace,
    under_way: &UnderWay,
    most: usize,
    now: Timestamp,
) -> Result<Vec<Parcel>, Error> {
    let WebhookPlace { tenant, endpoint_id, .. } = first;
    let kept = KeptWebhooks::read(snapshot, tenant).await?;
    if let Some(endpoint) = kept.find(endpoint_id).filter(|kept| kept.endpoint.enabled) {
        return for_endpoint(snapshot, tenant, endpoint, under_way, most, now).await;
    }
    give_up(app, snapshot, tenant, endpoint_id, now).await?;
    Ok(Vec::new())
}

fn read_due(key: &Key) -> Result<WebhookPlace, StoreError> {
    HostKeys::read_webhook_due(key)
        .ok_or_else(|| StoreError::Corrupt { reason: format!("{key} does not say what is due") })
}

fn is_due(place: &WebhookPlace, now: Timestamp) -> bool {
    i64::try_from(place.at).is_ok_and(|at| at <= now.as_second())
}

async fn for_endpoint<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
    kept: &KeptEndpoint,
    under_way: &UnderWay,
    most: usize,
    now: Timestamp,
) -> Result<Vec<Parcel>, Error> {
    let endpoint_id = &kept.endpoint.id;
    let health = snapshot.get(&Keys::of(tenant).webhook_health(endpoint_id)).await?;
    let at_once = if health.is_some() { AT_ONCE_FAILING } else { AT_ONCE };
    let busy = under_way.to_endpoint(tenant, endpoint_id);
    let free = at_once.saturating_sub(busy).min(most);
    if free == 0 {
        return Ok(Vec::new());
    }
    let dues = HostKeys::webhook_dues_of(tenant, endpoint_id);
    let mut parcels = Vec::new();
    for (key, _) in snapshot.scan(&dues, Scan::first(busy + free)).await? {
        let place = read_due(&key)?;
        let to = Addressee {
            tenant: tenant.clone(),
            endpoint_id: endpoint_id.clone(),
            delivery_id: place.id.clone(),
        };
        if parcels.len() == free || !is_due(&place, now) {
            break;
        }
        if under_way.0.contains(&to) {
            continue;
        }
        let state = DeliveryState::Pending;
        let found = delivery_log::find(snapshot, tenant, endpoint_id, state, &place.id).await?;
        let (_, record) = found.ok_or_else(|| StoreError::Corrupt {
            reason: format!("{key} leads to a delivery that is missing"),
        })?;
        parcels.push(parcel(to, kept, record, now)?);
    }
    Ok(parcels)
}

fn parcel(
    to: Addressee,
    kept: &KeptEndpoint,
    record: DeliveryRecord,
    now: Timestamp,
) -> Result<Parcel, StoreError> {
    let DeliveryRecord { delivery, payload: body } = record;
    let timestamp = now.as_second();
    let signature = webhook_secret::sign(kept.secrets(now), &delivery.event_id, timestamp, &body)
        .ok_or_else(|| StoreError::Corrupt {
        reason: format!("a secret of webhook endpoint '{}' is none", kept.endpoint.id),
    })?;
    let url = kept.endpoint.url.clone();
    let (kind, id) = (delivery.event_type, delivery.event_id);
    Ok(Parcel { to, url, kind, id, timestamp, signature, body })
}

/// Gives up some of what waits for an endpoint that takes nothing any more; whoever sends comes here again.
async fn give_up<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    tenant: &TenantId,
    endpoint_id: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let mut change = ChangeSet::new();
    let dues = HostKeys::webhook_dues_of(tenant, endpoint_id);
    for (key, _) in snapshot.scan(&dues, Scan::first(PIECE)).await? {
        let id = read_due(&key)?.id;
        let state = DeliveryState::Pending;
        let found = delivery_log::find(snapshot, tenant, endpoint_id, state, &id).await?;
        let Some(found) = found else { continue };
        delivery_log::take_out(&mut change, tenant, &found);
        let DeliveryRecord { delivery, payload } = found.1;
        let record = DeliveryRecord { delivery: delivery.given_up(now), payload };
        delivery_log::put_in(&mut change, tenant, &record);
    }
    match app.store.commit(change).await {
        // One of them was just being sent: it is given up the next time.
        Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// How many deliveries wait to be sent, those of all tenants.
///
/// # Errors
/// When the store does not answer.
pub async fn waiting<S: Store>(app: &App<S>) -> Result<u64, Error> {
    let holds = app.store.snapshot().await?.counter(&HostKeys::webhooks_waiting()).await?;
    Ok(u64::try_from(holds).unwrap_or(0))
}

/// Notes what came of a parcel: it is done, or waits for its next attempt, which is given; nothing where nobody waits
/// for it any more. An endpoint that has taken nothing for
/// days, or says that it wants nothing any more, is switched off.
///
/// # Errors
/// When the store does not answer; it is sent again then.
pub async fn settle<S: Store>(
    app: &App<S>,
    to: &Addressee,
    reply: &Reply,
    now: Timestamp,
    milliseconds: u64,
) -> Result<Option<DeliveryState>, Error> {
    let [chance, ..] = app.entropy.draw();
    retrying(app.entropy.as_ref(), || async {
        let Addressee { tenant, endpoint_id, delivery_id } = to;
        let snapshot = app.store.snapshot().await?;
        let state = DeliveryState::Pending;
        let found = delivery_log::find(&snapshot, tenant, endpoint_id, state, delivery_id).await?;
        let Some(found) = found else { return Ok(None) };
        let mut change = ChangeSet::new();
        delivery_log::take_out(&mut change, tenant, &found);
        let DeliveryRecord { delivery, payload } = found.1;
        let delivery = delivery.tried(reply, now, milliseconds, chance);
        let state = delivery.state;
        delivery_log::put_in(&mut change, tenant, &DeliveryRecord { delivery, payload });
        note_health(app, &snapshot, &mut change, to, reply, now).await?;
        app.store.commit(change).await?;
        Ok(Some(state))
    })
    .await
}

/// Notes since when an endpoint fails, or that it does not; switches it off when that is too long.
async fn note_health<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    change: &mut ChangeSet,
    to: &Addressee,
    reply: &Reply,
    now: Timestamp,
) -> Result<(), Error> {
    let kept = KeptWebhooks::read(snapshot, &to.tenant).await?;
    // Nothing is noted of one that was deleted meanwhile.
    let Some(one) = kept.find(&to.endpoint_id) else { return Ok(()) };
    let key = Keys::of(&to.tenant).webhook_health(&to.endpoint_id);
    let found = snapshot.get(&key).await?;
    if reply.is_taken() {
        if found.is_some() {
            change.delete(&key);
        }
        return Ok(());
    }
    let failing_since = match &found {
        Some(found) => found.decode::<WebhookHealth>()?.failing_since,
        None => {
            kept.expect(change);
            change.expect_absent(&key).put(&key, &WebhookHealth { failing_since: now });
            now
        }
    };
    let reason = if reply.is_gone() {
        "It answered 410 Gone.".to_owned()
    } else if is_past_patience(failing_since, now) {
        format!("It has taken nothing since {failing_since}.")
    } else {
        return Ok(());
    };
    if one.endpoint.enabled {
        let (tenant, endpoint) = (&to.tenant, &to.endpoint_id);
        tracing::warn!(%tenant, endpoint, reason, "a webhook endpoint is switched off");
        // What admins see of it is by the tenant's own clock.
        let at = clocks::time(app, tenant, now).await?;
        webhooks::switch_off(app, change, &kept, one, &reason, at);
    }
    Ok(())
}

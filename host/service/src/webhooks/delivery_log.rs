//! Where deliveries are kept: each under its state, counted, and among what is to be sent or what is to be cleared
//! away. What is done is kept for a while and then goes, in small change sets.

use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_domain::webhook::delivery::{Delivery, DeliveryState, is_past_keeping};
use planwright_store::{ChangeSet, CommitError, Key, Scan, Snapshot, Store, StoreError};

use crate::app::App;
use crate::error::Error;
use crate::ids;
use crate::keys::{HostKeys, Keys};
use crate::webhooks::webhook_documents::{DeliveryRecord, DoneDelivery, DueDelivery};

/// How many are cleared away in one commit.
const PIECE: usize = 100;

/// An id that begins with the time of what is told, so that ids are in its order.
pub(crate) fn fresh_id<S: Store>(app: &App<S>, occurred_at: Timestamp) -> String {
    ids::fresh(app.entropy.as_ref(), &format!("whd_{:010x}", occurred_at.as_second().max(0)))
}

/// Where the host has a delivery: among what is to be sent, or among what is done.
pub(crate) fn place(tenant: &TenantId, delivery: &Delivery) -> Key {
    let (endpoint_id, id) = (&delivery.endpoint_id, &delivery.id);
    match delivery.done_at {
        None => HostKeys::webhook_due(tenant, endpoint_id, delivery.next_attempt_at, id),
        Some(at) => HostKeys::webhook_done(at, tenant, endpoint_id, id),
    }
}

/// Writes a delivery with all that leads to it.
pub(crate) fn put_in(change: &mut ChangeSet, tenant: &TenantId, record: &DeliveryRecord) {
    let (keys, delivery) = (Keys::of(tenant), &record.delivery);
    let place = place(tenant, delivery);
    change
        .put(&keys.webhook_delivery(&delivery.endpoint_id, delivery.state, &delivery.id), record)
        .add(&keys.webhook_delivery_count(&delivery.endpoint_id, delivery.state), 1);
    match delivery.state {
        DeliveryState::Pending => {
            change.put(&place, &DueDelivery {}).add(&HostKeys::webhooks_waiting(), 1)
        }
        state @ (DeliveryState::Delivered | DeliveryState::Failed) => {
            change.put(&place, &DoneDelivery { state })
        }
    };
}

/// Takes a delivery out, if it is still as it was read.
pub(crate) fn take_out(
    change: &mut ChangeSet,
    tenant: &TenantId,
    (version, record): &(u64, DeliveryRecord),
) {
    let (keys, delivery) = (Keys::of(tenant), &record.delivery);
    let key = keys.webhook_delivery(&delivery.endpoint_id, delivery.state, &delivery.id);
    change
        .expect_version(&key, *version)
        .delete(&key)
        .delete(&place(tenant, delivery))
        .add(&keys.webhook_delivery_count(&delivery.endpoint_id, delivery.state), -1);
    if delivery.state == DeliveryState::Pending {
        change.add(&HostKeys::webhooks_waiting(), -1);
    }
}

/// A delivery in a state, with the version of its record.
pub(crate) async fn find<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
    endpoint_id: &str,
    state: DeliveryState,
    id: &str,
) -> Result<Option<(u64, DeliveryRecord)>, StoreError> {
    let key = Keys::of(tenant).webhook_delivery(endpoint_id, state, id);
    let Some(found) = snapshot.get(&key).await? else { return Ok(None) };
    Ok(Some((found.version, found.decode()?)))
}

/// Clears away what was done long ago, by the real clock.
pub(crate) async fn clear<S: Store>(app: &App<S>, now: Timestamp) -> Result<(), Error> {
    loop {
        let snapshot = app.store.snapshot().await?;
        let mut change = ChangeSet::new();
        let done = snapshot.scan(&HostKeys::webhooks_done(), Scan::first(PIECE)).await?;
        let mut cleared = 0;
        for (key, record) in &done {
            let place = HostKeys::read_webhook_done(key).ok_or_else(|| StoreError::Corrupt {
                reason: format!("{key} does not say what is done"),
            })?;
            let at = i64::try_from(place.at).ok().and_then(|at| Timestamp::from_second(at).ok());
            if !at.is_some_and(|at| is_past_keeping(at, now)) {
                break;
            }
            let state = record.decode::<DoneDelivery>()?.state;
            let (tenant, endpoint_id) = (&place.tenant, &place.endpoint_id);
            let found = find(&snapshot, tenant, endpoint_id, state, &place.id).await?;
            let found = found.ok_or_else(|| StoreError::Corrupt {
                reason: format!("{key} leads to a delivery that is missing"),
            })?;
            take_out(&mut change, tenant, &found);
            cleared += 1;
        }
        if cleared == 0 {
            return Ok(());
        }
        match app.store.commit(change).await {
            // Somebody else clears away the same.
            Err(CommitError::Conflict { .. }) => return Ok(()),
            done => drop(done?),
        }
        if cleared < PIECE {
            return Ok(());
        }
    }
}

//! The log of what was sent to an endpoint, as admins see it: listed, sent again, tried out.

use std::cmp::Reverse;

use planwright_domain::Refusal;
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::webhook::delivery::{Delivery, DeliveryState};
use planwright_domain::webhook::event::Event;
use planwright_domain::webhook::webhook_refusal::{MOST_PENDING, WebhookRefusal};
use planwright_store::{ChangeSet, Scan, Snapshot, Store};

use crate::app::App;
use crate::error::Error;
use crate::keys::Keys;
use crate::once::once;
use crate::request::Request;
use crate::webhooks::webhook_documents::{DeliveryRecord, KeptWebhooks};
use crate::webhooks::{delivery_log, outbox};
use crate::{ids, webhooks};

/// Deliveries to an endpoint, the newest events first.
///
/// # Errors
/// No such endpoint.
pub async fn list<S: Store>(
    app: &App<S>,
    by: &Request,
    endpoint_id: &str,
    state: Option<DeliveryState>,
    page: PageRequest,
) -> Result<Page<Delivery>, Error> {
    let snapshot = app.store.snapshot().await?;
    let keys = Keys::of(&by.caller.tenant);
    let kept = KeptWebhooks::read(&snapshot, &by.caller.tenant).await?;
    webhooks::find(&kept, endpoint_id)?;
    let states = DeliveryState::ALL.into_iter().filter(|one| state.is_none_or(|is| is == *one));
    let (mut found, mut total) = (Vec::new(), 0);
    // Each state is in order by itself; so many of each are enough for the page.
    let newest = page.skip().saturating_add(page.size());
    for state in states {
        let count = snapshot.counter(&keys.webhook_delivery_count(endpoint_id, state)).await?;
        total += u64::try_from(count).unwrap_or(0);
        let list = keys.webhook_deliveries(endpoint_id, state);
        for (_, record) in snapshot.scan(&list, Scan::last(newest)).await? {
            found.push(record.decode::<DeliveryRecord>()?.delivery);
        }
    }
    found.sort_by(|one, other| Reverse(&one.id).cmp(&Reverse(&other.id)));
    let items = found.into_iter().skip(page.skip()).take(page.size()).collect();
    Ok(page.answer(items, total))
}

/// Sends an event to an endpoint again, under the same `webhook-id`: what waits for its next attempt at once, what is
/// done as another delivery.
///
/// # Errors
/// No such endpoint or delivery, an endpoint that is switched off, or one for which too much waits.
pub async fn redeliver<S: Store>(
    app: &App<S>,
    by: &Request,
    endpoint_id: &str,
    id: &str,
) -> Result<Delivery, Error> {
    once(app, by, || try_redeliver(app, by, endpoint_id, id)).await
}

async fn try_redeliver<S: Store>(
    app: &App<S>,
    by: &Request,
    endpoint_id: &str,
    id: &str,
) -> Result<Delivery, Error> {
    let tenant = &by.caller.tenant;
    let snapshot = app.store.snapshot().await?;
    let kept = KeptWebhooks::read(&snapshot, tenant).await?;
    check_is_on(&kept, endpoint_id)?;
    let mut change = ChangeSet::new();
    kept.expect(&mut change);
    if id.len() <= ids::LONGEST {
        for state in DeliveryState::ALL {
            let found = delivery_log::find(&snapshot, tenant, endpoint_id, state, id).await?;
            let Some(found) = found else { continue };
            let DeliveryRecord { delivery, payload } = found.1.clone();
            let again = if state == DeliveryState::Pending {
                delivery_log::take_out(&mut change, tenant, &found);
                delivery.hurried()
            } else {
                check_has_room(
                    outbox::pending(&snapshot, tenant, endpoint_id).await?,
                    endpoint_id,
                )?;
                let id = delivery_log::fresh_id(app, by.now);
                let Delivery { event_id, event_type, occurred_at, .. } = delivery;
                Delivery::new(id, endpoint_id, &event_id, event_type, occurred_at)
            };
            let record = DeliveryRecord { delivery: again, payload };
            delivery_log::put_in(&mut change, tenant, &record);
            app.commit(by, change, &record.delivery).await?;
            return Ok(record.delivery);
        }
    }
    let id = id.chars().take(ids::LONGEST).collect();
    Err(Refusal::from(WebhookRefusal::DeliveryNotFound { id }).into())
}

/// Sends an event with which somebody tries an endpoint out, whatever it listens to.
///
/// # Errors
/// No such endpoint, one that is switched off, or one for which too much waits.
pub async fn test<S: Store>(
    app: &App<S>,
    by: &Request,
    endpoint_id: &str,
) -> Result<Delivery, Error> {
    once(app, by, || try_test(app, by, endpoint_id)).await
}

async fn try_test<S: Store>(
    app: &App<S>,
    by: &Request,
    endpoint_id: &str,
) -> Result<Delivery, Error> {
    let tenant = &by.caller.tenant;
    let snapshot = app.store.snapshot().await?;
    let kept = KeptWebhooks::read(&snapshot, tenant).await?;
    check_is_on(&kept, endpoint_id)?;
    check_has_room(outbox::pending(&snapshot, tenant, endpoint_id).await?, endpoint_id)?;
    let event = Event::test(endpoint_id);
    let event_id = ids::fresh(app.entropy.as_ref(), "msg_");
    let id = delivery_log::fresh_id(app, by.now);
    let delivery = Delivery::new(id, endpoint_id, &event_id, event.kind, by.now);
    let record = DeliveryRecord { delivery, payload: event.payload(by.now) };
    let mut change = ChangeSet::new();
    kept.expect(&mut change);
    delivery_log::put_in(&mut change, tenant, &record);
    app.commit(by, change, &record.delivery).await?;
    Ok(record.delivery)
}

fn check_is_on(kept: &KeptWebhooks, endpoint_id: &str) -> Result<(), Refusal> {
    if webhooks::find(kept, endpoint_id)?.endpoint.enabled {
        return Ok(());
    }
    Err(WebhookRefusal::EndpointDisabled { id: endpoint_id.to_owned() }.into())
}

fn check_has_room(pending: i64, endpoint_id: &str) -> Result<(), Refusal> {
    if pending < MOST_PENDING {
        return Ok(());
    }
    Err(WebhookRefusal::TooManyPending { id: endpoint_id.to_owned() }.into())
}

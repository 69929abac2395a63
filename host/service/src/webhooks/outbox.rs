//! What is told to a tenant's endpoints. It is written into the change set of what happened, so that it is told
//! exactly when it happened; `sending` takes it from there.
//!
//! Whoever changes something reads the [`Listeners`] from the snapshot that it decides on, and has them told before it
//! commits.

use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_domain::webhook::Endpoint;
use planwright_domain::webhook::delivery::{Delivery, DeliveryState};
use planwright_domain::webhook::event::{Event, EventType};
use planwright_domain::webhook::webhook_refusal::MOST_PENDING;
use planwright_store::{ChangeSet, Snapshot, Store, StoreError};

use crate::app::App;
use crate::ids;
use crate::keys::Keys;
use crate::webhooks::delivery_log;
use crate::webhooks::webhook_documents::{DeliveryRecord, KeptWebhooks};

/// Who is told what happens in a tenant.
pub(crate) struct Listeners {
    tenant: TenantId,
    webhooks: KeptWebhooks,
    /// Endpoints that are switched on, each with how many deliveries wait for it.
    listening: Vec<(Endpoint, i64)>,
}

impl Listeners {
    /// One look where nobody listens.
    pub(crate) async fn read<N: Snapshot>(
        snapshot: &N,
        tenant: &TenantId,
    ) -> Result<Self, StoreError> {
        let webhooks = KeptWebhooks::read(snapshot, tenant).await?;
        let mut listening = Vec::new();
        for kept in webhooks.record.endpoints.iter().filter(|kept| kept.endpoint.enabled) {
            listening
                .push((kept.endpoint.clone(), pending(snapshot, tenant, &kept.endpoint.id).await?));
        }
        Ok(Self { tenant: tenant.clone(), webhooks, listening })
    }

    /// Whether anybody listens to an event.
    pub(crate) fn hear(&self, kind: EventType) -> bool {
        self.listening.iter().any(|(endpoint, _)| endpoint.listens_to(kind))
    }

    /// Writes what happened for everybody who listens to it, if they all still do. For an endpoint for which as much
    /// waits as may, it is only counted; changes of the same instant may go past that by what they tell.
    pub(crate) fn tell<S: Store>(
        &self,
        app: &App<S>,
        change: &mut ChangeSet,
        events: &[Event],
        at: Timestamp,
    ) {
        let mut is_told = false;
        for event in events {
            let event_id = ids::fresh(app.entropy.as_ref(), "msg_");
            let listening =
                self.listening.iter().filter(|(endpoint, _)| endpoint.listens_to(event.kind));
            for (endpoint, pending) in listening {
                is_told = true;
                if *pending >= MOST_PENDING {
                    change.add(&Keys::of(&self.tenant).webhook_missed(&endpoint.id), 1);
                    continue;
                }
                let id = delivery_log::fresh_id(app, at);
                let delivery = Delivery::new(id, &endpoint.id, &event_id, event.kind, at);
                let record = DeliveryRecord { delivery, payload: event.payload(at) };
                delivery_log::put_in(change, &self.tenant, &record);
            }
        }
        if is_told {
            self.webhooks.expect(change);
        }
    }
}

/// How many deliveries wait for an endpoint.
pub(crate) async fn pending<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
    endpoint_id: &str,
) -> Result<i64, StoreError> {
    let key = Keys::of(tenant).webhook_delivery_count(endpoint_id, DeliveryState::Pending);
    snapshot.counter(&key).await
}

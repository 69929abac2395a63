//! The keys of webhooks: endpoints and deliveries lie with their tenant; what is to be sent, and what is to be
//! cleared away, lies with the host, so that whoever does it finds the tenant.

use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_domain::webhook::delivery::DeliveryState;
use planwright_store::{Key, KeyBuilder, Part, Prefix};

use super::{Family, HostKeys, Keys, seconds};

/// Which delivery a key of the host's is about, and the instant that it says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WebhookPlace {
    pub(crate) at: u64,
    pub(crate) tenant: TenantId,
    pub(crate) endpoint_id: String,
    pub(crate) id: String,
}

impl Keys {
    /// Record: all webhook endpoints of the tenant, which are few.
    pub(crate) fn webhooks(&self) -> Key {
        self.kind(Family::Webhooks).key()
    }

    /// Record: that an endpoint takes nothing, and since when.
    pub(crate) fn webhook_health(&self, endpoint_id: &str) -> Key {
        self.kind(Family::WebhookHealth).text(endpoint_id).key()
    }

    /// Record: a delivery. Its id begins with the time of what it tells, so those in a state are in that order.
    pub(crate) fn webhook_delivery(
        &self,
        endpoint_id: &str,
        state: DeliveryState,
        id: &str,
    ) -> Key {
        self.deliveries_key(endpoint_id, state).text(id).key()
    }

    /// The deliveries of an endpoint in a state, the oldest first.
    pub(crate) fn webhook_deliveries(&self, endpoint_id: &str, state: DeliveryState) -> Prefix {
        self.deliveries_key(endpoint_id, state).prefix()
    }

    fn deliveries_key(&self, endpoint_id: &str, state: DeliveryState) -> KeyBuilder {
        self.kind(Family::WebhookDelivery).text(endpoint_id).text(state.as_str())
    }

    /// Counter: how many these are.
    pub(crate) fn webhook_delivery_count(&self, endpoint_id: &str, state: DeliveryState) -> Key {
        self.kind(Family::WebhookDeliveries).text(endpoint_id).text(state.as_str()).key()
    }

    /// Counter: what an endpoint was not told.
    pub(crate) fn webhook_missed(&self, endpoint_id: &str) -> Key {
        self.kind(Family::WebhookMissed).text(endpoint_id).key()
    }
}

impl HostKeys {
    /// Record: a delivery is to be sent at an instant of the real clock, or at once. An endpoint's are together, so
    /// that one that has many is passed over in one step.
    pub(crate) fn webhook_due(
        tenant: &TenantId,
        endpoint_id: &str,
        at: Option<Timestamp>,
        id: &str,
    ) -> Key {
        let at = at.map_or(0, seconds);
        Self::dues_of(tenant, endpoint_id).number(at).text(id).key()
    }

    /// Counter: how many deliveries are to be sent, those of all tenants.
    pub(crate) fn webhooks_waiting() -> Key {
        Self::kind(Family::WebhooksWaiting).key()
    }

    /// All that is to be sent.
    pub(crate) fn webhook_dues() -> Prefix {
        Self::kind(Family::WebhookDue).prefix()
    }

    /// What is to be sent to an endpoint, what is due first first.
    pub(crate) fn webhook_dues_of(tenant: &TenantId, endpoint_id: &str) -> Prefix {
        Self::dues_of(tenant, endpoint_id).prefix()
    }

    /// Behind all that is to be sent to an endpoint.
    pub(crate) fn behind_webhook_dues_of(tenant: &TenantId, endpoint_id: &str) -> Key {
        Self::dues_of(tenant, endpoint_id).number(u64::MAX).key()
    }

    fn dues_of(tenant: &TenantId, endpoint_id: &str) -> KeyBuilder {
        Self::kind(Family::WebhookDue).text(tenant.as_str()).text(endpoint_id)
    }

    /// What a key of these says.
    pub(crate) fn read_webhook_due(key: &Key) -> Option<WebhookPlace> {
        let parts = key.parts();
        let [Part::Text(tenant), Part::Text(endpoint), Part::Number(at), Part::Text(id)] =
            parts.as_slice()
        else {
            return None;
        };
        place(*at, tenant, endpoint, id)
    }

    /// Record: a delivery was done then, by the real clock.
    pub(crate) fn webhook_done(
        at: Timestamp,
        tenant: &TenantId,
        endpoint_id: &str,
        id: &str,
    ) -> Key {
        Self::kind(Family::WebhookDone)
            .number(seconds(at))
            .text(tenant.as_str())
            .text(endpoint_id)
            .text(id)
            .key()
    }

    /// All that are done, those that were done first first.
    pub(crate) fn webhooks_done() -> Prefix {
        Self::kind(Family::WebhookDone).prefix()
    }

    /// What a key of these says.
    pub(crate) fn read_webhook_done(key: &Key) -> Option<WebhookPlace> {
        let parts = key.parts();
        let [Part::Number(at), Part::Text(tenant), Part::Text(endpoint), Part::Text(id)] =
            parts.as_slice()
        else {
            return None;
        };
        place(*at, tenant, endpoint, id)
    }
}

fn place(at: u64, tenant: &str, endpoint_id: &str, id: &str) -> Option<WebhookPlace> {
    let (endpoint_id, id) = (endpoint_id.to_owned(), id.to_owned());
    Some(WebhookPlace { at, tenant: TenantId::new(tenant)?, endpoint_id, id })
}

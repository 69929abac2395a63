//! What the store holds of webhooks.

use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::{self, Timestamp};
use planwright_domain::webhook::Endpoint;
use planwright_domain::webhook::delivery::{Delivery, DeliveryState};
use planwright_store::{ChangeSet, Document, Snapshot, StoreError};
use serde::{Deserialize, Serialize};

use crate::keys::Keys;

/// All endpoints of a tenant: so few that whoever has something to tell finds them in one look, and that one record's
/// version says whether any of them has changed.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct WebhooksRecord {
    pub(crate) endpoints: Vec<KeptEndpoint>,
}

impl Document for WebhooksRecord {
    const SCHEMA: u16 = 1;
}

/// An endpoint with its secrets, without which nothing can be signed. It has no `Debug`, so that no log can hold them.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeptEndpoint {
    pub(crate) endpoint: Endpoint,
    pub(crate) secret: String,
    /// The one before; it signs until the endpoint's `old_secret_until`.
    pub(crate) old_secret: Option<String>,
}

impl KeptEndpoint {
    /// What signs at an instant of the real clock, the newest first.
    pub(crate) fn secrets(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        let holds = self.endpoint.old_secret_until.is_some_and(|until| now < until);
        let old = self.old_secret.as_deref().filter(|_| holds);
        std::iter::once(self.secret.as_str()).chain(old)
    }
}

/// That an endpoint takes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WebhookHealth {
    #[serde(with = "time::seconds")]
    pub(crate) failing_since: Timestamp,
}

impl Document for WebhookHealth {
    const SCHEMA: u16 = 1;
}

/// A delivery, and what is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeliveryRecord {
    pub(crate) delivery: Delivery,
    pub(crate) payload: String,
}

impl Document for DeliveryRecord {
    const SCHEMA: u16 = 1;
}

/// A delivery is to be sent; the key says all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DueDelivery {}

impl Document for DueDelivery {
    const SCHEMA: u16 = 1;
}

/// A delivery is done, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DoneDelivery {
    pub(crate) state: DeliveryState,
}

impl Document for DoneDelivery {
    const SCHEMA: u16 = 1;
}

/// The endpoints of a tenant as a snapshot has them.
pub(crate) struct KeptWebhooks {
    tenant: TenantId,
    version: Option<u64>,
    pub(crate) record: WebhooksRecord,
}

impl KeptWebhooks {
    pub(crate) async fn read<N: Snapshot>(
        snapshot: &N,
        tenant: &TenantId,
    ) -> Result<Self, StoreError> {
        let tenant = tenant.clone();
        Ok(match snapshot.get(&Keys::of(&tenant).webhooks()).await? {
            Some(found) => Self { tenant, version: Some(found.version), record: found.decode()? },
            None => Self { tenant, version: None, record: WebhooksRecord::default() },
        })
    }

    /// Whose they are.
    pub(crate) fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// One of them.
    pub(crate) fn find(&self, id: &str) -> Option<&KeptEndpoint> {
        self.record.endpoints.iter().find(|kept| kept.endpoint.id == id)
    }

    /// They are still as they were read.
    pub(crate) fn expect(&self, change: &mut ChangeSet) {
        change.expect_as_read(&Keys::of(&self.tenant).webhooks(), self.version);
    }

    /// Writes them as they are to be, if they are still as they were read.
    pub(crate) fn write(&self, change: &mut ChangeSet, record: &WebhooksRecord) {
        self.expect(change);
        change.put(&Keys::of(&self.tenant).webhooks(), record);
    }
}

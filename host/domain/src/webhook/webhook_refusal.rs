//! Why something is not done with a webhook endpoint.

use crate::refusal::refusal_kind::RefusalKind;

/// How many endpoints a tenant may have: every event is written once for each that listens.
pub const MOST_ENDPOINTS: usize = 10;
/// How many deliveries may wait for one endpoint. What happens while they are so many is not told to it, and counted.
pub const MOST_PENDING: i64 = 10_000;

/// Why something is not done with an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookRefusal {
    /// The tenant has no such endpoint.
    #[error("Webhook endpoint '{id}' not found. GET /api/v1/admin/webhooks lists those there are.")]
    EndpointNotFound {
        /// As asked for.
        id: String,
    },
    /// The endpoint has no such delivery, or not any more.
    #[error(
        "Delivery '{id}' not found. GET /api/v1/admin/webhooks/{{id}}/deliveries lists those there are; they are \
         cleared away after some time."
    )]
    DeliveryNotFound {
        /// As asked for.
        id: String,
    },
    /// The request was done before, and what it gave was a secret.
    #[error(
        "This request was done before and made the secret of webhook endpoint '{id}', which was shown then and is \
         not shown again. POST /api/v1/admin/webhooks/{id}/rotate makes another one."
    )]
    SecretMadeBefore {
        /// The endpoint's.
        id: String,
    },
    /// There are as many as there may be.
    #[error(
        "There are {MOST_ENDPOINTS} webhook endpoints already, which is the most. Delete one first."
    )]
    TooManyEndpoints,
    /// It is told nothing now.
    #[error(
        "Webhook endpoint '{id}' is switched off. Send {{\"enabled\": true}} with PUT \
         /api/v1/admin/webhooks/{id} first."
    )]
    EndpointDisabled {
        /// The endpoint's.
        id: String,
    },
    /// Too much waits for it.
    #[error(
        "{MOST_PENDING} deliveries wait for webhook endpoint '{id}' already. Try again when they are fewer."
    )]
    TooManyPending {
        /// The endpoint's.
        id: String,
    },
}

impl WebhookRefusal {
    /// For machines; stable.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::EndpointNotFound { .. } => "webhook_not_found",
            Self::DeliveryNotFound { .. } => "delivery_not_found",
            Self::SecretMadeBefore { .. } => "already_done",
            Self::TooManyEndpoints => "too_many_webhooks",
            Self::EndpointDisabled { .. } => "webhook_disabled",
            Self::TooManyPending { .. } => "too_many_pending",
        }
    }

    /// What it is about.
    #[must_use]
    pub fn kind(&self) -> RefusalKind {
        match self {
            Self::EndpointNotFound { .. } | Self::DeliveryNotFound { .. } => RefusalKind::Missing,
            Self::SecretMadeBefore { .. }
            | Self::TooManyEndpoints
            | Self::EndpointDisabled { .. }
            | Self::TooManyPending { .. } => RefusalKind::Conflict,
        }
    }
}

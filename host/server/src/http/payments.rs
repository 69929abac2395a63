//! Payments: asking a user's money, and what the provider calls.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, StatusCode};
use hmac::{Hmac, KeyInit, Mac};
use planwright_domain::payment::payment_settings::Secret;
use planwright_domain::payment::{Notification, PaymentDraft, PaymentStarted};
use planwright_service::payments;
use planwright_service::payments::payment_webhooks;
use serde::Serialize;
use sha2::Sha256;
use utoipa::ToSchema;

use super::Web;
use super::auth::ByUser;
use super::body::{self, Body};
use super::json;
use super::problem::Problem;
use super::query::{NoQuery, Query};
use crate::config::YookassaConfig;
use crate::listener::Peer;

/// Asks the own money for a plan or a statement, and says where to pay.
///
/// What is due is a new plan's fee, a renewal of the own one, the difference to it, or what is due of an open statement. It
/// takes effect when the money comes. While a payment for the same thing and amount is pending, the answer is that one. After a 503 the payment goes
/// on by itself, and asking again gives it.
#[utoipa::path(
    post, path = "/api/v1/billing/payment", tag = "payments", security(("user" = [])),
    request_body = PaymentDraft,
    responses(
        (status = 201, body = PaymentStarted),
        (status = 404, description = "No plan of this id, or no own statement."),
        (status = 503, description = "Payments are not set up, or the provider does not answer."),
    ),
)]
pub(crate) async fn start(
    State(web): State<Arc<Web>>,
    ByUser(by): ByUser,
    Query(NoQuery {}): Query<NoQuery>,
    Body(draft): Body<PaymentDraft>,
) -> Result<(StatusCode, Json<PaymentStarted>), Problem> {
    let started = Box::pin(payments::start(&web.app, &by, &draft)).await?;
    Ok((StatusCode::CREATED, Json(started)))
}

/// What the provider wants to hear.
#[derive(Serialize, ToSchema)]
pub(crate) struct Heard {
    /// `ok`
    status: &'static str,
}

/// What YooKassa calls when something happened to a payment.
///
/// Nothing in it is believed but which payment or refund it is of: YooKassa is asked about that, and what it says
/// counts, once. Where the operator has set a `webhook_secret`, the header `X-YooKassa-Signature` must hold the body's
/// HMAC-SHA256 under it, in hex.
#[utoipa::path(
    post, path = "/api/v1/billing/webhook/yookassa", tag = "payments", security(()),
    request_body = Notification,
    responses(
        (status = 200, body = Heard),
        (
            status = 401, description = "The signature is missing or wrong, or calls from there are not taken.",
            headers(("WWW-Authenticate"))
        ),
        (status = 503, description = "The provider or the store does not answer: say it again."),
    ),
)]
pub(crate) async fn webhook(
    State(web): State<Arc<Web>>,
    Extension(Peer(source)): Extension<Peer>,
    Query(NoQuery {}): Query<NoQuery>,
    request: Request,
) -> Result<Json<Heard>, Problem> {
    must_be_allowed(&web.yookassa, source)?;
    let (parts, body) = request.into_parts();
    let bytes = body::read(body, &web).await?;
    if let Some(secret) = &web.yookassa.webhook_secret {
        must_be_signed(secret, &parts.headers, &bytes)?;
    }
    let notification: Notification = json::parse(&bytes)?;
    let notification = notification.checked()?;
    Box::pin(payment_webhooks::hear(&web.app, &notification, web.clock.now())).await?;
    Ok(Json(Heard { status: "ok" }))
}

fn must_be_allowed(config: &YookassaConfig, source: IpAddr) -> Result<(), Problem> {
    let sources = &config.allowed_sources;
    if sources.is_empty() || sources.iter().any(|network| network.holds(source)) {
        return Ok(());
    }
    tracing::warn!(%source, "a webhook came from where none may come from");
    let detail = "Webhooks are not taken from this address (payments.yookassa.allowed_sources).";
    Err(Problem::new(StatusCode::UNAUTHORIZED, "source_not_allowed", detail))
}

/// Compared in constant time.
fn must_be_signed(secret: &Secret, headers: &HeaderMap, body: &[u8]) -> Result<(), Problem> {
    let wrong = || {
        let detail = "X-YooKassa-Signature must hold the body's HMAC-SHA256 under the operator's webhook_secret, \
                      in hex.";
        Problem::new(StatusCode::UNAUTHORIZED, "bad_signature", detail)
    };
    let sent = headers.get("x-yookassa-signature").and_then(|sent| hex::decode(sent).ok());
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes())
        .map_err(|_| Problem::internal())?;
    mac.update(body);
    mac.verify_slice(&sent.ok_or_else(wrong)?).map_err(|_| wrong())
}

//! For what watches the server.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use planwright_service::plugins::plugin_work;
use planwright_store::Store;
use serde::Serialize;
use utoipa::ToSchema;

use super::Web;

#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`, `ready` or `unavailable`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    reason: Option<String>,
}

/// The process runs.
#[utoipa::path(
    get, path = "/healthz", tag = "server", security(()),
    responses((status = 200, body = Health)),
)]
pub(crate) async fn live() -> Json<Health> {
    Json(Health { status: "ok", reason: None })
}

/// Requests can be answered.
///
/// The store reads and writes, what it writes would be kept, and the plugins that are bound have native code for this
/// server (those of the configuration do, or it does not start).
#[utoipa::path(
    get, path = "/readyz", tag = "server", security(()),
    responses(
        (status = 200, body = Health),
        (status = 503, description = "Something keeps it from that, and this says what.", body = Health),
    ),
)]
pub(crate) async fn ready(State(web): State<Arc<Web>>) -> Response {
    let store = web.app.store();
    let reason = if !store.stats().healthy || store.snapshot().await.is_err() {
        "the store does not answer".to_owned()
    } else if let Err(trouble) = web.probe.look().await {
        trouble.to_string()
    } else {
        match plugin_work::hindrance(&web.app).await {
            Ok(None) => return Json(Health { status: "ready", reason: None }).into_response(),
            Ok(Some(reason)) => reason,
            Err(error) => {
                tracing::error!(%error, "what plugins are at is not known");
                "the store does not answer".to_owned()
            }
        }
    };
    let answer = Health { status: "unavailable", reason: Some(reason) };
    (StatusCode::SERVICE_UNAVAILABLE, Json(answer)).into_response()
}

//! For what watches the server.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
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
/// The store reads and writes, what it writes would be kept, and the plugins are loaded (without them the server
/// does not start).
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
        return Json(Health { status: "ready", reason: None }).into_response();
    };
    let answer = Health { status: "unavailable", reason: Some(reason) };
    (StatusCode::SERVICE_UNAVAILABLE, Json(answer)).into_response()
}

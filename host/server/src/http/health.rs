//! For what watches the server.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use planwright_store::Store;
use serde_json::json;

use super::Web;

/// The process runs.
pub(crate) async fn live() -> Json<serde_json::Value> {
    Json(json!({"status": "ok"}))
}

/// Requests can be answered: the store reads and writes, what it writes would be kept, and the plugins are
/// loaded (without them the server does not start).
pub(crate) async fn ready(State(web): State<Arc<Web>>) -> Response {
    let store = web.app.store();
    let reason = if !store.stats().healthy || store.snapshot().await.is_err() {
        "the store does not answer".to_owned()
    } else if let Err(trouble) = web.probe.look().await {
        trouble.to_string()
    } else {
        return Json(json!({"status": "ready"})).into_response();
    };
    let answer = Json(json!({"status": "unavailable", "reason": reason}));
    (StatusCode::SERVICE_UNAVAILABLE, answer).into_response()
}

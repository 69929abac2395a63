//! Plans as users see them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use planwright_service::{Tagged, plans};

use super::Web;
use super::auth::ByUser;
use super::path::Path;
use super::problem::Problem;
use super::query::{NoQuery, Query};

/// `GET /api/v1/billing/plans`
pub(crate) async fn list(
    State(web): State<Arc<Web>>,
    ByUser(by): ByUser,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<impl IntoResponse, Problem> {
    let catalog = plans::list(&web.app, &by).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], catalog.active_json()))
}

/// `GET /api/v1/billing/plans/{id}`
pub(crate) async fn get(
    State(web): State<Arc<Web>>,
    ByUser(by): ByUser,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let Tagged { value, tag } = plans::get(&web.app, &by, &id).await?;
    Ok(([(header::ETAG, tag)], Json(value)))
}

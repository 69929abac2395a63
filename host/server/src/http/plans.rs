//! Plans as users see them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use planwright_domain::plan::Plan;
use planwright_domain::plan::plan_id::PlanId;
use planwright_service::{Tagged, plans};

use super::Web;
use super::auth::ByUser;
use super::path::Path;
use super::problem::Problem;
use super::query::{NoQuery, Query};

/// The active plans, by `display_order`, price and id.
#[utoipa::path(
    get, path = "/api/v1/billing/plans", tag = "plans", security(("user" = [])),
    responses((status = 200, body = Vec<Plan>)),
)]
pub(crate) async fn list(
    State(web): State<Arc<Web>>,
    ByUser(by): ByUser,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<impl IntoResponse, Problem> {
    let catalog = plans::list(&web.app, &by).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], catalog.active_json()))
}

/// One plan.
///
/// An inactive one is shown only to its subscribers and admins.
#[utoipa::path(
    get, path = "/api/v1/billing/plans/{id}", tag = "plans", security(("user" = [])),
    params(("id" = PlanId, Path, description = "The plan's.")),
    responses((status = 200, body = Plan, headers(("ETag"))), (status = 404, description = "No plan of this id.")),
)]
pub(crate) async fn get(
    State(web): State<Arc<Web>>,
    ByUser(by): ByUser,
    Path(id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<impl IntoResponse, Problem> {
    let Tagged { value, tag } = plans::get(&web.app, &by, &id).await?;
    Ok(([(header::ETAG, tag)], Json(value)))
}

//! Subscriptions as admins see and give them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use planwright_domain::caller::is_user_id;
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::plan::PlanId;
use planwright_domain::subscription::{Grant, Status, Subscriber, Subscription};
use planwright_service::{subscribers, subscriptions};
use serde::Deserialize;

use super::Web;
use super::auth::ByAdmin;
use super::body::Body;
use super::path::Path;
use super::problem::Problem;
use super::query::{NoQuery, Query};

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    status: Option<Status>,
    #[param(minimum = 1, default = 1)]
    page: Option<usize>,
    #[param(minimum = 1, maximum = 100, default = 20)]
    page_size: Option<usize>,
}

/// Who is subscribed to a plan, newest first.
#[utoipa::path(
    get, path = "/api/v1/admin/billing/plans/{id}/subscribers", tag = "subscriptions", security(("admin" = [])),
    params(("id" = PlanId, Path, description = "The plan's."), Filter),
    responses((status = 200, body = Page<Subscriber>), (status = 404, description = "No plan of this id.")),
)]
pub(crate) async fn list_of_plan(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(Filter { status, page, page_size }): Query<Filter>,
) -> Result<Json<Page<Subscriber>>, Problem> {
    let page = PageRequest::new(page, page_size)?;
    Ok(Json(subscribers::list(&web.app, &by, &id, status, page).await?))
}

/// Puts a user on a plan.
#[utoipa::path(
    put, path = "/api/v1/admin/billing/users/{user_id}/subscription", tag = "subscriptions",
    security(("admin" = [])),
    params(("user_id" = String, Path, min_length = 1, max_length = 255, description = "Whose.")),
    request_body = Grant,
    responses(
        (status = 200, description = "The live subscription has this plan now.", body = Subscription),
        (status = 201, description = "The user had no live subscription.", body = Subscription),
        (status = 404, description = "No plan of this id."),
    ),
)]
pub(crate) async fn grant(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(user_id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(grant): Body<Grant>,
) -> Result<(StatusCode, Json<Subscription>), Problem> {
    if !is_user_id(&user_id) {
        let message = "user_id must have 1 to 255 characters, none of them a control character.";
        return Err(Problem::field("user_id", "invalid_user_id", message));
    }
    let granted = subscriptions::grant(&web.app, &by, &user_id, &grant).await?;
    let status = if granted.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(granted.subscription)))
}

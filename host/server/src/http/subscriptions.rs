//! Subscriptions as admins see and give them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use planwright_domain::caller::is_user_id;
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::subscription::{Grant, Status, Subscriber, Subscription};
use planwright_service::{subscribers, subscriptions};
use serde::Deserialize;

use super::Web;
use super::auth::ByAdmin;
use super::body::Body;
use super::path::Path;
use super::problem::Problem;
use super::query::Query;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    status: Option<Status>,
    page: Option<usize>,
    page_size: Option<usize>,
}

/// `GET /api/v1/admin/billing/plans/{id}/subscribers`
pub(crate) async fn list_of_plan(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(Filter { status, page, page_size }): Query<Filter>,
) -> Result<Json<Page<Subscriber>>, Problem> {
    let page = PageRequest::new(page, page_size)?;
    Ok(Json(subscribers::list(&web.app, &by, &id, status, page).await?))
}

/// `PUT /api/v1/admin/billing/users/{user_id}/subscription`
pub(crate) async fn grant(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(user_id): Path<String>,
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

//! Users as admins see them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::user::user_report::UserReport;
use planwright_service::users::user_reports;
use serde::Deserialize;

use super::Web;
use super::auth::ByAdmin;
use super::path::Path;
use super::problem::Problem;
use super::query::{NoQuery, Query};

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Part of an id, an email or a name.
    q: Option<String>,
    #[param(minimum = 1, default = 1)]
    page: Option<usize>,
    #[param(minimum = 1, maximum = 100, default = 20)]
    page_size: Option<usize>,
}

/// All users, by id, each with the live subscription.
///
/// They are those who subscribed, whose credentials said an email or a name, or whom an admin noted.
#[utoipa::path(
    get, path = "/api/v1/admin/users", tag = "user_reports", security(("admin" = [])),
    params(Filter),
    responses((status = 200, body = Page<UserReport>)),
)]
pub(crate) async fn list(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(Filter { q, page, page_size }): Query<Filter>,
) -> Result<Json<Page<UserReport>>, Problem> {
    let page = PageRequest::new(page, page_size)?;
    Ok(Json(user_reports::list(&web.app, &by, q.as_deref(), page).await?))
}

/// One user, with the live subscription.
#[utoipa::path(
    get, path = "/api/v1/admin/users/{id}", tag = "user_reports", security(("admin" = [])),
    params(("id" = String, Path, description = "The user's.")),
    responses((status = 200, body = UserReport), (status = 404, description = "No user of this id.")),
)]
pub(crate) async fn get(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Json<UserReport>, Problem> {
    Ok(Json(user_reports::get(&web.app, &by, &id).await?))
}

//! User groups.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use planwright_domain::entry::Kind;
use planwright_domain::user_group::{UserGroup, UserGroupDraft, UserGroupPatch};
use planwright_service::user_groups;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Web;
use super::auth::ByAdmin;
use super::body::Body;
use super::entries::{PerPage, listed, number};
use super::path::Path;
use super::problem::Problem;
use super::query::{NoQuery, Query};

/// What a request and an answer are wrapped in.
#[derive(Serialize, ToSchema)]
#[schema(as = UserGroupAnswer)]
pub(crate) struct Answer {
    user_group: UserGroup,
}

#[derive(Serialize, ToSchema)]
#[schema(as = UserGroupList)]
struct All {
    user_groups: Vec<UserGroup>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserGroupCreate, examples(json!({"user_group": {"name": "partners", "is_default": false}})))]
pub(crate) struct Create {
    user_group: UserGroupDraft,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserGroupUpdate, examples(json!({"user_group": {"name": "resellers"}})))]
pub(crate) struct Update {
    user_group: UserGroupPatch,
}

/// All user groups.
#[utoipa::path(
    get, path = "/api/admin/user_groups", tag = "user_groups", security(("admin" = [])),
    params(PerPage),
    responses((status = 200, body = All, headers(("Total"), ("Per-Page")))),
)]
pub(crate) async fn list(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(query): Query<PerPage>,
) -> Result<Response, Problem> {
    let page = user_groups::list(&web.app, &by, query.read()?).await?;
    Ok(listed(page, |user_groups| All { user_groups }))
}

/// One user group.
#[utoipa::path(
    get, path = "/api/admin/user_groups/{id}", tag = "user_groups", security(("admin" = [])),
    params(("id" = u64, Path, description = "The user group's.")),
    responses((status = 200, body = Answer), (status = 404, description = "No user group of this id.")),
)]
pub(crate) async fn get(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Json<Answer>, Problem> {
    let user_group = user_groups::get(&web.app, &by, number(Kind::UserGroup, &id)?).await?;
    Ok(Json(Answer { user_group }))
}

/// Makes a user group.
#[utoipa::path(
    post, path = "/api/admin/user_groups", tag = "user_groups", security(("admin" = [])),
    request_body = Create,
    responses((status = 201, body = Answer), (status = 422, description = "The name is none, or taken, or there is no such billing plan.")),
)]
pub(crate) async fn create(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(NoQuery {}): Query<NoQuery>,
    Body(Create { user_group }): Body<Create>,
) -> Result<(StatusCode, Json<Answer>), Problem> {
    let user_group = user_groups::create(&web.app, &by, &user_group).await?;
    Ok((StatusCode::CREATED, Json(Answer { user_group })))
}

/// Changes what the body names.
#[utoipa::path(
    patch, path = "/api/admin/user_groups/{id}", tag = "user_groups", security(("admin" = [])),
    params(("id" = u64, Path, description = "The user group's.")),
    request_body = Update,
    responses((status = 200, body = Answer), (status = 404, description = "No user group of this id."), (status = 422, description = "The name is none, or taken, or there is no such billing plan.")),
)]
pub(crate) async fn update(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(Update { user_group }): Body<Update>,
) -> Result<Json<Answer>, Problem> {
    let user_group =
        user_groups::update(&web.app, &by, number(Kind::UserGroup, &id)?, &user_group).await?;
    Ok(Json(Answer { user_group }))
}

/// Deletes a user group that nothing names.
#[utoipa::path(
    delete, path = "/api/admin/user_groups/{id}", tag = "user_groups", security(("admin" = [])),
    params(("id" = u64, Path, description = "The user group's.")),
    responses((status = 204), (status = 404, description = "No user group of this id."), (status = 422, description = "Users are in it.")),
)]
pub(crate) async fn delete(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<StatusCode, Problem> {
    user_groups::delete(&web.app, &by, number(Kind::UserGroup, &id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

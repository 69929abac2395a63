//! User groups.

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use planwright_domain::billing_plan::entry::Kind;
use planwright_domain::billing_plan::user_group::{UserGroup, UserGroupDraft, UserGroupPatch};
use planwright_service::billing_plans::user_groups;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::entries::{AskChange, AskList, AskNew, AskOne, PerPage, listed, number};
use super::problem::Problem;

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
pub(crate) async fn list(AskList { web, by, page }: AskList) -> Result<Response, Problem> {
    let page = user_groups::list(&web.app, &by, page).await?;
    Ok(listed(page, |user_groups| All { user_groups }))
}

/// One user group.
#[utoipa::path(
    get, path = "/api/admin/user_groups/{id}", tag = "user_groups", security(("admin" = [])),
    params(("id" = u64, Path, description = "The user group's.")),
    responses((status = 200, body = Answer), (status = 404, description = "No user group of this id.")),
)]
pub(crate) async fn get(AskOne { web, by, id }: AskOne) -> Result<Json<Answer>, Problem> {
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
    AskNew { web, by, body: Create { user_group } }: AskNew<Create>,
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
    AskChange { web, by, id, body: Update { user_group } }: AskChange<Update>,
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
pub(crate) async fn delete(AskOne { web, by, id }: AskOne) -> Result<StatusCode, Problem> {
    user_groups::delete(&web.app, &by, number(Kind::UserGroup, &id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! Users, as the price catalog sees them.

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use planwright_domain::user::{User, UserDraft, UserPatch};
use planwright_service::users;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::entries::{AskChange, AskList, AskNew, AskOne, PerPage, listed};
use super::problem::Problem;

/// What a request and an answer are wrapped in.
#[derive(Serialize, ToSchema)]
#[schema(as = UserAnswer)]
pub(crate) struct Answer {
    user: User,
}

#[derive(Serialize, ToSchema)]
#[schema(as = UserList)]
struct All {
    users: Vec<User>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserCreate, examples(json!({"user": {"id": "alice", "email": "alice@example.com", "currency": "USD", "phase_started": "2025-02-05T08:00:00Z"}})))]
pub(crate) struct Create {
    user: UserDraft,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserUpdate, examples(json!({"user": {"currency": "EUR"}})))]
pub(crate) struct Update {
    user: UserPatch,
}

/// All users, of whom something is known.
#[utoipa::path(
    get, path = "/api/admin/users", tag = "users", security(("admin" = [])),
    params(PerPage),
    responses((status = 200, body = All, headers(("Total"), ("Per-Page")))),
)]
pub(crate) async fn list(AskList { web, by, page }: AskList) -> Result<Response, Problem> {
    let page = users::list(&web.app, &by, page).await?;
    Ok(listed(page, |users| All { users }))
}

/// One user.
#[utoipa::path(
    get, path = "/api/admin/users/{id}", tag = "users", security(("admin" = [])),
    params(("id" = String, Path, description = "The user's.")),
    responses((status = 200, body = Answer), (status = 404, description = "No user of this id.")),
)]
pub(crate) async fn get(AskOne { web, by, id }: AskOne) -> Result<Json<Answer>, Problem> {
    let user = users::get(&web.app, &by, &id).await?;
    Ok(Json(Answer { user }))
}

/// Notes a user, before or after there are credentials.
#[utoipa::path(
    post, path = "/api/admin/users", tag = "users", security(("admin" = [])),
    request_body = Create,
    responses((status = 201, body = Answer), (status = 422, description = "A field is wrong, the user is known already, or there is no such group or region.")),
)]
pub(crate) async fn create(
    AskNew { web, by, body: Create { user } }: AskNew<Create>,
) -> Result<(StatusCode, Json<Answer>), Problem> {
    let user = users::create(&web.app, &by, &user).await?;
    Ok((StatusCode::CREATED, Json(Answer { user })))
}

/// Changes what the body names.
#[utoipa::path(
    patch, path = "/api/admin/users/{id}", tag = "users", security(("admin" = [])),
    params(("id" = String, Path, description = "The user's.")),
    request_body = Update,
    responses((status = 200, body = Answer), (status = 404, description = "No user of this id."), (status = 422, description = "A field is wrong, the user is known already, or there is no such group or region.")),
)]
pub(crate) async fn update(
    AskChange { web, by, id, body: Update { user } }: AskChange<Update>,
) -> Result<Json<Answer>, Problem> {
    let user = users::update(&web.app, &by, &id, &user).await?;
    Ok(Json(Answer { user }))
}

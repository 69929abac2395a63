//! API keys as admins manage them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::tenant::api_key::{ApiKey, ApiKeyDraft};
use planwright_service::tenants::api_keys;
use serde::Serialize;
use utoipa::ToSchema;

use super::Web;
use super::auth::ByAdmin;
use super::body::Body;
use super::path::Path;
use super::problem::Problem;
use super::query::{NoQuery, Paging, Query};

/// The one answer that shows the key itself.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedApiKey)]
pub(crate) struct Created {
    #[serde(flatten)]
    api_key: ApiKey,
    /// The key itself, `sk-…`.
    key: String,
}

/// Makes an API key.
///
/// `key` is shown this once, and only its hash is kept. Nobody makes one above the own role.
#[utoipa::path(
    post, path = "/api/v1/admin/api-keys", tag = "api_keys", security(("admin" = [])),
    request_body = ApiKeyDraft,
    responses((status = 201, body = Created, headers(("Cache-Control"))),
        (status = 409, description = "It was made by the same request before.")),
)]
pub(crate) async fn create(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(NoQuery {}): Query<NoQuery>,
    Body(draft): Body<ApiKeyDraft>,
) -> Result<impl IntoResponse, Problem> {
    let made = api_keys::create(&web.app, &by, draft).await?;
    let created = Created { api_key: made.api_key, key: made.secret };
    // Nothing between here and who asked may keep the key.
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(created)))
}

/// The tenant's API keys, and when they were last used.
#[utoipa::path(
    get, path = "/api/v1/admin/api-keys", tag = "api_keys", security(("admin" = [])),
    params(Paging),
    responses((status = 200, body = Page<ApiKey>)),
)]
pub(crate) async fn list(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(Paging { page, page_size }): Query<Paging>,
) -> Result<Json<Page<ApiKey>>, Problem> {
    let page = PageRequest::new(page, page_size)?;
    Ok(Json(api_keys::list(&web.app, &by, page).await?))
}

/// Revokes an API key.
#[utoipa::path(
    delete, path = "/api/v1/admin/api-keys/{id}", tag = "api_keys", security(("admin" = [])),
    params(("id" = String, Path, description = "The key's, not the key itself.")),
    responses((status = 204), (status = 404, description = "No API key of this id.")),
)]
pub(crate) async fn revoke(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<StatusCode, Problem> {
    api_keys::revoke(&web.app, &by, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

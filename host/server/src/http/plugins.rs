//! Plugins as those who own them manage them: a tenant, or with `?tenant=*` the operator for the host.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::plugin::{Digest, UploadedPlugin};
use planwright_service::plugins::{self, plugin_uploads};

use super::Web;
use super::auth::ByPluginOwner;
use super::body::ComponentBody;
use super::path::Path;
use super::problem::Problem;
use super::query::{NoQuery, Paging, Query};

/// Uploads a plugin.
///
/// It is inspected at once and compiled beside requests; `state` says how far it is. The same bytes again are the same
/// plugin, and one that failed is tried again.
#[utoipa::path(
    post, path = "/api/v1/admin/plugins", tag = "plugins", security(("admin" = [])),
    request_body(content = Vec<u8>, content_type = "application/wasm", description = "The component."),
    responses(
        (status = 201, body = UploadedPlugin),
        (status = 200, body = UploadedPlugin, description = "It was there already."),
        (status = 409, description = "There are as many plugins as there may be."),
        (status = 422, description = "The bytes cannot be a plugin, or the Idempotency-Key was used for another request."),
    ),
)]
pub(crate) async fn upload(
    State(web): State<Arc<Web>>,
    ByPluginOwner(by, owner): ByPluginOwner,
    Query(NoQuery {}): Query<NoQuery>,
    request: Request,
) -> Result<(StatusCode, Json<UploadedPlugin>), Problem> {
    let place = web.uploads.take(&owner).await.ok_or_else(Problem::full)?;
    let ComponentBody(component) = ComponentBody::read(request, &web).await?;
    let uploaded = plugin_uploads::upload(&web.app, &by, &owner, component).await?;
    drop(place);
    let uploaded = plugin_uploads::settled(&web.app, &owner, uploaded).await?;
    let status = if uploaded.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(uploaded.plugin)))
}

/// The plugins that can be bound, newest first: the tenant's own and the host's.
#[utoipa::path(
    get, path = "/api/v1/admin/plugins", tag = "plugins", security(("admin" = [])),
    params(Paging),
    responses((status = 200, body = Page<UploadedPlugin>)),
)]
pub(crate) async fn list(
    State(web): State<Arc<Web>>,
    ByPluginOwner(_, owner): ByPluginOwner,
    Query(Paging { page, page_size }): Query<Paging>,
) -> Result<Json<Page<UploadedPlugin>>, Problem> {
    let page = PageRequest::new(page, page_size)?;
    Ok(Json(plugins::list(&web.app, &owner, page).await?))
}

/// One plugin.
#[utoipa::path(
    get, path = "/api/v1/admin/plugins/{digest}", tag = "plugins", security(("admin" = [])),
    params(("digest" = Digest, Path, description = "The plugin's.")),
    responses((status = 200, body = UploadedPlugin), (status = 404, description = "No plugin of this digest.")),
)]
pub(crate) async fn get(
    State(web): State<Arc<Web>>,
    ByPluginOwner(_, owner): ByPluginOwner,
    Path(digest): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Json<UploadedPlugin>, Problem> {
    Ok(Json(plugins::get(&web.app, &owner, &digest).await?))
}

/// Deletes a plugin that is bound to nothing, and priced nothing that anybody was charged.
#[utoipa::path(
    delete, path = "/api/v1/admin/plugins/{digest}", tag = "plugins", security(("admin" = [])),
    params(("digest" = Digest, Path, description = "The plugin's.")),
    responses((status = 204), (status = 404, description = "No plugin of this digest."), (status = 409, description = "It is bound, or it priced what somebody was charged.")),
)]
pub(crate) async fn delete(
    State(web): State<Arc<Web>>,
    ByPluginOwner(by, owner): ByPluginOwner,
    Path(digest): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<StatusCode, Problem> {
    plugins::delete(&web.app, &by, &owner, &digest).await?;
    Ok(StatusCode::NO_CONTENT)
}

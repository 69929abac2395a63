//! Plugins as those who own them manage them: a tenant, or with `?tenant=*` the operator for the host.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::plugin::UploadedPlugin;
use planwright_service::plugins;

use super::Web;
use super::auth::ByPluginOwner;
use super::body::ComponentBody;
use super::path::Path;
use super::problem::Problem;
use super::query::{NoQuery, Paging, Query};

/// `POST /api/v1/admin/plugins`
pub(crate) async fn upload(
    State(web): State<Arc<Web>>,
    ByPluginOwner(mut by, owner): ByPluginOwner,
    Query(NoQuery {}): Query<NoQuery>,
    request: Request,
) -> Result<(StatusCode, Json<UploadedPlugin>), Problem> {
    let _place = web.uploads.try_acquire().map_err(|_| Problem::full())?;
    let ComponentBody(component) = ComponentBody::read(request, &web, &mut by).await?;
    let uploaded = plugins::upload(&web.app, &by, &owner, component).await?;
    let status = if uploaded.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(uploaded.plugin)))
}

/// `GET /api/v1/admin/plugins`
pub(crate) async fn list(
    State(web): State<Arc<Web>>,
    ByPluginOwner(_, owner): ByPluginOwner,
    Query(Paging { page, page_size }): Query<Paging>,
) -> Result<Json<Page<UploadedPlugin>>, Problem> {
    let page = PageRequest::new(page, page_size)?;
    Ok(Json(plugins::list(&web.app, &owner, page).await?))
}

/// `GET /api/v1/admin/plugins/{digest}`
pub(crate) async fn get(
    State(web): State<Arc<Web>>,
    ByPluginOwner(_, owner): ByPluginOwner,
    Path(digest): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Json<UploadedPlugin>, Problem> {
    Ok(Json(plugins::get(&web.app, &owner, &digest).await?))
}

/// `DELETE /api/v1/admin/plugins/{digest}`
pub(crate) async fn delete(
    State(web): State<Arc<Web>>,
    ByPluginOwner(by, owner): ByPluginOwner,
    Path(digest): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<StatusCode, Problem> {
    plugins::delete(&web.app, &by, &owner, &digest).await?;
    Ok(StatusCode::NO_CONTENT)
}

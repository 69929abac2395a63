//! Tenants as operators manage them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::tenant::{Tenant, TenantDraft};
use planwright_service::tenants;

use super::Web;
use super::auth::ByOperator;
use super::body::Body;
use super::problem::Problem;
use super::query::{NoQuery, Paging, Query};

/// Makes a tenant.
#[utoipa::path(
    post, path = "/api/v1/admin/tenants", tag = "tenants", security(("operator" = [])),
    request_body = TenantDraft,
    responses((status = 201, body = Tenant)),
)]
pub(crate) async fn create(
    State(web): State<Arc<Web>>,
    ByOperator(by): ByOperator,
    Query(NoQuery {}): Query<NoQuery>,
    Body(draft): Body<TenantDraft>,
) -> Result<(StatusCode, Json<Tenant>), Problem> {
    let tenant = tenants::create(&web.app, &by, draft).await?;
    Ok((StatusCode::CREATED, Json(tenant)))
}

/// All tenants, by id.
#[utoipa::path(
    get, path = "/api/v1/admin/tenants", tag = "tenants", security(("operator" = [])),
    params(Paging),
    responses((status = 200, body = Page<Tenant>)),
)]
pub(crate) async fn list(
    State(web): State<Arc<Web>>,
    _: ByOperator,
    Query(Paging { page, page_size }): Query<Paging>,
) -> Result<Json<Page<Tenant>>, Problem> {
    let page = PageRequest::new(page, page_size)?;
    Ok(Json(tenants::list(&web.app, page).await?))
}

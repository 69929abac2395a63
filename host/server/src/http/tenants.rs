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

/// `POST /api/v1/admin/tenants`
pub(crate) async fn create(
    State(web): State<Arc<Web>>,
    ByOperator(by): ByOperator,
    Query(NoQuery {}): Query<NoQuery>,
    Body(draft): Body<TenantDraft>,
) -> Result<(StatusCode, Json<Tenant>), Problem> {
    let tenant = tenants::create(&web.app, &by, draft).await?;
    Ok((StatusCode::CREATED, Json(tenant)))
}

/// `GET /api/v1/admin/tenants`
pub(crate) async fn list(
    State(web): State<Arc<Web>>,
    ByOperator(_): ByOperator,
    Query(Paging { page, page_size }): Query<Paging>,
) -> Result<Json<Page<Tenant>>, Problem> {
    let page = PageRequest::new(page, page_size)?;
    Ok(Json(tenants::list(&web.app, page).await?))
}

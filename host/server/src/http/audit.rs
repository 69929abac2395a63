//! The audit log as admins read it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use planwright_domain::audit::{AuditFilter, CommittedEntry, Verified};
use planwright_domain::page::{Page, PageRequest};
use planwright_service::audit;
use serde::Deserialize;

use super::Web;
use super::auth::ByAdmin;
use super::problem::Problem;
use super::query::{NoQuery, Query};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    entity_type: Option<String>,
    entity_id: Option<String>,
    action: Option<String>,
    user_id: Option<String>,
    from: Option<i64>,
    to: Option<i64>,
    page: Option<usize>,
    page_size: Option<usize>,
}

/// `GET /api/v1/admin/audit`
pub(crate) async fn list(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(Filter { entity_type, entity_id, action, user_id, from, to, page, page_size }): Query<
        Filter,
    >,
) -> Result<Json<Page<CommittedEntry>>, Problem> {
    let page = PageRequest::new(page, page_size)?;
    let filter = AuditFilter { entity_type, entity_id, action, user_id, from, to };
    Ok(Json(audit::list(&web.app, &by, filter, page).await?))
}

/// `GET /api/v1/admin/audit/verify`
pub(crate) async fn verify(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Json<Verified>, Problem> {
    Ok(Json(audit::verify(&web.app, &by).await?))
}

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

/// What is absent lets all through.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    entity_type: Option<String>,
    entity_id: Option<String>,
    action: Option<String>,
    user_id: Option<String>,
    /// The first Unix second.
    from: Option<i64>,
    /// The Unix second behind the last.
    to: Option<i64>,
    #[param(minimum = 1, default = 1)]
    page: Option<usize>,
    #[param(minimum = 1, maximum = 100, default = 20)]
    page_size: Option<usize>,
}

/// What admins did, newest first.
#[utoipa::path(
    get, path = "/api/v1/admin/audit", tag = "audit", security(("admin" = [])),
    params(Filter),
    responses((status = 200, body = Page<CommittedEntry>)),
)]
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

/// Whether the log is as it was written, or where it breaks.
#[utoipa::path(
    get, path = "/api/v1/admin/audit/verify", tag = "audit", security(("admin" = [])),
    responses((status = 200, body = Verified)),
)]
pub(crate) async fn verify(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Json<Verified>, Problem> {
    Ok(Json(audit::verify(&web.app, &by).await?))
}

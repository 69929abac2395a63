//! Template packs: which there are, and installing them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::template::{Install, Installation};
use planwright_domain::template_listing::PackListing;
use planwright_service::template_packs;
use serde::Deserialize;

use super::Web;
use super::auth::ByAdmin;
use super::body::OptionalBody;
use super::problem::Problem;
use super::query::Query;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paging {
    page: Option<usize>,
    page_size: Option<usize>,
}

/// `GET /api/v1/admin/template-packs`
pub(crate) async fn list(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(Paging { page, page_size }): Query<Paging>,
) -> Result<Json<Page<PackListing>>, Problem> {
    let page = PageRequest::new(page, page_size)?;
    Ok(Json(template_packs::list(&web.app, &by, page).await?))
}

/// `POST /api/v1/admin/template-packs/{pack}/install`
pub(crate) async fn install(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(pack): Path<String>,
    OptionalBody(wanted): OptionalBody<Install>,
) -> Result<Json<Installation>, Problem> {
    let wanted = wanted.unwrap_or_default();
    Ok(Json(template_packs::install(&web.app, &by, &pack, &wanted).await?))
}

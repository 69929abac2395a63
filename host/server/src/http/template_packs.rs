//! Template packs: which there are, and installing them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::plan::template::{Install, Installation};
use planwright_domain::plan::template_listing::PackListing;
use planwright_service::plans::template_packs;

use super::Web;
use super::auth::ByAdmin;
use super::body::OptionalBody;
use super::path::Path;
use super::problem::Problem;
use super::query::{NoQuery, Paging, Query};

/// Packs of ready-made plans and price books, and what of them is installed.
#[utoipa::path(
    get, path = "/api/v1/admin/template-packs", tag = "template_packs", security(("admin" = [])),
    params(Paging),
    responses((status = 200, body = Page<PackListing>)),
)]
pub(crate) async fn list(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(Paging { page, page_size }): Query<Paging>,
) -> Result<Json<Page<PackListing>>, Problem> {
    let page = PageRequest::new(page, page_size)?;
    Ok(Json(template_packs::list(&web.app, &by, page).await?))
}

/// Installs groups of a pack.
///
/// What is there is skipped, or with `force` updated, under the same rules as by hand. Regions, products and billing
/// plans come first, all of them or none (`price_catalog`); then the plans, each on its own.
#[utoipa::path(
    post, path = "/api/v1/admin/template-packs/{pack}/install", tag = "template_packs",
    security(("admin" = [])),
    params(("pack" = String, Path, description = "The pack's name.", example = "saas-tiers")),
    request_body = Option<Install>,
    responses((status = 200, body = Installation), (status = 404, description = "No pack of this name.")),
)]
pub(crate) async fn install(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(pack): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
    OptionalBody(wanted): OptionalBody<Install>,
) -> Result<Json<Installation>, Problem> {
    let wanted = wanted.unwrap_or_default();
    Ok(Json(template_packs::install(&web.app, &by, &pack, &wanted).await?))
}

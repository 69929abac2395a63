//! A tenant's whole catalog as one document.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use planwright_domain::catalog::catalog_change::CatalogChanges;
use planwright_domain::catalog::catalog_document::CatalogDocument;
use planwright_service::Tagged;
use planwright_service::catalog::{self, Applied, Put};
use serde::Deserialize;

use super::Web;
use super::auth::ByAdmin;
use super::body::LargeBody;
use super::problem::Problem;
use super::query::{NoQuery, Query};
use super::warnings::with_warnings;

/// How a catalog is put.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct How {
    /// Say what would change, and change nothing.
    #[serde(default)]
    #[param(default = false)]
    dry_run: bool,
    /// Delete what the document does not have.
    #[serde(default)]
    #[param(default = false)]
    prune: bool,
}

/// Regions, products, billing plans, user groups and plans; by name, without ids.
#[utoipa::path(
    get, path = "/api/v1/admin/catalog", tag = "catalog", security(("admin" = [])),
    responses((status = 200, body = CatalogDocument, headers(("ETag"))), (status = 422, description = "Billing plans share a name, or have more prices than a document.")),
)]
pub(crate) async fn get(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Response, Problem> {
    let Tagged { value, tag } = catalog::get(&web.app, &by).await?;
    Ok(([(header::ETAG, tag)], Json(value)).into_response())
}

/// Has the catalog hold what the document says, in one commit or not at all.
///
/// Each thing is made or changed under the same rules as by hand, with an entry in the audit log; a field that the
/// document leaves out is what it is in a new thing. What the document does not have stays, or with `prune` is deleted.
/// With `dry_run` and then `If-Match`, what was shown is what is applied.
#[utoipa::path(
    put, path = "/api/v1/admin/catalog", tag = "catalog", security(("admin" = [])),
    params(How),
    request_body = CatalogDocument,
    responses((status = 200, body = CatalogChanges, headers(("ETag"), ("Warning"))), (status = 412, description = "The catalog has changed since it was read."), (status = 422, description = "Something is wrong or refused: `errors` names each by its place.")),
)]
pub(crate) async fn put(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(How { dry_run, prune }): Query<How>,
    LargeBody(document): LargeBody<CatalogDocument>,
) -> Result<Response, Problem> {
    let how = Put { prune, dry_run };
    let Applied { changes, tag, warnings } = catalog::put(&web.app, &by, &document, how).await?;
    let answer = ([(header::ETAG, tag)], Json(changes)).into_response();
    Ok(with_warnings(answer, &warnings))
}

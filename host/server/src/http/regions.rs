//! Regions.

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use planwright_domain::billing_plan::entry::Kind;
use planwright_domain::billing_plan::region::{Region, RegionDraft, RegionPatch};
use planwright_service::billing_plans::regions;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::entries::{AskChange, AskList, AskNew, AskOne, PerPage, listed, number};
use super::problem::Problem;

/// What a request and an answer are wrapped in.
#[derive(Serialize, ToSchema)]
#[schema(as = RegionAnswer)]
pub(crate) struct Answer {
    region: Region,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RegionList)]
struct All {
    regions: Vec<Region>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RegionCreate, examples(json!({"region": {"name": "us-east"}})))]
pub(crate) struct Create {
    region: RegionDraft,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RegionUpdate, examples(json!({"region": {"name": "us-west"}})))]
pub(crate) struct Update {
    region: RegionPatch,
}

/// All regions.
#[utoipa::path(
    get, path = "/api/admin/regions", tag = "regions", security(("admin" = [])),
    params(PerPage),
    responses((status = 200, body = All, headers(("Total"), ("Per-Page")))),
)]
pub(crate) async fn list(AskList { web, by, page }: AskList) -> Result<Response, Problem> {
    let page = regions::list(&web.app, &by, page).await?;
    Ok(listed(page, |regions| All { regions }))
}

/// One region.
#[utoipa::path(
    get, path = "/api/admin/regions/{id}", tag = "regions", security(("admin" = [])),
    params(("id" = u64, Path, description = "The region's.")),
    responses((status = 200, body = Answer), (status = 404, description = "No region of this id.")),
)]
pub(crate) async fn get(AskOne { web, by, id }: AskOne) -> Result<Json<Answer>, Problem> {
    let region = regions::get(&web.app, &by, number(Kind::Region, &id)?).await?;
    Ok(Json(Answer { region }))
}

/// Makes a region.
#[utoipa::path(
    post, path = "/api/admin/regions", tag = "regions", security(("admin" = [])),
    request_body = Create,
    responses((status = 201, body = Answer), (status = 422, description = "The name is none, or taken.")),
)]
pub(crate) async fn create(
    AskNew { web, by, body: Create { region } }: AskNew<Create>,
) -> Result<(StatusCode, Json<Answer>), Problem> {
    let region = regions::create(&web.app, &by, &region).await?;
    Ok((StatusCode::CREATED, Json(Answer { region })))
}

/// Changes what the body names.
#[utoipa::path(
    patch, path = "/api/admin/regions/{id}", tag = "regions", security(("admin" = [])),
    params(("id" = u64, Path, description = "The region's.")),
    request_body = Update,
    responses((status = 200, body = Answer), (status = 404, description = "No region of this id."), (status = 422, description = "The name is none, or taken.")),
)]
pub(crate) async fn update(
    AskChange { web, by, id, body: Update { region } }: AskChange<Update>,
) -> Result<Json<Answer>, Problem> {
    let region = regions::update(&web.app, &by, number(Kind::Region, &id)?, &region).await?;
    Ok(Json(Answer { region }))
}

/// Deletes a region that nothing names.
#[utoipa::path(
    delete, path = "/api/admin/regions/{id}", tag = "regions", security(("admin" = [])),
    params(("id" = u64, Path, description = "The region's.")),
    responses((status = 204), (status = 404, description = "No region of this id."), (status = 422, description = "Prices, users or the settings name it.")),
)]
pub(crate) async fn delete(AskOne { web, by, id }: AskOne) -> Result<StatusCode, Problem> {
    regions::delete(&web.app, &by, number(Kind::Region, &id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! Products in billing plans.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use planwright_domain::billing_plan::billing_change::{ResourceDraft, ResourcePatch};
use planwright_domain::billing_plan::billing_view::ResourceShown;
use planwright_domain::billing_plan::entry::Kind;
use planwright_service::billing_plans::billing_parts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Web;
use super::auth::ByAdmin;
use super::body::Body;
use super::entries::{edited, gone, number};
use super::path::Path;
use super::problem::Problem;
use super::query::{NoQuery, Query};

#[derive(Serialize, ToSchema)]
#[schema(as = BillingResourceAnswer)]
struct Answer {
    billing_resource: ResourceShown,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BillingResourceCreate, examples(json!({"billing_resource": {"product_id": 2, "tier_mode": "volume"}})))]
pub(crate) struct Create {
    billing_resource: ResourceDraft,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BillingResourceUpdate, examples(json!({"billing_resource": {"external_id": "vcpu"}})))]
pub(crate) struct Update {
    billing_resource: ResourcePatch,
}

/// Adds a product to a billing plan, with a final phase.
#[utoipa::path(
    post, path = "/api/admin/billing_plans/{id}/billing_resources", tag = "billing_resources", security(("admin" = [])),
    params(("id" = u64, Path, description = "The billing plan's.")),
    request_body = Create,
    responses((status = 201, body = Answer, headers(("ETag"), ("Warning"))), (status = 404, description = "No billing plan or part of this id."), (status = 412, description = "The billing plan has changed since it was read."), (status = 422, description = "A field is wrong, or the rules refuse what would come of it.")),
)]
pub(crate) async fn create(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(Create { billing_resource }): Body<Create>,
) -> Result<Response, Problem> {
    let id = number(Kind::BillingPlan, &id)?;
    let created = billing_parts::create_resource(&web.app, &by, id, &billing_resource).await?;
    Ok(edited(StatusCode::CREATED, created, |billing_resource| Answer { billing_resource }))
}

/// Changes what the body names.
#[utoipa::path(
    patch, path = "/api/admin/billing_plans/{id}/billing_resources/{resource_id}", tag = "billing_resources", security(("admin" = [])),
    params(("id" = u64, Path, description = "The billing plan's."), ("resource_id" = u64, Path, description = "The billing resource's.")),
    request_body = Update,
    responses((status = 200, body = Answer, headers(("ETag"), ("Warning"))), (status = 404, description = "No billing plan or part of this id."), (status = 412, description = "The billing plan has changed since it was read."), (status = 422, description = "A field is wrong, or the rules refuse what would come of it.")),
)]
pub(crate) async fn update(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path((id, resource_id)): Path<(String, String)>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(Update { billing_resource }): Body<Update>,
) -> Result<Response, Problem> {
    let id = number(Kind::BillingPlan, &id)?;
    let resource_id = number(Kind::BillingResource, &resource_id)?;
    let updated =
        billing_parts::update_resource(&web.app, &by, id, resource_id, &billing_resource).await?;
    Ok(edited(StatusCode::OK, updated, |billing_resource| Answer { billing_resource }))
}

/// Takes a product out, with its phases and prices.
#[utoipa::path(
    delete, path = "/api/admin/billing_plans/{id}/billing_resources/{resource_id}", tag = "billing_resources", security(("admin" = [])),
    params(("id" = u64, Path, description = "The billing plan's."), ("resource_id" = u64, Path, description = "The billing resource's.")),
    responses((status = 204, headers(("ETag"), ("Warning"))), (status = 404, description = "No billing plan or part of this id."), (status = 412, description = "The billing plan has changed since it was read."), (status = 422, description = "A field is wrong, or the rules refuse what would come of it.")),
)]
pub(crate) async fn delete(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path((id, resource_id)): Path<(String, String)>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Response, Problem> {
    let id = number(Kind::BillingPlan, &id)?;
    let resource_id = number(Kind::BillingResource, &resource_id)?;
    gone(billing_parts::delete_resource(&web.app, &by, id, resource_id).await?)
}

//! Tiers of prices.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use planwright_domain::billing_plan::billing_change::{PhaseAt, PriceDraft, PricePatch};
use planwright_domain::billing_plan::billing_view::PriceShown;
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
#[schema(as = BillingResourcePriceAnswer)]
struct Answer {
    billing_resource_price: PriceShown,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BillingResourcePriceCreate, examples(json!({"billing_resource_price": {"currency": "EUR", "max_qty": 100, "price": 0.01, "region_ids": [1]}})))]
pub(crate) struct Create {
    billing_resource_price: PriceDraft,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BillingResourcePriceUpdate, examples(json!({"billing_resource_price": {"price": 0.012}})))]
pub(crate) struct Update {
    billing_resource_price: PricePatch,
}

/// Adds a tier to a phase.
#[utoipa::path(
    post, path = "/api/admin/billing_plans/{id}/billing_resources/{resource_id}/billing_phases/{phase_id}/billing_resource_prices", tag = "billing_resource_prices", security(("admin" = [])),
    params(("id" = u64, Path, description = "The billing plan's."), ("resource_id" = u64, Path, description = "The billing resource's."), ("phase_id" = u64, Path, description = "The billing phase's.")),
    request_body = Create,
    responses((status = 201, body = Answer, headers(("ETag"), ("Warning"))), (status = 404, description = "No billing plan or part of this id."), (status = 412, description = "The billing plan has changed since it was read."), (status = 422, description = "A field is wrong, or the rules refuse what would come of it.")),
)]
pub(crate) async fn create(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path((id, resource_id, phase_id)): Path<(String, String, String)>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(Create { billing_resource_price }): Body<Create>,
) -> Result<Response, Problem> {
    let id = number(Kind::BillingPlan, &id)?;
    let resource_id = number(Kind::BillingResource, &resource_id)?;
    let phase_id = number(Kind::BillingPhase, &phase_id)?;
    let at = PhaseAt { resource: resource_id, phase: phase_id };
    let created =
        billing_parts::create_price(&web.app, &by, id, at, &billing_resource_price).await?;
    Ok(edited(StatusCode::CREATED, created, |billing_resource_price| Answer {
        billing_resource_price,
    }))
}

/// Changes what the body names.
#[utoipa::path(
    patch, path = "/api/admin/billing_plans/{id}/billing_resources/{resource_id}/billing_phases/{phase_id}/billing_resource_prices/{price_id}", tag = "billing_resource_prices", security(("admin" = [])),
    params(("id" = u64, Path, description = "The billing plan's."), ("resource_id" = u64, Path, description = "The billing resource's."), ("phase_id" = u64, Path, description = "The billing phase's."), ("price_id" = u64, Path, description = "The billing resource price's.")),
    request_body = Update,
    responses((status = 200, body = Answer, headers(("ETag"), ("Warning"))), (status = 404, description = "No billing plan or part of this id."), (status = 412, description = "The billing plan has changed since it was read."), (status = 422, description = "A field is wrong, or the rules refuse what would come of it.")),
)]
pub(crate) async fn update(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path((id, resource_id, phase_id, price_id)): Path<(String, String, String, String)>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(Update { billing_resource_price }): Body<Update>,
) -> Result<Response, Problem> {
    let id = number(Kind::BillingPlan, &id)?;
    let resource_id = number(Kind::BillingResource, &resource_id)?;
    let phase_id = number(Kind::BillingPhase, &phase_id)?;
    let price_id = number(Kind::BillingResourcePrice, &price_id)?;
    let at = PhaseAt { resource: resource_id, phase: phase_id };
    let updated =
        billing_parts::update_price(&web.app, &by, id, at, price_id, &billing_resource_price)
            .await?;
    Ok(edited(StatusCode::OK, updated, |billing_resource_price| Answer { billing_resource_price }))
}

/// Takes a tier out.
#[utoipa::path(
    delete, path = "/api/admin/billing_plans/{id}/billing_resources/{resource_id}/billing_phases/{phase_id}/billing_resource_prices/{price_id}", tag = "billing_resource_prices", security(("admin" = [])),
    params(("id" = u64, Path, description = "The billing plan's."), ("resource_id" = u64, Path, description = "The billing resource's."), ("phase_id" = u64, Path, description = "The billing phase's."), ("price_id" = u64, Path, description = "The billing resource price's.")),
    responses((status = 204, headers(("ETag"), ("Warning"))), (status = 404, description = "No billing plan or part of this id."), (status = 412, description = "The billing plan has changed since it was read."), (status = 422, description = "A field is wrong, or the rules refuse what would come of it.")),
)]
pub(crate) async fn delete(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path((id, resource_id, phase_id, price_id)): Path<(String, String, String, String)>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Response, Problem> {
    let id = number(Kind::BillingPlan, &id)?;
    let resource_id = number(Kind::BillingResource, &resource_id)?;
    let phase_id = number(Kind::BillingPhase, &phase_id)?;
    let price_id = number(Kind::BillingResourcePrice, &price_id)?;
    let at = PhaseAt { resource: resource_id, phase: phase_id };
    gone(billing_parts::delete_price(&web.app, &by, id, at, price_id).await?)
}

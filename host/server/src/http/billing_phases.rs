//! How long prices hold.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use planwright_domain::billing_plan::billing_change::{PhaseAt, PhaseDraft, PhasePatch};
use planwright_domain::billing_plan::billing_view::PhaseShown;
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
#[schema(as = BillingPhaseAnswer)]
struct Answer {
    billing_phase: PhaseShown,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BillingPhaseCreate, examples(json!({"billing_phase": {"phase_type": "discount", "duration_unit": "months", "duration_qty": 3}})))]
pub(crate) struct Create {
    billing_phase: PhaseDraft,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BillingPhaseUpdate, examples(json!({"billing_phase": {"duration_qty": 14}})))]
pub(crate) struct Update {
    billing_phase: PhasePatch,
}

/// Adds a trial or a discount to a resource.
#[utoipa::path(
    post, path = "/api/admin/billing_plans/{id}/billing_resources/{resource_id}/billing_phases", tag = "billing_phases", security(("admin" = [])),
    params(("id" = u64, Path, description = "The billing plan's."), ("resource_id" = u64, Path, description = "The billing resource's.")),
    request_body = Create,
    responses((status = 201, body = Answer, headers(("ETag"), ("Warning"))), (status = 404, description = "No billing plan or part of this id."), (status = 412, description = "The billing plan has changed since it was read."), (status = 422, description = "A field is wrong, or the rules refuse what would come of it.")),
)]
pub(crate) async fn create(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path((id, resource_id)): Path<(String, String)>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(Create { billing_phase }): Body<Create>,
) -> Result<Response, Problem> {
    let id = number(Kind::BillingPlan, &id)?;
    let resource_id = number(Kind::BillingResource, &resource_id)?;
    let created =
        billing_parts::create_phase(&web.app, &by, id, resource_id, &billing_phase).await?;
    Ok(edited(StatusCode::CREATED, created, |billing_phase| Answer { billing_phase }))
}

/// Changes what the body names.
#[utoipa::path(
    patch, path = "/api/admin/billing_plans/{id}/billing_resources/{resource_id}/billing_phases/{phase_id}", tag = "billing_phases", security(("admin" = [])),
    params(("id" = u64, Path, description = "The billing plan's."), ("resource_id" = u64, Path, description = "The billing resource's."), ("phase_id" = u64, Path, description = "The billing phase's.")),
    request_body = Update,
    responses((status = 200, body = Answer, headers(("ETag"), ("Warning"))), (status = 404, description = "No billing plan or part of this id."), (status = 412, description = "The billing plan has changed since it was read."), (status = 422, description = "A field is wrong, or the rules refuse what would come of it.")),
)]
pub(crate) async fn update(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path((id, resource_id, phase_id)): Path<(String, String, String)>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(Update { billing_phase }): Body<Update>,
) -> Result<Response, Problem> {
    let id = number(Kind::BillingPlan, &id)?;
    let resource_id = number(Kind::BillingResource, &resource_id)?;
    let phase_id = number(Kind::BillingPhase, &phase_id)?;
    let at = PhaseAt { resource: resource_id, phase: phase_id };
    let updated = billing_parts::update_phase(&web.app, &by, id, at, &billing_phase).await?;
    Ok(edited(StatusCode::OK, updated, |billing_phase| Answer { billing_phase }))
}

/// Takes a trial or a discount out, with its prices.
#[utoipa::path(
    delete, path = "/api/admin/billing_plans/{id}/billing_resources/{resource_id}/billing_phases/{phase_id}", tag = "billing_phases", security(("admin" = [])),
    params(("id" = u64, Path, description = "The billing plan's."), ("resource_id" = u64, Path, description = "The billing resource's."), ("phase_id" = u64, Path, description = "The billing phase's.")),
    responses((status = 204, headers(("ETag"), ("Warning"))), (status = 404, description = "No billing plan or part of this id."), (status = 412, description = "The billing plan has changed since it was read."), (status = 422, description = "A field is wrong, or the rules refuse what would come of it.")),
)]
pub(crate) async fn delete(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path((id, resource_id, phase_id)): Path<(String, String, String)>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Response, Problem> {
    let id = number(Kind::BillingPlan, &id)?;
    let resource_id = number(Kind::BillingResource, &resource_id)?;
    let phase_id = number(Kind::BillingPhase, &phase_id)?;
    let at = PhaseAt { resource: resource_id, phase: phase_id };
    gone(billing_parts::delete_phase(&web.app, &by, id, at).await?)
}

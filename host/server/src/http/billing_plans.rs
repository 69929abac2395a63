//! Billing plans: price books, as a whole and as documents.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use planwright_domain::billing_plan::billing_change::{BillingPlanDraft, BillingPlanPatch};
use planwright_domain::billing_plan::billing_document::PlanDocument;
use planwright_domain::billing_plan::billing_view::{PlanInList, PlanShown};
use planwright_domain::billing_plan::entry::Kind;
use planwright_service::billing_plans;
use planwright_service::billing_plans::billing_documents;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::LargeBody;
use super::entries::{AskChange, AskList, AskNew, AskOne, PerPage, edited, listed, number, tagged};
use super::problem::Problem;
use super::warnings::with_warnings;

#[derive(Serialize, ToSchema)]
#[schema(as = BillingPlanAnswer)]
struct Answer {
    billing_plan: PlanShown,
}

#[derive(Serialize, ToSchema)]
#[schema(as = BillingPlanList)]
struct All {
    billing_plans: Vec<PlanInList>,
}

/// One, in a list.
#[derive(Serialize, ToSchema)]
#[schema(as = BillingPlanView)]
struct One {
    billing_plans: Vec<PlanShown>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BillingPlanCreate, examples(json!({"billing_plan": {"name": "Cloud for partners", "user_group_ids": [2], "clone": 1}})))]
pub(crate) struct Create {
    billing_plan: BillingPlanDraft,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BillingPlanUpdate, examples(json!({"billing_plan": {"name": "Cloud 2025"}})))]
pub(crate) struct Update {
    billing_plan: BillingPlanPatch,
}

/// A whole billing plan; products and regions by name.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BillingPlanWhole, examples(json!({"billing_plan": {"name": "Cloud", "billing_resources": [{
    "product": "cpu", "tier_mode": "graduated", "billing_phases": [
        {"phase_type": "trial", "duration_unit": "days", "duration_qty": 7, "billing_resource_prices": [
            {"currency": "USD", "price": 0, "regions": ["eu"]}]},
        {"phase_type": "final", "billing_resource_prices": [
            {"currency": "USD", "max_qty": 10, "price": 0.02, "regions": ["eu"]},
            {"currency": "USD", "price": 0.015, "regions": ["eu"]}]},
    ],
}]}})))]
pub(crate) struct Whole {
    billing_plan: PlanDocument,
}

/// All billing plans with their groups.
#[utoipa::path(
    get, path = "/api/admin/billing_plans", tag = "billing_plans", security(("admin" = [])),
    params(PerPage),
    responses((status = 200, body = All, headers(("Total"), ("Per-Page")))),
)]
pub(crate) async fn list(AskList { web, by, page }: AskList) -> Result<Response, Problem> {
    let page = billing_plans::list(&web.app, &by, page).await?;
    Ok(listed(page, |billing_plans| All { billing_plans }))
}

/// One billing plan with all it holds, in a list of one.
#[utoipa::path(
    get, path = "/api/admin/billing_plans/{id}", tag = "billing_plans", security(("admin" = [])),
    params(("id" = u64, Path, description = "The billing plan's.")),
    responses((status = 200, body = One, headers(("ETag"))), (status = 404, description = "No billing plan of this id.")),
)]
pub(crate) async fn get(AskOne { web, by, id }: AskOne) -> Result<Response, Problem> {
    let found = billing_plans::get(&web.app, &by, number(Kind::BillingPlan, &id)?).await?;
    Ok(tagged(found, |plan| One { billing_plans: vec![plan] }))
}

/// Makes a billing plan, empty or with copies of another one's parts.
///
/// A group that is named is priced by it from now on, wherever it was.
#[utoipa::path(
    post, path = "/api/admin/billing_plans", tag = "billing_plans", security(("admin" = [])),
    request_body = Create,
    responses((status = 201, body = Answer, headers(("ETag"), ("Warning"))), (status = 422, description = "A field is wrong, or names what there is not.")),
)]
pub(crate) async fn create(
    AskNew { web, by, body: Create { billing_plan } }: AskNew<Create>,
) -> Result<Response, Problem> {
    let created = billing_plans::create(&web.app, &by, &billing_plan).await?;
    Ok(edited(StatusCode::CREATED, created, |billing_plan| Answer { billing_plan }))
}

/// Changes the name or the groups of a billing plan.
#[utoipa::path(
    patch, path = "/api/admin/billing_plans/{id}", tag = "billing_plans", security(("admin" = [])),
    params(("id" = u64, Path, description = "The billing plan's.")),
    request_body = Update,
    responses((status = 200, body = Answer, headers(("ETag"), ("Warning"))), (status = 404, description = "No billing plan of this id."), (status = 412, description = "The billing plan has changed since it was read."), (status = 422, description = "A field is wrong, or names what there is not.")),
)]
pub(crate) async fn update(
    AskChange { web, by, id, body: Update { billing_plan } }: AskChange<Update>,
) -> Result<Response, Problem> {
    let id = number(Kind::BillingPlan, &id)?;
    let updated = billing_plans::update(&web.app, &by, id, &billing_plan).await?;
    Ok(edited(StatusCode::OK, updated, |billing_plan| Answer { billing_plan }))
}

/// Deletes a billing plan that no group and no plan names.
#[utoipa::path(
    delete, path = "/api/admin/billing_plans/{id}", tag = "billing_plans", security(("admin" = [])),
    params(("id" = u64, Path, description = "The billing plan's.")),
    responses((status = 204, headers(("Warning"))), (status = 404, description = "No billing plan of this id."), (status = 412, description = "The billing plan has changed since it was read."), (status = 422, description = "Groups or plans name it.")),
)]
pub(crate) async fn delete(AskOne { web, by, id }: AskOne) -> Result<Response, Problem> {
    let deleted = billing_plans::delete(&web.app, &by, number(Kind::BillingPlan, &id)?).await?;
    Ok(with_warnings(StatusCode::NO_CONTENT.into_response(), &deleted.warnings))
}

/// A billing plan as one document, without ids.
#[utoipa::path(
    get, path = "/api/admin/billing_plans/{id}/document", tag = "billing_plans", security(("admin" = [])),
    params(("id" = u64, Path, description = "The billing plan's.")),
    responses((status = 200, body = Whole, headers(("ETag"))), (status = 404, description = "No billing plan of this id.")),
)]
pub(crate) async fn get_document(AskOne { web, by, id }: AskOne) -> Result<Response, Problem> {
    let found = billing_documents::get(&web.app, &by, number(Kind::BillingPlan, &id)?).await?;
    Ok(tagged(found, |billing_plan| Whole { billing_plan }))
}

/// Has a billing plan hold what the document says, as a whole or not at all.
///
/// Parts that are in both keep their ids.
#[utoipa::path(
    put, path = "/api/admin/billing_plans/{id}/document", tag = "billing_plans", security(("admin" = [])),
    params(("id" = u64, Path, description = "The billing plan's.")),
    request_body = Whole,
    responses((status = 200, body = Whole, headers(("ETag"), ("Warning"))), (status = 404, description = "No billing plan of this id."), (status = 412, description = "The billing plan has changed since it was read."), (status = 422, description = "A part is wrong, or names what there is not.")),
)]
pub(crate) async fn put_document(
    AskOne { web, by, id }: AskOne,
    LargeBody(Whole { billing_plan }): LargeBody<Whole>,
) -> Result<Response, Problem> {
    let id = number(Kind::BillingPlan, &id)?;
    let put = billing_documents::put(&web.app, &by, id, &billing_plan).await?;
    Ok(edited(StatusCode::OK, put, |billing_plan| Whole { billing_plan }))
}

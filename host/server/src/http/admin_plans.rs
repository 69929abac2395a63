//! Plans as admins manage them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use planwright_domain::money::{self, Currency};
use planwright_domain::period::Interval;
use planwright_domain::plan::plan_change::PlanPatch;
use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::plan::plan_stats::PlanStats;
use planwright_domain::plan::{Plan, PlanDraft};
use planwright_service::plans::plan_stats::{self, PlanFilter};
use planwright_service::{Reviewed, Tagged, plans};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::Web;
use super::auth::ByAdmin;
use super::body::{Body, Nothing, OptionalBody};
use super::path::Path;
use super::problem::Problem;
use super::query::{NoQuery, Query};
use super::warnings::with_warnings;

/// What is absent lets all through.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    is_active: Option<bool>,
    /// ISO 4217.
    #[param(value_type = Option<String>, pattern = "^[A-Z]{3}$")]
    #[serde(default, deserialize_with = "given_currency")]
    currency: Option<Currency>,
    interval: Option<Interval>,
    /// Part of the id or a name.
    q: Option<String>,
}

fn given_currency<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Currency>, D::Error> {
    money::read_currency(from).map(Some)
}

/// All plans, with their subscribers counted and their monthly revenue.
#[utoipa::path(
    get, path = "/api/v1/admin/billing/plans", tag = "admin_plans", security(("admin" = [])),
    params(Filter),
    responses((status = 200, body = Vec<PlanStats>)),
)]
pub(crate) async fn list(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(Filter { is_active, currency, interval, q }): Query<Filter>,
) -> Result<Json<Vec<PlanStats>>, Problem> {
    let filter = PlanFilter { is_active, currency, interval, q };
    Ok(Json(plan_stats::list(&web.app, &by, &filter).await?))
}

/// One plan, with its subscribers counted and its monthly revenue.
#[utoipa::path(
    get, path = "/api/v1/admin/billing/plans/{id}", tag = "admin_plans", security(("admin" = [])),
    params(("id" = PlanId, Path, description = "The plan's.")),
    responses((status = 200, body = PlanStats, headers(("ETag"))), (status = 404, description = "No plan of this id.")),
)]
pub(crate) async fn get(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<impl IntoResponse, Problem> {
    let Tagged { value, tag } = plan_stats::get(&web.app, &by, &id).await?;
    Ok(([(header::ETAG, tag)], Json(value)))
}

/// Makes a plan.
///
/// Without an id, the identity plugin makes one of the name.
#[utoipa::path(
    post, path = "/api/v1/admin/billing/plans", tag = "admin_plans", security(("admin" = [])),
    request_body = PlanDraft,
    responses((status = 201, body = Plan, headers(("ETag"), ("Warning")))),
)]
pub(crate) async fn create(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(NoQuery {}): Query<NoQuery>,
    Body(draft): Body<PlanDraft>,
) -> Result<Response, Problem> {
    let created = plans::create(&web.app, &by, draft).await?;
    Ok(answer(StatusCode::CREATED, created))
}

/// Changes what the body names.
///
/// While somebody is subscribed no quota goes down, and currency and interval stay.
#[utoipa::path(
    put, path = "/api/v1/admin/billing/plans/{id}", tag = "admin_plans", security(("admin" = [])),
    params(("id" = PlanId, Path, description = "The plan's.")),
    request_body = PlanPatch,
    responses((status = 200, body = Plan, headers(("ETag"), ("Warning"))), (status = 404, description = "No plan of this id."), (status = 412, description = "The plan has changed since it was read.")),
)]
pub(crate) async fn update(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(patch): Body<PlanPatch>,
) -> Result<Response, Problem> {
    let updated = plans::update(&web.app, &by, &id, patch).await?;
    Ok(answer(StatusCode::OK, updated))
}

#[derive(Serialize, ToSchema)]
struct Done {
    success: bool,
    message: String,
}

/// Deletes a plan that nobody is subscribed to.
#[utoipa::path(
    delete, path = "/api/v1/admin/billing/plans/{id}", tag = "admin_plans", security(("admin" = [])),
    params(("id" = PlanId, Path, description = "The plan's.")),
    responses((status = 200, body = Done, headers(("Warning"))), (status = 404, description = "No plan of this id."), (status = 412, description = "The plan has changed since it was read.")),
)]
pub(crate) async fn delete(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Response, Problem> {
    let deleted = plans::delete(&web.app, &by, &id).await?;
    let done = Done { success: true, message: format!("Plan '{id}' deleted.") };
    Ok(with_warnings(Json(done).into_response(), &deleted.warnings))
}

/// Switches a plan off or on.
#[utoipa::path(
    patch, path = "/api/v1/admin/billing/plans/{id}/toggle", tag = "admin_plans", security(("admin" = [])),
    params(("id" = PlanId, Path, description = "The plan's.")),
    request_body = Option<Nothing>,
    responses((status = 200, body = Plan, headers(("ETag"), ("Warning"))), (status = 404, description = "No plan of this id."), (status = 412, description = "The plan has changed since it was read.")),
)]
pub(crate) async fn toggle(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
    OptionalBody(_): OptionalBody<Nothing>,
) -> Result<Response, Problem> {
    let toggled = plans::toggle(&web.app, &by, &id).await?;
    Ok(answer(StatusCode::OK, toggled))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanCopy, examples(json!({"name": "Premium for partners"})))]
pub(crate) struct Copy {
    /// The old name and "(Copy)" where absent.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
}

/// Copies a plan.
///
/// The copy has another id, is inactive, and comes next in the list.
#[utoipa::path(
    post, path = "/api/v1/admin/billing/plans/{id}/duplicate", tag = "admin_plans", security(("admin" = [])),
    params(("id" = PlanId, Path, description = "The plan's.")),
    request_body = Option<Copy>,
    responses((status = 201, body = Plan, headers(("ETag"), ("Warning"))), (status = 404, description = "No plan of this id.")),
)]
pub(crate) async fn duplicate(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
    OptionalBody(copy): OptionalBody<Copy>,
) -> Result<Response, Problem> {
    let name = copy.and_then(|copy| copy.name);
    let copied = plans::duplicate(&web.app, &by, &id, name.as_deref()).await?;
    Ok(answer(StatusCode::CREATED, copied))
}

fn answer(status: StatusCode, reviewed: Reviewed) -> Response {
    let tag = [(header::ETAG, reviewed.tag)];
    with_warnings((status, tag, Json(reviewed.plan)).into_response(), &reviewed.warnings)
}

//! Quotes: what quantities would cost.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use planwright_domain::billing_plan::entry::Kind;
use planwright_domain::billing_plan::quote::{BillingPlanQuote, Quote, UserQuote};
use planwright_service::billing_plans::quotes;

use super::Web;
use super::auth::{ByAdmin, ByUser};
use super::body::Body;
use super::entries::number;
use super::path::Path;
use super::problem::Problem;
use super::query::{NoQuery, Query};

/// What quantities would cost by a billing plan.
///
/// It is asked of the pricing plugin, as a bill would be. Nothing is kept.
#[utoipa::path(
    post, path = "/api/admin/billing_plans/{id}/quote", tag = "quotes", security(("admin" = [])),
    params(("id" = u64, Path, description = "The billing plan's.")),
    request_body = BillingPlanQuote,
    responses((status = 200, body = Quote), (status = 404, description = "No billing plan of this id."), (status = 422, description = "A line has no price: `errors` names it by its place.")),
)]
pub(crate) async fn of_plan(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(asked): Body<BillingPlanQuote>,
) -> Result<Json<Quote>, Problem> {
    let id = number(Kind::BillingPlan, &id)?;
    Ok(Json(quotes::of_plan(&web.app, &by, id, &asked.into()).await?))
}

/// What quantities would cost by the own price book.
///
/// That is the one of the plan, else that of the group. An admin may ask about somebody else.
#[utoipa::path(
    post, path = "/api/v1/billing/quote", tag = "quotes", security(("user" = [])),
    request_body = UserQuote,
    responses((status = 200, body = Quote), (status = 404, description = "Nothing prices the user."), (status = 422, description = "A line has no price: `errors` names it by its place.")),
)]
pub(crate) async fn of_user(
    State(web): State<Arc<Web>>,
    ByUser(by): ByUser,
    Query(NoQuery {}): Query<NoQuery>,
    Body(asked): Body<UserQuote>,
) -> Result<Json<Quote>, Problem> {
    Ok(Json(quotes::of_user(&web.app, &by, &asked.into()).await?))
}

//! Transactions: a user's own, and as admins see them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::payment::transaction::{Slice, Transaction, TransactionStatus};
use planwright_domain::plan::plan_id::PlanId;
use planwright_service::payments::transactions::{self, TransactionFilter};
use serde::Deserialize;

use super::Web;
use super::auth::{ByAdmin, ByUser};
use super::problem::Problem;
use super::query::Query;

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<usize>,
    #[param(minimum = 0, default = 0)]
    skip: Option<usize>,
}

/// The own transactions, newest first.
#[utoipa::path(
    get, path = "/api/v1/billing/transactions", tag = "transactions", security(("user" = [])),
    params(Part),
    responses((status = 200, body = Vec<Transaction>)),
)]
pub(crate) async fn list(
    State(web): State<Arc<Web>>,
    ByUser(by): ByUser,
    Query(Part { limit, skip }): Query<Part>,
) -> Result<Json<Vec<Transaction>>, Problem> {
    Ok(Json(transactions::own(&web.app, &by, Slice::new(limit, skip)?).await?))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    plan_id: Option<PlanId>,
    status: Option<TransactionStatus>,
    user_id: Option<String>,
    #[param(minimum = 1, default = 1)]
    page: Option<usize>,
    #[param(minimum = 1, maximum = 100, default = 20)]
    page_size: Option<usize>,
}

/// All transactions, newest first.
#[utoipa::path(
    get, path = "/api/v1/admin/billing/transactions", tag = "transactions", security(("admin" = [])),
    params(Which),
    responses((status = 200, body = Page<Transaction>)),
)]
pub(crate) async fn list_all(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(Which { plan_id, status, user_id, page, page_size }): Query<Which>,
) -> Result<Json<Page<Transaction>>, Problem> {
    let page = PageRequest::new(page, page_size)?;
    let filter = TransactionFilter { plan_id, status, user_id };
    Ok(Json(transactions::list(&web.app, &by, &filter, page).await?))
}

//! All that a user's own page shows at once.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use planwright_domain::user::overview::Overview;
use planwright_service::users::overviews;

use super::Web;
use super::auth::ByUser;
use super::problem::Problem;
use super::query::{NoQuery, Query};

/// The own subscription, plan, usage and last transactions.
///
/// Usage is there also without a subscription. All of it is of one instant.
#[utoipa::path(
    get, path = "/api/v1/billing/me", tag = "overview", security(("user" = [])),
    responses((status = 200, body = Overview)),
)]
pub(crate) async fn get(
    State(web): State<Arc<Web>>,
    ByUser(by): ByUser,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Json<Overview>, Problem> {
    Ok(Json(overviews::own(&web.app, &by).await?))
}

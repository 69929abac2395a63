//! A tenant's time, which an admin sets in a sandbox.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use planwright_domain::tenant::clock::{Clock, ClockSetting};
use planwright_service::tenants::{clock_setting, clocks};

use super::Web;
use super::auth::ByAdmin;
use super::body::Body;
use super::problem::Problem;
use super::query::{NoQuery, Query};

/// The tenant's time.
#[utoipa::path(
    get, path = "/api/v1/admin/clock", tag = "clock", security(("admin" = [])),
    responses((status = 200, body = Clock)),
)]
pub(crate) async fn get(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Json<Clock>, Problem> {
    Ok(Json(clocks::get(&web.app, &by).await?))
}

/// Sets a sandbox's time, where it stands still then.
///
/// All that became due is done when this answers. Time never goes back.
#[utoipa::path(
    put, path = "/api/v1/admin/clock", tag = "clock", security(("admin" = [])),
    request_body = ClockSetting,
    responses((status = 200, body = Clock)),
)]
pub(crate) async fn set(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(NoQuery {}): Query<NoQuery>,
    Body(setting): Body<ClockSetting>,
) -> Result<Json<Clock>, Problem> {
    Ok(Json(clock_setting::set(&web.app, &by, setting).await?))
}

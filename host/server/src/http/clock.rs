//! A tenant's time, which an admin sets in a sandbox.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use planwright_domain::time::{self, Timestamp};
use planwright_service::clocks::{self, Clock};
use serde::Deserialize;

use super::Web;
use super::auth::ByAdmin;
use super::body::Body;
use super::problem::Problem;
use super::query::{NoQuery, Query};

/// `GET /api/v1/admin/clock`
pub(crate) async fn get(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Json<Clock>, Problem> {
    Ok(Json(clocks::get(&web.app, &by).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Setting {
    #[serde(with = "time::seconds")]
    now: Timestamp,
}

/// `PUT /api/v1/admin/clock`
pub(crate) async fn set(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(NoQuery {}): Query<NoQuery>,
    Body(Setting { now }): Body<Setting>,
) -> Result<Json<Clock>, Problem> {
    Ok(Json(clocks::set(&web.app, &by, now).await?))
}

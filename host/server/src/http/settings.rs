//! The tenant's settings.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use planwright_domain::tenant::settings::{Settings, SettingsPatch};
use planwright_service::tenants::settings;

use super::Web;
use super::auth::ByAdmin;
use super::body::Body;
use super::problem::Problem;
use super::query::{NoQuery, Query};

/// The tenant's settings.
#[utoipa::path(
    get, path = "/api/v1/admin/settings", tag = "settings", security(("admin" = [])),
    responses((status = 200, body = Settings)),
)]
pub(crate) async fn get(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Json<Settings>, Problem> {
    Ok(Json(settings::get(&web.app, &by).await?))
}

/// Changes the settings that the body names.
#[utoipa::path(
    put, path = "/api/v1/admin/settings", tag = "settings", security(("admin" = [])),
    request_body = SettingsPatch,
    responses((status = 200, body = Settings)),
)]
pub(crate) async fn update(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(NoQuery {}): Query<NoQuery>,
    Body(patch): Body<SettingsPatch>,
) -> Result<Json<Settings>, Problem> {
    Ok(Json(settings::update(&web.app, &by, &patch).await?))
}

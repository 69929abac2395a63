//! Which plugins answer for which hook, of a tenant or with `?tenant=*` of the host.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use planwright_domain::Refusal;
use planwright_domain::plugin::binding::{Binding, BindingDraft};
use planwright_domain::plugin::hook::Hook;
use planwright_service::plugins::plugin_bindings::{self, TaggedBinding};
use serde::Serialize;
use utoipa::ToSchema;

use super::Web;
use super::auth::ByPluginOwner;
use super::body::Body;
use super::path::Path;
use super::problem::Problem;
use super::query::{NoQuery, Query};

/// What is live for every hook.
#[derive(Serialize, ToSchema)]
pub(crate) struct Bindings {
    /// One for each hook.
    bindings: Vec<Binding>,
}

/// Which plugins are live for every hook, and where they come from.
#[utoipa::path(
    get, path = "/api/v1/admin/plugin-bindings", tag = "plugin_bindings", security(("admin" = [])),
    responses((status = 200, body = Bindings)),
)]
pub(crate) async fn list(
    State(web): State<Arc<Web>>,
    ByPluginOwner(_, owner): ByPluginOwner,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Json<Bindings>, Problem> {
    let bindings = plugin_bindings::list(&web.app, &owner).await?;
    Ok(Json(Bindings { bindings }))
}

/// Which plugins are live for a hook, and where they come from.
#[utoipa::path(
    get, path = "/api/v1/admin/plugin-bindings/{hook}", tag = "plugin_bindings", security(("admin" = [])),
    params(("hook" = Hook, Path, description = "What asks.")),
    responses((status = 200, body = Binding, headers(("ETag"))), (status = 404, description = "No such hook.")),
)]
pub(crate) async fn get(
    State(web): State<Arc<Web>>,
    ByPluginOwner(_, owner): ByPluginOwner,
    Path(hook): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<impl IntoResponse, Problem> {
    Ok(answer(plugin_bindings::get(&web.app, &owner, read(&hook)?).await?))
}

/// Binds plugins to a hook, in the place of those that were bound before.
///
/// All of them are loaded and take their settings before it is answered; they decide every request that begins after.
#[utoipa::path(
    put, path = "/api/v1/admin/plugin-bindings/{hook}", tag = "plugin_bindings", security(("admin" = [])),
    params(("hook" = Hook, Path, description = "What asks.")),
    request_body = BindingDraft,
    responses(
        (status = 200, body = Binding, headers(("ETag"))),
        (status = 404, description = "No such hook."),
        (status = 409, description = "A plugin is not ready."),
        (status = 412, description = "Bindings have changed since they were read."),
    ),
)]
pub(crate) async fn bind(
    State(web): State<Arc<Web>>,
    ByPluginOwner(by, owner): ByPluginOwner,
    Path(hook): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(draft): Body<BindingDraft>,
) -> Result<impl IntoResponse, Problem> {
    let hook = read(&hook)?;
    Ok(answer(plugin_bindings::bind(&web.app, &by, &owner, hook, draft).await?))
}

/// Goes back to the default, and says what that is.
#[utoipa::path(
    delete, path = "/api/v1/admin/plugin-bindings/{hook}", tag = "plugin_bindings", security(("admin" = [])),
    params(("hook" = Hook, Path, description = "What asks.")),
    responses(
        (status = 200, body = Binding, headers(("ETag"))),
        (status = 404, description = "No such hook."),
        (status = 412, description = "Bindings have changed since they were read."),
    ),
)]
pub(crate) async fn unbind(
    State(web): State<Arc<Web>>,
    ByPluginOwner(by, owner): ByPluginOwner,
    Path(hook): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<impl IntoResponse, Problem> {
    Ok(answer(plugin_bindings::unbind(&web.app, &by, &owner, read(&hook)?).await?))
}

fn read(hook: &str) -> Result<Hook, Refusal> {
    // What was asked for is shown back, but not at any length.
    let not_found = || Refusal::HookNotFound { name: hook.chars().take(128).collect() };
    Hook::from_name(hook).ok_or_else(not_found)
}

fn answer(TaggedBinding { binding, tag }: TaggedBinding) -> impl IntoResponse {
    ([(header::ETAG, tag)], Json(binding))
}

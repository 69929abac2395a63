//! Which plugins answer for which hook, of a tenant or with `?tenant=*` of the host.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use planwright_domain::Refusal;
use planwright_domain::binding::{Binding, BindingDraft};
use planwright_domain::hook::Hook;
use planwright_service::plugin_bindings::{self, TaggedBinding};
use serde::Serialize;

use super::Web;
use super::auth::ByPluginOwner;
use super::body::Body;
use super::path::Path;
use super::problem::Problem;
use super::query::{NoQuery, Query};

/// What is live for every hook.
#[derive(Serialize)]
pub(crate) struct Bindings {
    bindings: Vec<Binding>,
}

/// `GET /api/v1/admin/plugin-bindings`
pub(crate) async fn list(
    State(web): State<Arc<Web>>,
    ByPluginOwner(_, owner): ByPluginOwner,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Json<Bindings>, Problem> {
    let bindings = plugin_bindings::list(&web.app, &owner).await?;
    Ok(Json(Bindings { bindings }))
}

/// `GET /api/v1/admin/plugin-bindings/{hook}`
pub(crate) async fn get(
    State(web): State<Arc<Web>>,
    ByPluginOwner(_, owner): ByPluginOwner,
    Path(hook): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<impl IntoResponse, Problem> {
    Ok(answer(plugin_bindings::get(&web.app, &owner, read(&hook)?).await?))
}

/// `PUT /api/v1/admin/plugin-bindings/{hook}`
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

/// `DELETE /api/v1/admin/plugin-bindings/{hook}`
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

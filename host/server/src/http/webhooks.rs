//! Webhook endpoints as admins manage them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::webhook::{EndpointDraft, EndpointPatch, EndpointReport, Rotation};
use planwright_service::webhooks::{self, WithSecret};
use serde::Serialize;
use utoipa::ToSchema;

use super::Web;
use super::auth::ByAdmin;
use super::body::{Body, OptionalBody};
use super::path::Path;
use super::problem::Problem;
use super::query::{NoQuery, Paging, Query};

/// The one answer that shows the secret.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookEndpointWithSecret)]
pub(crate) struct Shown {
    #[serde(flatten)]
    endpoint: EndpointReport,
    /// What calls are signed with, `whsec_…`.
    secret: String,
}

/// Nothing between here and who asked may keep the secret.
fn shown(status: StatusCode, made: WithSecret) -> impl IntoResponse {
    let shown = Shown { endpoint: made.report, secret: made.secret };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(shown))
}

/// Makes a webhook endpoint.
///
/// `secret` is shown this once. Calls are signed with it as Standard Webhooks has it: `webhook-signature` is `v1,` and
/// the base64 of HMAC-SHA256 over `webhook-id`, `webhook-timestamp` and the body, with a point between, by the bytes
/// behind `whsec_`.
#[utoipa::path(
    post, path = "/api/v1/admin/webhooks", tag = "webhooks", security(("admin" = [])),
    request_body = EndpointDraft,
    responses(
        (status = 201, body = Shown, headers(("Cache-Control"))),
        (status = 409, description = "There are too many, or it was made by the same request before."),
    ),
)]
pub(crate) async fn create(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(NoQuery {}): Query<NoQuery>,
    Body(draft): Body<EndpointDraft>,
) -> Result<impl IntoResponse, Problem> {
    let made = webhooks::create(&web.app, &by, draft, web.reach).await?;
    Ok(shown(StatusCode::CREATED, made))
}

/// The tenant's webhook endpoints, and how they fare.
#[utoipa::path(
    get, path = "/api/v1/admin/webhooks", tag = "webhooks", security(("admin" = [])),
    params(Paging),
    responses((status = 200, body = Page<EndpointReport>)),
)]
pub(crate) async fn list(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(Paging { page, page_size }): Query<Paging>,
) -> Result<Json<Page<EndpointReport>>, Problem> {
    let page = PageRequest::new(page, page_size)?;
    Ok(Json(webhooks::list(&web.app, &by, page).await?))
}

/// One webhook endpoint, and how it fares.
#[utoipa::path(
    get, path = "/api/v1/admin/webhooks/{id}", tag = "webhooks", security(("admin" = [])),
    params(("id" = String, Path, description = "The endpoint's.")),
    responses((status = 200, body = EndpointReport), (status = 404, description = "No webhook endpoint of this id.")),
)]
pub(crate) async fn get(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Json<EndpointReport>, Problem> {
    Ok(Json(webhooks::get(&web.app, &by, &id).await?))
}

/// Changes what the body names.
///
/// What waits for an endpoint that is switched off is given up when its time comes, and can be sent again later.
#[utoipa::path(
    put, path = "/api/v1/admin/webhooks/{id}", tag = "webhooks", security(("admin" = [])),
    params(("id" = String, Path, description = "The endpoint's.")),
    request_body = EndpointPatch,
    responses((status = 200, body = EndpointReport), (status = 404, description = "No webhook endpoint of this id.")),
)]
pub(crate) async fn update(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(patch): Body<EndpointPatch>,
) -> Result<Json<EndpointReport>, Problem> {
    Ok(Json(webhooks::update(&web.app, &by, &id, patch, web.reach).await?))
}

/// Gives a webhook endpoint another secret.
///
/// `secret` is shown this once. The one before signs beside it for `overlap_hours`: `webhook-signature` has both
/// signatures, with a space between.
#[utoipa::path(
    post, path = "/api/v1/admin/webhooks/{id}/rotate", tag = "webhooks", security(("admin" = [])),
    params(("id" = String, Path, description = "The endpoint's.")),
    request_body = Option<Rotation>,
    responses(
        (status = 200, body = Shown, headers(("Cache-Control"))),
        (status = 404, description = "No webhook endpoint of this id."),
        (status = 409, description = "It was made by the same request before."),
    ),
)]
pub(crate) async fn rotate(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
    OptionalBody(rotation): OptionalBody<Rotation>,
) -> Result<impl IntoResponse, Problem> {
    let rotation = rotation.unwrap_or_default();
    Ok(shown(StatusCode::OK, webhooks::rotate(&web.app, &by, &id, rotation).await?))
}

/// Deletes a webhook endpoint: nothing more is sent to it.
#[utoipa::path(
    delete, path = "/api/v1/admin/webhooks/{id}", tag = "webhooks", security(("admin" = [])),
    params(("id" = String, Path, description = "The endpoint's.")),
    responses((status = 204), (status = 404, description = "No webhook endpoint of this id.")),
)]
pub(crate) async fn delete(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<StatusCode, Problem> {
    webhooks::delete(&web.app, &by, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

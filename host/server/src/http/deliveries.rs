//! The log of what was sent to a webhook endpoint.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::webhook::delivery::{Delivery, DeliveryState};
use planwright_service::webhooks::deliveries;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Web;
use super::auth::ByAdmin;
use super::body::OptionalBody;
use super::path::Path;
use super::problem::Problem;
use super::query::{NoQuery, Query};

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    state: Option<DeliveryState>,
    #[param(minimum = 1, default = 1)]
    page: Option<usize>,
    #[param(minimum = 1, maximum = 100, default = 20)]
    page_size: Option<usize>,
}

/// What was sent to a webhook endpoint, the newest events first.
///
/// What is delivered or given up is kept for 30 days.
#[utoipa::path(
    get, path = "/api/v1/admin/webhooks/{id}/deliveries", tag = "deliveries", security(("admin" = [])),
    params(("id" = String, Path, description = "The endpoint's."), Which),
    responses((status = 200, body = Page<Delivery>), (status = 404, description = "No webhook endpoint of this id.")),
)]
pub(crate) async fn list(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(Which { state, page, page_size }): Query<Which>,
) -> Result<Json<Page<Delivery>>, Problem> {
    let page = PageRequest::new(page, page_size)?;
    Ok(Json(deliveries::list(&web.app, &by, &id, state, page).await?))
}

/// Nothing needs to be said.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookSend, examples(json!({})))]
pub(crate) struct Send {}

/// Sends an event of the type `webhook.test` to a webhook endpoint, whatever it listens to.
#[utoipa::path(
    post, path = "/api/v1/admin/webhooks/{id}/test", tag = "deliveries", security(("admin" = [])),
    params(("id" = String, Path, description = "The endpoint's.")),
    request_body = Option<Send>,
    responses(
        (status = 202, description = "It is sent at once.", body = Delivery),
        (status = 404, description = "No webhook endpoint of this id."),
        (status = 409, description = "It is switched off, or too much waits for it."),
    ),
)]
pub(crate) async fn test(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
    OptionalBody(_): OptionalBody<Send>,
) -> Result<(StatusCode, Json<Delivery>), Problem> {
    Ok((StatusCode::ACCEPTED, Json(deliveries::test(&web.app, &by, &id).await?)))
}

/// Sends an event again.
///
/// What waits for its next attempt is sent at once; what is done is sent as another delivery, with the same
/// `webhook-id`, so that a receiver can tell.
#[utoipa::path(
    post, path = "/api/v1/admin/webhooks/{id}/deliveries/{delivery_id}/redeliver", tag = "deliveries",
    security(("admin" = [])),
    params(
        ("id" = String, Path, description = "The endpoint's."),
        ("delivery_id" = String, Path, description = "The delivery's."),
    ),
    request_body = Option<Send>,
    responses(
        (status = 202, description = "It is sent at once.", body = Delivery),
        (status = 404, description = "No webhook endpoint of this id, or no delivery of it."),
        (status = 409, description = "The endpoint is switched off, or too much waits for it."),
    ),
)]
pub(crate) async fn redeliver(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path((id, delivery_id)): Path<(String, String)>,
    Query(NoQuery {}): Query<NoQuery>,
    OptionalBody(_): OptionalBody<Send>,
) -> Result<(StatusCode, Json<Delivery>), Problem> {
    let delivery = deliveries::redeliver(&web.app, &by, &id, &delivery_id).await?;
    Ok((StatusCode::ACCEPTED, Json(delivery)))
}

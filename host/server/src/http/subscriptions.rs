//! Subscriptions: a user's own, and as admins see and give them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use planwright_domain::caller::is_user_id;
use planwright_domain::grant::Grant;
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::plan::PlanId;
use planwright_domain::subscription::{Status, Subscriber, Subscription};
use planwright_service::subscription_list::SubscriptionFilter;
use planwright_service::subscriptions::When;
use planwright_service::{subscribers, subscription_list, subscriptions};
use serde::Deserialize;

use super::Web;
use super::auth::{ByAdmin, ByUser};
use super::body::{Body, OptionalBody};
use super::path::Path;
use super::problem::Problem;
use super::query::{NoQuery, Query};

/// `GET /api/v1/billing/subscription`
pub(crate) async fn get(
    State(web): State<Arc<Web>>,
    ByUser(by): ByUser,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Json<Option<Subscription>>, Problem> {
    Ok(Json(subscriptions::get(&web.app, &by).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Start {
    plan_id: PlanId,
}

/// `POST /api/v1/billing/subscription`
pub(crate) async fn start(
    State(web): State<Arc<Web>>,
    ByUser(by): ByUser,
    Query(NoQuery {}): Query<NoQuery>,
    Body(Start { plan_id }): Body<Start>,
) -> Result<(StatusCode, Json<Subscription>), Problem> {
    let subscription = subscriptions::start(&web.app, &by, &plan_id).await?;
    Ok((StatusCode::CREATED, Json(subscription)))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cancel {
    #[serde(default)]
    immediate: bool,
}

/// `POST /api/v1/billing/subscription/cancel`
pub(crate) async fn cancel(
    State(web): State<Arc<Web>>,
    ByUser(by): ByUser,
    Query(NoQuery {}): Query<NoQuery>,
    OptionalBody(cancel): OptionalBody<Cancel>,
) -> Result<Json<Subscription>, Problem> {
    let Cancel { immediate } = cancel.unwrap_or_default();
    Ok(Json(subscriptions::cancel(&web.app, &by, immediate).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// `POST /api/v1/billing/subscription/resume`
pub(crate) async fn resume(
    State(web): State<Arc<Web>>,
    ByUser(by): ByUser,
    Query(NoQuery {}): Query<NoQuery>,
    OptionalBody(_): OptionalBody<Nothing>,
) -> Result<Json<Subscription>, Problem> {
    Ok(Json(subscriptions::resume(&web.app, &by).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    plan_id: PlanId,
    when: When,
}

/// `POST /api/v1/billing/subscription/change`
pub(crate) async fn change(
    State(web): State<Arc<Web>>,
    ByUser(by): ByUser,
    Query(NoQuery {}): Query<NoQuery>,
    Body(Change { plan_id, when }): Body<Change>,
) -> Result<Json<Subscription>, Problem> {
    Ok(Json(subscriptions::change(&web.app, &by, &plan_id, when).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    plan_id: Option<String>,
    status: Option<Status>,
    user_id: Option<String>,
    page: Option<usize>,
    page_size: Option<usize>,
}

/// `GET /api/v1/admin/billing/subscriptions`
pub(crate) async fn list(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(Which { plan_id, status, user_id, page, page_size }): Query<Which>,
) -> Result<Json<Page<Subscription>>, Problem> {
    let page = PageRequest::new(page, page_size)?;
    let filter = SubscriptionFilter { plan_id, status, user_id };
    Ok(Json(subscription_list::list(&web.app, &by, &filter, page).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    status: Option<Status>,
    page: Option<usize>,
    page_size: Option<usize>,
}

/// `GET /api/v1/admin/billing/plans/{id}/subscribers`
pub(crate) async fn list_of_plan(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(Filter { status, page, page_size }): Query<Filter>,
) -> Result<Json<Page<Subscriber>>, Problem> {
    let page = PageRequest::new(page, page_size)?;
    Ok(Json(subscribers::list(&web.app, &by, &id, status, page).await?))
}

/// `PUT /api/v1/admin/billing/users/{user_id}/subscription`
pub(crate) async fn grant(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(user_id): Path<String>,
    Body(grant): Body<Grant>,
) -> Result<(StatusCode, Json<Subscription>), Problem> {
    if !is_user_id(&user_id) {
        let message = "user_id must have 1 to 255 characters, none of them a control character.";
        return Err(Problem::field("user_id", "invalid_user_id", message));
    }
    let granted = subscriptions::grant(&web.app, &by, &user_id, &grant).await?;
    let status = if granted.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(granted.subscription)))
}

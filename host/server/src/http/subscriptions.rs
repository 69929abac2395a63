//! Subscriptions: a user's own, and as admins see and give them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::subscription::grant::Grant;
use planwright_domain::subscription::life::When;
use planwright_domain::subscription::{Status, Subscriber, Subscription};
use planwright_domain::tenant::caller::is_user_id;
use planwright_service::plans::subscribers;
use planwright_service::subscriptions;
use planwright_service::subscriptions::subscription_list;
use planwright_service::subscriptions::subscription_list::SubscriptionFilter;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Web;
use super::auth::{ByAdmin, ByUser};
use super::body::{Body, Nothing, OptionalBody};
use super::path::Path;
use super::problem::Problem;
use super::query::{NoQuery, Query};

/// The own subscription, or `null`.
#[utoipa::path(
    get, path = "/api/v1/billing/subscription", tag = "subscriptions", security(("user" = [])),
    responses((status = 200, body = Option<Subscription>)),
)]
pub(crate) async fn get(
    State(web): State<Arc<Web>>,
    ByUser(by): ByUser,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Json<Option<Subscription>>, Problem> {
    Ok(Json(subscriptions::get(&web.app, &by).await?))
}

/// What somebody subscribes to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SubscriptionStart, examples(json!({"plan_id": "premium_abc12345"})))]
pub(crate) struct Start {
    plan_id: PlanId,
}

/// Subscribes to a plan that costs nothing now.
///
/// That is a free one, one with free days that this user has not had, or one that this user left and that is paid
/// still. Whoever comes back to a plan inside a period that was left goes on with it, and with its usage.
#[utoipa::path(
    post, path = "/api/v1/billing/subscription", tag = "subscriptions", security(("user" = [])),
    request_body = Start,
    responses(
        (status = 201, body = Subscription),
        (status = 402, description = "It costs something: `amount_due` is to be paid at `payment`."),
        (status = 404, description = "No plan of this id."),
        (status = 409, description = "There is a subscription already."),
    ),
)]
pub(crate) async fn start(
    State(web): State<Arc<Web>>,
    ByUser(by): ByUser,
    Query(NoQuery {}): Query<NoQuery>,
    Body(Start { plan_id }): Body<Start>,
) -> Result<(StatusCode, Json<Subscription>), Problem> {
    let subscription = subscriptions::start(&web.app, &by, &plan_id).await?;
    Ok((StatusCode::CREATED, Json(subscription)))
}

/// How a subscription ends.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SubscriptionCancel, examples(json!({"immediate": false})))]
pub(crate) struct Cancel {
    /// Now, and not with what is paid.
    #[serde(default)]
    immediate: bool,
}

/// Ends the own subscription, with what is paid or at once.
///
/// Twice is the same as once.
#[utoipa::path(
    post, path = "/api/v1/billing/subscription/cancel", tag = "subscriptions", security(("user" = [])),
    request_body = Option<Cancel>,
    responses(
        (status = 200, body = Subscription),
        (status = 404, description = "There is no subscription."),
    ),
)]
pub(crate) async fn cancel(
    State(web): State<Arc<Web>>,
    ByUser(by): ByUser,
    Query(NoQuery {}): Query<NoQuery>,
    OptionalBody(cancel): OptionalBody<Cancel>,
) -> Result<Json<Subscription>, Problem> {
    let Cancel { immediate } = cancel.unwrap_or_default();
    Ok(Json(subscriptions::cancel(&web.app, &by, immediate).await?))
}

/// Takes back that the own subscription ends.
#[utoipa::path(
    post, path = "/api/v1/billing/subscription/resume", tag = "subscriptions", security(("user" = [])),
    request_body = Option<Nothing>,
    responses(
        (status = 200, body = Subscription),
        (status = 404, description = "There is no subscription."),
    ),
)]
pub(crate) async fn resume(
    State(web): State<Arc<Web>>,
    ByUser(by): ByUser,
    Query(NoQuery {}): Query<NoQuery>,
    OptionalBody(_): OptionalBody<Nothing>,
) -> Result<Json<Subscription>, Problem> {
    Ok(Json(subscriptions::resume(&web.app, &by).await?))
}

/// Which plan, from when on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SubscriptionChange, examples(json!({"plan_id": "premium_abc12345", "when": "period_end"})))]
pub(crate) struct Change {
    plan_id: PlanId,
    when: When,
}

/// Takes another plan, now or when what is paid is over.
///
/// Now, if nothing is due for it: the rest of what was paid is set off, and what is over is credit. At the period's
/// end, the plan is pending; to name the own plan takes that back.
#[utoipa::path(
    post, path = "/api/v1/billing/subscription/change", tag = "subscriptions", security(("user" = [])),
    request_body = Change,
    responses(
        (status = 200, body = Subscription),
        (status = 402, description = "It costs something: `amount_due` is to be paid at `payment`."),
        (status = 404, description = "There is no subscription, or no plan of this id."),
        (status = 409, description = "It is the own plan already."),
    ),
)]
pub(crate) async fn change(
    State(web): State<Arc<Web>>,
    ByUser(by): ByUser,
    Query(NoQuery {}): Query<NoQuery>,
    Body(Change { plan_id, when }): Body<Change>,
) -> Result<Json<Subscription>, Problem> {
    Ok(Json(subscriptions::change(&web.app, &by, &plan_id, when).await?))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    plan_id: Option<String>,
    status: Option<Status>,
    user_id: Option<String>,
    #[param(minimum = 1, default = 1)]
    page: Option<usize>,
    #[param(minimum = 1, maximum = 100, default = 20)]
    page_size: Option<usize>,
}

/// All subscriptions, newest first.
#[utoipa::path(
    get, path = "/api/v1/admin/billing/subscriptions", tag = "subscriptions", security(("admin" = [])),
    params(Which),
    responses((status = 200, body = Page<Subscription>), (status = 404, description = "No plan of this id.")),
)]
pub(crate) async fn list(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(Which { plan_id, status, user_id, page, page_size }): Query<Which>,
) -> Result<Json<Page<Subscription>>, Problem> {
    let page = PageRequest::new(page, page_size)?;
    let filter = SubscriptionFilter { plan_id, status, user_id };
    Ok(Json(subscription_list::list(&web.app, &by, &filter, page).await?))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    status: Option<Status>,
    #[param(minimum = 1, default = 1)]
    page: Option<usize>,
    #[param(minimum = 1, maximum = 100, default = 20)]
    page_size: Option<usize>,
}

/// Who is subscribed to a plan, newest first.
#[utoipa::path(
    get, path = "/api/v1/admin/billing/plans/{id}/subscribers", tag = "subscriptions", security(("admin" = [])),
    params(("id" = PlanId, Path, description = "The plan's."), Filter),
    responses((status = 200, body = Page<Subscriber>), (status = 404, description = "No plan of this id.")),
)]
pub(crate) async fn list_of_plan(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(Filter { status, page, page_size }): Query<Filter>,
) -> Result<Json<Page<Subscriber>>, Problem> {
    let page = PageRequest::new(page, page_size)?;
    Ok(Json(subscribers::list(&web.app, &by, &id, status, page).await?))
}

/// Puts a user on a plan, paid for one period.
///
/// On the same plan the period goes on, unless `trial_days` or `reset_usage` begin another one.
#[utoipa::path(
    put, path = "/api/v1/admin/billing/users/{user_id}/subscription", tag = "subscriptions",
    security(("admin" = [])),
    params((
        "user_id" = String, Path, min_length = 1, max_length = 255,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$", description = "Whose.",
    )),
    request_body = Grant,
    responses(
        (status = 200, description = "The live subscription has this plan now.", body = Subscription),
        (status = 201, description = "The user had no live subscription.", body = Subscription),
        (status = 404, description = "No plan of this id."),
    ),
)]
pub(crate) async fn grant(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(user_id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
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

//! Usage and quotas: what a product asks before it does something, and says after it did.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use planwright_domain::Refusal;
use planwright_domain::refusal::FieldError;
use planwright_domain::tenant::caller::is_user_id;
use planwright_domain::usage::metric::Metric;
use planwright_domain::usage::usage_event::{
    BatchOutcome, BatchShape, MOST_IN_A_BATCH, RejectedEvent, UsageCheck, UsageDraft,
};
use planwright_domain::usage::{Allowance, OneOrEach, UsageReport};
use planwright_service::usage::usage_batches::BatchEvent;
use planwright_service::usage::{usage_batches, usage_events};
use planwright_service::{Request, usage};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Web;
use super::auth::{ByAdmin, ByMeter, ByService, ByUser};
use super::body::{Body, LargeBody};
use super::json;
use super::path::Path;
use super::problem::Problem;
use super::query::{NoQuery, Query};

/// How far the own quota of a metric is used.
#[utoipa::path(
    get, path = "/api/v1/billing/usage/{metric}", tag = "usage", security(("user" = [])),
    params(("metric" = Metric, Path, description = "Which.")),
    responses((status = 200, body = UsageReport)),
)]
pub(crate) async fn get(
    State(web): State<Arc<Web>>,
    ByUser(by): ByUser,
    Path(metric): Path<Metric>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Json<UsageReport>, Problem> {
    Ok(Json(usage::report(&web.app, &by, &by.caller.user_id, metric).await?))
}

/// How far the own quotas of all metrics are used.
#[utoipa::path(
    get, path = "/api/v1/billing/usage", tag = "usage", security(("user" = [])),
    responses((status = 200, body = Vec<UsageReport>)),
)]
pub(crate) async fn list(
    State(web): State<Arc<Web>>,
    ByUser(by): ByUser,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Json<Vec<UsageReport>>, Problem> {
    let Request { caller, now, .. } = &by;
    Ok(Json(usage::reports(&web.app, &caller.tenant, &caller.user_id, *now).await?))
}

/// How far a user's quotas of all metrics are used.
#[utoipa::path(
    get, path = "/api/v1/admin/billing/users/{user_id}/usage", tag = "usage", security(("admin" = [])),
    params((
        "user_id" = String, Path, min_length = 1, max_length = 255,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$", description = "Whose.",
    )),
    responses((status = 200, body = Vec<UsageReport>)),
)]
pub(crate) async fn list_of_user(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(user_id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Json<Vec<UsageReport>>, Problem> {
    if !is_user_id(&user_id) {
        let message = "user_id must have 1 to 255 characters, none of them a control character.";
        return Err(Problem::field("user_id", "invalid_user_id", message));
    }
    Ok(Json(usage::reports(&web.app, &by.caller.tenant, &user_id, by.now).await?))
}

/// Whether something may be done. Nothing is consumed.
///
/// It is allowed if all that was used and the amount are within the quota, or if usage past it is billed. With
/// `amounts`, the answer is by metric.
#[utoipa::path(
    post, path = "/api/v1/billing/usage/check", tag = "usage",
    security(("user" = []), ("service" = [])),
    request_body = UsageCheck,
    responses((status = 200, body = OneOrEach<Allowance>)),
)]
pub(crate) async fn check(
    State(web): State<Arc<Web>>,
    ByMeter(by): ByMeter,
    Query(NoQuery {}): Query<NoQuery>,
    Body(check): Body<UsageCheck>,
) -> Result<Json<OneOrEach<Allowance>>, Problem> {
    let (asked, user_id) = check.read()?;
    let user_id = usage::whose(&by, user_id.as_deref())?;
    Ok(Json(usage::check(&web.app, &by, user_id, &asked).await?))
}

/// Records what was used; with `enforce`, only if the quota reaches.
///
/// `enforce` is check and consume in one step. Several metrics in `amounts` count together or not at all. With an
/// `event_id` it may be sent again and counts once. The answer says how far the quotas are used with it, by metric
/// where there are `amounts`.
#[utoipa::path(
    post, path = "/api/v1/billing/usage", tag = "usage",
    security(("user" = []), ("service" = [])),
    request_body = UsageDraft,
    responses(
        (status = 200, description = "The event was recorded before, and counts once.", body = OneOrEach<UsageReport>),
        (status = 201, body = OneOrEach<UsageReport>),
        (status = 422, description = "The event_id, or the Idempotency-Key, was used for something else."),
        (
            status = 429, headers(("Retry-After")),
            description = "The quota does not reach, and nothing is recorded. `metric` says which.",
        ),
    ),
)]
pub(crate) async fn record(
    State(web): State<Arc<Web>>,
    ByMeter(by): ByMeter,
    Query(NoQuery {}): Query<NoQuery>,
    Body(draft): Body<UsageDraft>,
) -> Result<(StatusCode, Json<OneOrEach<UsageReport>>), Problem> {
    let (event, user_id) = draft.read(by.now)?;
    let user_id = usage::whose(&by, user_id.as_deref())?;
    let recorded = usage_events::record(&web.app, &by, user_id, &event).await?;
    let status = if recorded.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(recorded.usage)))
}

/// Events of a batch as they were sent, each read by itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Batch {
    events: Vec<Box<RawValue>>,
}

/// Records up to 10,000 events at once.
///
/// Each names its `user_id`. All events that are good count in one step: where the answer is no success, none does. An
/// event that is wrong, or for which a quota does not reach (`enforce`), is in `rejected` and spoils no other.
#[utoipa::path(
    post, path = "/api/v1/billing/usage/batch", tag = "usage", operation_id = "record_batch",
    security(("service" = [])),
    request_body = BatchShape,
    responses((status = 200, body = BatchOutcome)),
)]
pub(crate) async fn record_batch(
    State(web): State<Arc<Web>>,
    ByService(by): ByService,
    Query(NoQuery {}): Query<NoQuery>,
    LargeBody(batch): LargeBody<Batch>,
) -> Result<Json<BatchOutcome>, Problem> {
    if batch.events.len() > MOST_IN_A_BATCH {
        let message = format!("A batch has at most {MOST_IN_A_BATCH} events. Send several.");
        return Err(Problem::field("events", "too_many", &message));
    }
    let (mut events, mut rejected) = (Vec::with_capacity(batch.events.len()), Vec::new());
    for (index, raw) in batch.events.iter().enumerate() {
        match event(index, raw, &by) {
            Ok(event) => events.push(event),
            Err(refusal) => rejected.push(RejectedEvent::new(index, &refusal)),
        }
    }
    Ok(Json(usage_batches::record(&web.app, &by, &events, &rejected).await?))
}

fn event(index: usize, raw: &RawValue, by: &Request) -> Result<BatchEvent, Refusal> {
    let draft: UsageDraft = json::parse_part(raw.get())?;
    let (event, user_id) = draft.read(by.now)?;
    let missing = || {
        let message = "An event of a batch says in user_id who used it.";
        Refusal::Invalid(vec![FieldError::new("user_id", "missing_field", message)])
    };
    Ok(BatchEvent { index, user_id: user_id.ok_or_else(missing)?, event })
}

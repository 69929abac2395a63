//! What statements rest on, asked again.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use planwright_domain::statement::replay::Replay;
use planwright_domain::statement::replay_request::{PeriodReplayRequest, ReplayRequest};
use planwright_service::statements::replays;

use super::Web;
use super::auth::ByAdmin;
use super::body::Body;
use super::path::Path;
use super::problem::Problem;
use super::query::{NoQuery, Query};

/// Asks again all that a statement rests on, and says what differs.
///
/// Without `digest` each question is put to the component that had answered it, which has to say the very same; with one
/// it shows what that component would have charged. Nothing is changed.
#[utoipa::path(
    post, path = "/api/v1/admin/statements/{id}/replay", tag = "replays", security(("admin" = [])),
    params(("id" = String, Path, description = "The statement's.")),
    request_body = ReplayRequest,
    responses(
        (status = 200, body = Replay),
        (status = 404, description = "No statement of this id."),
        (status = 409, description = "The component is not ready, or not here any more."),
    ),
)]
pub(crate) async fn of_statement(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
    Body(asked): Body<ReplayRequest>,
) -> Result<Json<Replay>, Problem> {
    Ok(Json(Box::pin(replays::of_statement(&web.app, &by, &id, asked)).await?))
}

/// The same of all statements that were made in a time, the newest first.
///
/// An answer is of 100 statements at most; `next` says where to go on.
#[utoipa::path(
    post, path = "/api/v1/admin/statements/replay", tag = "replays", security(("admin" = [])),
    request_body = PeriodReplayRequest,
    responses(
        (status = 200, body = Replay),
        (status = 409, description = "The component is not ready, or not here any more."),
    ),
)]
pub(crate) async fn of_period(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(NoQuery {}): Query<NoQuery>,
    Body(asked): Body<PeriodReplayRequest>,
) -> Result<Json<Replay>, Problem> {
    Ok(Json(Box::pin(replays::of_period(&web.app, &by, asked)).await?))
}

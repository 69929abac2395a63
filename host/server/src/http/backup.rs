//! Backups, as operators take them.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use planwright_service::Error;

use super::Web;
use super::auth::ByOperator;
use super::problem::Problem;
use super::query::{NoQuery, Query};
use crate::backup::NoBackup;

/// All that the server keeps, its secret too, as one file.
///
/// It holds every change that was answered before it was asked for. `planwright restore` makes a data folder of it.
#[utoipa::path(
    get, path = "/api/v1/admin/backup", tag = "backup", security(("operator" = [])),
    responses(
        (status = 200, description = "The file, as it is made.", body = String,
         content_type = "application/octet-stream", headers(("Cache-Control"))),
        (status = 503, description = "Another backup is under way, or the server cannot work just now."),
    ),
)]
// The time limit of handlers ends with the answer's head; from there on the client has to go on reading.
pub(crate) async fn take(
    State(web): State<Arc<Web>>,
    ByOperator(by): ByOperator,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Response, Problem> {
    let taken_at = by.now.as_second();
    // It holds everything, the secret too: whoever looks for a leak finds who had one.
    tracing::info!(tenant = %by.caller.tenant, user = by.caller.user_id, "a backup is begun");
    let backup = web.backups.begin(web.app.store(), taken_at).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"planwright-{taken_at}.backup\""),
        ),
    ];
    Ok((headers, Body::from_stream(backup)).into_response())
}

impl From<NoBackup> for Problem {
    fn from(no_backup: NoBackup) -> Self {
        match no_backup {
            NoBackup::Busy => {
                let detail = "Another backup is under way. Try again when it is done.";
                Self::unavailable("backup_under_way", detail)
            }
            NoBackup::Store(error) => Error::from(error).into(),
            NoBackup::Folder(error) => {
                tracing::error!(%error, "the data folder takes no file");
                let detail = "The server cannot write to its disk. Try again when it can.";
                Self::unavailable("disk_refuses", detail)
            }
        }
    }
}

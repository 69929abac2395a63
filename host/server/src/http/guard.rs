//! What every request passes: it gets an id, a place, a time limit and a line in the log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use super::Web;
use super::problem::Problem;

/// Under which the log keeps a request, and which its answer carries.
#[derive(Clone)]
pub(crate) struct RequestId(pub(crate) String);

const REQUEST_ID: &str = "x-request-id";

pub(crate) async fn guard(
    State(web): State<Arc<Web>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = given_id(request.headers()).unwrap_or_else(|| hex::encode(&web.entropy.draw()[..16]));
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    request.extensions_mut().insert(RequestId(id.clone()));
    let route = request.extensions().get::<MatchedPath>().cloned();
    let span = tracing::info_span!("request", request_id = %id, %method, path);
    async {
        let began = Instant::now();
        let watched = route.as_ref().is_some_and(|route| WATCHED.contains(&route.as_str()));
        let mut response =
            if watched { next.run(request).await } else { admit(&web, request, next).await };
        tell(&mut response, &path, &id);
        let (status, took) = (response.status(), began.elapsed());
        web.metrics.answered(&method, route.as_ref().map(MatchedPath::as_str), status, took);
        log(status, took);
        response
    }
    .instrument(span)
    .await
}

/// What watches the server is answered even when it is full.
pub(super) const WATCHED: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// What was refused or failed is in the log, so that the answer's id finds it; the rest only where one looks.
fn log(status: StatusCode, took: Duration) {
    let (status, milliseconds) = (status.as_u16(), took.as_millis());
    if status >= 400 {
        tracing::info!(status, milliseconds, "answered");
    } else {
        tracing::debug!(status, milliseconds, "answered");
    }
}

/// Answers if there is a place, within the time.
async fn admit(web: &Web, request: Request, next: Next) -> Response {
    let Ok(_place) = web.places.try_acquire() else {
        return Problem::full().into_response();
    };
    let seconds = web.limits.handler_seconds;
    match tokio::time::timeout(Duration::from_secs(seconds), next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!(seconds, "a request was given up");
            Problem::too_slow(seconds).into_response()
        }
    }
}

/// Puts the request's id on the answer, and a body where it is a problem.
fn tell(response: &mut Response, path: &str, id: &str) {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let body = problem.body(path, id);
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        *response.body_mut() = Body::from(body);
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
}

/// The id that a proxy gave the request, if it is one that can be shown and searched for.
fn given_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    ((1..=64).contains(&id.len()) && id.bytes().all(allowed)).then(|| id.to_owned())
}

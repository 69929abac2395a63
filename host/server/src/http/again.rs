//! Requests that may come again: what the header `Idempotency-Key` stands for.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use planwright_domain::tenant::caller::Caller;
use planwright_service::Claim;
use sha2::{Digest, Sha256};

use super::Web;
use super::body;
use super::problem::Problem;

const KEY: &str = "idempotency-key";

/// What a request says of itself, before it is known who asks.
#[derive(Clone)]
pub(crate) struct Keyed {
    key: String,
    route: String,
    fingerprint: String,
}

impl Keyed {
    /// Two callers may use the same key.
    pub(crate) fn by(&self, caller: &Caller) -> Claim {
        let scope =
            digest(&[caller.user_id.as_bytes(), self.key.as_bytes(), self.route.as_bytes()]);
        Claim { scope, fingerprint: self.fingerprint.clone() }
    }
}

/// Reads the body of a change that carries a key, so that a repeat can be told from another request, and
/// hands both on.
pub(crate) async fn keyed(State(web): State<Arc<Web>>, request: Request, next: Next) -> Response {
    let changes = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    if !changes.contains(request.method()) || !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    match read(&web, request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

async fn read(web: &Web, request: Request) -> Result<Request, Problem> {
    let key = key(request.headers())?;
    let (mut parts, body) = request.into_parts();
    let (body, bytes) = if is_read_later(&parts) {
        (body, Bytes::new())
    } else {
        let bytes = if takes_a_large_body(&parts) {
            body::read_large(body, web).await?
        } else {
            body::read(body, web).await?
        };
        (Body::from(bytes.clone()), bytes)
    };
    let query = parts.uri.query().unwrap_or_default();
    let route = format!("{} {}", parts.method, parts.uri.path());
    let fingerprint = digest(&[query.as_bytes(), &bytes]);
    parts.extensions.insert(Keyed { key, route, fingerprint });
    Ok(Request::from_parts(parts, body))
}

/// A component is too large to be read before it is known who sends it. The service knows it by its digest then.
fn is_read_later(parts: &Parts) -> bool {
    let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    parts.method == Method::POST && route == Some("/api/v1/admin/plugins")
}

/// The routes whose bodies may be larger than others.
const LARGE: [(Method, &str); 3] = [
    (Method::POST, "/api/v1/billing/usage/batch"),
    (Method::PUT, "/api/admin/billing_plans/{id}/document"),
    (Method::PUT, "/api/v1/admin/catalog"),
];

fn takes_a_large_body(parts: &Parts) -> bool {
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    LARGE.iter().any(|(method, path)| parts.method == *method && route == *path)
}

fn key(headers: &HeaderMap) -> Result<String, Problem> {
    let mut keys = headers.get_all(KEY).iter();
    let key = keys.next().and_then(|key| key.to_str().ok()).unwrap_or_default();
    let is_visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    if (1..=255).contains(&key.len()) && is_visible && keys.next().is_none() {
        return Ok(key.to_owned());
    }
    let message = "Idempotency-Key must be sent once and have 1 to 255 visible ASCII characters.";
    Err(Problem::field("Idempotency-Key", "invalid_key", message))
}

/// Of parts that cannot run into each other.
fn digest(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(Sha256::digest(part));
    }
    hex::encode(digest.finalize())
}

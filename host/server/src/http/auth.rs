//! Who asks: a bearer token, and the role that a route needs.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use planwright_domain::Refusal;
use planwright_domain::caller::Role;
use planwright_service::{Request, users};

use super::Web;
use super::again::Keyed;
use super::guard::RequestId;
use super::problem::Problem;

/// A request by somebody who sees and manages their own data.
pub(crate) struct ByUser(pub(crate) Request);

/// A request by somebody who manages the tenant.
pub(crate) struct ByAdmin(pub(crate) Request);

impl FromRequestParts<Arc<Web>> for ByUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Problem> {
        let request = authenticate(parts, web).await?;
        match request.caller.role {
            Role::User | Role::Admin | Role::Operator => Ok(Self(request)),
            Role::Service => Err(Refusal::NotAllowed { needed: "user" }.into()),
        }
    }
}

impl FromRequestParts<Arc<Web>> for ByAdmin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Problem> {
        let request = authenticate(parts, web).await?;
        if request.caller.role.administers() {
            return Ok(Self(request));
        }
        Err(Refusal::NotAllowed { needed: "admin" }.into())
    }
}

async fn authenticate(parts: &Parts, web: &Web) -> Result<Request, Problem> {
    let now = web.clock.now();
    let caller = web.verifier.verify(bearer(parts)?, now)?;
    users::remember(&web.app, &caller).await?;
    let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone());
    let if_match = parts.headers.get(header::IF_MATCH);
    Ok(Request {
        claim: parts.extensions.get::<Keyed>().map(|keyed| keyed.by(&caller)),
        // One that is no text matches nothing.
        if_match: if_match.map(|tags| tags.to_str().unwrap_or_default().to_owned()),
        caller,
        now,
        request_id: request_id.unwrap_or_default(),
    })
}

fn bearer(parts: &Parts) -> Result<&str, Problem> {
    let missing = || {
        let detail = "Send credentials in the header `Authorization: Bearer <token>`.";
        Problem::new(StatusCode::UNAUTHORIZED, "no_credentials", detail)
    };
    let value = parts.headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
    let (scheme, token) =
        value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing());
    }
    Ok(token.trim())
}

//! Who asks: a token or an API key, the role that a route needs, and the tenant it is about.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use planwright_domain::Refusal;
use planwright_domain::plugin::Owner;
use planwright_domain::tenant::caller::{Caller, Role, TenantId};
use planwright_domain::time::Timestamp;
use planwright_service::tenants::{api_key_use, clocks};
use planwright_service::{Request, tenants, users};
use tracing::Instrument;

use super::Web;
use super::again::Keyed;
use super::guard::RequestId;
use super::if_match;
use super::problem::Problem;
use super::query;
use crate::token::TokenError;

/// A request by somebody who sees and manages their own data.
pub(crate) struct ByUser(pub(crate) Request);

/// A request by somebody who has usage, or counts that of others.
pub(crate) struct ByMeter(pub(crate) Request);

/// A request by somebody who counts the usage of others.
pub(crate) struct ByService(pub(crate) Request);

/// A request by somebody who manages the tenant.
pub(crate) struct ByAdmin(pub(crate) Request);

/// A request by somebody who manages the host. It is about no tenant, so it takes no `?tenant=`.
pub(crate) struct ByOperator(pub(crate) Request);

/// A request by somebody who manages the plugins of the tenant, or with `?tenant=*` those of the host.
pub(crate) struct ByPluginOwner(pub(crate) Request, pub(crate) Owner);

impl FromRequestParts<Arc<Web>> for ByUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Problem> {
        let request = authenticate(parts, web).await?;
        match request.caller.role {
            Role::User | Role::Admin | Role::Operator => {
                remember(web, &request.caller).await;
                Ok(Self(in_tenant(request, parts, web).await?))
            }
            Role::Service => Err(Refusal::NotAllowed { needed: "user" }.into()),
        }
    }
}

impl FromRequestParts<Arc<Web>> for ByMeter {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Problem> {
        // All roles may, each for whom it may. What a token says of its user is kept where less is asked.
        let request = authenticate(parts, web).await?;
        Ok(Self(in_tenant(request, parts, web).await?))
    }
}

impl FromRequestParts<Arc<Web>> for ByService {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Problem> {
        let request = authenticate(parts, web).await?;
        match request.caller.role {
            Role::Service | Role::Admin | Role::Operator => {
                Ok(Self(in_tenant(request, parts, web).await?))
            }
            Role::User => Err(Refusal::NotAllowed { needed: "service" }.into()),
        }
    }
}

impl FromRequestParts<Arc<Web>> for ByAdmin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Problem> {
        let request = authenticate(parts, web).await?;
        if request.caller.role.administers() {
            remember(web, &request.caller).await;
            return Ok(Self(in_tenant(request, parts, web).await?));
        }
        Err(Refusal::NotAllowed { needed: "admin" }.into())
    }
}

impl FromRequestParts<Arc<Web>> for ByPluginOwner {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Problem> {
        if !query::take_host(&mut parts.uri)? {
            let ByAdmin(by) = ByAdmin::from_request_parts(parts, web).await?;
            let owner = Owner::Tenant(by.caller.tenant.clone());
            return Ok(Self(by, owner));
        }
        // What is done for the host is in the log of the operator's own tenant.
        let ByOperator(by) = ByOperator::from_request_parts(parts, web).await?;
        Ok(Self(by, Owner::Host))
    }
}

impl FromRequestParts<Arc<Web>> for ByOperator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Problem> {
        let request = authenticate(parts, web).await?;
        match request.caller.role {
            Role::Operator => Ok(Self(request)),
            Role::User | Role::Service | Role::Admin => {
                Err(Refusal::NotAllowed { needed: "operator" }.into())
            }
        }
    }
}

async fn authenticate(parts: &Parts, web: &Arc<Web>) -> Result<Request, Problem> {
    let now = web.clock.now();
    let credentials = bearer(parts)?;
    let caller = if credentials.starts_with("sk-") {
        by_key(web, credentials, now).await?
    } else {
        web.verifier.verify(credentials, now)?
    };
    if !tenants::exists(&web.app, &caller.tenant).await? {
        return Err(TokenError::NoSuchTenant.into());
    }
    let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone());
    Ok(Request {
        claim: parts.extensions.get::<Keyed>().map(|keyed| keyed.by(&caller)),
        if_match: if_match::read(&parts.headers)?,
        caller,
        now,
        received_at: now,
        request_id: request_id.unwrap_or_default(),
    })
}

/// Keeps what the credentials say of their user. What is asked does not depend on it, so it does not fail.
async fn remember(web: &Web, caller: &Caller) {
    if let Err(error) = users::remember(&web.app, caller).await {
        tracing::warn!(%error, "what credentials say of a user was not kept");
    }
}

async fn by_key(web: &Arc<Web>, key: &str, now: Timestamp) -> Result<Caller, Problem> {
    let presented = api_key_use::present(&web.app, key, now).await?;
    if let Some(key_use) = presented.use_to_note {
        let owner = Arc::clone(web);
        let errand = async move {
            if let Err(error) = api_key_use::note(&owner.app, key_use).await {
                // The next use is kept instead.
                tracing::warn!(%error, "the use of an API key was not kept");
            }
        };
        web.errands.send(errand.in_current_span());
    }
    Ok(presented.caller)
}

/// The request in the tenant that the query names, which only an operator may do, or in the caller's own; and by that
/// tenant's clock. Credentials were checked by the real one.
///
/// The parameter is taken out of the query, so that a route's own reading of it stays strict.
async fn in_tenant(request: Request, parts: &mut Parts, web: &Web) -> Result<Request, Problem> {
    let caller = match query::take_tenant(&mut parts.uri)? {
        None => request.caller,
        Some(name) => {
            if request.caller.role != Role::Operator {
                return Err(Refusal::NotAllowed { needed: "operator" }.into());
            }
            let not_found = || Refusal::TenantNotFound { id: name.chars().take(63).collect() };
            let tenant = TenantId::new(&name).ok_or_else(not_found)?;
            if !tenants::exists(&web.app, &tenant).await? {
                return Err(not_found().into());
            }
            request.caller.acting_in(tenant)
        }
    };
    let now = clocks::time(&web.app, &caller.tenant, request.received_at).await?;
    Ok(Request { caller, now, ..request })
}

fn bearer(parts: &Parts) -> Result<&str, Problem> {
    let missing = || {
        let detail = "Send credentials in the header `Authorization: Bearer <token or API key>`.";
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

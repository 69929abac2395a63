//! What the second document's routes have in common: how they are asked, numbers in paths, pages of lists, and answers
//! to changes.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Request as Asked};
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use planwright_domain::Refusal;
use planwright_domain::billing_plan::entry::Kind;
use planwright_domain::page::{Page, PageRequest};
use planwright_service::{Edited, Request, Tagged};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Web;
use super::auth::ByAdmin;
use super::body::Body;
use super::path::Path;
use super::problem::Problem;
use super::query::{NoQuery, Query};
use super::warnings::with_warnings;

/// Which page of a list.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PerPage {
    #[param(minimum = 1, default = 1)]
    page: Option<usize>,
    #[param(minimum = 1, maximum = 100, default = 20)]
    per_page: Option<usize>,
}

impl PerPage {
    pub(super) fn read(&self) -> Result<PageRequest, Refusal> {
        PageRequest::per_page(self.page, self.per_page)
    }
}

/// A page of a list is asked for.
pub(super) struct AskList {
    pub(super) web: Arc<Web>,
    pub(super) by: Request,
    pub(super) page: PageRequest,
}

impl FromRequestParts<Arc<Web>> for AskList {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Problem> {
        let ByAdmin(by) = ByAdmin::from_request_parts(parts, web).await?;
        let Query(query) = Query::<PerPage>::from_request_parts(parts, web).await?;
        Ok(Self { web: Arc::clone(web), by, page: query.read()? })
    }
}

/// One thing is asked for, or is to go.
pub(super) struct AskOne {
    pub(super) web: Arc<Web>,
    pub(super) by: Request,
    /// As it stands in the path.
    pub(super) id: String,
}

impl FromRequestParts<Arc<Web>> for AskOne {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Problem> {
        let ByAdmin(by) = ByAdmin::from_request_parts(parts, web).await?;
        let Path(id) = Path::from_request_parts(parts, web).await?;
        let Query(NoQuery {}) = Query::from_request_parts(parts, web).await?;
        Ok(Self { web: Arc::clone(web), by, id })
    }
}

/// One thing is to be made.
pub(super) struct AskNew<T> {
    pub(super) web: Arc<Web>,
    pub(super) by: Request,
    pub(super) body: T,
}

impl<T: DeserializeOwned> FromRequest<Arc<Web>> for AskNew<T> {
    type Rejection = Problem;

    async fn from_request(request: Asked, web: &Arc<Web>) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let ByAdmin(by) = ByAdmin::from_request_parts(&mut parts, web).await?;
        let Query(NoQuery {}) = Query::from_request_parts(&mut parts, web).await?;
        let Body(body) = Body::from_request(Asked::from_parts(parts, body), web).await?;
        Ok(Self { web: Arc::clone(web), by, body })
    }
}

/// One thing is to be changed.
pub(super) struct AskChange<T> {
    pub(super) web: Arc<Web>,
    pub(super) by: Request,
    /// As it stands in the path.
    pub(super) id: String,
    pub(super) body: T,
}

impl<T: DeserializeOwned> FromRequest<Arc<Web>> for AskChange<T> {
    type Rejection = Problem;

    async fn from_request(request: Asked, web: &Arc<Web>) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let AskOne { web, by, id } = AskOne::from_request_parts(&mut parts, web).await?;
        let Body(body) = Body::from_request(Asked::from_parts(parts, body), &web).await?;
        Ok(Self { web, by, id, body })
    }
}

/// A page, wrapped; how many there are in all is in the headers.
pub(super) fn listed<T, R: Serialize>(page: Page<T>, wrap: impl FnOnce(Vec<T>) -> R) -> Response {
    let headers = [
        (HeaderName::from_static("total"), page.total.to_string()),
        (HeaderName::from_static("per-page"), page.page_size.to_string()),
    ];
    (headers, Json(wrap(page.items))).into_response()
}

/// A number in a path. What is none is the number of nothing.
pub(super) fn number(kind: Kind, text: &str) -> Result<u64, Refusal> {
    let number = text.parse().ok().filter(|number: &u64| number.to_string() == text);
    // What was asked for is shown back, but not at any length.
    let not_found = || Refusal::EntryNotFound { kind, id: text.chars().take(128).collect() };
    number.ok_or_else(not_found)
}

/// What is there, wrapped, with its tag.
pub(super) fn tagged<T, R: Serialize>(found: Tagged<T>, wrap: impl FnOnce(T) -> R) -> Response {
    ([(header::ETAG, found.tag)], Json(wrap(found.value))).into_response()
}

/// What was changed, wrapped, with what the rules warn of.
pub(super) fn edited<T, R: Serialize>(
    status: StatusCode,
    edited: Edited<T>,
    wrap: impl FnOnce(T) -> R,
) -> Response {
    let Edited { value, tag, warnings } = edited;
    with_warnings((status, tagged(Tagged { value, tag }, wrap)).into_response(), &warnings)
}

/// A part of a billing plan is gone.
pub(super) fn gone(edited: Edited<()>) -> Result<Response, Problem> {
    let tag = [(header::ETAG, edited.tag)];
    Ok(with_warnings((StatusCode::NO_CONTENT, tag).into_response(), &edited.warnings))
}

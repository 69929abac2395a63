//! What the second document's routes have in common: numbers in paths, pages of lists, and answers to changes.

use axum::Json;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use planwright_domain::Refusal;
use planwright_domain::entry::Kind;
use planwright_domain::page::{Page, PageRequest};
use planwright_service::Edited;
use serde::{Deserialize, Serialize};

use super::problem::Problem;
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

/// What was changed, wrapped, with what the rules warn of.
pub(super) fn edited<T, R: Serialize>(
    status: StatusCode,
    edited: Edited<T>,
    wrap: impl FnOnce(T) -> R,
) -> Response {
    let tag = [(header::ETAG, edited.tag)];
    let answer = (status, tag, Json(wrap(edited.value))).into_response();
    with_warnings(answer, &edited.warnings)
}

/// A part of a billing plan is gone.
pub(super) fn gone(edited: Edited<()>) -> Result<Response, Problem> {
    let tag = [(header::ETAG, edited.tag)];
    Ok(with_warnings((StatusCode::NO_CONTENT, tag).into_response(), &edited.warnings))
}

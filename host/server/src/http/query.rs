//! Reading the query strictly: a misspelt filter must not show everything.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The query, every parameter of it known.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        axum::extract::Query::<T>::try_from_uri(&parts.uri).map(|query| Self(query.0)).map_err(
            |error| {
                let reason = error.body_text();
                let reason =
                    reason.strip_prefix("Failed to deserialize query string: ").unwrap_or(&reason);
                Problem::field("", "wrong_query", &format!("The query is wrong: {reason}."))
            },
        )
    }
}

/// No parameters at all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoQuery {}

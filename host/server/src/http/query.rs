//! Reading the query strictly: a misspelt filter must not show everything.

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;
use planwright_domain::plugin::Owner;
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

/// Which page of a list, and nothing else.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    #[param(minimum = 1, default = 1)]
    pub(crate) page: Option<usize>,
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub(crate) page_size: Option<usize>,
}

/// Takes the parameter `tenant` out of a query and gives its value, if it is there. A tenant's id has no
/// characters that are ever escaped, so the value is taken as it stands.
pub(crate) fn take_tenant(uri: &mut Uri) -> Result<Option<String>, Problem> {
    let name_of = |part: &str| part.strip_prefix("tenant=").map(str::to_owned);
    let query = uri.query().unwrap_or_default();
    let mut names = query.split('&').filter_map(name_of);
    let Some(name) = names.next() else {
        return Ok(None);
    };
    if names.next().is_some() {
        let message = "The query is wrong: it names `tenant` twice.";
        return Err(Problem::field("tenant", "wrong_query", message));
    }
    let rest: Vec<&str> = query.split('&').filter(|part| name_of(part).is_none()).collect();
    let mut target = uri.path().to_owned();
    if !rest.is_empty() {
        target = format!("{target}?{}", rest.join("&"));
    }
    // What is left of a target is one, too.
    if let Ok(without) = target.parse() {
        *uri = without;
    }
    Ok(Some(name))
}

/// Takes `tenant=*` out of a query, and says whether it was there. Any other tenant stays.
pub(crate) fn take_host(uri: &mut Uri) -> Result<bool, Problem> {
    let mut without = uri.clone();
    let is_host = matches!(take_tenant(&mut without)?.as_deref(), Some(Owner::HOST | "%2A"));
    if is_host {
        *uri = without;
    }
    Ok(is_host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tenant_is_taken_out_of_the_query_and_the_rest_stays() {
        for (target, name, rest) in [
            ("/a", None, "/a"),
            ("/a?", None, "/a?"),
            ("/a?page=1", None, "/a?page=1"),
            ("/a?tenant=acme", Some("acme"), "/a"),
            ("/a?tenant=", Some(""), "/a"),
            ("/a?page=1&tenant=acme&q=x%20y", Some("acme"), "/a?page=1&q=x%20y"),
            ("/a%20b?tenant=acme&page=1", Some("acme"), "/a%20b?page=1"),
            ("/a?tenants=acme", None, "/a?tenants=acme"),
            ("/a?tenant", None, "/a?tenant"),
            ("http://host/a?tenant=acme", Some("acme"), "/a"),
        ] {
            let mut uri: Uri = target.parse().unwrap();
            let taken = take_tenant(&mut uri).unwrap_or_else(|_| panic!("{target}"));
            assert_eq!(taken.as_deref(), name, "{target}");
            assert_eq!(uri, rest, "{target}");
        }
        for (target, is_host, rest) in [
            ("/a?tenant=*&page=1", true, "/a?page=1"),
            ("/a?tenant=%2A", true, "/a"),
            ("/a?tenant=acme", false, "/a?tenant=acme"),
            ("/a", false, "/a"),
        ] {
            let mut uri: Uri = target.parse().unwrap();
            let found = take_host(&mut uri).unwrap_or_else(|_| panic!("{target}"));
            assert_eq!((found, uri.to_string().as_str()), (is_host, rest), "{target}");
        }
        let mut twice: Uri = "/a?tenant=a&tenant=b".parse().unwrap();
        assert!(take_tenant(&mut twice).is_err());
    }
}

//! Reading a body strictly: within its size and time, as JSON, with every mistake named by its field.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{self, Bytes, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::Web;
use super::json::parse;
use super::problem::Problem;

/// A body that must be there.
pub(crate) struct Body<T>(pub(crate) T);

/// A body that may be large: a batch, a document of a billing plan, a catalog.
pub(crate) struct LargeBody<T>(pub(crate) T);

/// A body that may be left out.
pub(crate) struct OptionalBody<T>(pub(crate) Option<T>);

impl<T: DeserializeOwned> FromRequest<Arc<Web>> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, web: &Arc<Web>) -> Result<Self, Problem> {
        must_be_json(request.headers())?;
        let bytes = read(request.into_body(), web).await?;
        parse(&bytes).map(Self)
    }
}

/// Largest body that is read as JSON on the thread of requests: it takes a fraction of a millisecond.
const ON_THE_SPOT: usize = 64 << 10;

impl<T: DeserializeOwned + Send + 'static> FromRequest<Arc<Web>> for LargeBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, web: &Arc<Web>) -> Result<Self, Problem> {
        must_be_json(request.headers())?;
        let bytes = read_large(request.into_body(), web).await?;
        if bytes.len() <= ON_THE_SPOT {
            return parse(&bytes).map(Self);
        }
        let parsed = tokio::task::spawn_blocking(move || parse(&bytes)).await;
        parsed
            .map_err(|error| {
                tracing::error!(%error, "reading a body broke off");
                Problem::internal()
            })?
            .map(Self)
    }
}

impl<T: DeserializeOwned> FromRequest<Arc<Web>> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, web: &Arc<Web>) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, web).await?;
        if bytes.is_empty() {
            return Ok(Self(None));
        }
        must_be_json(&parts.headers)?;
        parse(&bytes).map(|value| Self(Some(value)))
    }
}

/// A body for what needs none: fields in it are refused by their names, since nobody would heed them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({})))]
pub(crate) struct Nothing {}

/// A component, as bytes. It is larger than any other body, so that it is read only once it is known who sends it,
/// and only some at a time.
pub(crate) struct ComponentBody(pub(crate) Bytes);

impl ComponentBody {
    const KIND: &str = "application/wasm";

    pub(crate) async fn read(request: Request, web: &Web) -> Result<Self, Problem> {
        must_be_plain(request.headers())?;
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
        if kind.is_none_or(|kind| !kind.eq_ignore_ascii_case(Self::KIND)) {
            let message =
                "Send the component as it is, with the header `Content-Type: application/wasm`.";
            return Err(Problem::field("Content-Type", "wrong_type", message));
        }
        read_up_to(request.into_body(), web, web.limits.plugin_bytes).await.map(Self)
    }
}

/// A body that says that it is something else than JSON is not taken for it. One that does not say is.
fn must_be_json(headers: &HeaderMap) -> Result<(), Problem> {
    must_be_plain(headers)?;
    let mut kinds = headers.get_all(CONTENT_TYPE).iter();
    if kinds.all(|kind| kind.to_str().is_ok_and(is_json)) {
        return Ok(());
    }
    let message =
        "Send the body as JSON in UTF-8, with the header `Content-Type: application/json`.";
    Err(Problem::field("Content-Type", "wrong_type", message))
}

fn is_json(kind: &str) -> bool {
    let mut parts = kind.split(';').map(|part| part.trim().to_ascii_lowercase());
    let name = parts.next().unwrap_or_default();
    let charset = |part: String| part.strip_prefix("charset=").map(str::to_owned);
    let is_utf8 = |charset: String| charset.trim_matches('"') == "utf-8";
    let is_named = name == "application/json"
        || name.strip_prefix("application/").is_some_and(|rest| rest.ends_with("+json"))
        // What curl says of every body where nobody says what it is.
        || name == "application/x-www-form-urlencoded";
    is_named && parts.filter_map(charset).all(is_utf8)
}

/// A body is read as it comes.
fn must_be_plain(headers: &HeaderMap) -> Result<(), Problem> {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    if codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Ok(());
    }
    let message = "Send the body as it is, without the header Content-Encoding.";
    Err(Problem::field("Content-Encoding", "wrong_encoding", message))
}

/// All of a body, within its size and time.
pub(crate) async fn read(body: body::Body, web: &Web) -> Result<Bytes, Problem> {
    read_up_to(body, web, web.limits.body_bytes).await
}

/// The same of a body that may be large.
pub(crate) async fn read_large(body: body::Body, web: &Web) -> Result<Bytes, Problem> {
    read_up_to(body, web, web.limits.batch_bytes).await
}

async fn read_up_to(body: body::Body, web: &Web, limit: usize) -> Result<Bytes, Problem> {
    let seconds = web.limits.body_seconds;
    let whole = gather(body, limit);
    match tokio::time::timeout(Duration::from_secs(seconds), whole).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let detail = format!("The body has more than the {limit} bytes that this route takes.");
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail))
        }
        Ok(Err(_)) => Err(Problem::field("", "body_cut", "The body did not arrive whole.")),
        Err(_) => {
            let detail = format!("The body did not arrive within {seconds} seconds.");
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", detail))
        }
    }
}

/// Piece by piece into one buffer. Others have their turn behind each: requests share the thread.
async fn gather(body: body::Body, limit: usize) -> Result<Bytes, BodyError> {
    let mut body = Limited::new(body, limit);
    let Some(first) = next_piece(&mut body).await? else { return Ok(Bytes::new()) };
    if body.is_end_stream() {
        return Ok(first);
    }
    let rest = usize::try_from(body.size_hint().lower()).unwrap_or(limit).min(limit);
    let mut whole = Vec::with_capacity(first.len() + rest);
    let mut piece = Some(first);
    while let Some(bytes) = piece {
        whole.extend_from_slice(&bytes);
        drop(bytes);
        tokio::task::yield_now().await;
        piece = next_piece(&mut body).await?;
    }
    Ok(whole.into())
}

type BodyError = Box<dyn std::error::Error + Send + Sync>;

async fn next_piece(body: &mut Limited<body::Body>) -> Result<Option<Bytes>, BodyError> {
    while let Some(frame) = body.frame().await {
        if let Ok(bytes) = frame?.into_data() {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn in_pieces(count: usize, piece: &'static [u8]) -> body::Body {
        let pieces = (0..count).map(move |_| std::io::Result::Ok(Bytes::from_static(piece)));
        body::Body::from_stream(futures_util::stream::iter(pieces))
    }

    #[tokio::test]
    async fn others_have_their_turn_behind_each_piece_of_a_body() {
        let turns = Arc::new(AtomicUsize::new(0));
        let others = Arc::clone(&turns);
        let other = tokio::spawn(async move {
            loop {
                others.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        });
        let whole = gather(in_pieces(300, &[7; 1_000]), 300_000).await.unwrap();
        other.abort();
        assert!(whole.len() == 300_000 && whole.iter().all(|byte| *byte == 7));
        assert!(turns.load(Ordering::Relaxed) >= 299, "{turns:?}");
    }

    #[tokio::test]
    async fn a_body_is_read_to_its_end_and_no_further_than_its_limit() {
        for (count, limit, expected) in
            [(0, 9, Some(0)), (1, 3, Some(3)), (3, 9, Some(9)), (1, 2, None), (4, 11, None)]
        {
            let gathered = gather(in_pieces(count, b"abc"), limit).await;
            let length = gathered.as_ref().ok().map(Bytes::len);
            assert_eq!(length, expected, "{count} pieces up to {limit}");
            let is_too_long = |error: &BodyError| error.is::<LengthLimitError>();
            assert!(gathered.err().as_ref().is_none_or(is_too_long));
        }
    }

    #[test]
    fn a_body_is_json_unless_it_says_that_it_is_not() {
        for (name, value, expected) in [
            ("accept", "text/html", Ok(())),
            ("content-type", "application/json", Ok(())),
            ("content-type", "Application/JSON; charset=UTF-8", Ok(())),
            ("content-type", "application/json;charset=\"utf-8\"", Ok(())),
            ("content-type", "application/merge-patch+json", Ok(())),
            ("content-type", "application/x-www-form-urlencoded", Ok(())),
            ("content-type", "application/json; charset=utf-16", Err("Content-Type")),
            ("content-type", "text/plain", Err("Content-Type")),
            ("content-type", "text/json+json", Err("Content-Type")),
            ("content-type", "", Err("Content-Type")),
            ("content-encoding", "identity", Ok(())),
            ("content-encoding", "gzip", Err("Content-Encoding")),
        ] {
            let headers = HeaderMap::from_iter([(
                name.parse::<HeaderName>().unwrap(),
                HeaderValue::from_str(value).unwrap(),
            )]);
            let field = must_be_json(&headers).map_err(|problem| {
                let body = problem.body("/", "r");
                let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
                body["errors"][0]["field"].as_str().unwrap().to_owned()
            });
            assert_eq!(
                field.as_ref().copied().map_err(String::as_str),
                expected,
                "{name}: {value}"
            );
        }
    }
}

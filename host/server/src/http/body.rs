//! Reading a body strictly: within its size and time, as JSON, with every mistake named by its field.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{self, Bytes, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use planwright_domain::Refusal;
use planwright_domain::refusal::FieldError;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::Web;
use super::numbers;
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

pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    Ok(read_json("The body", bytes)?)
}

/// Reads JSON strictly, wherever it comes from; `what` is what it is, as a sentence begins.
pub(crate) fn read_json<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, Refusal> {
    must_be_no_array(what, bytes)?;
    parse_json(what, &without_zero_fractions(bytes))
}

fn parse_json<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, Refusal> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    match serde_path_to_error::deserialize(&mut json) {
        Ok(value) => {
            json.end().map_err(|error| wrong(what, ".", &error, None))?;
            Ok(value)
        }
        Err(error) => {
            let (path, error) = (error.path().to_string(), error.inner());
            let number = numbers::before(bytes, error);
            if let Some(number) = number.clone().filter(|_| numbers::is_too_large(error)) {
                return Err(too_large::<T>(what, bytes, number));
            }
            let number = number.and_then(|number| bytes.get(number));
            Err(wrong(what, &path, error, number))
        }
    }
}

/// Of a number that is too large for any kind of number nobody says what it had to be. Of another one in its place that
/// is no whole number it is said by the same field.
fn too_large<T: DeserializeOwned>(what: &str, bytes: &[u8], number: Range<usize>) -> Refusal {
    let sent = bytes.get(number.clone()).unwrap_or_default();
    let mut other = bytes.to_vec();
    other.splice(number, *b"0.5");
    let mut json = serde_json::Deserializer::from_slice(&other);
    match serde_path_to_error::deserialize::<_, T>(&mut json) {
        Err(error) if error.inner().is_data() => {
            wrong(what, &error.path().to_string(), error.inner(), Some(sent))
        }
        _ => invalid("", "wrong_type", &format!("{what} has a number that is too large.")),
    }
}

/// A part of a body that was read before, by itself: a mistake in it is its own.
pub(crate) fn parse_part<T: DeserializeOwned>(json: &str) -> Result<T, Refusal> {
    must_be_no_array("It", json.as_bytes())?;
    parse_json("It", json.as_bytes())
}

/// Arrays would be taken for objects, field by field.
fn must_be_no_array(what: &str, json: &[u8]) -> Result<(), Refusal> {
    let first = json.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[') {
        return Err(invalid("", "wrong_type", &format!("{what} must be a JSON object.")));
    }
    Ok(())
}

fn invalid(field: &str, code: &str, message: &str) -> Refusal {
    Refusal::Invalid(vec![FieldError::new(field, code, message)])
}

/// Numbers without the `.0` that some languages write behind whole ones: `12.0` is a whole number, in JSON too.
fn without_zero_fractions(json: &[u8]) -> Cow<'_, [u8]> {
    if !json.windows(2).any(|two| two == b".0") {
        return json.into();
    }
    let mut kept = Vec::with_capacity(json.len());
    let (mut in_text, mut escaped) = (false, false);
    // No point and no exponent since the number began.
    let mut plain = true;
    let mut rest = json;
    while let [byte, behind @ ..] = rest {
        let zeros = behind.iter().take_while(|next| **next == b'0').count();
        let ends = !matches!(behind.get(zeros), Some(b'0'..=b'9' | b'.' | b'e' | b'E'));
        let after_digit = kept.last().is_some_and(u8::is_ascii_digit);
        if !in_text && plain && *byte == b'.' && after_digit && zeros > 0 && ends {
            rest = &behind[zeros..];
            continue;
        }
        plain = match byte {
            b'0'..=b'9' | b'-' => plain,
            b'.' | b'e' | b'E' | b'+' => false,
            _ => true,
        };
        in_text ^= *byte == b'"' && !escaped;
        escaped = in_text && *byte == b'\\' && !escaped;
        kept.push(*byte);
        rest = behind;
    }
    kept.into()
}

/// `number` is the one that the error is about, as it was sent, if it is about one.
fn wrong(what: &str, path: &str, error: &serde_json::Error, number: Option<&[u8]>) -> Refusal {
    let text = error.to_string();
    if !error.is_data() {
        return invalid("", "malformed_json", &format!("{what} is not JSON: {text}."));
    }
    // The place in the text is of no use to whoever built it with a library; the field is.
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    let reason = shortened(&in_plain_words(reason, number));
    let (path, reason) = (&shortened(path), reason.trim_end_matches('.'));
    let field = field_of(path, reason);
    let code = NAMED_IN_THE_REASON
        .iter()
        .find(|(start, _)| reason.starts_with(start))
        .map_or("wrong_type", |(_, code)| code);
    let message =
        if field.is_empty() { format!("{reason}.") } else { format!("{field}: {reason}.") };
    invalid(&field, code, &message)
}

/// What is said of Rust, said of JSON.
fn in_plain_words(reason: &str, number: Option<&[u8]>) -> String {
    let (found, expected) = reason.split_once(", expected ").unwrap_or((reason, ""));
    if let Some(range) = numbers::range(reason) {
        return match number {
            Some(number) => format!("{} is not {range}", numbers::shown(number)),
            None => format!("{found}, expected {range}"),
        };
    }
    match expected {
        "" => reason.to_owned(),
        "a boolean" => format!("{found}, expected true or false"),
        _ if expected.starts_with("struct ") => format!("{found}, expected an object"),
        _ => reason.to_owned(),
    }
}

/// What somebody sent is shown back, but not at any length.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 300;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// How serde begins where it names the field in the reason and not in the path, and what we call that.
const NAMED_IN_THE_REASON: [(&str, &str); 3] = [
    ("unknown field `", "unknown_field"),
    ("missing field `", "missing_field"),
    ("duplicate field `", "duplicate_field"),
];

/// The path of the field at fault. A field that is unknown or missing is named in the reason alone.
fn field_of(path: &str, reason: &str) -> String {
    let path = if path == "." { "" } else { path };
    let named = NAMED_IN_THE_REASON
        .iter()
        .find_map(|(start, _)| reason.strip_prefix(start))
        .and_then(|rest| rest.split_once('`'))
        .map(|(name, _)| name);
    match named {
        Some(name) if path.rsplit('.').next() == Some(name) => path.to_owned(),
        Some(name) if path.is_empty() => name.to_owned(),
        Some(name) => format!("{path}.{name}"),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::http::{HeaderName, HeaderValue};
    use planwright_domain::plan::PlanDraft;

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
    fn a_whole_number_may_be_written_with_a_fraction_of_zeros() {
        for (json, expected) in [
            ("{\"a\":12.0}", "{\"a\":12}"),
            ("[1.000,-2.0 ,0.0]", "[1,-2 ,0]"),
            ("3.0", "3"),
            ("[1.05,1.50,10.01,1.0e2,1.0E2]", "[1.05,1.50,10.01,1.0e2,1.0E2]"),
            ("[1.0.0,.0,1.]", "[1.0.0,.0,1.]"),
            (r#"{"1.0":"2.0"}"#, r#"{"1.0":"2.0"}"#),
            (r#"["\"1.0","\\",1.0]"#, r#"["\"1.0","\\",1]"#),
            (r#"["ж1.0",1.0]"#, r#"["ж1.0",1]"#),
        ] {
            let kept = without_zero_fractions(json.as_bytes());
            assert_eq!(std::str::from_utf8(&kept).unwrap(), expected, "{json}");
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

    #[test]
    fn a_number_that_does_not_fit_is_shown_as_it_was_sent_and_with_what_fits() {
        let long = "9".repeat(400);
        let whole = "is not a whole number from 0 to 4294967295, written in digits.";
        for number in [
            "4294967296",
            "18446744073709551616",
            "1e3",
            "1.5",
            "-1",
            "-0",
            "1e400",
            "-1e400",
            "1e-400",
        ] {
            let json = format!(r#"{{"name":"A","trial_days": {number} ,"price":1}}"#);
            let refused = parse::<PlanDraft>(json.as_bytes()).unwrap_err();
            let body: serde_json::Value = serde_json::from_slice(&refused.body("/", "r")).unwrap();
            let error = &body["errors"][0];
            assert_eq!(
                (&error["field"], &error["code"]),
                (&"trial_days".into(), &"wrong_type".into())
            );
            assert_eq!(error["message"], format!("trial_days: {number} {whole}"));
        }
        let json = format!("{{\"name\":\"A\",\n\"quotas\":{{\"images\":{long}}}}}");
        let refused = parse::<PlanDraft>(json.as_bytes()).unwrap_err();
        let body: serde_json::Value = serde_json::from_slice(&refused.body("/", "r")).unwrap();
        let message = body["errors"][0]["message"].as_str().unwrap();
        assert!(message.starts_with("quotas.images: 9999"), "{message}");
        assert!(message.ends_with(
            "… is not a whole number from 0 to 18446744073709551615, written in digits."
        ));
    }

    #[test]
    fn a_mistake_is_named_by_its_field() {
        for (json, field, code) in [
            (r#"{"name":"A","price":1,"interval":"month","x":1}"#, "x", "unknown_field"),
            (r#"{"price":1,"interval":"month"}"#, "name", "missing_field"),
            (r#"{"name":5}"#, "name", "wrong_type"),
            (r#"{"name":"A","name":"B"}"#, "name", "duplicate_field"),
            (r#"{"name":"A","interval":null}"#, "interval", "wrong_type"),
            (r#"{"name":"A","quotas":{"requests":-1}}"#, "quotas.requests", "wrong_type"),
            (r#"{"name":"A","quotas":{"requests":"many"}}"#, "quotas.requests", "wrong_type"),
            (r#"{"name":"A","features":["a",2]}"#, "features[1]", "wrong_type"),
            (r#"{"name":"A","interval":"decade"}"#, "interval", "wrong_type"),
            (r#"{"name":"A","id":"a b"}"#, "id", "wrong_type"),
            (r#"{"name":"A""#, "", "malformed_json"),
            (r#"{} {}"#, "name", "missing_field"),
            ("[]", "", "wrong_type"),
            (r#" ["A",1,"month"]"#, "", "wrong_type"),
            (r#"{"name":"A","quotas":{"images":1,"images":2}}"#, "quotas", "wrong_type"),
            ("5", "", "wrong_type"),
            ("", "", "malformed_json"),
        ] {
            let problem = parse::<PlanDraft>(json.as_bytes()).unwrap_err();
            let body: serde_json::Value = serde_json::from_slice(&problem.body("/", "r")).unwrap();
            let error = &body["errors"][0];
            assert_eq!(error["field"], field, "{json}: {body}");
            assert_eq!(error["code"], code, "{json}: {body}");
            assert_eq!(body["status"], 400);
        }
    }
}

//! The one place where what went wrong becomes an answer: `application/problem+json` (RFC 9457).

use std::any::Any;

use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use planwright_domain::money::Currency;
use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::refusal::{Due, FieldError, PAYMENT, RefusalKind};
use planwright_domain::usage::exceeded::Exceeded;
use planwright_domain::usage::metric::Metric;
use planwright_domain::usage::quantity::Quantity;
use planwright_domain::{Refusal, schema};
use planwright_service::Error;
use planwright_store::{CommitError, StoreError};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::token::TokenError;

/// What a caller is told.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    due: Option<Box<Due>>,
    exceeded: Option<Box<Exceeded>>,
    retry_after: Option<u32>,
}

/// What goes wrong, as RFC 9457 has it.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Body<'a> {
    /// `urn:planwright:problem:` and a code for machines; stable.
    #[serde(rename = "type")]
    #[schema(examples("urn:planwright:problem:plan_not_found"))]
    kind: String,
    /// What the status is called.
    title: &'a str,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// A whole sentence for people, which says what to do next.
    #[schema(examples("Plan 'premium_abc12345' not found."))]
    detail: &'a str,
    /// The path that was asked.
    instance: &'a str,
    /// The log has the cause under it.
    request_id: &'a str,
    /// The fields at fault, where any are.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    /// The plan that is to be paid for, where something has to be paid first (402).
    #[serde(skip_serializing_if = "Option::is_none")]
    plan_id: Option<&'a PlanId>,
    /// How much that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Decimal>)]
    amount_due: Option<Exact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Currency>)]
    currency: Option<Currency>,
    /// The route that takes the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<&'a str>,
    /// The metric whose quota does not reach (429).
    #[serde(skip_serializing_if = "Option::is_none")]
    metric: Option<&'a Metric>,
    /// What was used of it in the window until now.
    #[serde(skip_serializing_if = "Option::is_none")]
    current_usage: Option<Quantity>,
    /// The quota.
    #[serde(skip_serializing_if = "Option::is_none")]
    quota_limit: Option<u64>,
}

/// An amount as JSON has it.
#[derive(Serialize)]
#[serde(transparent)]
struct Exact(#[serde(with = "planwright_domain::decimal")] Decimal);

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            due: None,
            exceeded: None,
            retry_after: None,
        }
    }

    /// A request whose fields are wrong in themselves.
    pub(crate) fn field(field: &str, code: &str, message: &str) -> Self {
        Refusal::Invalid(vec![FieldError::new(field, code, message)]).into()
    }

    fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// Too many at once.
    pub(crate) fn full() -> Self {
        let detail = "The server is working on as many requests as it can. Try again in a second.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail).retry_after(1)
    }

    /// The answer took too long.
    pub(crate) fn too_slow(seconds: u64) -> Self {
        let detail = format!(
            "The request was given up after {seconds} seconds. If it was to change something, look \
             whether it did before you send it again."
        );
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too_slow", detail).retry_after(1)
    }

    /// A mistake of ours.
    pub(crate) fn internal() -> Self {
        let detail =
            "Something went wrong on our side. The log has the cause under this request_id.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    pub(crate) fn unavailable(code: &'static str, detail: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(1)
    }

    /// The whole body, once it is known which request it answers.
    pub(crate) fn body(&self, path: &str, request_id: &str) -> Vec<u8> {
        let due = self.due.as_deref();
        let exceeded = self.exceeded.as_deref();
        let body = Body {
            kind: format!("urn:planwright:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            detail: &self.detail,
            instance: path,
            request_id,
            errors: &self.errors,
            plan_id: due.map(|due| &due.plan_id),
            amount_due: due.map(|due| Exact(due.amount_due)),
            currency: due.map(|due| due.currency),
            payment: due.map(|_| PAYMENT),
            metric: exceeded.map(|exceeded| &exceeded.metric),
            current_usage: exceeded.map(|exceeded| exceeded.current),
            quota_limit: exceeded.map(|exceeded| exceeded.limit),
        };
        // Text and numbers always have a JSON form.
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

/// The head of the answer; the guard fills in the body, since only it knows the request.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, json);
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.kind() {
            // Too little right is 401 too, as the first document's table says; the type differs.
            RefusalKind::Forbidden => StatusCode::UNAUTHORIZED,
            RefusalKind::Missing => StatusCode::NOT_FOUND,
            RefusalKind::KeyReused | RefusalKind::Unfit => StatusCode::UNPROCESSABLE_ENTITY,
            RefusalKind::Conflict => StatusCode::CONFLICT,
            RefusalKind::PaymentRequired => StatusCode::PAYMENT_REQUIRED,
            RefusalKind::TooMuch => StatusCode::TOO_MANY_REQUESTS,
            RefusalKind::Stale => StatusCode::PRECONDITION_FAILED,
            RefusalKind::Invalid => StatusCode::BAD_REQUEST,
        };
        let problem = Self::new(status, refusal.code(), refusal.to_string());
        let errors = refusal.fields();
        match refusal {
            Refusal::PaymentRequired(due) => Self { due: Some(Box::new(due)), ..problem },
            Refusal::QuotaExceeded(exceeded) => {
                let retry_after = exceeded.retry_after;
                Self { exceeded: Some(exceeded), retry_after, ..problem }
            }
            _ => Self { errors, ..problem },
        }
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "bad_credentials", error.to_string())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => refusal.into(),
            Error::Contended => Self::unavailable("contended", &error.to_string()),
            Error::Plugin(error) => {
                tracing::warn!(%error, "a plugin failed");
                Self::unavailable("plugin_failed", &error.to_string())
            }
            // Which shop it was is the operator's to know.
            Error::OtherShop { .. } => {
                tracing::warn!(%error, "a payment's shop is not set up");
                Self::unavailable("payments_not_set_up", &Error::NoShop.to_string())
            }
            Error::NoShop => Self::unavailable("payments_not_set_up", &error.to_string()),
            Error::Provider(error) => {
                tracing::warn!(%error, "the payment provider failed");
                Self::unavailable("provider_unavailable", PROVIDER)
            }
            Error::Store(error) => from_store(&error),
            Error::Commit(error) => from_commit(&error),
        }
    }
}

const PROVIDER: &str = "The payment provider does not answer as it should. Nothing is lost: a payment that was begun goes on \
     by itself, and asking again gives the same one.";

const UNKNOWN_OUTCOME: &str =
    "The change may or may not have been kept: look before you send it again.";

fn from_store(error: &StoreError) -> Problem {
    tracing::error!(%error, "reading the store failed");
    match error {
        StoreError::Unavailable { .. } | StoreError::Full | StoreError::InUse { .. } => {
            Problem::unavailable("store_unavailable", "The store does not answer now. Try again.")
        }
        StoreError::Corrupt { .. } | StoreError::Newer { .. } | StoreError::NotEmpty { .. } => {
            Problem::internal()
        }
    }
}

fn from_commit(error: &CommitError) -> Problem {
    tracing::error!(%error, "a commit failed");
    match error {
        CommitError::Busy => Problem::unavailable(
            "overloaded",
            "Too many changes are waiting to be stored. Nothing was changed. Try again in a second.",
        ),
        CommitError::Full => {
            let detail = format!("The disk is full. {UNKNOWN_OUTCOME}");
            Problem::unavailable("disk_full", &detail)
        }
        CommitError::Unavailable { .. } => {
            let detail = format!("The store failed. {UNKNOWN_OUTCOME}");
            Problem::unavailable("store_unavailable", &detail)
        }
        CommitError::Conflict { .. }
        | CommitError::Ceiling { .. }
        | CommitError::Invalid { .. }
        | CommitError::Corrupt { .. } => Problem::internal(),
    }
}

/// There is nothing at this path.
pub(crate) async fn no_such_route(uri: Uri) -> Problem {
    let detail = format!("There is nothing at {}.", uri.path());
    Problem::new(StatusCode::NOT_FOUND, "no_such_route", detail)
}

/// The path is right and the method is not; the `Allow` header says which are.
pub(crate) async fn no_such_method(uri: Uri) -> Problem {
    let detail =
        format!("{} does not take this method; the Allow header says which it takes.", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "no_such_method", detail)
}

/// A handler panicked: a mistake of ours.
#[allow(clippy::needless_pass_by_value, reason = "the layer hands it over")]
pub(crate) fn after_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let cause = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    tracing::error!(cause, "a handler panicked");
    Problem::internal().into_response()
}

//! Somebody who speaks the API.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use planwright_server::outbound;
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;

use super::contract::{Exchange, contract};

/// Somebody with credentials, or without.
#[derive(Clone)]
pub(crate) struct Actor {
    client: reqwest::Client,
    base: String,
    token: Option<String>,
    went_well: WentWell,
    under_other_rules: bool,
}

/// The operations that were asked of a server and answered with success.
pub(crate) type WentWell = Arc<Mutex<BTreeSet<String>>>;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Null if the body is empty or no JSON.
    pub(crate) json: Value,
    pub(crate) text: String,
}

impl Actor {
    pub(crate) fn new(address: SocketAddr, token: Option<String>) -> Self {
        let base = format!("http://{address}");
        Self {
            client: outbound::client().build().unwrap(),
            base,
            token,
            went_well: WentWell::default(),
            under_other_rules: false,
        }
    }

    /// Of a server whose rules are not the standard ones: it may accept what the document forbids.
    pub(crate) fn under_other_rules(self) -> Self {
        Self { under_other_rules: true, ..self }
    }

    /// What goes well is noted here.
    pub(crate) fn noted_in(self, went_well: &WentWell) -> Self {
        Self { went_well: Arc::clone(went_well), ..self }
    }

    /// The bearer token, for requests that are written by hand.
    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "").await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, &body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, &body.to_string()).await
    }

    pub(crate) async fn patch(&self, path: &str) -> Answer {
        self.send(Method::PATCH, path, "").await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, "").await
    }

    /// Any request, its body as it is written.
    pub(crate) async fn send(&self, method: Method, path: &str, body: &str) -> Answer {
        self.send_with(&[], method, path, body).await
    }

    /// The same with more headers.
    pub(crate) async fn send_with(
        &self,
        headers: &[(&str, &str)],
        method: Method,
        path: &str,
        body: &str,
    ) -> Answer {
        self.try_send_with(headers, method, path, body).await.unwrap()
    }

    /// Bytes that are no JSON.
    pub(crate) async fn upload(
        &self,
        headers: &[(&str, &str)],
        path: &str,
        bytes: Vec<u8>,
    ) -> Answer {
        let mut request = self.request(Method::POST, path, "").body(bytes);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.exchange(request, &Method::POST, path, "bytes").await.unwrap()
    }

    /// The same while the server may be gone.
    pub(crate) async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: &str,
    ) -> Result<Answer, reqwest::Error> {
        self.try_send_with(&[], method, path, body).await
    }

    /// Asks, and holds the answer against the document.
    async fn try_send_with(
        &self,
        headers: &[(&str, &str)],
        method: Method,
        path: &str,
        body: &str,
    ) -> Result<Answer, reqwest::Error> {
        let mut request = self.request(method.clone(), path, body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.exchange(request, &method, path, body).await
    }

    async fn exchange(
        &self,
        request: RequestBuilder,
        method: &Method,
        path: &str,
        body: &str,
    ) -> Result<Answer, reqwest::Error> {
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let answered = response.bytes().await?;
        let exchange = Exchange {
            method,
            target: path,
            asked: body,
            status,
            headers: &headers,
            answered: &answered,
            under_other_rules: self.under_other_rules,
        };
        if let Some(operation) = contract().check(&exchange) {
            self.went_well.lock().unwrap().insert(operation.to_owned());
        }
        let json = serde_json::from_slice(&answered).unwrap_or_default();
        let text = String::from_utf8_lossy(&answered).into_owned();
        Ok(Answer { status, headers, json, text })
    }

    fn request(&self, method: Method, path: &str, body: &str) -> RequestBuilder {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json").body(body.to_owned());
        }
        request
    }
}

impl Answer {
    /// The body, if the status is the one expected.
    #[track_caller]
    pub(crate) fn ok(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.json);
        self.json
    }

    /// The problem's sentence, if the status is the one expected and the body is a whole problem.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> &str {
        assert_eq!(self.status.as_u16(), status, "{}", self.json);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.json["status"], status);
        assert_eq!(self.json["request_id"].as_str(), self.headers["x-request-id"].to_str().ok());
        for field in ["type", "title", "instance"] {
            let text = self.json[field].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "no {field} in {}", self.json);
        }
        self.json["detail"].as_str().unwrap()
    }

    /// Field and code of every error at a field.
    pub(crate) fn field_errors(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let errors = self.json["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| (text(&error["field"]), text(&error["code"]))).collect()
    }
}

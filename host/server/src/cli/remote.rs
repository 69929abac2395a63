//! A running server, as commands speak to it.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Failure;

/// A server and the credentials for it.
pub(super) struct Remote {
    client: reqwest::Client,
    base: String,
    token: String,
}

impl Remote {
    /// # Errors
    /// An address that this program cannot speak to.
    pub(super) fn new(server: &str, token: &str) -> Result<Self, Failure> {
        let base = server.trim_end_matches('/');
        if !base.starts_with("http://") {
            let reason = format!(
                "'{base}' is not an address like http://127.0.0.1:8080 (this program speaks plain http; \
                 over a network, use a tunnel or run it beside the server)"
            );
            return Err(reason.into());
        }
        let client = reqwest::Client::builder().build()?;
        Ok(Self { client, base: base.to_owned(), token: token.to_owned() })
    }

    /// Sends a body and reads the answer.
    ///
    /// # Errors
    /// The server's own sentence where it refuses, and what is wrong where it does not answer as a server of
    /// ours does.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let base = &self.base;
        let request = self.client.post(format!("{base}{path}")).bearer_auth(&self.token).json(body);
        let answer = request.send().await.map_err(|error| {
            let cause = innermost(&error);
            format!("cannot reach {base}: {cause}. Is `planwright serve` running there?")
        })?;
        let status = answer.status();
        let bytes = answer.bytes().await?;
        if status.is_success() {
            return serde_json::from_slice(&bytes)
                .map_err(|error| format!("{base} gave an unexpected answer: {error}").into());
        }
        let problem: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        match problem["detail"].as_str() {
            Some(detail) => Err(format!("{base} refuses ({status}): {detail}").into()),
            None => Err(format!("{base} answers {status}; is it a Planwright server?").into()),
        }
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

//! `YooKassa`: payments and refunds over its API, version 3. What it says is read into plain values; what it does not
//! say in time, or in another shape, is no answer.

mod wire;

use std::time::Duration;

use planwright_domain::payment::payment_settings::Credentials;
use planwright_domain::payment::{PaymentOrder, PaymentTold, RefundTold};
use planwright_service::Payments;
use planwright_service::payments::provider::{Answering, PaymentProvider, ProviderError};
use reqwest::{Client, Method, RequestBuilder, StatusCode, Url};
use serde::de::DeserializeOwned;

use crate::config::YookassaConfig;
use crate::outbound;
use wire::{NewPayment, Payment, Problem, Refund};

/// How long it may take to be reached.
const CONNECT: Duration = Duration::from_secs(3);
/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(10);
/// How long a question may take with all its requests: less than the first pause of `domain::transaction`, behind
/// which the payment is asked about by somebody else.
const QUESTION: Duration = Duration::from_secs(12);
/// The pauses before a request is sent again.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];
/// The longest answer that is read.
const LONGEST: usize = 1 << 20;

/// Why payments cannot be taken as the configuration says, in a sentence.
#[derive(Debug, thiserror::Error)]
pub enum PaymentsError {
    #[error("payments.yookassa.base_url must be an http or https address, and is '{url}'")]
    BaseUrl { url: String },
    #[error("payments.yookassa.shop_id and secret_key come together: one of them is missing")]
    HalfAShop,
    #[error("cannot prepare calls to the payment provider: {0}")]
    Client(#[from] reqwest::Error),
}

/// Who takes payments, as the configuration says.
pub(crate) fn payments(config: &YookassaConfig) -> Result<Payments, PaymentsError> {
    let shop = match (&config.shop_id, &config.secret_key) {
        (Some(shop_id), Some(secret_key)) => {
            Some(Credentials { shop_id: shop_id.clone(), secret_key: secret_key.clone() })
        }
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return Err(PaymentsError::HalfAShop),
    };
    let provider = std::sync::Arc::new(Yookassa::new(&config.base_url)?);
    Ok(Payments { provider, shop, return_hosts: config.return_hosts.clone() })
}

/// Its API.
struct Yookassa {
    client: Client,
    base: Url,
}

impl Yookassa {
    fn new(base_url: &str) -> Result<Self, PaymentsError> {
        let wrong = || PaymentsError::BaseUrl { url: base_url.to_owned() };
        let base = Url::parse(base_url).map_err(|_| wrong())?;
        if !["http", "https"].contains(&base.scheme()) || base.cannot_be_a_base() {
            return Err(wrong());
        }
        let client = outbound::client().connect_timeout(CONNECT).timeout(REQUEST).build()?;
        Ok(Self { client, base })
    }

    fn request(&self, method: Method, shop: &Credentials, path: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(path);
        }
        self.client.request(method, url).basic_auth(&shop.shop_id, Some(shop.secret_key.reveal()))
    }

    /// Asks, and where that fails in a way that may pass, a few times more. Whatever is sent may be sent again.
    async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ProviderError> {
        let attempts = async {
            for pause in PAUSES {
                match attempt(&request).await {
                    Err(ProviderError::Unavailable { reason }) => {
                        tracing::debug!(reason, "the payment provider is asked again");
                    }
                    done => return done,
                }
                tokio::time::sleep(pause).await;
            }
            attempt(&request).await
        };
        tokio::time::timeout(QUESTION, attempts).await.unwrap_or_else(|_| {
            Err(unavailable(format!("nothing within {} seconds", QUESTION.as_secs())))
        })
    }
}

async fn attempt<T: DeserializeOwned>(request: &RequestBuilder) -> Result<T, ProviderError> {
    let request = request.try_clone().ok_or_else(|| unavailable("a request that is sent once"))?;
    // The address of a request is in its errors; it has nothing that is secret.
    let mut response = request.send().await.map_err(|error| unavailable(chain(&error)))?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| unavailable(chain(&error)))? {
        body.extend_from_slice(&piece);
        if body.len() > LONGEST {
            return Err(unavailable("an answer that does not end"));
        }
    }
    if status != StatusCode::OK {
        return Err(wrong(status, &body));
    }
    serde_json::from_slice(&body)
        .map_err(|error| unavailable(format!("an answer of another shape: {error}")))
}

/// What its error statuses mean. 401 and 403 are of the shop, which an admin mends; nothing was done then.
fn wrong(status: StatusCode, body: &[u8]) -> ProviderError {
    let Problem { code, description } = serde_json::from_slice(body).unwrap_or_default();
    let shown: String = format!("{status} {code} {description}").chars().take(300).collect();
    match status {
        StatusCode::NOT_FOUND => ProviderError::Unknown { reason: shown },
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
            let code = if code.is_empty() { "invalid_request".to_owned() } else { code };
            ProviderError::Refused { code: code.chars().take(100).collect(), reason: shown }
        }
        _ => unavailable(shown),
    }
}

fn unavailable(reason: impl Into<String>) -> ProviderError {
    ProviderError::Unavailable { reason: reason.into() }
}

/// An error with its causes: the outermost says little.
fn chain(error: &reqwest::Error) -> String {
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        said = format!("{said}: {error}");
        cause = error.source();
    }
    said
}

impl PaymentProvider for Yookassa {
    fn create_payment<'a>(
        &'a self,
        shop: &'a Credentials,
        order: &'a PaymentOrder,
    ) -> Answering<'a, PaymentTold> {
        Box::pin(async move {
            let request = self.request(Method::POST, shop, &["payments"]);
            let request = request.header("Idempotence-Key", &order.key);
            let told: Payment = self.ask(request.json(&NewPayment::of(order))).await?;
            told.read().map_err(unavailable)
        })
    }

    fn payment<'a>(&'a self, shop: &'a Credentials, id: &'a str) -> Answering<'a, PaymentTold> {
        Box::pin(async move {
            let told: Payment =
                self.ask(self.request(Method::GET, shop, &["payments", id])).await?;
            told.read().map_err(unavailable)
        })
    }

    fn refund<'a>(&'a self, shop: &'a Credentials, id: &'a str) -> Answering<'a, RefundTold> {
        Box::pin(async move {
            let told: Refund = self.ask(self.request(Method::GET, shop, &["refunds", id])).await?;
            told.read().map_err(unavailable)
        })
    }
}

#[cfg(test)]
mod tests {
    use planwright_domain::payment::payment_settings::Secret;

    use super::*;

    #[test]
    fn a_status_says_whether_asking_again_helps() {
        let body = br#"{"type":"error","id":"e","code":"c","description":"d","parameter":"p"}"#;
        for (status, expected) in [
            (400, "it refuses (c): 400 Bad Request c d"),
            (401, "it gives no answer that counts: 401 Unauthorized c d"),
            (403, "it gives no answer that counts: 403 Forbidden c d"),
            (404, "it knows no such thing: 404 Not Found c d"),
            (429, "it gives no answer that counts: 429 Too Many Requests c d"),
            (500, "it gives no answer that counts: 500 Internal Server Error c d"),
            (202, "it gives no answer that counts: 202 Accepted c d"),
            (302, "it gives no answer that counts: 302 Found c d"),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(wrong(status, body).to_string(), expected);
        }
        assert!(wrong(StatusCode::BAD_REQUEST, b"<html>").to_string().contains("invalid_request"));
    }

    #[test]
    fn a_configuration_has_an_address_of_the_web_and_a_whole_shop() {
        let config = |base_url: &str, shop: bool, key: bool| YookassaConfig {
            base_url: base_url.to_owned(),
            shop_id: shop.then(|| "100".to_owned()),
            secret_key: key.then(|| Secret::new("live".to_owned())),
            ..YookassaConfig::default()
        };
        for (config, expected) in [
            (config("https://api.yookassa.ru/v3", true, true), true),
            (config("http://127.0.0.1:9/v3/", false, false), true),
            (config("ftp://x/", true, true), false),
            (config("nowhere", true, true), false),
            (config("https://api.yookassa.ru/v3", true, false), false),
            (config("https://api.yookassa.ru/v3", false, true), false),
        ] {
            assert_eq!(payments(&config).is_ok(), expected, "{config:?}");
        }
    }

    #[test]
    fn an_id_stays_in_its_place_in_the_address() {
        let yookassa = Yookassa::new("https://api.yookassa.ru/v3/").unwrap();
        let shop =
            Credentials { shop_id: "100".to_owned(), secret_key: Secret::new("live".to_owned()) };
        let request = yookassa.request(Method::GET, &shop, &["payments", "a/../b?c"]).build();
        assert_eq!(
            request.unwrap().url().as_str(),
            "https://api.yookassa.ru/v3/payments/a%2F..%2Fb%3Fc"
        );
    }
}

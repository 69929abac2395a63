//! Configuration: every setting with its default. `load` reads them.

mod load;

use std::net::SocketAddr;
use std::path::PathBuf;

use planwright_domain::payment::payment_settings::Secret;
use planwright_domain::webhook::Reach;
use serde::Deserialize;

pub use crate::network::Network;
pub use load::{ConfigError, SETTINGS, variable};

/// Every setting, with its default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub server: ServerConfig,
    pub auth: AuthConfig,
    pub plugins: PluginsConfig,
    pub webhooks: WebhooksConfig,
    pub payments: PaymentsConfig,
    pub limits: LimitsConfig,
    pub log: LogConfig,
}

/// `[server]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Memory for the store's pages.
    pub cache_mib: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data_dir: PathBuf::from("planwright-data"),
            cache_mib: 256,
        }
    }
}

/// `[auth]`
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthConfig {
    /// What every token is signed with, whatever it says itself.
    pub algorithm: TokenAlgorithm,
    /// Signs tokens, HS256; at least 32 characters. The data folder's own secret where absent.
    pub secret: Option<String>,
    /// The public key of whoever signs tokens, PEM; for RS256 and ES256.
    pub public_key_file: Option<PathBuf>,
    /// Their public keys as a JSON Web Key Set, found by `kid`; for RS256 and ES256.
    pub jwks_file: Option<PathBuf>,
    /// What the `iss` of a token must be.
    pub issuer: Option<String>,
    /// What the `aud` of a token must hold.
    pub audience: Option<String>,
}

/// How tokens are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum TokenAlgorithm {
    /// With a secret that whoever checks them knows, too.
    #[default]
    HS256,
    /// With an RSA key that only whoever signs them knows.
    RS256,
    /// With a key on the curve P-256 that only whoever signs them knows.
    ES256,
}

impl TokenAlgorithm {
    /// As it is written in the configuration and in tokens.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::RS256 => "RS256",
            Self::ES256 => "ES256",
        }
    }
}

impl std::fmt::Debug for AuthConfig {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("AuthConfig")
            .field("algorithm", &self.algorithm)
            .field("secret", &self.secret.as_ref().map(|_| "…"))
            .field("public_key_file", &self.public_key_file)
            .field("jwks_file", &self.jwks_file)
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish()
    }
}

/// `[plugins]`: which components decide where nobody has bound others, and what plugins may take.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PluginsConfig {
    pub identity: PluginConfig,
    pub validation: ValidationConfig,
    pub pricing: PluginConfig,
    /// Template packs beside the standard one; each needs a file.
    pub templates: Vec<PluginConfig>,
    /// Where native code is kept; in the data folder where absent. Other servers may share a folder that is named
    /// here, so nothing is ever deleted from it.
    pub cache_dir: Option<PathBuf>,
    /// The longest that one call may take.
    pub call_milliseconds: u64,
    /// The most memory that one instance may have.
    pub memory_mib: usize,
    /// The most processor time that compiling one component may take.
    pub compile_seconds: u64,
    /// The most memory that compiling one component may take.
    pub compile_memory_mib: u64,
    /// How many plugins a tenant may upload, and the operator for the host.
    pub most_uploaded: u64,
}

impl Default for PluginsConfig {
    fn default() -> Self {
        Self {
            identity: PluginConfig::default(),
            validation: ValidationConfig::default(),
            pricing: PluginConfig::default(),
            templates: Vec::new(),
            cache_dir: None,
            call_milliseconds: 3_000,
            memory_mib: 64,
            compile_seconds: 240,
            compile_memory_mib: 1_536,
            most_uploaded: 100,
        }
    }
}

/// `[plugins.identity]`, `[plugins.pricing]`: a component instead of the standard one. In a list: one more.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PluginConfig {
    /// The component; the standard one where absent.
    pub file: Option<PathBuf>,
    /// Its settings, in its own words.
    pub settings: toml::Table,
}

/// `[plugins.validation]`: the standard component, and those that run after it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ValidationConfig {
    /// Whether the standard component runs first.
    pub standard: bool,
    /// The standard component's settings, such as `currencies`.
    pub settings: toml::Table,
    /// What runs after it; each needs a file.
    pub then: Vec<PluginConfig>,
}

impl Default for ValidationConfig {
    fn default() -> Self {
        Self { standard: true, settings: toml::Table::new(), then: Vec::new() }
    }
}

/// `[webhooks]`: where calls to tenants' endpoints may go.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhooksConfig {
    /// To addresses that are not on the open internet, this machine's own among them.
    pub allow_private_networks: bool,
    /// Without TLS.
    pub allow_http: bool,
}

impl WebhooksConfig {
    /// As the rules have it.
    pub(crate) fn reach(self) -> Reach {
        Reach { private_networks: self.allow_private_networks, http: self.allow_http }
    }
}

/// `[payments]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PaymentsConfig {
    pub yookassa: YookassaConfig,
}

/// `[payments.yookassa]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct YookassaConfig {
    /// Where its API is, for every tenant.
    pub base_url: String,
    /// The shop of tenants that have none of their own, and its secret key; without both, payments of such tenants are
    /// not taken.
    pub shop_id: Option<String>,
    #[allow(missing_docs, reason = "documented on shop_id")]
    pub secret_key: Option<Secret>,
    /// What a proxy in front of the webhook signs its bodies with; where absent, nothing is signed.
    pub webhook_secret: Option<Secret>,
    /// Where webhooks may come from, addresses or networks; from anywhere where none is named.
    pub allowed_sources: Vec<Network>,
    /// The hosts that users may come back to after paying; any where none is named.
    pub return_hosts: Vec<String>,
}

impl Default for YookassaConfig {
    fn default() -> Self {
        Self {
            base_url: "https://api.yookassa.ru/v3".to_owned(),
            shop_id: None,
            secret_key: None,
            webhook_secret: None,
            allowed_sources: Vec::new(),
            return_hosts: Vec::new(),
        }
    }
}

/// `[limits]`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// The largest body of a request.
    pub body_bytes: usize,
    /// The largest batch of usage events, document of a billing plan, and catalog.
    pub batch_bytes: usize,
    /// The largest component that can be uploaded.
    pub plugin_bytes: usize,
    /// How long a request's head may take to arrive.
    pub header_seconds: u64,
    /// How long a request's body may take to arrive.
    pub body_seconds: u64,
    /// How long a client may take to read on.
    pub write_seconds: u64,
    /// How long a request may take to be answered.
    pub handler_seconds: u64,
    /// How many requests are worked on at once; more are told to come again.
    pub concurrent_requests: usize,
    /// How many connections are open at once; more wait to be accepted.
    pub connections: usize,
    /// How long a stop waits for requests that are under way.
    pub drain_seconds: u64,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            batch_bytes: 16 << 20,
            plugin_bytes: 32 << 20,
            header_seconds: 30,
            body_seconds: 30,
            write_seconds: 30,
            handler_seconds: 60,
            concurrent_requests: 1_024,
            connections: 4_096,
            drain_seconds: 20,
        }
    }
}

/// `[log]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `warn,planwright_service=debug`.
    pub level: String,
    /// How a line looks.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text }
    }
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_not_shown() {
        let config = AuthConfig { secret: Some("hidden".to_owned()), ..AuthConfig::default() };
        assert!(!format!("{config:?}").contains("hidden"));
    }
}

//! Configuration: flags over environment over file over defaults. An unknown key is an error.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Every setting, with its default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub server: ServerConfig,
    pub auth: AuthConfig,
    pub plugins: PluginsConfig,
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
    /// The longest that compiling one component may take.
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
            compile_seconds: 120,
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

/// `[limits]`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// The largest body of a request.
    pub body_bytes: usize,
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

/// A configuration that cannot be used, in a sentence.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{from}: {reason}")]
    Wrong { from: String, reason: String },
    #[error(
        "{name} is not a setting. Settings are PLANWRIGHT_<SECTION>_<KEY>, such as \
         PLANWRIGHT_SERVER_LISTEN; `planwright serve --help` lists them"
    )]
    UnknownVariable { name: String },
}

/// Every setting that the environment can give: its section and key, and whether its value is text (what
/// is not text is written as in the file, so that a list or a table fits in a variable too).
pub const SETTINGS: &[(&str, &str, bool)] = &[
    ("server", "listen", true),
    ("server", "data_dir", true),
    ("server", "cache_mib", false),
    ("auth", "algorithm", true),
    ("auth", "secret", true),
    ("auth", "public_key_file", true),
    ("auth", "jwks_file", true),
    ("auth", "issuer", true),
    ("auth", "audience", true),
    ("plugins", "identity", false),
    ("plugins", "validation", false),
    ("plugins", "pricing", false),
    ("plugins", "templates", false),
    ("plugins", "cache_dir", true),
    ("plugins", "call_milliseconds", false),
    ("plugins", "memory_mib", false),
    ("plugins", "compile_seconds", false),
    ("plugins", "compile_memory_mib", false),
    ("plugins", "most_uploaded", false),
    ("limits", "body_bytes", false),
    ("limits", "plugin_bytes", false),
    ("limits", "header_seconds", false),
    ("limits", "body_seconds", false),
    ("limits", "write_seconds", false),
    ("limits", "handler_seconds", false),
    ("limits", "concurrent_requests", false),
    ("limits", "connections", false),
    ("limits", "drain_seconds", false),
    ("log", "level", true),
    ("log", "format", true),
];

const PREFIX: &str = "PLANWRIGHT_";

/// Variables with our prefix that are no settings of the server: what the command line itself reads.
const NO_SETTINGS: [&str; 3] = ["PLANWRIGHT_CONFIG", "PLANWRIGHT_URL", "PLANWRIGHT_TOKEN"];

/// The name of a setting in the environment.
#[must_use]
pub fn variable(section: &str, key: &str) -> String {
    format!("{PREFIX}{section}_{key}").to_uppercase()
}

impl Config {
    /// Reads the file, if there is one, and the environment over it.
    ///
    /// # Errors
    /// A file that cannot be read, a key that is not known, a value that does not fit.
    pub fn load(
        file: Option<&Path>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, ConfigError> {
        let mut table = match file {
            Some(path) => read(path)?,
            None => toml::Table::new(),
        };
        // Once on its own, so that a mistake is blamed on the file and not on the environment.
        if let Some(path) = file {
            Self::from_table(table.clone(), &path.display().to_string())?;
        }
        for (name, value) in environment.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
            set(&mut table, name, value)?;
        }
        Self::from_table(table, "the environment")
    }

    /// Numbers that would keep the server from answering anybody, or from starting at all.
    fn check_ranges(&self) -> Result<(), String> {
        let (limits, plugins) = (&self.limits, &self.plugins);
        let counts = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        for (name, number, least, most) in [
            ("server.cache_mib", counts(self.server.cache_mib), 1, 1 << 20),
            ("plugins.call_milliseconds", plugins.call_milliseconds, 1, 600_000),
            ("plugins.memory_mib", counts(plugins.memory_mib), 1, 4_096),
            ("plugins.compile_seconds", plugins.compile_seconds, 1, 86_400),
            ("plugins.compile_memory_mib", plugins.compile_memory_mib, 64, 1 << 20),
            ("plugins.most_uploaded", plugins.most_uploaded, 0, 10_000),
            ("limits.body_bytes", counts(limits.body_bytes), 1, 1 << 30),
            ("limits.plugin_bytes", counts(limits.plugin_bytes), 1, 256 << 20),
            ("limits.header_seconds", limits.header_seconds, 1, 86_400),
            ("limits.body_seconds", limits.body_seconds, 1, 86_400),
            ("limits.handler_seconds", limits.handler_seconds, 1, 86_400),
            ("limits.write_seconds", limits.write_seconds, 1, 86_400),
            ("limits.concurrent_requests", counts(limits.concurrent_requests), 1, 1 << 20),
            ("limits.connections", counts(limits.connections), 1, 1 << 20),
            ("limits.drain_seconds", limits.drain_seconds, 0, 86_400),
        ] {
            if number < least || number > most {
                return Err(format!("{name} must be between {least} and {most}"));
            }
        }
        Ok(())
    }

    fn from_table(table: toml::Table, from: &str) -> Result<Self, ConfigError> {
        let wrong = |reason: String| ConfigError::Wrong { from: from.to_owned(), reason };
        let config: Self =
            table.try_into().map_err(|error: toml::de::Error| wrong(error.to_string()))?;
        if config.auth.secret.as_ref().is_some_and(|secret| secret.chars().count() < 32) {
            return Err(wrong("auth.secret must have at least 32 characters".to_owned()));
        }
        config.check_ranges().map_err(wrong)?;
        Ok(config)
    }
}

fn read(path: &Path) -> Result<toml::Table, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    toml::from_str(&text).map_err(|error| ConfigError::Wrong {
        from: path.display().to_string(),
        reason: error.to_string(),
    })
}

fn set(table: &mut toml::Table, name: &str, value: &str) -> Result<(), ConfigError> {
    if NO_SETTINGS.contains(&name) {
        return Ok(());
    }
    let (section, key, is_text) = SETTINGS
        .iter()
        .find(|(section, key, _)| variable(section, key) == name)
        .ok_or_else(|| ConfigError::UnknownVariable { name: name.to_owned() })?;
    let value = if *is_text { toml::Value::from(value) } else { literal(name, value)? };
    let section = table
        .entry(*section)
        .or_insert_with(|| toml::Value::Table(toml::Table::new()))
        .as_table_mut()
        .ok_or_else(|| ConfigError::Wrong {
            from: name.to_owned(),
            reason: format!("`{section}` in the file is not a table"),
        })?;
    section.insert((*key).to_owned(), value);
    Ok(())
}

fn literal(name: &str, value: &str) -> Result<toml::Value, ConfigError> {
    toml::from_str::<toml::Table>(&format!("value = {value}"))
        .ok()
        .and_then(|mut table| table.remove("value"))
        .ok_or_else(|| ConfigError::Wrong {
            from: name.to_owned(),
            reason: format!("'{value}' is not a value; write it as in the file"),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let file =
            file("[server]\nlisten = \"127.0.0.1:1\"\ncache_mib = 5\n[log]\nlevel = \"warn\"\n");
        let variables = environment(&[("PLANWRIGHT_SERVER_LISTEN", "127.0.0.1:2")]);
        let config = Config::load(Some(file.path()), &variables).unwrap();
        assert_eq!(config.server.listen.port(), 2);
        assert_eq!((config.server.cache_mib, config.log.level.as_str()), (5, "warn"));
    }

    #[test]
    fn every_setting_can_come_from_the_environment() {
        for (section, key, is_text) in SETTINGS {
            let value = match (*section, *key) {
                ("server", "listen") => "127.0.0.1:9",
                ("auth", "secret") => "0123456789012345678901234567890123456789",
                ("auth", "algorithm") => "ES256",
                ("log", "format") => "json",
                ("plugins", "identity" | "pricing") => "{ file = \"a.wasm\" }",
                ("plugins", "validation") => "{ then = [{ file = \"a.wasm\" }] }",
                ("plugins", "templates") => "[{ file = \"a.wasm\" }]",
                _ if *is_text => "text",
                ("plugins", "compile_memory_mib") => "512",
                _ => "7",
            };
            let variables = environment(&[(&variable(section, key), value)]);
            Config::load(None, &variables)
                .unwrap_or_else(|error| panic!("{section}.{key}: {error}"));
        }
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        for (text, part) in [
            ("[server]\nlistn = \"x\"\n", "listn"),
            ("[servers]\n", "servers"),
            ("[auth]\nsecret = \"short\"\n", "auth.secret"),
            ("[server]\nlisten = \"nowhere\"\n", "listen"),
            ("[auth]\nalgorithm = \"none\"\n", "HS256"),
            ("[server", "line 1"),
            ("[limits]\nconnections = 0\n", "limits.connections"),
            ("[limits]\nconcurrent_requests = 9223372036854775807\n", "limits.concurrent_requests"),
            ("[plugins]\nmemory_mib = 17592186044416\n", "plugins.memory_mib"),
        ] {
            let file = file(text);
            let error = Config::load(Some(file.path()), &BTreeMap::new()).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
            assert!(error.contains(&file.path().display().to_string()), "{text}: {error}");
        }
        let variables = environment(&[("PLANWRIGHT_SERVER_LISTN", "x")]);
        let error = Config::load(None, &variables).unwrap_err().to_string();
        assert!(error.contains("PLANWRIGHT_SERVER_LISTN"), "{error}");
    }

    #[test]
    fn the_secret_is_not_shown() {
        let config = AuthConfig { secret: Some("hidden".to_owned()), ..AuthConfig::default() };
        assert!(!format!("{config:?}").contains("hidden"));
    }
}

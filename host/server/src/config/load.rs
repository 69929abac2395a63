//! Flags over environment over file over defaults. An unknown key is an error.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Config;

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
    ("webhooks", "allow_private_networks", false),
    ("webhooks", "allow_http", false),
    ("payments.yookassa", "base_url", true),
    ("payments.yookassa", "shop_id", true),
    ("payments.yookassa", "secret_key", true),
    ("payments.yookassa", "webhook_secret", true),
    ("payments.yookassa", "allowed_sources", false),
    ("payments.yookassa", "return_hosts", false),
    ("limits", "body_bytes", false),
    ("limits", "batch_bytes", false),
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
    format!("{PREFIX}{section}_{key}").replace('.', "_").to_uppercase()
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
            ("limits.batch_bytes", counts(limits.batch_bytes), 1, 256 << 20),
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
    let mut place = table;
    for part in section.split('.') {
        place = place
            .entry(part)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()))
            .as_table_mut()
            .ok_or_else(|| ConfigError::Wrong {
                from: name.to_owned(),
                reason: format!("`{section}` in the file is not a table"),
            })?;
    }
    place.insert((*key).to_owned(), value);
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
                ("payments.yookassa", "allowed_sources") => "[\"185.71.76.0/27\"]",
                ("payments.yookassa", "return_hosts") => "[\"shop.example\"]",
                ("webhooks", _) => "true",
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
            ("[payments.yookassa]\nsecret = \"x\"\n", "secret"),
            ("[payments.yookassa]\nallowed_sources = [\"x\"]\n", "185.71.76.0/27"),
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
}

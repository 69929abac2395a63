//! The plugins that decide where nobody has bound others: the standard ones, which the binary carries, or an
//! operator's from files.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use planwright_domain::time::Timestamp;
use planwright_plugin_host::{
    Bindings, Candidate, Hook, HostConfig, Limits, Plugin, PluginError, PluginHost, Reuse,
};
use sha2::Sha256;

use crate::config::{Config, PluginConfig, PluginsConfig};
use crate::data_dir::DataDir;

const IDENTITY: &[u8] = include_bytes!(env!("WASM_PLANWRIGHT_IDENTITY"));
const VALIDATION: &[u8] = include_bytes!(env!("WASM_PLANWRIGHT_VALIDATION"));
const PRICING: &[u8] = include_bytes!(env!("WASM_PLANWRIGHT_PRICING"));
const SAAS_TIERS: &[u8] = include_bytes!(env!("WASM_PLANWRIGHT_SAAS_TIERS"));
const CLOUD_HOSTING: &[u8] = include_bytes!(env!("WASM_PLANWRIGHT_CLOUD_HOSTING"));

/// The standard plugins are ours and keep nothing between calls, so an instance is used again; it is
/// replaced now and then all the same, so that nothing can pile up in it.
const STANDARD_REUSE: Reuse = Reuse::Warm { calls: 10_000 };

/// A table of plugins that could not be made, in a sentence.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Plugin(#[from] PluginError),
    #[error("cannot read the {hook} plugin {file}: {source}")]
    Unreadable { hook: Hook, file: String, source: std::io::Error },
    #[error("each [[plugins.{table}]] needs a `file`")]
    NoFile { table: &'static str },
    #[error("the settings of the {hook} plugin cannot be written as JSON: {reason}")]
    Settings { hook: Hook, reason: String },
}

/// Starts the plugin host. `compiler` is the command that compiles one component.
pub(crate) fn host(
    config: &Config,
    data_dir: &DataDir,
    compiler: Vec<OsString>,
) -> Result<PluginHost, PluginError> {
    let component_bytes = config.limits.plugin_bytes.max(Limits::default().component_bytes);
    let config = &config.plugins;
    let limits = Limits {
        component_bytes,
        call_time: Duration::from_millis(config.call_milliseconds),
        memory_bytes: config.memory_mib << 20,
        compile_time: Duration::from_secs(config.compile_seconds),
        compile_memory_bytes: config.compile_memory_mib << 20,
        ..Limits::default()
    };
    PluginHost::new(HostConfig {
        compiler,
        cache_dir: config.cache_dir.clone().unwrap_or_else(|| data_dir.plugin_cache()),
        cache_is_shared: config.cache_dir.is_some(),
        cache_key: derived_key(data_dir.secret()),
        limits,
    })
}

/// The key under which native code is kept: the data folder's secret signs tokens, so it is not used for
/// this as it is.
fn derived_key(secret: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .expect("a key for HMAC may have any length");
    mac.update(b"planwright native code");
    mac.finalize().into_bytes().into()
}

/// Loads what the configuration names.
pub(crate) async fn bindings(
    host: &PluginHost,
    config: &PluginsConfig,
    now: Timestamp,
) -> Result<Bindings, LoadError> {
    let identity = one(host, Hook::Identity, &config.identity, IDENTITY, now).await?;
    let pricing = one(host, Hook::Pricing, &config.pricing, PRICING, now).await?;
    let rules = settings(Hook::Validation, &config.validation.settings)?;
    let standard_validation = standard(host, Hook::Validation, VALIDATION, rules, now).await?;
    let mut validation = Vec::new();
    if config.validation.standard {
        validation.push(Arc::clone(&standard_validation));
    }
    for plugin in &config.validation.then {
        let file = plugin.file.as_deref().ok_or(LoadError::NoFile { table: "validation.then" })?;
        validation.push(from_file(host, Hook::Validation, file, plugin, now).await?);
    }
    let mut templates = Vec::new();
    for pack in [SAAS_TIERS, CLOUD_HOSTING] {
        templates.push(standard(host, Hook::Templates, pack, "{}".to_owned(), now).await?);
    }
    for plugin in &config.templates {
        let file = plugin.file.as_deref().ok_or(LoadError::NoFile { table: "templates" })?;
        templates.push(from_file(host, Hook::Templates, file, plugin, now).await?);
    }
    Ok(Bindings { identity, standard_validation, validation, pricing, templates })
}

/// The bytes of the component that prices where nobody has bound another.
pub(crate) async fn pricing_component(config: &PluginConfig) -> std::io::Result<Bytes> {
    match config.file.as_deref() {
        Some(file) => Ok(tokio::fs::read(file).await?.into()),
        None => Ok(Bytes::from_static(PRICING)),
    }
}

async fn one(
    host: &PluginHost,
    hook: Hook,
    plugin: &PluginConfig,
    otherwise: &'static [u8],
    now: Timestamp,
) -> Result<Arc<Plugin>, LoadError> {
    match plugin.file.as_deref() {
        Some(file) => from_file(host, hook, file, plugin, now).await,
        None => standard(host, hook, otherwise, settings(hook, &plugin.settings)?, now).await,
    }
}

async fn standard(
    host: &PluginHost,
    hook: Hook,
    component: &'static [u8],
    settings: String,
    now: Timestamp,
) -> Result<Arc<Plugin>, LoadError> {
    let candidate = Candidate {
        hook,
        label: format!("standard {hook} plugin"),
        component: Bytes::from_static(component),
        settings,
        reuse: STANDARD_REUSE,
    };
    Ok(host.load(candidate, now).await?)
}

async fn from_file(
    host: &PluginHost,
    hook: Hook,
    file: &Path,
    plugin: &PluginConfig,
    now: Timestamp,
) -> Result<Arc<Plugin>, LoadError> {
    let label = file.display().to_string();
    let component = tokio::fs::read(file).await.map_err(|source| LoadError::Unreadable {
        hook,
        file: label.clone(),
        source,
    })?;
    let candidate = Candidate {
        hook,
        label,
        component: component.into(),
        settings: settings(hook, &plugin.settings)?,
        // What comes from elsewhere keeps nothing between calls, whatever it would like to.
        reuse: Reuse::Fresh,
    };
    Ok(host.load(candidate, now).await?)
}

fn settings(hook: Hook, table: &toml::Table) -> Result<String, LoadError> {
    serde_json::to_string(table)
        .map_err(|error| LoadError::Settings { hook, reason: error.to_string() })
}

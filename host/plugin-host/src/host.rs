//! From bytes to a plugin that answers. What fails on the way never goes live.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use planwright_domain::time::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::cache::Cache;
use crate::contract::exports::planwright::plugin::about::PluginAbout;
use crate::guest::Guest;
use crate::inspect::{Inspection, inspect};
use crate::instance::{Code, Failure};
use crate::plugin::{Counters, Plugin, PluginIdentity, Reuse, Running};
use crate::{Hook, Limits, PluginError, compiler, engine, text, wasi};

/// What a plugin may say of itself, in bytes.
const NAME_BYTES: usize = 64;
const VERSION_BYTES: usize = 32;
const SUMMARY_BYTES: usize = 500;
/// How many things a plugin may say are wrong with its settings, and in how many bytes each.
const SETTINGS_MESSAGES: usize = 10;
const SETTINGS_MESSAGE_BYTES: usize = 300;

/// How a plugin host is set up.
#[derive(Clone)]
pub struct HostConfig {
    /// The command that compiles: a program and its arguments, which calls [`crate::compile_child`] and does
    /// nothing else.
    pub compiler: Vec<OsString>,
    /// Where native code is kept; made where it is missing, readable by its owner alone. Several hosts may
    /// share it.
    pub cache_dir: PathBuf,
    /// What the native code is signed with. Whoever knows it and can write to the folder can make the host
    /// run anything.
    pub cache_key: [u8; 32],
    /// How much plugins may take.
    pub limits: Limits,
}

/// A component to load.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// What it is to be asked.
    pub hook: Hook,
    /// What to call it until it has said its own name: `standard`, a file's name, a digest.
    pub label: String,
    /// Its bytes.
    pub component: Bytes,
    /// Its settings: JSON text, `{}` if none.
    pub settings: String,
    /// How long one instance of it serves.
    pub reuse: Reuse,
}

/// Loads plugins: one engine, one cache, one compiler at a time. Cheap to clone.
#[derive(Clone)]
pub struct PluginHost(Arc<Host>);

struct Host {
    engine: Engine,
    linker: Linker<Guest>,
    cache: Cache,
    compiler: Vec<OsString>,
    /// One compilation at a time: they are the heaviest thing here, and nobody's request waits for one.
    compiling: Semaphore,
    limits: Arc<Limits>,
}

impl PluginHost {
    /// Starts the engine and opens the cache.
    ///
    /// # Errors
    /// [`PluginError::Io`] where the machine or the cache's folder does not let it.
    pub fn new(config: HostConfig) -> Result<Self, PluginError> {
        let engine = engine::running(&config.limits)?;
        let fingerprint = engine::fingerprint(&engine);
        let cache =
            Cache::open(&config.cache_dir, config.cache_key, fingerprint).map_err(|error| {
                let folder = config.cache_dir.display();
                PluginError::io(format!("open the folder of compiled plugins {folder}"), error)
            })?;
        let mut linker = Linker::new(&engine);
        wasi::link(&mut linker).map_err(|error| {
            PluginError::io(
                "link the imports of plugins",
                std::io::Error::other(format!("{error:#}")),
            )
        })?;
        Ok(Self(Arc::new(Host {
            engine,
            linker,
            cache,
            compiler: config.compiler,
            compiling: Semaphore::new(1),
            limits: Arc::new(config.limits),
        })))
    }

    /// Makes a component a plugin: inspects it, compiles it or finds its native code, starts it, asks who it
    /// is and gives it its settings.
    ///
    /// # Errors
    /// Any [`PluginError`], naming the plugin.
    pub async fn load(
        &self,
        candidate: Candidate,
        now: Timestamp,
    ) -> Result<Arc<Plugin>, PluginError> {
        let host = &self.0;
        let wanted = Arc::new(Inspected::new(Arc::clone(host), candidate).await?);
        let component = host.component(&wanted).await?;
        let host = Arc::clone(host);
        blocking(move || host.start(&wanted, &component, now)).await?
    }
}

/// A candidate that may be compiled.
struct Inspected {
    candidate: Candidate,
    /// What to call it until it has said its name.
    subject: String,
    digest: [u8; 32],
    inspection: Inspection,
}

impl Inspected {
    async fn new(host: Arc<Host>, candidate: Candidate) -> Result<Self, PluginError> {
        blocking(move || {
            let label = text::clean(&candidate.label, NAME_BYTES);
            let subject = format!("{} plugin '{label}'", candidate.hook);
            let inspection = inspect(&subject, &candidate.component, &host.limits)?;
            inspection.check(&subject, candidate.hook)?;
            let digest = Sha256::digest(&candidate.component).into();
            Ok(Self { candidate, subject, digest, inspection })
        })
        .await?
    }
}

impl Host {
    /// A component's native code: from the cache, or compiled now and kept.
    async fn component(
        self: &Arc<Self>,
        wanted: &Arc<Inspected>,
    ) -> Result<Component, PluginError> {
        if let Some(component) = self.cached(wanted).await? {
            return Ok(component);
        }
        // It is never closed.
        let _turn = self.compiling.acquire().await;
        // Somebody else may have wanted the same.
        if let Some(component) = self.cached(wanted).await? {
            return Ok(component);
        }
        let bytes = &wanted.candidate.component;
        let native =
            compiler::compile(&self.compiler, &self.limits, &wanted.subject, bytes).await?;
        let (host, wanted) = (Arc::clone(self), Arc::clone(wanted));
        blocking(move || host.keep(&wanted, &native)).await?
    }

    async fn cached(
        self: &Arc<Self>,
        wanted: &Arc<Inspected>,
    ) -> Result<Option<Component>, PluginError> {
        let (host, wanted) = (Arc::clone(self), Arc::clone(wanted));
        blocking(move || {
            let native = host.cache.load(&wanted.digest)?;
            trust(&host.engine, &native)
                .inspect_err(|error| tracing::warn!("compiled code is of no use: {error:#}"))
                .ok()
        })
        .await
    }

    /// Keeps native code, once it is seen to be what the compiler should have made.
    fn keep(&self, wanted: &Inspected, native: &[u8]) -> Result<Component, PluginError> {
        let component = trust(&self.engine, native).map_err(|error| PluginError::Compile {
            plugin: wanted.subject.clone(),
            reason: format!("its native code does not fit this host: {}.", error.root_cause()),
        })?;
        // Without a cache it works all the same, and starts slower.
        if let Err(error) = self.cache.store(&wanted.digest, native) {
            tracing::warn!("compiled code could not be kept: {error}");
        }
        Ok(component)
    }

    /// Links the code, starts it once, asks who it is and gives it its settings.
    fn start(
        &self,
        wanted: &Inspected,
        component: &Component,
        now: Timestamp,
    ) -> Result<Arc<Plugin>, PluginError> {
        let candidate = &wanted.candidate;
        let code = self.link(wanted, component)?;
        let failed = |failure: Failure| failure.named(&wanted.subject, candidate.hook);
        let early = Arc::from(wanted.subject.as_str());
        let mut first = code.start(&self.engine, &self.limits, early, now).map_err(failed)?;
        let about = first.about(&self.limits, now).map_err(failed)?;
        let identity = wanted.introduce(&about)?;
        let configured = first
            .configure(&self.limits, now, &candidate.settings)
            .map_err(|failure| failure.named(&identity.subject, candidate.hook))?;
        if let Err(messages) = configured {
            let shown = messages.iter().take(SETTINGS_MESSAGES);
            return Err(PluginError::Settings {
                plugin: identity.subject.to_string(),
                messages: shown
                    .map(|message| text::clean(message, SETTINGS_MESSAGE_BYTES))
                    .collect(),
            });
        }
        let running = Running {
            engine: self.engine.clone(),
            limits: Arc::clone(&self.limits),
            code,
            settings: candidate.settings.clone(),
            reuse: candidate.reuse,
            turns: Arc::new(Semaphore::new(self.limits.concurrent_calls)),
            idle: Mutex::new(Vec::new()),
            counters: Counters::default(),
        };
        Ok(Arc::new(Plugin { identity, running }))
    }

    fn link(&self, wanted: &Inspected, component: &Component) -> Result<Code, PluginError> {
        let hook = wanted.candidate.hook;
        Code::link(&self.linker, component, hook, wanted.digest).map_err(|error| {
            PluginError::WrongWorld {
                plugin: wanted.subject.clone(),
                hook,
                missing: format!("{error:#}"),
            }
        })
    }
}

impl Inspected {
    /// Who the plugin says it is.
    fn introduce(&self, about: &PluginAbout) -> Result<PluginIdentity, PluginError> {
        let hook = self.candidate.hook;
        let name = text::clean(about.name.trim(), NAME_BYTES);
        if name.is_empty() {
            return Err(PluginError::BadAnswer {
                plugin: self.subject.clone(),
                reason: "it has no name".to_owned(),
            });
        }
        let version = text::clean(about.version.trim(), VERSION_BYTES);
        Ok(PluginIdentity {
            subject: format!("{hook} plugin '{name}' {version}").into(),
            hook,
            name,
            version,
            summary: text::clean(about.summary.trim(), SUMMARY_BYTES),
            digest: hex::encode(self.digest),
            imports: self.inspection.imports.clone(),
        })
    }
}

/// Makes native code runnable.
#[allow(
    unsafe_code,
    reason = "wasmtime runs native code as it finds it; that it is ours is for the host to know"
)]
fn trust(engine: &Engine, native: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `Component::deserialize` asks for bytes that `Engine::precompile_component` made and nobody
    // changed. Both callers' sources keep that: the standard output of our own compiler process, held in
    // memory since; and the cache, whose files carry a MAC over the code, the component's digest and the
    // engine's fingerprint under a key that only this host's operator has. That the compiler itself makes safe
    // code of hostile components is wasmtime's own promise.
    unsafe { Component::deserialize(engine, native) }
}

/// Runs work that may take its time away from the tasks of requests.
async fn blocking<A: Send + 'static>(
    work: impl FnOnce() -> A + Send + 'static,
) -> Result<A, PluginError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| PluginError::io("load a plugin", std::io::Error::other(error)))
}

//! From bytes to a plugin that answers. What fails on the way never goes live.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use planwright_domain::plugin::{About, Digest};
use planwright_domain::time::Timestamp;
use sha2::Sha256;
use tokio::sync::Semaphore;
use wasmtime::component::{Component, Linker};

use crate::cache::Cache;
use crate::contract::exports::planwright::plugin::about::PluginAbout;
use crate::guest::Guest;
use crate::inspect::{Inspection, inspect};
use crate::instance::{Code, Failure, Instance};
use crate::lanes::ITSELF;
use crate::native::Natives;
use crate::plugin::{Plugin, PluginIdentity, Reuse, Running};
use crate::stats::{Figures, Tallies, Tally};
use crate::{Hook, Limits, PluginError, Turn, engine, stand_back, text, wasi};

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
    /// Where native code is kept; made where it is missing, readable by its owner alone.
    pub cache_dir: PathBuf,
    /// Whether other hosts may keep theirs there, too. Then nothing in it is deleted.
    pub cache_is_shared: bool,
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

/// A component that was prepared before: its bytes are not needed again.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What it is to be asked.
    pub hook: Hook,
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// As it called itself.
    pub name: String,
    /// What it imports.
    pub imports: Vec<String>,
    /// Its settings: JSON text, `{}` if none.
    pub settings: String,
    /// How long one instance of it serves.
    pub reuse: Reuse,
}

/// Loads plugins: one engine, one cache, two lanes for compiling. Cheap to clone.
#[derive(Clone)]
pub struct PluginHost(Arc<Host>);

struct Host {
    linker: Linker<Guest>,
    natives: Natives,
    tallies: Tallies,
    limits: Arc<Limits>,
    cache_is_shared: bool,
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
        if !config.cache_is_shared
            && let Err(error) = cache.sweep()
        {
            tracing::warn!("old compiled code stays: {error}");
        }
        let mut linker = Linker::new(&engine);
        wasi::link(&mut linker).map_err(|error| {
            PluginError::io(
                "link the imports of plugins",
                std::io::Error::other(format!("{error:#}")),
            )
        })?;
        let limits = Arc::new(config.limits);
        let natives = Natives::new(engine, cache, config.compiler, Arc::clone(&limits));
        let tallies = Tallies::default();
        let cache_is_shared = config.cache_is_shared;
        Ok(Self(Arc::new(Host { linker, natives, tallies, limits, cache_is_shared })))
    }

    /// What an upload is. Nothing of it is compiled or run.
    ///
    /// # Errors
    /// [`PluginError`] names what is missing or too much.
    pub async fn inspect(&self, component: Bytes) -> Result<Inspection, PluginError> {
        let host = Arc::clone(&self.0);
        stand_back::beside_requests(move || {
            let digest = digest_of(&component);
            let subject = format!("plugin '{}'", digest.short());
            let outside = inspect(&subject, &component, &host.limits)?;
            let hook = outside.hook(&subject)?;
            outside.check(&subject, hook)?;
            Ok(Inspection { digest, hook, imports: outside.imports })
        })
        .await?
    }

    /// Waits until a component of this size may be compiled for this owner. Hold its bytes in memory from then
    /// on, and not before.
    pub async fn turn(&self, owner: &str, bytes: usize) -> Turn {
        self.0.natives.lanes.turn(owner, bytes).await
    }

    /// Compiles a component where that was not done before, starts it once and asks who it is. It is not given
    /// settings yet. `digest` is what it is called until then.
    ///
    /// # Errors
    /// Any [`PluginError`], naming the plugin.
    pub async fn prepare(
        &self,
        turn: Turn,
        hook: Hook,
        digest: &Digest,
        component: Bytes,
        now: Timestamp,
    ) -> Result<About, PluginError> {
        let candidate = Candidate {
            hook,
            label: digest.short(),
            component,
            settings: String::new(),
            reuse: Reuse::Fresh,
        };
        let host = Arc::clone(&self.0);
        let wanted = Arc::new(Wanted::inspect(Arc::clone(&host), candidate).await?);
        let native = match host.find(&wanted).await? {
            Some(native) => native,
            None => host.compile(turn, &wanted).await?,
        };
        blocking(move || {
            let (_, _, identity) = host.introduce(&wanted, native, now)?;
            let PluginIdentity { name, version, summary, .. } = identity;
            Ok(About { name, version, summary })
        })
        .await?
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
        let host = Arc::clone(&self.0);
        let wanted = Arc::new(Wanted::inspect(Arc::clone(&host), candidate).await?);
        let native = match host.find(&wanted).await? {
            Some(native) => native,
            None => {
                let turn = self.turn(ITSELF, wanted.component.len()).await;
                // Somebody else may have wanted the same.
                match host.find(&wanted).await? {
                    Some(native) => native,
                    None => host.compile(turn, &wanted).await?,
                }
            }
        };
        blocking(move || host.start(&wanted, native, now)).await?
    }

    /// Makes a component that was prepared before a plugin. Nothing is compiled.
    ///
    /// # Errors
    /// [`PluginError::NotCompiled`] where its native code is not there; any other, naming the plugin.
    pub async fn load_prepared(
        &self,
        prepared: Prepared,
        now: Timestamp,
    ) -> Result<Arc<Plugin>, PluginError> {
        let host = Arc::clone(&self.0);
        let wanted = Arc::new(Wanted::prepared(prepared));
        let Some(native) = host.find(&wanted).await? else {
            return Err(PluginError::NotCompiled { plugin: wanted.subject.clone() });
        };
        blocking(move || host.start(&wanted, native, now)).await?
    }

    /// Whether a component's native code is there, and is what this host compiled.
    ///
    /// # Errors
    /// [`PluginError::Io`] where the host is about to end.
    pub async fn has_native(&self, digest: &Digest) -> Result<bool, PluginError> {
        let (host, digest) = (Arc::clone(&self.0), *digest);
        blocking(move || host.natives.cache.load(digest.as_bytes()).is_some()).await
    }

    /// Whether a component is being compiled, and does not wait for its turn.
    #[must_use]
    pub fn is_compiling(&self, digest: &Digest) -> bool {
        self.0.natives.is_compiling(digest)
    }

    /// Throws the native code of a component away that nobody here needs any more.
    pub fn forget(&self, digest: &Digest) {
        if self.0.cache_is_shared {
            return;
        }
        if let Err(error) = self.0.natives.cache.remove(digest.as_bytes()) {
            tracing::warn!("compiled code stays: {error}");
        }
    }

    /// What plugins did since the host was started, by component. However many there were, the list is short.
    #[must_use]
    pub fn tallies(&self) -> Vec<Tally> {
        self.0.tallies.all()
    }
}

fn digest_of(component: &[u8]) -> Digest {
    use sha2::Digest as _;
    Digest::from_bytes(Sha256::digest(component).into())
}

/// A component that may be run.
struct Wanted {
    hook: Hook,
    /// What to call it until it has said its name.
    subject: String,
    digest: Digest,
    imports: Vec<String>,
    /// Nothing where it was prepared before.
    component: Bytes,
    settings: String,
    reuse: Reuse,
}

impl Wanted {
    async fn inspect(host: Arc<Host>, candidate: Candidate) -> Result<Self, PluginError> {
        stand_back::beside_requests(move || {
            let Candidate { hook, label, component, settings, reuse } = candidate;
            let subject = subject(hook, &label);
            let outside = inspect(&subject, &component, &host.limits)?;
            outside.check(&subject, hook)?;
            let (digest, imports) = (digest_of(&component), outside.imports);
            Ok(Self { hook, subject, digest, imports, component, settings, reuse })
        })
        .await?
    }

    fn prepared(prepared: Prepared) -> Self {
        let Prepared { hook, digest, name, imports, settings, reuse } = prepared;
        let subject = subject(hook, &name);
        Self { hook, subject, digest, imports, component: Bytes::new(), settings, reuse }
    }
}

fn subject(hook: Hook, label: &str) -> String {
    format!("{hook} plugin '{}'", text::clean(label, NAME_BYTES))
}

impl Host {
    async fn find(
        self: &Arc<Self>,
        wanted: &Arc<Wanted>,
    ) -> Result<Option<Arc<Component>>, PluginError> {
        let (host, wanted) = (Arc::clone(self), Arc::clone(wanted));
        blocking(move || host.natives.find(&wanted.digest)).await
    }

    async fn compile(
        self: &Arc<Self>,
        turn: Turn,
        wanted: &Arc<Wanted>,
    ) -> Result<Arc<Component>, PluginError> {
        let digest = wanted.digest;
        let natives = &self.natives;
        let native = natives.compile(turn, &wanted.subject, &digest, &wanted.component).await?;
        let (host, wanted) = (Arc::clone(self), Arc::clone(wanted));
        let keep = move || host.natives.keep(&wanted.subject, &digest, &native);
        stand_back::beside_requests(keep).await?
    }

    /// Links the code, starts it once and asks who it is.
    fn introduce(
        &self,
        wanted: &Wanted,
        native: Arc<Component>,
        now: Timestamp,
    ) -> Result<(Code, Instance, PluginIdentity), PluginError> {
        let code = self.link(wanted, native)?;
        let failed = |failure: Failure| failure.named(&wanted.subject, wanted.hook);
        let early = Arc::from(wanted.subject.as_str());
        let engine = &self.natives.engine;
        let mut first = code.start(engine, &self.limits, early, now).map_err(failed)?;
        let about = first.about(&self.limits, now).map_err(failed)?;
        let identity = wanted.introduce(&about)?;
        Ok((code, first, identity))
    }

    /// The same, and gives it its settings.
    fn start(
        &self,
        wanted: &Wanted,
        native: Arc<Component>,
        now: Timestamp,
    ) -> Result<Arc<Plugin>, PluginError> {
        let (code, mut first, identity) = self.introduce(wanted, native, now)?;
        let configured = first
            .configure(&self.limits, now, &wanted.settings)
            .map_err(|failure| failure.named(&identity.subject, wanted.hook))?;
        if let Err(messages) = configured {
            let shown = messages.iter().take(SETTINGS_MESSAGES);
            return Err(PluginError::Settings {
                plugin: identity.subject.to_string(),
                messages: shown
                    .map(|message| text::clean(message, SETTINGS_MESSAGE_BYTES))
                    .collect(),
            });
        }
        let tally = self.tallies.of(wanted.hook, &identity.name, &identity.digest);
        let running = Running {
            engine: self.natives.engine.clone(),
            limits: Arc::clone(&self.limits),
            code,
            settings: wanted.settings.clone(),
            reuse: wanted.reuse,
            turns: Arc::new(Semaphore::new(self.limits.concurrent_calls)),
            idle: Mutex::new(Vec::new()),
            figures: Figures::new(tally),
        };
        Ok(Arc::new(Plugin { identity, running }))
    }

    fn link(&self, wanted: &Wanted, native: Arc<Component>) -> Result<Code, PluginError> {
        let hook = wanted.hook;
        Code::link(&self.linker, native, hook, *wanted.digest.as_bytes()).map_err(|error| {
            PluginError::WrongWorld {
                plugin: wanted.subject.clone(),
                hook,
                missing: format!("{error:#}"),
            }
        })
    }
}

impl Wanted {
    /// Who the plugin says it is.
    fn introduce(&self, about: &PluginAbout) -> Result<PluginIdentity, PluginError> {
        let hook = self.hook;
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
            digest: self.digest.to_string(),
            imports: self.imports.clone(),
        })
    }
}

/// Runs work that may take its time away from the tasks of requests.
async fn blocking<A: Send + 'static>(
    work: impl FnOnce() -> A + Send + 'static,
) -> Result<A, PluginError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| PluginError::io("load a plugin", std::io::Error::other(error)))
}

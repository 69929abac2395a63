//! Native code: from memory where a plugin runs it already, from the cache, or from the compiler.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use planwright_domain::plugin::Digest;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::cache::Cache;
use crate::compiler::{self, Made};
use crate::lanes::{Lanes, Turn};
use crate::{Limits, PluginError};

pub(crate) struct Natives {
    pub(crate) engine: Engine,
    pub(crate) cache: Cache,
    pub(crate) compiler: Vec<OsString>,
    pub(crate) lanes: Lanes,
    pub(crate) limits: Arc<Limits>,
    /// What plugins run now; all that have the same bytes share it.
    running: Mutex<HashMap<Digest, Weak<Component>>>,
    /// What the compiler is at.
    compiling: Mutex<HashSet<Digest>>,
}

impl Natives {
    pub(crate) fn new(
        engine: Engine,
        cache: Cache,
        compiler: Vec<OsString>,
        limits: Arc<Limits>,
    ) -> Self {
        Self {
            engine,
            cache,
            compiler,
            lanes: Lanes::new(),
            limits,
            running: Mutex::default(),
            compiling: Mutex::default(),
        }
    }

    /// A component's native code, if it was compiled before.
    pub(crate) fn find(&self, digest: &Digest) -> Option<Arc<Component>> {
        if let Some(running) = self.running(digest) {
            return Some(running);
        }
        let native = self.cache.load(digest.as_bytes())?;
        let component = trust(&self.engine, &native)
            .inspect_err(|error| tracing::warn!("compiled code is of no use: {error:#}"))
            .ok()?;
        Some(self.share(digest, component))
    }

    /// Compiles a component, whoever's turn it is, and gives what [`Natives::keep`] takes.
    pub(crate) async fn compile(
        &self,
        mut turn: Turn,
        subject: &str,
        digest: &Digest,
        component: &[u8],
    ) -> Result<Vec<u8>, PluginError> {
        let _compiling = Compiling::begin(&self.compiling, digest);
        loop {
            let pace = turn.pace(&self.limits);
            let made =
                compiler::compile(&self.compiler, &self.limits, pace, subject, component).await?;
            let reason = match made {
                Made::Code(native) => return Ok(native),
                Made::TooMuchWork | Made::Starved if turn.may_go_heavy(&self.limits) => {
                    turn = self.lanes.go_heavy(turn).await;
                    continue;
                }
                Made::TooMuchWork => {
                    let seconds = pace.work.as_secs();
                    format!("the compiler took more than {seconds} seconds of a processor.")
                }
                // Which is not its fault.
                Made::Starved => {
                    let (seconds, work) = (pace.patience.as_secs(), pace.work.as_secs());
                    format!(
                        "this server was too busy: in {seconds} seconds there were no {work} of a processor left \
                         for it. Upload it again when there is less to do."
                    )
                }
            };
            return Err(PluginError::Compile { plugin: subject.to_owned(), reason });
        }
    }

    /// Keeps native code, once it is seen to be what the compiler should have made.
    pub(crate) fn keep(
        &self,
        subject: &str,
        digest: &Digest,
        native: &[u8],
    ) -> Result<Arc<Component>, PluginError> {
        let component = trust(&self.engine, native).map_err(|error| PluginError::Compile {
            plugin: subject.to_owned(),
            reason: format!("its native code does not fit this host: {}.", error.root_cause()),
        })?;
        // Without a cache it works all the same, and starts slower.
        if let Err(error) = self.cache.store(digest.as_bytes(), native) {
            tracing::warn!("compiled code could not be kept: {error}");
        }
        Ok(self.share(digest, component))
    }

    /// Whether the compiler is at it now.
    pub(crate) fn is_compiling(&self, digest: &Digest) -> bool {
        self.compiling.lock().unwrap_or_else(PoisonError::into_inner).contains(digest)
    }

    fn running(&self, digest: &Digest) -> Option<Arc<Component>> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(digest).and_then(Weak::upgrade)
    }

    /// The code for all that run it. Of two that were loaded in the same instant the first one stays.
    fn share(&self, digest: &Digest, component: Component) -> Arc<Component> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = running.get(digest).and_then(Weak::upgrade) {
            return first;
        }
        running.retain(|_, component| component.strong_count() > 0);
        let component = Arc::new(component);
        running.insert(*digest, Arc::downgrade(&component));
        component
    }
}

/// While it lives, the compiler is at this component.
struct Compiling<'a> {
    all: &'a Mutex<HashSet<Digest>>,
    digest: Digest,
}

impl<'a> Compiling<'a> {
    fn begin(all: &'a Mutex<HashSet<Digest>>, digest: &Digest) -> Self {
        all.lock().unwrap_or_else(PoisonError::into_inner).insert(*digest);
        Self { all, digest: *digest }
    }
}

impl Drop for Compiling<'_> {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.digest);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine;

    #[test]
    fn the_same_component_is_in_memory_once_and_only_while_somebody_runs_it() {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits::default();
        let engine = engine::running(&limits).unwrap();
        let cache = Cache::open(folder.path(), [1; 32], [2; 32]).unwrap();
        let natives = Natives::new(engine, cache, Vec::new(), Arc::new(limits.clone()));
        let bytes = wat::parse_str("(component)").unwrap();
        let native = compiler::native_code(limits.stack_bytes, &bytes).unwrap();
        let digest = Digest::from_bytes([5; 32]);
        assert!(natives.find(&digest).is_none());
        let kept = natives.keep("plugin", &digest, &native).unwrap();
        assert!(Arc::ptr_eq(&kept, &natives.find(&digest).unwrap()));
        // Nothing on disk is needed while it runs, and nothing in memory when it does not.
        natives.cache.remove(digest.as_bytes()).unwrap();
        assert!(Arc::ptr_eq(&kept, &natives.find(&digest).unwrap()));
        drop(kept);
        assert!(natives.find(&digest).is_none());
    }
}

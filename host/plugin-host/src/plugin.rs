//! A plugin that was loaded: who it is, and its calls, one after another or side by side.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use planwright_domain::time::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use wasmtime::{Engine, Store};

use crate::guest::Guest;
use crate::instance::{Code, Exports, Failure, Instance};
use crate::stats::{Figures, PluginStats};
use crate::{Hook, Limits, PluginError, TrapKind};

/// Calls that spend no more than this on average are brief: some 100 µs, less than two changes of thread cost
/// on a busy machine.
const BRIEF_FUEL: u64 = 100_000;

/// How long one instance serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// For one call: nothing of one question can be seen in the answer to another.
    Fresh,
    /// For so many calls at most; for plugins that are known to keep nothing between them. Many times
    /// quicker.
    Warm {
        /// Calls of one instance.
        calls: u32,
    },
}

impl Reuse {
    fn calls(self) -> u32 {
        match self {
            Self::Fresh => 1,
            Self::Warm { calls } => calls.max(1),
        }
    }
}

/// A component that loaded, with its settings. It takes calls from any number of tasks.
pub struct Plugin {
    pub(crate) identity: PluginIdentity,
    pub(crate) running: Running,
}

/// Who a plugin is.
pub(crate) struct PluginIdentity {
    pub(crate) hook: Hook,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) summary: String,
    pub(crate) digest: String,
    pub(crate) imports: Vec<String>,
    /// What messages call it.
    pub(crate) subject: Arc<str>,
}

/// What it runs on.
pub(crate) struct Running {
    pub(crate) engine: Engine,
    pub(crate) limits: Arc<Limits>,
    pub(crate) code: Code,
    pub(crate) settings: String,
    pub(crate) reuse: Reuse,
    /// Bounds calls side by side, so that one plugin cannot hold all threads.
    pub(crate) turns: Arc<Semaphore>,
    /// Instances that wait for their next call; never more than calls side by side.
    pub(crate) idle: Mutex<Vec<Idle>>,
    pub(crate) figures: Figures,
}

/// An instance between two calls.
pub(crate) struct Idle {
    pub(crate) instance: Instance,
    pub(crate) calls_left: u32,
}

impl fmt::Debug for Plugin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Plugin({}, {})", self.identity.subject, self.identity.digest)
    }
}

impl Plugin {
    /// What it is asked.
    #[must_use]
    pub fn hook(&self) -> Hook {
        self.identity.hook
    }

    /// As it calls itself.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.identity.name
    }

    /// Its own version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.identity.version
    }

    /// What it says it does.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.identity.summary
    }

    /// SHA-256 of the component, in hex.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.identity.digest
    }

    /// What the component imports, by name and version.
    #[must_use]
    pub fn imports(&self) -> &[String] {
        &self.identity.imports
    }

    /// What it was told when it was loaded, as JSON text.
    #[must_use]
    pub fn settings(&self) -> &str {
        &self.running.settings
    }

    /// What it did so far.
    #[must_use]
    pub fn stats(&self) -> PluginStats {
        self.running.figures.own.stats()
    }

    /// One call: waits its turn, runs `ask` on a thread where it may take its time, and has `check` look at the
    /// answer. Where the caller goes away meanwhile, the call ends within its own limits and is forgotten. A
    /// call that is over before another thread would have taken it up is made on the spot.
    pub(crate) async fn call<A, B>(
        self: &Arc<Self>,
        at: Timestamp,
        ask: impl FnOnce(&mut Store<Guest>, &Exports) -> wasmtime::Result<A> + Send + 'static,
        check: impl FnOnce(&Self, A) -> Result<B, PluginError> + Send + 'static,
    ) -> Result<B, PluginError>
    where
        B: Send + 'static,
    {
        let Some(turn) = self.turn().await else {
            return Err(self.failed(Failure::NoRoom));
        };
        if self.is_brief() {
            return self.call_now(at, ask, check);
        }
        let plugin = Arc::clone(self);
        // What it logs is found under the request that asked it.
        let span = tracing::Span::current();
        let call = tokio::task::spawn_blocking(move || {
            let _asked = span.entered();
            let answer = plugin.call_now(at, ask, check);
            drop(turn);
            answer
        });
        match call.await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::error!(plugin = &*self.identity.subject, "{error}");
                Err(self.failed(Failure::Trap(TrapKind::Host)))
            }
        }
    }

    /// Whether it is trusted with used instances, one is waiting, and its calls have been short so far.
    fn is_brief(&self) -> bool {
        let PluginStats { calls, fuel, .. } = self.stats();
        let is_idle = {
            let idle = self.running.idle.lock().unwrap_or_else(PoisonError::into_inner);
            !idle.is_empty()
        };
        is_idle && fuel.checked_div(calls).is_some_and(|a_call| a_call <= BRIEF_FUEL)
    }

    /// Leave to call, at once where there is any, or none in time.
    async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        let turns = Arc::clone(&self.running.turns);
        match Arc::clone(&turns).try_acquire_owned() {
            Ok(turn) => Some(turn),
            Err(_) => {
                timeout(self.running.limits.queue_time, turns.acquire_owned()).await.ok()?.ok()
            }
        }
    }

    fn call_now<A, B>(
        &self,
        at: Timestamp,
        ask: impl FnOnce(&mut Store<Guest>, &Exports) -> wasmtime::Result<A>,
        check: impl FnOnce(&Self, A) -> Result<B, PluginError>,
    ) -> Result<B, PluginError> {
        let figures = &self.running.figures;
        figures.add(PluginStats { calls: 1, ..PluginStats::default() });
        let mut idle = match self.take_idle() {
            Some(idle) => idle,
            None => self.start(at)?,
        };
        let answer = idle.instance.call(&self.running.limits, at, ask);
        let fuel = idle.instance.take_spent();
        figures.add(PluginStats { fuel, ..PluginStats::default() });
        // An instance that failed or talks nonsense is dropped here.
        let answer = answer.map_err(|failure| self.failed(failure))?;
        let checked = check(self, answer);
        match &checked {
            Err(PluginError::BadAnswer { .. }) => self.count_trap(),
            _ => self.give_back(idle),
        }
        checked
    }

    fn start(&self, at: Timestamp) -> Result<Idle, PluginError> {
        let running = &self.running;
        let subject = Arc::clone(&self.identity.subject);
        let started = running.code.start(&running.engine, &running.limits, subject, at).and_then(
            |mut instance| {
                let configured = instance.configure(&running.limits, at, &running.settings)?;
                Ok((instance, configured))
            },
        );
        let (instance, configured) = started.map_err(|failure| self.failed(failure))?;
        // It took the same settings when it was loaded.
        configured
            .map_err(|_| self.bad_answer("it refuses settings that it took before".to_owned()))?;
        Ok(Idle { instance, calls_left: running.reuse.calls() })
    }

    fn take_idle(&self) -> Option<Idle> {
        let idle = self.running.idle.lock();
        idle.unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give_back(&self, mut idle: Idle) {
        idle.calls_left = idle.calls_left.saturating_sub(1);
        // One that leaks makes way before a call fails for it.
        if idle.calls_left > 0 && idle.instance.has_room() {
            let mut waiting = self.running.idle.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push(idle);
        }
    }

    fn failed(&self, failure: Failure) -> PluginError {
        if failure != Failure::NoRoom {
            self.count_trap();
        }
        failure.named(&self.identity.subject, self.identity.hook)
    }

    fn count_trap(&self) {
        self.running.figures.add(PluginStats { traps: 1, ..PluginStats::default() });
    }

    pub(crate) fn bad_answer(&self, reason: String) -> PluginError {
        PluginError::BadAnswer { plugin: self.identity.subject.to_string(), reason }
    }
}

impl Failure {
    /// As an error that says whose it is.
    pub(crate) fn named(self, subject: &str, hook: Hook) -> PluginError {
        let plugin = subject.to_owned();
        match self {
            Self::Trap(kind) => PluginError::Trap { plugin, kind },
            Self::WrongType(missing) => PluginError::WrongWorld { plugin, hook, missing },
            Self::NoRoom => PluginError::Busy { plugin },
        }
    }
}

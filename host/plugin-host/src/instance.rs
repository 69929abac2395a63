//! One running instance of a plugin, and how a call of it begins and fails.

use std::sync::Arc;

use planwright_domain::time::Timestamp;
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Engine, PoolConcurrencyLimitError, Store, Trap};
use wasmtime_wasi::I32Exit;

use crate::contract::exports::planwright::plugin::{
    about, identity, pricing, templates, validation,
};
use crate::guest::{Guest, LogFlood};
use crate::{Hook, Limits, TrapKind, engine, text};

/// Why a call gave no answer. The details are in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The plugin is at fault.
    Trap(TrapKind),
    /// A function is not what its hook calls.
    WrongType(String),
    /// There is no room for another instance now.
    NoRoom,
}

/// Compiled code, linked once: all that instances of a plugin share.
pub(crate) struct Code {
    linked: InstancePre<Guest>,
    about: about::GuestIndices,
    exports: ExportIndices,
    /// The component's SHA-256.
    pub(crate) digest: [u8; 32],
    /// Keeps the native code where others that run the same find it.
    _native: Arc<Component>,
}

enum ExportIndices {
    Identity(identity::GuestIndices),
    Validation(validation::GuestIndices),
    Pricing(pricing::GuestIndices),
    Templates(templates::GuestIndices),
}

/// The functions of a plugin's hook.
#[expect(dead_code, reason = "pricing is loaded and matched, and not asked anything yet")]
pub(crate) enum Exports {
    Identity(identity::Guest),
    Validation(validation::Guest),
    Pricing(pricing::Guest),
    Templates(templates::Guest),
}

impl Code {
    /// Links a component to all that it may import and finds the functions of its hook. The error says in a
    /// line what does not fit.
    pub(crate) fn link(
        linker: &Linker<Guest>,
        component: Arc<Component>,
        hook: Hook,
        digest: [u8; 32],
    ) -> wasmtime::Result<Self> {
        let linked = linker.instantiate_pre(&component)?;
        let exports = match hook {
            Hook::Identity => ExportIndices::Identity(identity::GuestIndices::new(&linked)?),
            Hook::Validation => ExportIndices::Validation(validation::GuestIndices::new(&linked)?),
            Hook::Pricing => ExportIndices::Pricing(pricing::GuestIndices::new(&linked)?),
            Hook::Templates => ExportIndices::Templates(templates::GuestIndices::new(&linked)?),
        };
        let about = about::GuestIndices::new(&linked)?;
        Ok(Self { linked, about, exports, digest, _native: component })
    }
}

impl Code {
    /// A new instance, not yet configured. `subject` is what its log calls it.
    pub(crate) fn start(
        &self,
        engine: &Engine,
        limits: &Limits,
        subject: Arc<str>,
        now: Timestamp,
    ) -> Result<Instance, Failure> {
        let guest = Guest::new(limits, Arc::clone(&subject), self.digest, now);
        let mut store = Store::new(engine, guest);
        store.limiter(|guest| &mut guest.memory);
        store.set_hostcall_fuel(limits.lifted_bytes);
        store.set_max_component_handles(limits.handles);
        allow(&mut store, limits);

        let linked = self.linked.instantiate(&mut store);
        let running = linked.map_err(|error| classify(&error, &store, &subject))?;
        let wrong = |error: wasmtime::Error| Failure::WrongType(format!("{error:#}"));
        let about = self.about.load(&mut store, &running).map_err(wrong)?;
        let exports = match &self.exports {
            ExportIndices::Identity(found) => {
                found.load(&mut store, &running).map(Exports::Identity)
            }
            ExportIndices::Validation(found) => {
                found.load(&mut store, &running).map(Exports::Validation)
            }
            ExportIndices::Pricing(found) => found.load(&mut store, &running).map(Exports::Pricing),
            ExportIndices::Templates(found) => {
                found.load(&mut store, &running).map(Exports::Templates)
            }
        };
        Ok(Instance {
            exports: exports.map_err(wrong)?,
            spent: spent(&store, limits),
            about,
            store,
            subject,
        })
    }
}

/// A plugin that runs, with memory of its own.
pub(crate) struct Instance {
    store: Store<Guest>,
    about: about::Guest,
    exports: Exports,
    subject: Arc<str>,
    spent: u64,
}

impl Instance {
    /// One call under limits of its own. After a failure the instance is good for nothing.
    pub(crate) fn call<A>(
        &mut self,
        limits: &Limits,
        now: Timestamp,
        ask: impl FnOnce(&mut Store<Guest>, &Exports) -> wasmtime::Result<A>,
    ) -> Result<A, Failure> {
        self.within(limits, now, |store, _, exports| ask(store, exports))
    }

    /// What the plugin says of itself.
    pub(crate) fn about(
        &mut self,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<about::PluginAbout, Failure> {
        self.within(limits, now, |store, about, _| about.call_about(store))
    }

    /// Gives the plugin its settings, or what it says is wrong with them.
    pub(crate) fn configure(
        &mut self,
        limits: &Limits,
        now: Timestamp,
        settings: &str,
    ) -> Result<Result<(), Vec<String>>, Failure> {
        self.within(limits, now, |store, about, _| about.call_configure(store, settings))
    }

    /// Whether it has memory enough for another call.
    pub(crate) fn has_room(&self) -> bool {
        self.store.data().memory.is_low()
    }

    /// Fuel spent since this was last asked.
    pub(crate) fn take_spent(&mut self) -> u64 {
        std::mem::take(&mut self.spent)
    }

    fn within<A>(
        &mut self,
        limits: &Limits,
        now: Timestamp,
        ask: impl FnOnce(&mut Store<Guest>, &about::Guest, &Exports) -> wasmtime::Result<A>,
    ) -> Result<A, Failure> {
        allow(&mut self.store, limits);
        self.store.data_mut().begin_call(now);
        let answer = ask(&mut self.store, &self.about, &self.exports);
        self.spent = self.spent.saturating_add(spent(&self.store, limits));
        self.store.data().end_call();
        answer.map_err(|error| classify(&error, &self.store, &self.subject))
    }
}

/// Sets what the guest may spend from now on.
fn allow(store: &mut Store<Guest>, limits: &Limits) {
    // Only an engine without fuel refuses it, and ours has it.
    let _ = store.set_fuel(limits.fuel);
    store.set_epoch_deadline(engine::ticks(limits.call_time));
}

/// What it spent of that.
fn spent(store: &Store<Guest>, limits: &Limits) -> u64 {
    limits.fuel.saturating_sub(store.get_fuel().unwrap_or(0))
}

/// What kind of failure an error is. The log gets what the error itself and the plugin's own last words say.
fn classify(error: &wasmtime::Error, store: &Store<Guest>, subject: &str) -> Failure {
    let failure = if error.is::<PoolConcurrencyLimitError>() {
        Failure::NoRoom
    } else {
        Failure::Trap(kind(error, store.data().memory.refused()))
    };
    let said = text::clean(store.data().stderr.text().trim(), usize::MAX);
    tracing::warn!(plugin = subject, said, "{failure:?}: {}", error.root_cause());
    tracing::debug!(plugin = subject, "{error:?}");
    failure
}

fn kind(error: &wasmtime::Error, memory_refused: bool) -> TrapKind {
    if error.is::<I32Exit>() {
        return TrapKind::Exit;
    }
    if error.is::<LogFlood>() {
        return TrapKind::Lifted;
    }
    // Its type is private to wasmtime.
    if format!("{error:#}").contains("fuel allocated for hostcalls has been exhausted") {
        return TrapKind::Lifted;
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => TrapKind::Fuel,
        Some(Trap::Interrupt) => TrapKind::Time,
        Some(Trap::StackOverflow) => TrapKind::Stack,
        // Where memory was refused, that is why it gave up.
        _ if memory_refused => TrapKind::Memory,
        Some(Trap::UnreachableCodeReached) => TrapKind::Panic,
        Some(_) | None => TrapKind::Fault,
    }
}

//! Who decides: plugins as WebAssembly components. The only crate that names wasmtime.
//!
//! A [`PluginHost`] makes a component a [`Plugin`]; [`Bindings`] are the plugins that decide, asked by what they
//! decide; [`LiveBindings`] swaps them while requests run. Every failure is a [`PluginError`] that names the
//! plugin.
//!
//! | what | where |
//! | --- | --- |
//! | how much a plugin may take | `limits.rs` |
//! | what it may import, and what is behind it (nothing) | `wasi.rs` |
//! | what is refused before it is compiled | `inspect.rs` |
//! | compiling in a bounded process | `compiler.rs` |
//! | native code on disk, and why it is trusted | `cache.rs` |
//! | from bytes to a plugin | `host.rs` |
//! | settings of wasmtime: determinism, fuel, the pool, the clock of time limits | `engine.rs` |
//! | what an instance has: memory, log, last words | `guest.rs`, `stderr.rs` |
//! | one call, and what kind of failure it was | `instance.rs` |
//! | calls side by side, fresh and warm instances, figures | `plugin.rs` |
//! | the questions, and what an answer must look like | `ask.rs`, `convert.rs`; of packs `packs.rs` |
//!
//! What a plugin decides depends on its bytes, its settings and its arguments alone: no clock, no randomness, no
//! network, no disk, and fuel as its measure of time. Only the wall-clock limit, far behind the fuel, is not
//! the same everywhere.
#![warn(missing_docs)]

mod ask;
mod bindings;
mod cache;
mod compiler;
mod contract;
mod convert;
mod engine;
mod error;
mod fees;
mod guest;
mod hook;
mod host;
mod inspect;
mod instance;
mod limits;
mod packs;
mod plugin;
mod stderr;
#[cfg(test)]
mod tests;
mod text;
mod wasi;

pub use bindings::{Bindings, LiveBindings};
pub use compiler::compile_child;
pub use error::{PluginError, TrapKind};
pub use hook::Hook;
pub use host::{Candidate, HostConfig, PluginHost};
pub use limits::Limits;
pub use plugin::{Plugin, PluginStats, Reuse};

//! Who decides: plugins as WebAssembly components. The only crate that names wasmtime.
//!
//! A [`PluginHost`] makes a component a [`Plugin`], which is asked; [`Bindings`] are those that decide where nobody
//! has bound others. Every failure is a [`PluginError`] that names the plugin.
//!
//! | what | where |
//! | --- | --- |
//! | how much a plugin may take | `limits.rs` |
//! | what it may import, and what is behind it (nothing) | `wasi.rs` |
//! | what is refused before it is compiled | `inspect.rs` |
//! | compiling in a bounded process | `compiler.rs` |
//! | whose turn it is to be compiled | `lanes.rs` |
//! | letting requests go first | `stand_back.rs` |
//! | native code on disk, and why it is trusted | `cache.rs` |
//! | native code in memory, once for all that run it | `native.rs` |
//! | from bytes to a plugin | `host.rs` |
//! | settings of wasmtime: determinism, fuel, the pool, the clock of time limits | `engine.rs` |
//! | what an instance has: memory, log, last words | `guest.rs`, `stderr.rs` |
//! | one call, and what kind of failure it was | `instance.rs` |
//! | calls side by side, fresh and warm instances | `plugin.rs` |
//! | figures | `stats.rs` |
//! | the questions, and what an answer must look like | `ask.rs`, `convert.rs`; of money `fees.rs` and `usage.rs`, of packs `packs.rs` |
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
mod host;
mod inspect;
mod instance;
mod lanes;
mod limits;
mod native;
mod pack_catalog;
mod pack_text;
mod packs;
mod plugin;
mod randomness;
mod stand_back;
mod stats;
mod stderr;
#[cfg(test)]
mod tests;
mod text;
mod usage;
mod wasi;

pub use bindings::{Bindings, review_billing_plan, review_plan};
pub use compiler::compile_child;
pub use error::{PluginError, TrapKind};
pub use host::{Candidate, HostConfig, PluginHost, Prepared};
pub use inspect::Inspection;
pub use lanes::Turn;
pub use limits::Limits;
pub use planwright_domain::plugin::hook::Hook;
pub use plugin::{Plugin, Reuse};
pub use stats::{PluginStats, Tally};

//! Who decides: plugins as WebAssembly components. The only crate that names wasmtime.
#![warn(missing_docs)]

mod ask;
mod bindings;
mod cache;
mod compiler;
mod contract;
mod convert;
mod engine;
mod error;
mod guest;
mod hook;
mod host;
mod inspect;
mod instance;
mod limits;
mod plugin;
mod stderr;
mod text;
mod wasi;

pub use bindings::{Bindings, LiveBindings};
pub use compiler::compile_child;
pub use error::{PluginError, TrapKind};
pub use hook::Hook;
pub use host::{Candidate, HostConfig, PluginHost};
pub use limits::Limits;
pub use plugin::{Plugin, PluginStats, Reuse};

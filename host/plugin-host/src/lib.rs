//! Who decides: plugins as WebAssembly components. The only crate that names wasmtime.
#![warn(missing_docs)]

mod bindings;
mod compiler;
mod contract;
mod error;
mod hook;
mod host;
mod limits;
mod plugin;

pub use bindings::{Bindings, LiveBindings};
pub use compiler::compile_child;
pub use error::{PluginError, TrapKind};
pub use hook::Hook;
pub use host::{Candidate, HostConfig, PluginHost};
pub use limits::Limits;
pub use plugin::{Plugin, PluginStats, Reuse};

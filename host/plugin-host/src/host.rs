//! Skeleton.
#![allow(
    missing_docs,
    unused_variables,
    clippy::todo,
    clippy::unused_async,
    clippy::needless_pass_by_value,
    reason = "skeleton"
)]
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use planwright_domain::time::Timestamp;

use crate::plugin::{Plugin, Reuse};
use crate::{Hook, Limits, PluginError};

#[derive(Clone)]
pub struct HostConfig {
    /// The command that compiles: a program and its arguments, which calls [`crate::compile_child`] and no more.
    pub compiler: Vec<OsString>,
    /// Where native code is kept; made where it is missing, readable by its owner alone.
    pub cache_dir: PathBuf,
    /// What the native code is signed with. Whoever has it can make the host run anything.
    pub cache_key: [u8; 32],
    pub limits: Limits,
}

/// A component to load.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// What it is to be asked.
    pub hook: Hook,
    /// What to call it until it has said its own name: a file, `standard identity plugin`.
    pub label: String,
    pub component: Bytes,
    /// JSON text, `{}` if none.
    pub settings: String,
    pub reuse: Reuse,
}

#[derive(Clone)]
pub struct PluginHost;

impl PluginHost {
    pub fn new(config: HostConfig) -> Result<Self, PluginError> {
        todo!()
    }
    pub async fn load(
        &self,
        candidate: Candidate,
        now: Timestamp,
    ) -> Result<Arc<Plugin>, PluginError> {
        todo!()
    }
}

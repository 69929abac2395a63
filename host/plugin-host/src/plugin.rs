//! Skeleton.
#![allow(
    missing_docs,
    unused_variables,
    clippy::todo,
    clippy::unused_async,
    reason = "skeleton"
)]
use planwright_domain::review::{Finding, PlanChange, ReviewContext};
use planwright_domain::time::Timestamp;

use crate::{Hook, PluginError};

#[derive(Debug)]
pub struct Plugin;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PluginStats {
    pub calls: u64,
    pub traps: u64,
    pub fuel: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    Fresh,
    Warm { calls: u32 },
}

impl Plugin {
    pub fn hook(&self) -> Hook {
        todo!()
    }
    pub fn name(&self) -> &str {
        todo!()
    }
    pub fn version(&self) -> &str {
        todo!()
    }
    pub fn summary(&self) -> &str {
        todo!()
    }
    pub fn digest(&self) -> &str {
        todo!()
    }
    pub fn imports(&self) -> &[String] {
        todo!()
    }
    pub fn stats(&self) -> PluginStats {
        todo!()
    }
    pub async fn new_id(
        &self,
        kind: &str,
        name: &str,
        entropy: [u8; 32],
        at: Timestamp,
    ) -> Result<String, PluginError> {
        todo!()
    }
    pub async fn review_plan(
        &self,
        context: &ReviewContext,
        change: &PlanChange,
    ) -> Result<Vec<Finding>, PluginError> {
        todo!()
    }
}

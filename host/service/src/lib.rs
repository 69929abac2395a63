//! What happens: one use case a function, always in the same order. Load what the decision needs from one
//! snapshot, decide in `domain`, ask the plugins where policy decides, commit one change set that expects
//! what the decision rested on. A conflict starts again at the load.
#![forbid(unsafe_code)]

mod app;
pub mod audit;
pub mod catalog;
pub mod check;
mod documents;
pub mod edge;
mod error;
mod ids;
mod keys;
mod plan_commit;
mod plan_lookup;
pub mod plan_stats;
pub mod plans;
mod retry;
pub mod subscribers;
pub mod subscriptions;
pub mod users;

pub use app::{App, Request};
pub use error::Error;
pub use plan_commit::Reviewed;

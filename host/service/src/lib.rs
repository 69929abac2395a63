//! What happens: one use case a function, always in the same order. Load what the decision needs from one
//! snapshot, decide in `domain`, ask the plugins where policy decides, commit one change set that expects
//! what the decision rested on. A conflict starts again at the load.
#![forbid(unsafe_code)]

mod app;
pub mod audit;
pub mod billing_plans;
pub mod catalog;
pub mod check;
mod documents;
pub mod edge;
mod error;
mod ids;
mod keys;
mod once;
pub mod payments;
pub mod plans;
pub mod plugins;
mod request;
mod retry;
pub mod statements;
pub mod subscriptions;
pub mod tenants;
pub mod usage;
pub mod users;
pub mod webhooks;
pub mod worker;

pub use app::{App, Payments, Plugins};
pub use billing_plans::billing_plan_edit::Edited;
pub use error::Error;
pub use plans::plan_commit::Reviewed;
pub use plans::plan_lookup::Tagged;
pub use request::{Claim, Request};

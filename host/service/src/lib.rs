//! What happens: one use case a function, always in the same order. Load what the decision needs from one
//! snapshot, decide in `domain`, ask the plugins where policy decides, commit one change set that expects
//! what the decision rested on. A conflict starts again at the load.
#![forbid(unsafe_code)]

mod account;
mod api_key_secret;
pub mod api_key_use;
pub mod api_keys;
mod app;
pub mod audit;
pub mod billing_documents;
pub mod billing_parts;
mod billing_plan_edit;
pub mod billing_plans;
pub mod catalog;
pub mod check;
pub mod clocks;
mod documents;
pub mod edge;
mod entries;
mod error;
mod fees;
pub mod governing;
mod ids;
mod keys;
mod once;
mod plan_commit;
mod plan_lookup;
pub mod plan_stats;
pub mod plans;
pub mod plugin_bindings;
mod plugin_documents;
mod plugin_parts;
mod plugin_slots;
mod plugin_tables;
pub mod plugin_work;
pub mod plugins;
mod price_books;
pub mod products;
pub mod purchases;
pub mod quotes;
pub mod regions;
mod retry;
mod seen_tenants;
pub mod settings;
pub mod subscribers;
pub mod subscription_list;
pub mod subscriptions;
pub mod template_packs;
pub mod tenants;
pub mod user_groups;
pub mod users;
pub mod worker;

pub use app::{App, Plugins, Request};
pub use billing_plan_edit::Edited;
pub use error::Error;
pub use once::Claim;
pub use plan_commit::Reviewed;
pub use plan_lookup::Tagged;

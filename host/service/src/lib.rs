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
pub mod catalog;
pub mod check;
pub mod clocks;
pub mod deliveries;
mod delivery_log;
mod documents;
pub mod edge;
mod error;
mod fees;
pub mod governing;
mod ids;
mod keys;
mod once;
mod outbox;
pub mod payment_webhooks;
pub mod payments;
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
pub mod provider;
pub mod purchases;
pub mod reconciliation;
mod retry;
mod seen_tenants;
pub mod sending;
pub mod settings;
mod settlement;
mod shops;
pub mod subscribers;
pub mod subscription_list;
pub mod subscriptions;
pub mod template_packs;
pub mod tenants;
mod transaction_records;
pub mod transactions;
pub mod users;
mod webhook_documents;
mod webhook_secret;
pub mod webhooks;
pub mod worker;

pub use app::{App, Payments, Plugins, Request};
pub use error::Error;
pub use once::Claim;
pub use plan_commit::Reviewed;
pub use plan_lookup::Tagged;

//! What is true: plans, subscriptions, time and money, as plain values and pure functions.
//!
//! Nothing here does I/O, reads a clock or draws randomness: the time and every id are arguments. The
//! shapes that cross JSON derive it here, and their schema with it, so that the wire, its description, the store
//! and the rules share one definition.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod audit;
pub mod billing_plan;
pub mod catalog;
pub mod credit;
pub mod decimal;
pub mod money;
pub mod name;
pub mod page;
pub mod patch;
pub mod payment;
pub mod period;
pub mod plan;
pub mod plugin;
pub mod refusal;
pub mod schema;
pub mod statement;
pub mod subscription;
pub mod tenant;
pub mod time;
pub mod unique;
pub mod usage;
pub mod user;
pub mod webhook;

pub use refusal::Refusal;

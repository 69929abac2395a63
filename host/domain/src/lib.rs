//! What is true: plans, subscriptions, time and money, as plain values and pure functions.
//!
//! Nothing here does I/O, reads a clock or draws randomness: the time and every id are arguments. The
//! shapes that cross JSON derive it here, and their schema with it, so that the wire, its description, the store
//! and the rules share one definition.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod address;
pub mod api_key;
pub mod asked;
pub mod audit;
pub mod billing_change;
pub mod billing_document;
pub mod billing_plan;
pub mod billing_view;
pub mod billing_window;
pub mod binding;
pub mod caller;
pub mod catalog;
pub mod catalog_change;
pub mod catalog_document;
pub mod catalog_replacing;
pub mod charge;
pub mod clock;
pub mod course;
pub mod credit;
pub mod decimal;
pub mod delivery;
pub mod entry;
pub mod event;
pub mod exceeded;
pub mod fee;
pub mod fee_charge;
pub mod field_error;
pub mod grant;
pub mod history;
pub mod hook;
pub mod life;
pub mod metric;
pub mod money;
pub mod name;
pub mod overview;
pub mod page;
pub mod patch;
pub mod payment;
pub mod payment_settings;
pub mod period;
pub mod phase_clock;
pub mod plan;
pub mod plan_change;
pub mod plan_id;
pub mod plan_stats;
pub mod plugin;
pub mod price_book;
pub mod product;
pub mod quantity;
pub mod quota_threshold;
pub mod quote;
pub mod quoted;
pub mod refusal;
pub mod refusal_kind;
pub mod region;
pub mod replay;
pub mod replay_request;
pub mod return_url;
pub mod review;
pub mod schema;
pub mod segment;
pub mod settings;
pub mod statement;
pub mod statement_line;
pub mod subscription;
pub mod template;
pub mod template_listing;
pub mod tenant;
pub mod tier;
pub mod time;
pub mod transaction;
pub mod transaction_steps;
pub mod turn;
pub mod unique;
pub mod usage;
pub mod usage_event;
pub mod user;
pub mod user_group;
pub mod user_report;
pub mod webhook;
pub mod webhook_refusal;

pub use refusal::Refusal;

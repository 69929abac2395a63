//! What the author of a Planwright plugin builds on.
//!
//! A plugin is a WebAssembly component that answers one kind of question: what an id looks like
//! ([`Identity`]), whether a change is allowed ([`Validation`]), what something costs ([`Pricing`]), or which
//! plans and price books a pack holds ([`Templates`]). It is a pure function: all it may know comes as arguments, all it
//! decides is its result. It has no clock, no network, no disk; what is random or depends on the time is
//! handed to it.
//!
//! # From an empty folder to a component
//!
//! ```sh
//! cargo new --lib no-99 && cd no-99
//! rustup target add wasm32-wasip2
//! ```
//!
//! `Cargo.toml`; the package's name, version and description are what the plugin says of itself:
//!
//! ```toml
//! [package]
//! name = "no-99"
//! version = "0.1.0"
//! edition = "2024"
//! description = "Refuses prices that end in .99"
//!
//! [lib]
//! crate-type = ["cdylib", "rlib"] # cdylib for the component, rlib for tests and examples
//!
//! [dependencies]
//! planwright-sdk = { path = "/where/planwright/is/plugins/sdk" }
//! serde = { version = "1", features = ["derive"] }
//!
//! [profile.release] # optional: a smaller component
//! opt-level = "s"
//! lto = true
//! panic = "abort"
//! strip = true
//! ```
//!
//! `src/lib.rs`, whole:
//!
//! ```
//! use planwright_sdk::validation::{Finding, PlanChange};
//! use planwright_sdk::{Decimal, Plugin, Validation, types::Context};
//!
//! /// What the operator may set: `{"endings": ["0.99"]}`. An unknown key is refused by name.
//! #[derive(serde::Deserialize)]
//! #[serde(default)]
//! pub struct Settings {
//!     endings: Vec<String>,
//! }
//!
//! impl Default for Settings {
//!     fn default() -> Self {
//!         Self { endings: vec!["0.99".to_owned()] }
//!     }
//! }
//!
//! pub struct No99;
//!
//! impl Plugin for No99 {
//!     type Settings = Settings;
//! }
//!
//! impl Validation for No99 {
//!     fn review_plan(settings: &Settings, _: &Context, change: &PlanChange) -> Vec<Finding> {
//!         // A deletion has no plan afterwards, and nothing to object to.
//!         let Some(plan) = &change.after else { return Vec::new() };
//!         let Ok(price) = Decimal::try_from(plan.price) else { return Vec::new() };
//!         let ending = price.fract().to_string();
//!         if settings.endings.contains(&ending) {
//!             let message = format!("A price must not end in {ending}; round it.");
//!             vec![Finding::error("price_ending", message).at("price")]
//!         } else {
//!             Vec::new()
//!         }
//!     }
//! }
//!
//! planwright_sdk::export_validation!(No99);
//! ```
//!
//! Then `cargo build --release --target wasm32-wasip2`, and `target/wasm32-wasip2/release/no_99.wasm` is the
//! component to upload. `cargo test` runs the same code natively: a hook is a plain function over plain values.
//!
//! # What to know
//!
//! - **Settings** are the operator's JSON, read once when the plugin is bound, `{}` where there are none. Give
//!   each a default (`#[serde(default)]`), or leave it out where the operator must choose; what cannot be said
//!   in types goes into [`Plugin::check`]. [`NoSettings`] is for plugins that have none.
//! - **Money and quantities** cross as [`types::Decimal`], a coefficient and a scale. Convert with
//!   `Decimal::try_from` to calculate and with `try_from` back; both are exact or an error, never rounded.
//! - **To say no**, return `Err(Refusal::new(code, message))` or a [`validation::Finding`]. A panic is a fault:
//!   its words go to the log, the question gets no answer, and a plugin that faults often is taken out of service.
//! - **To tell the operator something**, use [`log`]. `println!` goes nowhere.
//! - **The same question must get the same answer**, for ever: statements are recomputed years later. Keep
//!   nothing between calls, and do not let the order of a `HashMap` show.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[doc(hidden)]
pub mod bindings;
mod decimal;
#[doc(hidden)]
pub mod export;
mod hooks;
pub mod log;
mod settings;

pub use bindings::about::exports::planwright::plugin::about::PluginAbout as About;
pub use decimal::OutOfRange;
pub use hooks::{Identity, Plugin, Pricing, Templates, Validation};
pub use rust_decimal::{self, Decimal};
pub use settings::NoSettings;
pub use types::Refusal;

/// The vocabulary that all plugins share: plans, contexts, decimals, refusals.
pub mod types {
    pub use crate::bindings::vocabulary::planwright::plugin::types::{
        Attributes, Context, Currency, Decimal, Overage, Plan, Quota, Refusal, Timestamp,
    };
}

/// Prices of metered products.
pub mod price_book {
    pub use crate::bindings::vocabulary::planwright::plugin::price_book::{
        BillingPlan, MeteredResource, Phase, Price,
    };
}

/// What a validation plugin is asked and answers.
pub mod validation {
    pub use crate::bindings::validation::exports::planwright::plugin::validation::{
        BillingPlanChange, Finding, PlanChange, Severity, SubscriptionCounts,
    };
}

/// What a pricing plugin is asked and answers.
pub mod pricing {
    pub use crate::bindings::pricing::exports::planwright::plugin::pricing::{
        Charge, FeeItem, FeeQuestion, Leaving, Line, PhaseWindow, Step, UsageQuestion, UsageRefusal,
    };
}

/// What a template pack is asked and answers.
pub mod templates {
    pub use crate::bindings::templates::exports::planwright::plugin::templates::{
        Contents, Group, Machine, Pack, PricedPlan, Product,
    };

    impl Default for Contents {
        /// Nothing, so that a pack names what it holds alone.
        fn default() -> Self {
            Self {
                plans: Vec::new(),
                regions: Vec::new(),
                products: Vec::new(),
                billing_plans: Vec::new(),
                priced_plans: Vec::new(),
            }
        }
    }
}

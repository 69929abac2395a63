//! A validation plugin that reviews plans as its settings say: `{"behaviour":"no-99"}`. With `{}` it finds
//! nothing.
#![forbid(unsafe_code)]

use planwright_sdk::types::Context;
use planwright_sdk::validation::{Finding, PlanChange};
use planwright_sdk::{Decimal, Plugin, Validation};
use serde::Deserialize;

/// What the plugin is told to do.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Settings {
    behaviour: Behaviour,
}

/// In settings: the names in kebab case.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Behaviour {
    /// Finds nothing.
    #[default]
    Pass,
    /// Refuses prices that end in .99: what an operator's own rule looks like.
    #[serde(rename = "no-99")]
    No99,
    /// Warns of every change.
    Warn,
    /// Finds a million things.
    Flood,
    /// Panics.
    Panic,
}

/// The plugin.
pub struct Reviewer;

impl Plugin for Reviewer {
    type Settings = Settings;
}

impl Validation for Reviewer {
    fn review_plan(settings: &Settings, _: &Context, change: &PlanChange) -> Vec<Finding> {
        match settings.behaviour {
            Behaviour::Pass => Vec::new(),
            Behaviour::No99 => ends_in_99(change).into_iter().collect(),
            Behaviour::Warn => {
                vec![Finding::warning("warned_as_asked", "This change is warned of, as asked.")]
            }
            Behaviour::Flood => {
                vec![Finding::warning("flood", "One of a million findings.").at("name"); 1_000_000]
            }
            Behaviour::Panic => panic!("asked to panic"),
        }
    }
}

planwright_sdk::export_validation!(Reviewer);

fn ends_in_99(change: &PlanChange) -> Option<Finding> {
    let price = Decimal::try_from(change.after.as_ref()?.price).ok()?;
    let message = format!("A price must not end in .99, and {price} does; round it.");
    (price.fract() == Decimal::new(99, 2))
        .then(|| Finding::error("price_ends_in_99", message).at("price"))
}

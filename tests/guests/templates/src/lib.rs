//! A template pack of an operator's own, which misbehaves as its settings say: `{"behaviour":"panic"}`. With
//! `{}` it holds two plans, and one of them the standard rules refuse.
#![forbid(unsafe_code)]

use planwright_sdk::price_book::{BillingPlan, MeteredResource};
use planwright_sdk::templates::{Contents, Group, Pack, PricedPlan, Product};
use planwright_sdk::types::{Currency, Decimal, Plan, Quota, Timestamp};
use planwright_sdk::{Plugin, Refusal, Templates};
use serde::Deserialize;

/// What the pack is told to do.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Settings {
    behaviour: Behaviour,
}

/// In settings: the names in kebab case.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Behaviour {
    /// Has a plan and a bad plan.
    #[default]
    Own,
    /// Panics when it is described.
    Panic,
    /// Panics when it is unpacked.
    PanicInUnpack,
    /// Calls itself as the standard pack does.
    SameName,
    /// Holds a price book for a product that neither it nor the tenant has, and a plan that names the book.
    BadPrices,
    /// Holds a product whose unit is no whole number.
    OddUnit,
}

/// The pack.
pub struct Own;

impl Plugin for Own {
    type Settings = Settings;
}

impl Templates for Own {
    fn describe(settings: &Settings) -> Pack {
        assert!(settings.behaviour != Behaviour::Panic, "asked to panic");
        let is_standard = settings.behaviour == Behaviour::SameName;
        Pack {
            name: if is_standard { "saas-tiers" } else { "own" }.to_owned(),
            title: "Own plans".to_owned(),
            groups: vec![Group {
                name: "all".to_owned(),
                title: "All".to_owned(),
                by_default: true,
            }],
            default_plan: Some("own_basic".to_owned()),
        }
    }

    fn unpack(settings: &Settings, _: &[String], _: Timestamp) -> Result<Contents, Refusal> {
        assert!(settings.behaviour != Behaviour::PanicInUnpack, "asked to panic");
        let bad = Plan { quotas: quota("steps", 1), ..plan("own_bad") };
        let plans = vec![bad, plan("own_basic")];
        let contents = Contents { plans, ..Contents::default() };
        Ok(match settings.behaviour {
            Behaviour::BadPrices => Contents {
                regions: vec!["eu".to_owned()],
                billing_plans: vec![BillingPlan {
                    name: "Own prices".to_owned(),
                    resources: vec![MeteredResource {
                        product: "steps".to_owned(),
                        unit: ONE,
                        tier_mode: "volume".to_owned(),
                        phases: Vec::new(),
                    }],
                }],
                priced_plans: vec![PricedPlan {
                    plan: "own_basic".to_owned(),
                    billing_plan: "Own prices".to_owned(),
                }],
                ..contents
            },
            Behaviour::OddUnit => Contents {
                products: vec![Product {
                    label: "Steps".to_owned(),
                    kind: "resource".to_owned(),
                    unit: Decimal { coefficient: 5, scale: 1 },
                    unit_type: String::new(),
                    external_id: "steps".to_owned(),
                    machine: None,
                }],
                ..contents
            },
            _ => contents,
        })
    }
}

planwright_sdk::export_templates!(Own);

const ONE: Decimal = Decimal { coefficient: 1, scale: 0 };

fn quota(metric: &str, limit: u64) -> Vec<Quota> {
    vec![Quota { metric: metric.to_owned(), limit }]
}

fn plan(id: &str) -> Plan {
    Plan {
        id: id.to_owned(),
        name: "Own".to_owned(),
        name_ru: None,
        description: None,
        description_ru: None,
        price: Decimal { coefficient: 100, scale: 0 },
        currency: Currency { code: "USD".to_owned(), digits: 2 },
        interval: "month".to_owned(),
        quotas: quota("requests", 10),
        overage: Vec::new(),
        features: Vec::new(),
        trial_days: 0,
        billing_plan_id: None,
        is_active: true,
        display_order: 0,
        metadata: Vec::new(),
    }
}

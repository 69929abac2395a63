//! The standard template pack: four tiers of a product that meters tokens and requests, what they cost by the
//! year, and a promotion. In rubles, in English and Russian.
#![forbid(unsafe_code)]

#[cfg(test)]
mod tests;
mod tiers;

use planwright_sdk::templates::{Contents, Group, Pack};
use planwright_sdk::types::{Plan, Timestamp};
use planwright_sdk::{NoSettings, Plugin, Refusal, Templates};

/// The plan of whoever has no subscription.
const DEFAULT_PLAN: &str = "free";

/// The pack.
pub struct SaasTiers;

impl Plugin for SaasTiers {
    type Settings = NoSettings;
}

/// A group's name and title, whether it is installed where nobody says which, and what it holds.
struct GroupOfPlans {
    name: &'static str,
    title: &'static str,
    by_default: bool,
    plans: fn(Timestamp) -> Vec<Plan>,
}

const GROUPS: [GroupOfPlans; 3] = [
    GroupOfPlans {
        name: "default",
        title: "Free, Starter, Pro and Business by the month",
        by_default: true,
        plans: |_| tiers::monthly(),
    },
    GroupOfPlans {
        name: "annual",
        title: "Starter, Pro and Business by the year, 20% off",
        by_default: false,
        plans: |_| tiers::annual(),
    },
    GroupOfPlans {
        name: "promo",
        title: "The New Year promotion: Pro at half price, switched off until you want it",
        by_default: false,
        plans: tiers::promotional,
    },
];

impl Templates for SaasTiers {
    fn describe(_: &NoSettings) -> Pack {
        let groups = GROUPS.iter().map(|group| Group {
            name: group.name.to_owned(),
            title: group.title.to_owned(),
            by_default: group.by_default,
        });
        Pack {
            name: "saas-tiers".to_owned(),
            title: "SaaS tiers".to_owned(),
            groups: groups.collect(),
            default_plan: Some(DEFAULT_PLAN.to_owned()),
        }
    }

    fn unpack(_: &NoSettings, groups: &[String], now: Timestamp) -> Result<Contents, Refusal> {
        if let Some(unknown) = groups.iter().find(|name| GROUPS.iter().all(|g| g.name != **name)) {
            let message = format!(
                "There is no group '{unknown}'; the groups are {}.",
                GROUPS.map(|group| group.name).join(", ")
            );
            return Err(Refusal::new("unknown_group", message));
        }
        let wanted = GROUPS.iter().filter(|group| groups.iter().any(|name| name == group.name));
        Ok(Contents {
            plans: wanted.flat_map(|group| (group.plans)(now)).collect(),
            ..Contents::default()
        })
    }
}

planwright_sdk::export_templates!(SaasTiers);

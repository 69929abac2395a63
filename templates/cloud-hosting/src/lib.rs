//! A pack of a container host: what is metered, a price book for it in two regions and two currencies, and plans that
//! are priced by the book.
#![forbid(unsafe_code)]

mod book;
mod plans;
mod products;
#[cfg(test)]
mod tests;

use planwright_sdk::templates::{Contents, Group, Pack};
use planwright_sdk::types::Timestamp;
use planwright_sdk::{NoSettings, Plugin, Refusal, Templates};

/// What the price book is called, by which plans name it.
const BOOK: &str = "Cloud hosting";

/// Where machines stand.
const REGIONS: [&str; 2] = ["eu-central", "us-east"];

/// The pack.
pub struct CloudHosting;

impl Plugin for CloudHosting {
    type Settings = NoSettings;
}

/// A group's name and title, and what it holds. All are installed where nobody says which.
struct GroupOf {
    name: &'static str,
    title: &'static str,
    contents: fn() -> Contents,
}

const GROUPS: [GroupOf; 2] = [
    GroupOf {
        name: "prices",
        title: "Two regions, eight products, and a price book for them in USD and EUR",
        contents: || Contents {
            regions: REGIONS.map(str::to_owned).to_vec(),
            products: products::all(),
            billing_plans: vec![book::cloud()],
            ..Contents::default()
        },
    },
    GroupOf {
        name: "plans",
        title: "Pay as you go and a team's plan, priced by the book",
        contents: || Contents {
            plans: plans::all(),
            priced_plans: plans::priced_by_the_book(),
            ..Contents::default()
        },
    },
];

impl Templates for CloudHosting {
    fn describe(_: &NoSettings) -> Pack {
        let groups = GROUPS.iter().map(|group| Group {
            name: group.name.to_owned(),
            title: group.title.to_owned(),
            by_default: true,
        });
        Pack {
            name: "cloud-hosting".to_owned(),
            title: "Container host".to_owned(),
            groups: groups.collect(),
            // Who has no plan uses nothing here: the price book is for whoever has one.
            default_plan: None,
        }
    }

    fn unpack(_: &NoSettings, groups: &[String], _: Timestamp) -> Result<Contents, Refusal> {
        if let Some(unknown) = groups.iter().find(|name| GROUPS.iter().all(|g| g.name != **name)) {
            let message = format!(
                "There is no group '{unknown}'; the groups are {}.",
                GROUPS.map(|group| group.name).join(", ")
            );
            return Err(Refusal::new("unknown_group", message));
        }
        let mut all = Contents::default();
        for group in GROUPS.iter().filter(|group| groups.iter().any(|name| name == group.name)) {
            let Contents { plans, regions, products, billing_plans, priced_plans } =
                (group.contents)();
            all.plans.extend(plans);
            all.regions.extend(regions);
            all.products.extend(products);
            all.billing_plans.extend(billing_plans);
            all.priced_plans.extend(priced_plans);
        }
        Ok(all)
    }
}

planwright_sdk::export_templates!(CloudHosting);

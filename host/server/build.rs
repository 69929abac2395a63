//! Builds the standard plugins and the standard packs, so that the server carries them.

use planwright_guest_build::Guest;

fn main() {
    planwright_guest_build::build(&[
        Guest { package: "planwright-identity", folder: "plugins/identity" },
        Guest { package: "planwright-validation", folder: "plugins/validation" },
        Guest { package: "planwright-pricing", folder: "plugins/pricing" },
        Guest { package: "planwright-saas-tiers", folder: "templates/saas-tiers" },
        Guest { package: "planwright-cloud-hosting", folder: "templates/cloud-hosting" },
    ]);
}

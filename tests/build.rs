//! Builds the plugins that the tests load: the standard ones, hostile ones, and a custom one.

use planwright_guest_build::Guest;

fn main() {
    planwright_guest_build::build(&[
        Guest { package: "planwright-identity", folder: "plugins/identity" },
        Guest { package: "planwright-validation", folder: "plugins/validation" },
        Guest { package: "planwright-pricing", folder: "plugins/pricing" },
        Guest { package: "planwright-test-identity", folder: "tests/guests/identity" },
        Guest { package: "planwright-test-pricing", folder: "tests/guests/pricing" },
        Guest { package: "planwright-test-templates", folder: "tests/guests/templates" },
        Guest { package: "planwright-test-validation", folder: "tests/guests/validation" },
        Guest { package: "planwright-test-boaster", folder: "tests/guests/boaster" },
    ]);
}

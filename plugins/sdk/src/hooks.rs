//! The traits that a plugin implements: [`Plugin`], and the one for its hook.

use serde::de::DeserializeOwned;

use crate::About;
use crate::pricing::{Charge, FeeItem, FeeQuestion, UsageQuestion, UsageRefusal};
use crate::templates::{Contents, Pack};
use crate::types::{Context, Refusal, Timestamp};
use crate::validation::{BillingPlanChange, Finding, PlanChange};

/// What every plugin is: something with settings that can say who it is.
pub trait Plugin: 'static {
    /// What the operator may set, as JSON. A key that is not in it is refused by name.
    type Settings: DeserializeOwned + Send + Sync;

    /// Says what is wrong with settings that parse and still make no sense, a sentence each.
    fn check(_settings: &Self::Settings) -> Vec<String> {
        Vec::new()
    }

    /// What the plugin says of itself: the name, version and description in its `Cargo.toml`.
    fn about(package: About) -> About {
        package
    }
}

/// Makes ids. Export it with [`export_identity!`](crate::export_identity).
pub trait Identity: Plugin {
    /// An id of `[a-z0-9_]{1,128}` for what a person called `name`. `kind` is what it is for (`plan`) and
    /// `entropy` 32 random bytes: the same arguments must give the same id. Asked again, with other entropy,
    /// when the id is taken.
    fn new_id(
        settings: &Self::Settings,
        kind: &str,
        name: &str,
        entropy: &[u8],
    ) -> Result<String, Refusal>;
}

/// Reviews changes before they are kept. Export it with [`export_validation!`](crate::export_validation).
///
/// Findings of all plugins that are bound add up; one error refuses the change.
pub trait Validation: Plugin {
    /// Reviews a plan that is created (no `before`), changed, or deleted (no `after`).
    fn review_plan(
        _settings: &Self::Settings,
        _context: &Context,
        _change: &PlanChange,
    ) -> Vec<Finding> {
        Vec::new()
    }

    /// Reviews a price book in the same way.
    fn review_billing_plan(
        _settings: &Self::Settings,
        _context: &Context,
        _change: &BillingPlanChange,
    ) -> Vec<Finding> {
        Vec::new()
    }
}

/// Decides all money. Export it with [`export_pricing!`](crate::export_pricing).
pub trait Pricing: Plugin {
    /// A plan's own fee: at the start, at a renewal, or for a change from another plan.
    fn price_fee(
        settings: &Self::Settings,
        question: &FeeQuestion,
    ) -> Result<Vec<FeeItem>, Refusal>;

    /// Metered lines: a charge each, in the order asked, or a refusal of the whole question. Say which line is at
    /// fault with `Refusal::of_line`, so that whoever asked is told.
    fn price_usage(
        settings: &Self::Settings,
        question: &UsageQuestion,
    ) -> Result<Vec<Charge>, UsageRefusal>;
}

/// Holds ready-made plans and price books. Export it with [`export_templates!`](crate::export_templates).
pub trait Templates: Plugin {
    /// The pack's name, its groups, and its default plan.
    fn describe(settings: &Self::Settings) -> Pack;

    /// What the named groups hold, with dates counted from `now`. A group that is unknown is refused by name.
    fn unpack(
        settings: &Self::Settings,
        groups: &[String],
        now: Timestamp,
    ) -> Result<Contents, Refusal>;
}

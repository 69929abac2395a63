//! What a tenant's price catalog holds, thing by thing: each has a number of its own kind, given once and never
//! again, and is found by it.

use std::fmt;

/// The kinds of things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Where something is sold.
    Region,
    /// What is metered.
    Product,
    /// What a product that is a package is made of.
    Package,
    /// Users that are priced alike.
    UserGroup,
    /// Whoever has credentials. Users have texts, not numbers.
    User,
    /// A price book.
    BillingPlan,
    /// A product's place in a price book.
    BillingResource,
    /// How long its prices hold.
    BillingPhase,
    /// One tier.
    BillingResourcePrice,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Region,
        Self::Product,
        Self::Package,
        Self::UserGroup,
        Self::User,
        Self::BillingPlan,
        Self::BillingResource,
        Self::BillingPhase,
        Self::BillingResourcePrice,
    ];

    /// For machines; stable.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Product => "product",
            Self::Package => "package",
            Self::UserGroup => "user_group",
            Self::User => "user",
            Self::BillingPlan => "billing_plan",
            Self::BillingResource => "billing_resource",
            Self::BillingPhase => "billing_phase",
            Self::BillingResourcePrice => "billing_resource_price",
        }
    }

    /// Reads a kind by its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// For people, as a sentence begins.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Region => "Region",
            Self::Product => "Product",
            Self::Package => "Package",
            Self::UserGroup => "User group",
            Self::User => "User",
            Self::BillingPlan => "Billing plan",
            Self::BillingResource => "Billing resource",
            Self::BillingPhase => "Billing phase",
            Self::BillingResourcePrice => "Billing resource price",
        }
    }

    /// For machines, where there is none; stable.
    #[must_use]
    pub fn not_found_code(self) -> &'static str {
        match self {
            Self::Region => "region_not_found",
            Self::Product => "product_not_found",
            Self::Package => "package_not_found",
            Self::UserGroup => "user_group_not_found",
            Self::User => "user_not_found",
            Self::BillingPlan => "billing_plan_not_found",
            Self::BillingResource => "billing_resource_not_found",
            Self::BillingPhase => "billing_phase_not_found",
            Self::BillingResourcePrice => "billing_resource_price_not_found",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.noun())
    }
}

/// Gives the numbers that follow the last one that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbers {
    last: u64,
    taken: u64,
}

impl Numbers {
    /// Goes on behind the last one; 0 if none was given.
    #[must_use]
    pub fn after(last: u64) -> Self {
        Self { last, taken: 0 }
    }

    /// The next one.
    pub fn take(&mut self) -> u64 {
        self.taken += 1;
        self.last + self.taken
    }

    /// The last one that was given before.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.last
    }

    /// How many were given.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name_and_numbers_go_on_behind_the_last() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.as_str()), Some(kind));
            assert!(kind.not_found_code().starts_with(kind.as_str()));
        }
        let mut numbers = Numbers::after(7);
        assert_eq!([numbers.take(), numbers.take()], [8, 9]);
        assert_eq!((numbers.last(), numbers.taken()), (7, 2));
    }
}

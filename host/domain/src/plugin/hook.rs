//! Where policy decides: the places in the house that ask a plugin.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A place that asks a plugin, and thereby the interface that the plugin must export.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Hook {
    /// Makes ids.
    Identity,
    /// Decides all money.
    Pricing,
    /// Reviews changes of plans and price books.
    Validation,
    /// Holds ready-made plans and price books.
    Templates,
}

impl Hook {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Identity, Self::Pricing, Self::Validation, Self::Templates];

    /// Reads a hook by its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hook| hook.as_str() == name)
    }

    /// As on the wire and in messages; also the name of the interface that a plugin exports for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Pricing => "pricing",
            Self::Validation => "validation",
            Self::Templates => "templates",
        }
    }

    /// The world of the contract that a plugin for this hook is built for.
    #[must_use]
    pub fn world(self) -> &'static str {
        match self {
            Self::Identity => "identity-plugin",
            Self::Pricing => "pricing-plugin",
            Self::Validation => "validation-plugin",
            Self::Templates => "template-pack",
        }
    }

    /// Whether one plugin alone answers, so that there is no other beside it.
    #[must_use]
    pub fn takes_one(self) -> bool {
        matches!(self, Self::Identity | Self::Pricing)
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_has_one_name_everywhere() {
        for hook in Hook::ALL {
            assert_eq!(Hook::from_name(hook.as_str()), Some(hook));
            assert_eq!(serde_json::to_value(hook).unwrap(), hook.as_str());
        }
        for name in ["", "Identity", "payments"] {
            assert_eq!(Hook::from_name(name), None, "{name}");
        }
    }
}

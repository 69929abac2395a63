//! Where policy decides: the places in the house that ask a plugin.

use std::fmt;

/// A place that asks a plugin, and thereby the interface that the plugin must export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hook {
    /// Makes ids.
    Identity,
    /// Reviews changes of plans and price books.
    Validation,
    /// Decides all money.
    Pricing,
    /// Holds ready-made plans and price books.
    Templates,
}

impl Hook {
    /// As on the wire and in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Validation => "validation",
            Self::Pricing => "pricing",
            Self::Templates => "templates",
        }
    }

    /// The interface of the contract that it calls.
    pub(crate) fn interface(self) -> &'static str {
        self.as_str()
    }

    /// The world of the contract that a plugin for this hook is built for.
    #[must_use]
    pub fn world(self) -> &'static str {
        match self {
            Self::Identity => "identity-plugin",
            Self::Validation => "validation-plugin",
            Self::Pricing => "pricing-plugin",
            Self::Templates => "template-pack",
        }
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

//! What is metered.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::schema;

/// The metrics that every tenant has.
pub const BUILT_IN: [&str; 5] =
    ["tokens_input", "tokens_output", "requests", "images", "audio_minutes"];

/// A metric's name, as somebody says it: whether there is such a metric is the tenant's to know. One that every
/// tenant has is borrowed, so that reading it costs nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Metric(Cow<'static, str>);

impl Metric {
    /// The metric of a name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match BUILT_IN.into_iter().find(|known| *known == name) {
            Some(known) => Self(Cow::Borrowed(known)),
            None => Self(Cow::Owned(name.to_owned())),
        }
    }

    /// Those that every tenant has.
    pub fn built_in() -> impl Iterator<Item = Self> {
        BUILT_IN.into_iter().map(|name| Self(Cow::Borrowed(name)))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether every tenant has it.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        matches!(self.0, Cow::Borrowed(_))
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl serde::de::Visitor<'_> for Name {
            type Value = Metric;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a metric's name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Metric, E> {
                Ok(Metric::named(name))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

impl ToSchema for Metric {}

impl PartialSchema for Metric {
    fn schema() -> RefOr<Schema> {
        let description = "tokens_input, tokens_output, requests, images, audio_minutes, or a product's external_id.";
        schema::text("^[^\\x00-\\x1f\\x7f]{1,255}$", description, "requests").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_known_by_its_name_alone() {
        for (name, built_in) in
            [("requests", true), ("Requests", false), ("", false), ("cpu", false)]
        {
            let metric = Metric::named(name);
            assert_eq!((metric.is_built_in(), metric.as_str()), (built_in, name));
            let json = serde_json::to_string(&metric).unwrap();
            let read: Metric = serde_json::from_str(&json).unwrap();
            assert_eq!((read.is_built_in(), &read), (built_in, &metric), "{json}");
        }
    }
}

//! What plans are called.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::refusal::field_error::FieldError;
use crate::schema;

/// A plan's id, safe in a URL: 1 to 128 ASCII letters, digits, `_`, `-` and `.`. The standard validation
/// plugin is stricter; an operator's own may use all of these.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct PlanId(String);

impl PlanId {
    /// # Errors
    /// Says what an id looks like, naming the field `id`.
    pub fn new(text: &str) -> Result<Self, FieldError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        let fits = (1..=128).contains(&text.len()) && text.bytes().all(allowed);
        if fits && !text.bytes().all(|byte| byte == b'.') {
            return Ok(Self(text.to_owned()));
        }
        let message = "An id is 1 to 128 of the characters a-z, 0-9 and _. Where a tenant has rules of its own, \
                       A-Z, - and . may be among them, but not . alone.";
        Err(FieldError::new("id", "invalid_id", message))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialSchema for PlanId {
    fn schema() -> RefOr<Schema> {
        let description = "A plan's id, safe in a URL.";
        schema::text(r"^(?!\.+$)[A-Za-z0-9_.-]{1,128}$", description, "premium_abc12345").into()
    }
}

impl ToSchema for PlanId {}

impl fmt::Display for PlanId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PlanId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

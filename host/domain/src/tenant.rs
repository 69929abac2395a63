//! A tenant: a company with plans, users and keys of its own.

pub mod api_key;
pub mod caller;
pub mod clock;
pub mod settings;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::caller::TenantId;
use crate::name::is_readable;
use crate::refusal::{FieldError, Refusal};
use crate::schema::UnixSeconds;
use crate::time::{self, Timestamp};

/// A tenant as every answer shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tenant {
    /// Unique on the host.
    pub id: TenantId,
    /// For people.
    pub name: String,
    /// Whether its time may be set by hand, to try out what the calendar brings.
    pub sandbox: bool,
    /// Unix seconds.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub created_at: Timestamp,
}

/// A tenant as an operator asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"id": "acme", "name": "Acme Ltd."})))]
pub struct TenantDraft {
    #[allow(missing_docs, reason = "documented on Tenant")]
    pub id: TenantId,
    #[allow(missing_docs, reason = "documented on Tenant")]
    #[schema(min_length = 1, max_length = 100, pattern = r"^(?=.*\S)[^\x00-\x1f\x7f-\x9f]+$")]
    pub name: String,
    #[allow(missing_docs, reason = "documented on Tenant")]
    #[serde(default)]
    pub sandbox: bool,
}

impl Tenant {
    /// The tenant that a draft asks for.
    ///
    /// # Errors
    /// Names the field `name` if it is empty, too long or not in one line.
    pub fn from_draft(draft: TenantDraft, now: Timestamp) -> Result<Self, Refusal> {
        let name = read_name(&draft.name).map_err(|error| Refusal::Invalid(vec![error]))?;
        Ok(Self { id: draft.id, name, sandbox: draft.sandbox, created_at: now })
    }

    /// The tenant of credentials that name none. It is there from the first start on.
    #[must_use]
    pub fn default_one(now: Timestamp) -> Self {
        let name = "Default".to_owned();
        Self { id: TenantId::default(), name, sandbox: false, created_at: now }
    }
}

/// A name for people: 1 to 100 characters in one line, without the space around them.
pub(crate) fn read_name(text: &str) -> Result<String, FieldError> {
    let name = text.trim();
    if (1..=100).contains(&name.chars().count()) && is_readable(name) {
        return Ok(name.to_owned());
    }
    let message =
        "name must have 1 to 100 characters that can be seen, none of them a control character.";
    Err(FieldError::new("name", "invalid_name", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_says_by_name_what_is_wrong() {
        for (json, part) in [
            (r#"{"name":"Acme"}"#, "missing field `id`"),
            (r#"{"id":"acme"}"#, "missing field `name`"),
            (r#"{"id":"Acme","name":"Acme"}"#, "1 to 63"),
            (r#"{"id":"acme","name":"Acme","sandbx":true}"#, "unknown field `sandbx`"),
        ] {
            let error = serde_json::from_str::<TenantDraft>(json).unwrap_err().to_string();
            assert!(error.contains(part), "{json}: {error}");
        }
    }

    #[test]
    fn a_name_is_one_line_of_1_to_100_characters() {
        let long = "\u{436}".repeat(100);
        let too_long = "\u{436}".repeat(101);
        for (text, expected) in [
            ("Acme", Some("Acme")),
            ("  Acme Ltd. ", Some("Acme Ltd.")),
            (long.as_str(), Some(long.as_str())),
            (too_long.as_str(), None),
            ("", None),
            (" ", None),
            ("Ac\nme", None),
            ("\u{200b}", None),
        ] {
            assert_eq!(read_name(text).ok().as_deref(), expected, "{text}");
        }
    }
}

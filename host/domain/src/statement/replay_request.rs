//! What is asked of a replay: which statements, and of which component.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::plugin::Digest;
use crate::plugin::binding::SETTINGS_BYTES;
use crate::refusal::{FieldError, Refusal};

/// How many statements are asked again at once.
pub const MOST_STATEMENTS: usize = 100;

/// Which component is asked. Without a digest it is the one that has answered, with the settings that it had.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({})))]
pub struct ReplayRequest {
    /// Another component of the tenant's list, or of the host's; it need not be bound.
    pub digest: Option<Digest>,
    /// Its settings, in its own words; none where absent.
    #[schema(value_type = Option<Object>)]
    pub settings: Option<Map<String, Value>>,
}

/// The same of all statements that were made in a time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"from": 1_738_742_400, "to": 1_741_161_600})))]
pub struct PeriodReplayRequest {
    /// The first Unix second that they were made in.
    pub from: i64,
    /// The Unix second behind the last.
    pub to: i64,
    /// See the replay of one statement.
    pub digest: Option<Digest>,
    /// See the replay of one statement.
    #[schema(value_type = Option<Object>)]
    pub settings: Option<Map<String, Value>>,
    /// Goes on behind the statement that the answer before ended with: its `next`.
    #[schema(max_length = 64)]
    pub after: Option<String>,
}

/// Another component than the one that has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Another {
    /// Which one.
    pub digest: Digest,
    /// JSON text.
    pub settings: String,
}

impl ReplayRequest {
    /// The other component, if one is asked for.
    ///
    /// # Errors
    /// Settings without a component, or too many.
    pub fn checked(self) -> Result<Option<Another>, Refusal> {
        let wrong = |code: &str, message: &str| {
            Err(Refusal::Invalid(vec![FieldError::new("settings", code, message)]))
        };
        let Some(digest) = self.digest else {
            if self.settings.is_some() {
                let message =
                    "settings are for another component: name it in digest, or leave them out.";
                return wrong("without_digest", message);
            }
            return Ok(None);
        };
        let settings = Value::Object(self.settings.unwrap_or_default()).to_string();
        if settings.len() > SETTINGS_BYTES {
            let message = format!("settings must be no longer than {SETTINGS_BYTES} bytes.");
            return wrong("too_long", &message);
        }
        Ok(Some(Another { digest, settings }))
    }
}

impl PeriodReplayRequest {
    /// The other component, if one is asked for.
    ///
    /// # Errors
    /// As for one statement, and a time that ends before it begins.
    pub fn checked(&self) -> Result<Option<Another>, Refusal> {
        if self.to <= self.from {
            let message = "to must be later than from.";
            return Err(Refusal::Invalid(vec![FieldError::new("to", "out_of_range", message)]));
        }
        ReplayRequest { digest: self.digest, settings: self.settings.clone() }.checked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_belong_to_another_component() {
        let digest = Some(Digest::from_bytes([1; 32]));
        let map = || Some(Map::from_iter([("behaviour".to_owned(), Value::from("flat"))]));
        let long =
            || Some(Map::from_iter([("a".to_owned(), Value::from("b".repeat(SETTINGS_BYTES)))]));
        for (digest, settings, expected) in [
            (None, None, Ok(None)),
            (digest, None, Ok(Some("{}"))),
            (digest, map(), Ok(Some(r#"{"behaviour":"flat"}"#))),
            (None, map(), Err("without_digest")),
            (digest, long(), Err("too_long")),
        ] {
            let said = ReplayRequest { digest, settings }.checked();
            match (said, expected) {
                (Ok(another), Ok(expected)) => {
                    assert_eq!(another.map(|one| one.settings).as_deref(), expected);
                }
                (Err(Refusal::Invalid(errors)), Err(code)) => assert_eq!(errors[0].code, code),
                (said, expected) => panic!("{said:?}, and not {expected:?}"),
            }
        }
    }
}

//! What an admin decides for the whole tenant.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::plan::PlanId;

/// A tenant's settings, as the store holds them and as answers show them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Settings {
    /// The plan that governs users without a subscription; with none there is no limit.
    #[schema(required = true)]
    pub default_plan: Option<PlanId>,
}

/// The settings that an admin wants changed: what is absent stays, `null` clears.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(examples(json!({"default_plan": "premium_abc12345"})))]
pub struct SettingsPatch {
    #[allow(missing_docs, reason = "documented on Settings")]
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<PlanId>)]
    pub default_plan: Option<Option<PlanId>>,
}

fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

impl Settings {
    /// The settings with the changes made.
    #[must_use]
    pub fn patched(&self, patch: &SettingsPatch) -> Self {
        Self {
            default_plan: patch.default_plan.clone().unwrap_or_else(|| self.default_plan.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_stays_and_null_clears() {
        let before = Settings { default_plan: PlanId::new("free").ok() };
        for (json, expected) in [
            ("{}", Some("free")),
            (r#"{"default_plan":null}"#, None),
            (r#"{"default_plan":"pro"}"#, Some("pro")),
        ] {
            let after = before.patched(&serde_json::from_str(json).unwrap());
            assert_eq!(after.default_plan.as_ref().map(PlanId::as_str), expected, "{json}");
        }
        for json in [r#"{"default_plan":"a b"}"#, r#"{"defualt_plan":null}"#] {
            assert!(serde_json::from_str::<SettingsPatch>(json).is_err(), "{json}");
        }
    }
}

//! What an admin decides for the whole tenant.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::money::{self, Currency};
use crate::payment::payment_settings::{PaymentSettings, PaymentSettingsPatch};
use crate::plan::plan_id::PlanId;
use crate::refusal::{FieldError, Refusal};
use crate::schema;

/// A tenant's settings, as the store holds them and as answers show them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Settings {
    /// The plan that governs users without a subscription; with none there is no limit.
    #[schema(required = true)]
    pub default_plan: Option<PlanId>,
    /// How many days a subscription keeps its quotas while its payment is missing.
    #[schema(required = true, maximum = 90)]
    pub grace_days: u32,
    /// How payments are taken.
    #[schema(required = true)]
    pub payments: PaymentSettings,
    /// What metered usage of users without a currency of their own is priced in.
    #[schema(value_type = Option<schema::Currency>, required = true)]
    pub currency: Option<Currency>,
    /// Where users without a region of their own are.
    #[schema(required = true)]
    pub region_id: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_plan: None,
            grace_days: 3,
            payments: PaymentSettings::default(),
            currency: None,
            region_id: None,
        }
    }
}

/// The settings that an admin wants changed: what is absent stays, `null` clears.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(examples(json!({"default_plan": "premium_abc12345"})))]
pub struct SettingsPatch {
    #[allow(missing_docs, reason = "documented on Settings")]
    #[serde(deserialize_with = "crate::patch::given")]
    #[schema(value_type = Option<PlanId>)]
    pub default_plan: Option<Option<PlanId>>,
    #[allow(missing_docs, reason = "documented on Settings")]
    #[serde(deserialize_with = "crate::patch::given")]
    #[schema(value_type = Option<u32>, maximum = 90)]
    pub grace_days: Option<Option<u32>>,
    #[allow(missing_docs, reason = "documented on Settings")]
    #[schema(default = json!(null))]
    pub payments: Option<PaymentSettingsPatch>,
    #[allow(missing_docs, reason = "documented on Settings")]
    #[serde(deserialize_with = "given_currency")]
    #[schema(value_type = Option<schema::Currency>)]
    pub currency: Option<Option<Currency>>,
    #[allow(missing_docs, reason = "documented on Settings")]
    #[serde(deserialize_with = "crate::patch::given")]
    #[schema(value_type = Option<u64>)]
    pub region_id: Option<Option<u64>>,
}

fn given_currency<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Option<Currency>>, D::Error> {
    money::read_optional_currency(from).map(Some)
}

impl Settings {
    /// More is no grace.
    const MOST_GRACE_DAYS: u32 = 90;

    /// The settings with the changes made, but for those of payments, which have a secret.
    ///
    /// # Errors
    /// Names `grace_days` if there are too many.
    pub fn patched(&self, patch: &SettingsPatch) -> Result<Self, Refusal> {
        let grace_days = match patch.grace_days {
            None => self.grace_days,
            Some(days) => days.unwrap_or_else(|| Self::default().grace_days),
        };
        if grace_days > Self::MOST_GRACE_DAYS {
            let message = format!("grace_days must be at most {}.", Self::MOST_GRACE_DAYS);
            let error = FieldError::new("grace_days", "out_of_range", &message);
            return Err(Refusal::Invalid(vec![error]));
        }
        let default_plan = patch.default_plan.clone().unwrap_or_else(|| self.default_plan.clone());
        let currency = patch.currency.unwrap_or(self.currency);
        let region_id = patch.region_id.unwrap_or(self.region_id);
        let payments = self.payments.clone();
        Ok(Self { default_plan, grace_days, payments, currency, region_id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_stays_and_null_clears() {
        let before = Settings {
            default_plan: PlanId::new("free").ok(),
            grace_days: 5,
            ..Settings::default()
        };
        for (json, expected) in [
            ("{}", Some("free")),
            (r#"{"default_plan":null}"#, None),
            (r#"{"default_plan":"pro"}"#, Some("pro")),
        ] {
            let after = before.patched(&serde_json::from_str(json).unwrap()).unwrap();
            assert_eq!(after.default_plan.as_ref().map(PlanId::as_str), expected, "{json}");
            assert_eq!(after.grace_days, 5, "{json}");
        }
        for (json, expected) in [
            (r#"{"grace_days":0}"#, Some(0)),
            (r#"{"grace_days":90}"#, Some(90)),
            (r#"{"grace_days":null}"#, Some(3)),
            (r#"{"grace_days":91}"#, None),
        ] {
            let after = before.patched(&serde_json::from_str(json).unwrap()).ok();
            assert_eq!(after.map(|settings| settings.grace_days), expected, "{json}");
        }
        for json in [r#"{"default_plan":"a b"}"#, r#"{"defualt_plan":null}"#] {
            assert!(serde_json::from_str::<SettingsPatch>(json).is_err(), "{json}");
        }
    }
}

//! How a plan changes: by parts, by a copy, on and off.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use crate::money::{self, Currency};
use crate::period::Interval;
use crate::plan::plan_id::PlanId;
use crate::plan::{Overage, Plan, PlanDraft};
use crate::refusal::Refusal;
use crate::schema;
use crate::time::Timestamp;

/// What a PUT says of a field that may be empty: nothing, clear it, or set it.
type Clearable<T> = Option<Option<T>>;

/// The fields of a plan that an admin wants changed. What is absent stays; `null` clears what may be
/// empty and is refused elsewhere; `quotas`, `features`, `metadata` and `overage` replace the whole.
/// What only an answer sets is ignored, so that what was read can be edited and sent back.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "documented on Plan")]
#[schema(examples(json!({
    "price": 2490.0,
    "quotas": {"tokens_input": 12_000_000, "tokens_output": 6_000_000, "requests": 60_000},
})))]
pub struct PlanPatch {
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String, min_length = 1, max_length = 100, pattern = r"^(?=.*\S)[^\x00-\x1f\x7f-\x9f]+$")]
    pub name: Option<String>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 100)]
    pub name_ru: Clearable<String>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 1000)]
    pub description: Clearable<String>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 1000)]
    pub description_ru: Clearable<String>,
    #[serde(deserialize_with = "crate::decimal::present::deserialize")]
    #[schema(value_type = schema::Price, default = json!(null))]
    pub price: Option<Decimal>,
    #[serde(deserialize_with = "given_currency")]
    #[schema(value_type = schema::Currency)]
    pub currency: Option<Currency>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Interval)]
    pub interval: Option<Interval>,
    #[serde(deserialize_with = "crate::unique::given")]
    #[schema(value_type = Option<BTreeMap<String, u64>>)]
    pub quotas: Clearable<BTreeMap<String, u64>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = schema::Features)]
    pub features: Clearable<Vec<String>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = bool)]
    pub is_active: Option<bool>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = u32)]
    pub display_order: Option<u32>,
    #[serde(deserialize_with = "crate::unique::given")]
    #[schema(value_type = schema::Metadata)]
    pub metadata: Clearable<BTreeMap<String, String>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = u32, maximum = 366)]
    pub trial_days: Option<u32>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<u64>)]
    pub billing_plan_id: Clearable<u64>,
    #[serde(deserialize_with = "crate::unique::given")]
    #[schema(value_type = Option<BTreeMap<String, Overage>>)]
    pub overage: Clearable<BTreeMap<String, Overage>>,

    #[schema(value_type = Value)]
    pub id: IgnoredAny,
    #[schema(value_type = Value)]
    pub version: IgnoredAny,
    #[schema(value_type = Value)]
    pub created_at: IgnoredAny,
    #[schema(value_type = Value)]
    pub updated_at: IgnoredAny,
}

fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

fn given_currency<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Currency>, D::Error> {
    money::read_currency(from).map(Some)
}

impl From<PlanDraft> for PlanPatch {
    /// The patch that makes a plan what a draft would have made. Its id stays.
    fn from(draft: PlanDraft) -> Self {
        Self {
            name: Some(draft.name),
            name_ru: Some(draft.name_ru),
            description: Some(draft.description),
            description_ru: Some(draft.description_ru),
            price: Some(draft.price),
            currency: Some(draft.currency),
            interval: Some(draft.interval),
            quotas: Some(draft.quotas),
            features: Some(draft.features),
            is_active: Some(draft.is_active.unwrap_or(true)),
            display_order: Some(draft.display_order.unwrap_or(0)),
            metadata: Some(draft.metadata),
            trial_days: Some(draft.trial_days.unwrap_or(0)),
            billing_plan_id: Some(draft.billing_plan_id),
            overage: Some(draft.overage),
            ..Self::default()
        }
    }
}

impl Plan {
    /// The plan with the changes made. A patch that changes nothing gives the same plan, version and all.
    ///
    /// # Errors
    /// What [`Plan::check`] refuses.
    pub fn patched(&self, patch: PlanPatch, now: Timestamp) -> Result<Self, Refusal> {
        let trimmed = |name: String| name.trim().to_owned();
        let mut plan = self.clone();
        set(&mut plan.name, patch.name.map(trimmed));
        set(&mut plan.name_ru, patch.name_ru.map(|name| name.map(trimmed)));
        set(&mut plan.description, patch.description);
        set(&mut plan.description_ru, patch.description_ru);
        set(&mut plan.price, patch.price.map(|price| price.normalize()));
        set(&mut plan.currency, patch.currency);
        set(&mut plan.interval, patch.interval);
        set(&mut plan.quotas, patch.quotas.map(Option::unwrap_or_default));
        set(&mut plan.features, patch.features.map(Option::unwrap_or_default));
        set(&mut plan.is_active, patch.is_active);
        set(&mut plan.display_order, patch.display_order);
        set(&mut plan.metadata, patch.metadata.map(Option::unwrap_or_default));
        set(&mut plan.trial_days, patch.trial_days);
        set(&mut plan.billing_plan_id, patch.billing_plan_id);
        set(&mut plan.overage, patch.overage.map(Option::unwrap_or_default));
        plan.check()?;
        Ok(plan.counted_after(self, now))
    }

    /// The plan switched on if it is off, and off if it is on.
    #[must_use]
    pub fn toggled(&self, now: Timestamp) -> Self {
        Self { is_active: !self.is_active, ..self.clone() }.counted_after(self, now)
    }

    /// What a copy is called: a given name, else this one's with a word that says that it is a copy.
    #[must_use]
    pub fn name_of_copy(&self, given: Option<&str>) -> String {
        given.map_or_else(|| with_suffix(&self.name, " (Copy)"), |name| name.trim().to_owned())
    }

    /// A copy under another id and name: inactive, so that nobody subscribes before it is looked over, and
    /// next in the list.
    #[must_use]
    pub fn duplicated(&self, id: PlanId, name: String, now: Timestamp) -> Self {
        Self {
            id,
            name,
            name_ru: self.name_ru.as_deref().map(|name_ru| with_suffix(name_ru, " (Копия)")),
            is_active: false,
            display_order: self.display_order.saturating_add(1),
            version: 1,
            created_at: now,
            updated_at: now,
            ..self.clone()
        }
    }

    fn counted_after(self, before: &Self, now: Timestamp) -> Self {
        if self == *before {
            return self;
        }
        Self { version: before.version + 1, updated_at: now, ..self }
    }
}

fn set<T>(field: &mut T, change: Option<T>) {
    if let Some(value) = change {
        *field = value;
    }
}

/// A name with a suffix, cut to the 100 characters that a name may have.
fn with_suffix(name: &str, suffix: &str) -> String {
    const LONGEST: usize = 100;
    let room = LONGEST.saturating_sub(suffix.chars().count());
    let kept: String = name.chars().take(room).collect();
    format!("{}{suffix}", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let draft = serde_json::from_str(
            r#"{"name":"Pro","name_ru":"Про","description":"d","price":1490,"interval":"month",
                "quotas":{"requests":10,"images":5},"features":["a"],"display_order":3}"#,
        )
        .unwrap();
        Plan::from_draft(PlanId::new("pro").unwrap(), draft, Timestamp::UNIX_EPOCH).unwrap()
    }

    fn later() -> Timestamp {
        Timestamp::from_second(100).unwrap()
    }

    #[test]
    fn a_patch_changes_what_it_names_and_null_clears_what_may_be_empty() {
        type Check = fn(&Plan) -> bool;
        let cases: [(&str, Check); 9] = [
            (r#"{"name":"  New "}"#, |plan| plan.name == "New"),
            (r#"{"price":12.50}"#, |plan| plan.price == Decimal::new(125, 1)),
            (r#"{"description":null}"#, |plan| plan.description.is_none()),
            (r#"{"quotas":{"requests":20}}"#, |plan| plan.quotas.len() == 1),
            (r#"{"quotas":null}"#, |plan| plan.quotas.is_empty()),
            (r#"{"features":null}"#, |plan| plan.features.is_empty()),
            (r#"{"is_active":false}"#, |plan| !plan.is_active),
            (r#"{"billing_plan_id":7}"#, |plan| plan.billing_plan_id == Some(7)),
            (r#"{"overage":{"images":"bill"}}"#, |plan| plan.overage["images"] == Overage::Bill),
        ];
        for (json, expected) in cases {
            let before = plan();
            let after = before.patched(serde_json::from_str(json).unwrap(), later()).unwrap();
            assert!(expected(&after), "{json}: {after:?}");
            assert_eq!((after.version, after.updated_at), (2, later()), "{json}");
            assert_eq!(after.created_at, before.created_at, "{json}");
        }
    }

    #[test]
    fn null_is_refused_where_a_value_is_needed() {
        for field in
            ["name", "price", "currency", "interval", "is_active", "display_order", "trial_days"]
        {
            let json = format!("{{\"{field}\":null}}");
            assert!(serde_json::from_str::<PlanPatch>(&json).is_err(), "{json}");
        }
    }

    #[test]
    fn what_was_read_can_be_sent_back_and_changes_nothing() {
        let before = plan();
        let json = serde_json::to_string(&before).unwrap();
        let after = before.patched(serde_json::from_str(&json).unwrap(), later()).unwrap();
        assert_eq!(after, before);
    }

    #[test]
    fn a_misspelt_field_is_refused_by_name() {
        let error = serde_json::from_str::<PlanPatch>(r#"{"quota":{}}"#).unwrap_err().to_string();
        assert!(error.contains("unknown field `quota`"), "{error}");
    }

    #[test]
    fn a_copy_is_inactive_next_in_the_list_and_its_names_fit() {
        let mut original = plan();
        original.name = "x".repeat(100);
        original.is_active = true;
        let copy =
            original.duplicated(PlanId::new("copy").unwrap(), original.name_of_copy(None), later());
        assert_eq!(copy.name, format!("{} (Copy)", "x".repeat(93)));
        assert_eq!(copy.name_ru.as_deref(), Some("Про (Копия)"));
        assert_eq!((copy.is_active, copy.display_order, copy.version), (false, 4, 1));
        assert_eq!(copy.quotas, original.quotas);
        assert_eq!(original.name_of_copy(Some(" Mine ")), "Mine");
    }
}

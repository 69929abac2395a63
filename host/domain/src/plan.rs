//! A plan: a subscription tier with its price, quotas and features.

pub mod plan_change;
pub mod plan_id;
pub mod plan_stats;
pub mod review;
pub mod template;
pub mod template_listing;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::plan_id::PlanId;
use crate::money::{self, Currency};
use crate::name::is_readable;
use crate::period::Interval;
use crate::refusal::{FieldError, Refusal};
use crate::schema::{self, UnixSeconds};
use crate::time::{self, Timestamp};

/// The largest price. With the three fraction digits of the finest currency it still fits the 64 bits that
/// plugins count in.
const LARGEST_PRICE: u64 = 1_000_000_000_000_000;
/// The most entries of a list or map.
const MOST_ENTRIES: usize = 1_000;
/// The longest text, in bytes.
const LONGEST_TEXT: usize = 20_000;

/// What happens to usage past a quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum Overage {
    /// It is refused.
    #[default]
    Block,
    /// It is allowed, and billed by the plan's price book.
    Bill,
}

impl Overage {
    /// As on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Bill => "bill",
        }
    }
}

impl TryFrom<String> for Overage {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        [Self::Block, Self::Bill]
            .into_iter()
            .find(|overage| overage.as_str() == text)
            .ok_or_else(|| format!("'{text}' is not one of block and bill"))
    }
}

/// A plan as the catalog holds it and as every answer shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// Unique in its tenant.
    pub id: PlanId,
    /// For people.
    pub name: String,
    /// For people who read Russian.
    #[schema(required = true)]
    pub name_ru: Option<String>,
    /// For people.
    #[schema(required = true)]
    pub description: Option<String>,
    /// For people who read Russian.
    #[schema(required = true)]
    pub description_ru: Option<String>,
    /// The fee of one interval, in units of the currency.
    #[serde(with = "crate::decimal")]
    #[schema(value_type = schema::Decimal)]
    pub price: Decimal,
    /// ISO 4217.
    #[schema(value_type = schema::Currency)]
    pub currency: Currency,
    /// How often the fee is due.
    pub interval: Interval,
    /// Limits by metric; a metric that is missing has none.
    pub quotas: BTreeMap<String, u64>,
    /// What a subscriber gets, in words.
    pub features: Vec<String>,
    /// Whether users see it and may subscribe.
    pub is_active: bool,
    /// Lists are sorted by it, lowest first.
    pub display_order: u32,
    /// The operator's own notes.
    pub metadata: BTreeMap<String, String>,
    /// Free days before the first fee.
    pub trial_days: u32,
    /// The price book for metered usage.
    #[schema(required = true)]
    pub billing_plan_id: Option<u64>,
    /// What happens past a quota; `block` where a metric is missing.
    pub overage: BTreeMap<String, Overage>,
    /// Counts changes, from 1.
    pub version: u64,
    /// Unix seconds.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub created_at: Timestamp,
    /// Unix seconds.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub updated_at: Timestamp,
}

/// A plan as an admin asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({
    "name": "Premium", "description": "Enhanced features for power users", "price": 2990.0,
    "currency": "RUB", "interval": "month",
    "quotas": {"tokens_input": 10_000_000, "tokens_output": 5_000_000, "requests": 50_000},
    "features": ["All Pro features", "Priority processing", "Extended API access"],
    "is_active": true, "display_order": 4,
})))]
pub struct PlanDraft {
    /// Made by the identity plugin where absent.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128, pattern = "^[a-z0-9_]+$")]
    pub id: Option<PlanId>,
    #[allow(missing_docs, reason = "documented on Plan")]
    #[schema(min_length = 1, max_length = 100, pattern = r"^(?=.*\S)[^\x00-\x1f\x7f-\x9f]+$")]
    pub name: String,
    #[allow(missing_docs, reason = "documented on Plan")]
    #[schema(max_length = 100)]
    pub name_ru: Option<String>,
    #[allow(missing_docs, reason = "documented on Plan")]
    #[schema(max_length = 1000)]
    pub description: Option<String>,
    #[allow(missing_docs, reason = "documented on Plan")]
    #[schema(max_length = 1000)]
    pub description_ru: Option<String>,
    #[allow(missing_docs, reason = "documented on Plan")]
    #[serde(deserialize_with = "crate::decimal::deserialize")]
    #[schema(value_type = schema::Price)]
    pub price: Decimal,
    /// RUB where absent.
    #[serde(default = "default_currency", deserialize_with = "money::read_currency")]
    #[schema(value_type = schema::Currency)]
    pub currency: Currency,
    #[allow(missing_docs, reason = "documented on Plan")]
    pub interval: Interval,
    #[allow(missing_docs, reason = "documented on Plan")]
    #[serde(default, deserialize_with = "crate::unique::optional")]
    pub quotas: Option<BTreeMap<String, u64>>,
    #[allow(missing_docs, reason = "documented on Plan")]
    #[schema(value_type = schema::Features, required = false)]
    pub features: Option<Vec<String>>,
    /// True where absent.
    pub is_active: Option<bool>,
    /// 0 where absent.
    pub display_order: Option<u32>,
    #[allow(missing_docs, reason = "documented on Plan")]
    #[serde(default, deserialize_with = "crate::unique::optional")]
    #[schema(value_type = schema::Metadata, required = false)]
    pub metadata: Option<BTreeMap<String, String>>,
    /// 0 where absent.
    #[schema(maximum = 366)]
    pub trial_days: Option<u32>,
    #[allow(missing_docs, reason = "documented on Plan")]
    pub billing_plan_id: Option<u64>,
    #[allow(missing_docs, reason = "documented on Plan")]
    #[serde(default, deserialize_with = "crate::unique::optional")]
    pub overage: Option<BTreeMap<String, Overage>>,
}

fn default_currency() -> Currency {
    Currency::RUB
}

impl Plan {
    /// The plan that a draft asks for.
    ///
    /// # Errors
    /// What [`Plan::check`] refuses.
    pub fn from_draft(id: PlanId, draft: PlanDraft, now: Timestamp) -> Result<Self, Refusal> {
        let plan = Self {
            id,
            name: draft.name.trim().to_owned(),
            name_ru: draft.name_ru.map(|name| name.trim().to_owned()),
            description: draft.description,
            description_ru: draft.description_ru,
            price: draft.price.normalize(),
            currency: draft.currency,
            interval: draft.interval,
            quotas: draft.quotas.unwrap_or_default(),
            features: draft.features.unwrap_or_default(),
            is_active: draft.is_active.unwrap_or(true),
            display_order: draft.display_order.unwrap_or(0),
            metadata: draft.metadata.unwrap_or_default(),
            trial_days: draft.trial_days.unwrap_or(0),
            billing_plan_id: draft.billing_plan_id,
            overage: draft.overage.unwrap_or_default(),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        plan.check()?;
        Ok(plan)
    }

    /// What no plugin may break: a price is not negative and fits its currency. And what no plugin is shown: a
    /// price beyond the contract's numbers, lists and texts without end.
    ///
    /// # Errors
    /// Names the field.
    pub fn check(&self) -> Result<(), Refusal> {
        let refuse = |code, message: &str| {
            Err(Refusal::Invalid(vec![FieldError::new("price", code, message)]))
        };
        if self.price > Decimal::from(LARGEST_PRICE) {
            return refuse("too_large", &format!("price must be at most {LARGEST_PRICE}."));
        }
        self.check_sizes()?;
        self.check_names()?;
        if self.price.is_sign_negative() && !self.price.is_zero() {
            return refuse("negative_price", "price must be 0 or more.");
        }
        if !money::fits(self.price, self.currency) {
            let digits = money::digits(self.currency);
            let code = self.currency.code();
            let message = format!("price has more than the {digits} fraction digits of {code}.");
            return refuse("too_many_digits", &message);
        }
        Ok(())
    }

    fn check_sizes(&self) -> Result<(), Refusal> {
        let refuse = |field: &str, message: &str| {
            Err(Refusal::Invalid(vec![FieldError::new(field, "too_long", message)]))
        };
        for (field, entries) in [
            ("quotas", self.quotas.len()),
            ("features", self.features.len()),
            ("metadata", self.metadata.len()),
            ("overage", self.overage.len()),
        ] {
            if entries > MOST_ENTRIES {
                return refuse(field, &format!("{field} has more than {MOST_ENTRIES} entries."));
            }
        }
        let metadata = self.metadata.iter().flat_map(|(key, value)| [key, value]);
        let texts = [("name", Some(&self.name)), ("name_ru", self.name_ru.as_ref())]
            .into_iter()
            .chain([("description", self.description.as_ref())])
            .chain([("description_ru", self.description_ru.as_ref())])
            .chain(self.features.iter().map(|text| ("features", Some(text))))
            .chain(metadata.map(|text| ("metadata", Some(text))))
            .chain(self.quotas.keys().map(|text| ("quotas", Some(text))))
            .chain(self.overage.keys().map(|text| ("overage", Some(text))));
        for (field, text) in texts {
            if text.is_some_and(|text| text.len() > LONGEST_TEXT) {
                return refuse(
                    field,
                    &format!("{field} has a text of more than {LONGEST_TEXT} bytes."),
                );
            }
        }
        Ok(())
    }

    /// That there is a name, and how long it may be, is for the validation plugins to say.
    fn check_names(&self) -> Result<(), Refusal> {
        let names = [("name", Some(&self.name)), ("name_ru", self.name_ru.as_ref())];
        for (field, name) in names {
            if name.is_some_and(|name| !name.is_empty() && !is_readable(name)) {
                let message = format!(
                    "{field} must have something that can be seen, and no control character."
                );
                let error = FieldError::new(field, "invalid_name", &message);
                return Err(Refusal::Invalid(vec![error]));
            }
        }
        Ok(())
    }

    /// The order of lists: `display_order`, then price, then id.
    #[must_use]
    pub fn list_order(&self, other: &Self) -> Ordering {
        (self.display_order, self.price, &self.id).cmp(&(
            other.display_order,
            other.price,
            &other.id,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(json: &str) -> Result<PlanDraft, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn a_plan_id_is_safe_in_a_url() {
        let long = "a".repeat(128);
        let too_long = "a".repeat(129);
        for (id, expected) in [
            ("premium_abc12345", true),
            ("A-1.b", true),
            (long.as_str(), true),
            (too_long.as_str(), false),
            ("", false),
            ("..", false),
            ("a/b", false),
            ("a b", false),
            ("\u{43f}", false),
        ] {
            assert_eq!(PlanId::new(id).is_ok(), expected, "{id}");
        }
    }

    #[test]
    fn a_draft_says_by_name_what_is_wrong() {
        for (json, part) in [
            (r#"{"price":1,"interval":"month"}"#, "missing field `name`"),
            (r#"{"name":"A","price":1,"interval":"decade"}"#, "'decade' is not one of"),
            (r#"{"name":"A","price":1,"interval":"month","quota":{}}"#, "unknown field `quota`"),
            (r#"{"name":"A","price":1,"interval":"month","currency":"rub"}"#, "'rub' is not"),
            (r#"{"name":"A","price":"x","interval":"month"}"#, "'x' is not an exact decimal"),
        ] {
            let error = draft(json).unwrap_err().to_string();
            assert!(error.contains(part), "{json}: {error}");
        }
    }

    #[test]
    fn a_price_is_not_negative_and_fits_its_currency() {
        let now = Timestamp::UNIX_EPOCH;
        for (price, currency, code) in [
            ("0", "RUB", None),
            ("-0", "RUB", None),
            ("490.55", "RUB", None),
            ("490.550", "RUB", None),
            ("490.555", "RUB", Some("too_many_digits")),
            ("1.5", "JPY", Some("too_many_digits")),
            ("-1", "USD", Some("negative_price")),
            ("1000000000000000", "KWD", None),
            ("1000000000000000.01", "USD", Some("too_large")),
        ] {
            let json = format!(
                r#"{{"name":"A","price":{price},"interval":"month","currency":"{currency}"}}"#
            );
            let id = PlanId::new("a").unwrap();
            let refused = match Plan::from_draft(id, draft(&json).unwrap(), now) {
                Ok(_) => None,
                Err(Refusal::Invalid(errors)) => Some(errors[0].code.clone()),
                Err(other) => panic!("{other:?}"),
            };
            assert_eq!(refused.as_deref(), code, "{price} {currency}");
        }
    }
}

//! Something that was used, as somebody says it: read strictly, and bounded in all it carries.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::refusal::{FieldError, Refusal};
use crate::schema::{self, UnixSeconds};
use crate::tenant::caller::{Role, is_user_id};
use crate::time::{self, Timestamp};
use crate::unique;
use crate::usage::metric::Metric;
use crate::usage::quantity::Quantity;

/// How long ago something may have been used that is recorded now.
pub const LATEST_SECONDS: i64 = 35 * 24 * 60 * 60;
/// How far a clock may be ahead of ours.
pub const AHEAD_SECONDS: i64 = 5 * 60;
/// How long an event's id is remembered: longer than an event may be late.
pub const REMEMBERED_SECONDS: i64 = 36 * 24 * 60 * 60;
/// How long after its end it is kept what was used in a window: until no event counts into it any more, and the last one
/// that did is forgotten, and a day.
pub const COUNTED_SECONDS: i64 = LATEST_SECONDS + REMEMBERED_SECONDS + 24 * 60 * 60;
/// How many events one batch has at most.
pub const MOST_IN_A_BATCH: usize = 10_000;

const MOST_METRICS: usize = 100;
const MOST_METADATA: usize = 20;
const LONGEST_METADATA: usize = 500;
const LONGEST_EVENT_ID: usize = 255;

/// Who says what was used. The ids of events are apart by that: what a user sends of the own usage never stands in the
/// way of what a product says of it, whatever ids both choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Teller {
    /// The one who used it.
    User,
    /// A product, or an admin.
    Product,
}

impl Teller {
    /// Whoever has a role.
    #[must_use]
    pub fn of(role: Role) -> Self {
        match role {
            Role::User => Self::User,
            Role::Service | Role::Admin | Role::Operator => Self::Product,
        }
    }
}

/// Amounts by metric: at least one, each metric once.
pub type Amounts = BTreeMap<Metric, Quantity>;

/// What is asked for in one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// How much of what.
    pub amounts: Amounts,
    /// Whether one metric was named with `metric`, so that the answer is to one.
    pub is_one: bool,
}

/// Whether something may be done.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"metric": "requests", "amount": 1})))]
pub struct UsageCheck {
    /// Of which metric; or give `amounts`.
    pub metric: Option<Metric>,
    /// How much; 1 where absent.
    pub amount: Option<Quantity>,
    /// Several metrics at once, in place of `metric` and `amount`.
    #[serde(default, deserialize_with = "unique::optional")]
    #[schema(value_type = schema::Amounts)]
    pub amounts: Option<BTreeMap<String, Quantity>>,
    /// Whose quota; the caller's own where absent. Another's takes the role service or admin.
    #[schema(min_length = 1, max_length = 255)]
    pub user_id: Option<String>,
}

impl UsageCheck {
    /// # Errors
    /// Names the field at fault.
    pub fn read(self) -> Result<(Asked, Option<String>), Refusal> {
        check_user(self.user_id.as_deref())?;
        Ok((asked(self.metric, self.amount, self.amounts)?, self.user_id))
    }
}

/// Something that was used, or is to be used if the quota reaches.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"metric": "tokens_input", "amount": 150, "event_id": "chat-7f3a"})))]
pub struct UsageDraft {
    /// Which metric; or give `amounts`.
    pub metric: Option<Metric>,
    /// How much; 1 where absent.
    pub amount: Option<Quantity>,
    /// Several metrics at once, in place of `metric` and `amount`: all of them count, or none.
    #[serde(default, deserialize_with = "unique::optional")]
    #[schema(value_type = schema::Amounts)]
    pub amounts: Option<BTreeMap<String, Quantity>>,
    /// Makes it safe to send again: within 36 days the same id of the same user counts once. Ids that users send
    /// themselves are apart from those of services and admins.
    #[schema(pattern = "^[!-~]{1,255}$")]
    pub event_id: Option<String>,
    /// When it was used: at most 35 days ago, and at most 5 minutes ahead. Now where absent.
    #[serde(default, with = "time::optional_seconds")]
    #[schema(value_type = Option<UnixSeconds>)]
    pub timestamp: Option<Timestamp>,
    /// Counts only what the quota allows: check and consume in one step.
    #[serde(default)]
    pub enforce: bool,
    /// Who used it; the caller where absent. Another takes the role service or admin.
    #[schema(min_length = 1, max_length = 255)]
    pub user_id: Option<String>,
    /// The product's own notes: at most 20, kept as long as the event's id is.
    #[serde(default, deserialize_with = "unique::optional")]
    #[schema(value_type = schema::EventNotes)]
    pub metadata: Option<BTreeMap<String, String>>,
}

/// Something that was used, of whomever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageEvent {
    /// How much of what.
    pub asked: Asked,
    /// Makes it count once.
    pub event_id: Option<String>,
    /// When, where it was said.
    pub timestamp: Option<Timestamp>,
    /// Whether it counts only within the quota.
    pub enforce: bool,
    /// Notes.
    pub metadata: BTreeMap<String, String>,
}

impl UsageDraft {
    /// What it says, and of whom.
    ///
    /// # Errors
    /// Names the field at fault.
    pub fn read(self, now: Timestamp) -> Result<(UsageEvent, Option<String>), Refusal> {
        check_user(self.user_id.as_deref())?;
        check_event_id(self.event_id.as_deref())?;
        check_timestamp(self.timestamp, now)?;
        let metadata = self.metadata.unwrap_or_default();
        check_metadata(&metadata)?;
        let event = UsageEvent {
            asked: asked(self.metric, self.amount, self.amounts)?,
            event_id: self.event_id,
            timestamp: self.timestamp,
            enforce: self.enforce,
            metadata,
        };
        Ok((event, self.user_id))
    }
}

impl UsageEvent {
    /// Whether another event tells of the same usage.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.asked.amounts == other.asked.amounts
            && self.timestamp == other.timestamp
            && self.metadata == other.metadata
    }
}

/// What became of a batch. Its good events count at once, all of them or, where the answer is no success, none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BatchOutcome {
    /// How many events count from now on.
    pub accepted: u64,
    /// How many were recorded before, here or in an earlier request.
    pub duplicates: u64,
    /// Those that do not count, in the order of the batch.
    pub rejected: Vec<RejectedEvent>,
}

/// An event of a batch that does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RejectedEvent {
    /// Which, from 0.
    pub index: usize,
    /// For machines; stable.
    pub code: String,
    /// A whole sentence for people.
    pub message: String,
}

impl RejectedEvent {
    /// An event that is refused for what it says, or because of the quota.
    #[must_use]
    pub fn new(index: usize, refusal: &Refusal) -> Self {
        let field = refusal.fields().into_iter().next();
        let code = field.map_or_else(|| refusal.code().to_owned(), |field| field.code);
        Self { index, code, message: refusal.to_string() }
    }
}

fn asked(
    metric: Option<Metric>,
    amount: Option<Quantity>,
    amounts: Option<BTreeMap<String, Quantity>>,
) -> Result<Asked, Refusal> {
    match (metric, amounts) {
        (Some(metric), None) => {
            let amount = amount.unwrap_or(Quantity::ONE);
            Ok(Asked { amounts: Amounts::from([(metric, amount)]), is_one: true })
        }
        (None, Some(_)) if amount.is_some() => {
            refuse("amount", "not_with_amounts", "amount goes with metric, not with amounts.")
        }
        (None, Some(amounts)) if amounts.is_empty() || amounts.len() > MOST_METRICS => {
            let message = format!("amounts must name 1 to {MOST_METRICS} metrics.");
            refuse("amounts", "out_of_range", &message)
        }
        (None, Some(amounts)) => {
            let named = amounts.into_iter().map(|(name, amount)| (Metric::named(&name), amount));
            Ok(Asked { amounts: named.collect(), is_one: false })
        }
        (None, None) => {
            refuse("metric", "missing_field", "Name a metric, or several of them in amounts.")
        }
        (Some(_), Some(_)) => {
            refuse("amounts", "not_with_metric", "Give metric or amounts, not both.")
        }
    }
}

fn check_user(user_id: Option<&str>) -> Result<(), Refusal> {
    if user_id.is_none_or(is_user_id) {
        return Ok(());
    }
    let message = "user_id must have 1 to 255 characters, none of them a control character.";
    refuse("user_id", "invalid_user_id", message)
}

fn check_event_id(event_id: Option<&str>) -> Result<(), Refusal> {
    let is_one = |id: &str| {
        (1..=LONGEST_EVENT_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if event_id.is_none_or(is_one) {
        return Ok(());
    }
    let message = "event_id must have 1 to 255 visible ASCII characters.";
    refuse("event_id", "invalid_event_id", message)
}

fn check_timestamp(timestamp: Option<Timestamp>, now: Timestamp) -> Result<(), Refusal> {
    let Some(timestamp) = timestamp else { return Ok(()) };
    let (at, now) = (timestamp.as_second(), now.as_second());
    if at < now.saturating_sub(LATEST_SECONDS) {
        let message = "timestamp must not be more than 35 days ago.";
        return refuse("timestamp", "too_late", message);
    }
    if at > now.saturating_add(AHEAD_SECONDS) {
        let message = "timestamp must not be more than 5 minutes ahead.";
        return refuse("timestamp", "too_early", message);
    }
    Ok(())
}

fn check_metadata(metadata: &BTreeMap<String, String>) -> Result<(), Refusal> {
    let is_short = |text: &str| text.chars().count() <= LONGEST_METADATA;
    let fits = metadata.len() <= MOST_METADATA
        && metadata.iter().all(|(name, text)| is_short(name) && is_short(text));
    if fits {
        return Ok(());
    }
    let message = format!(
        "metadata must have at most {MOST_METADATA} entries of at most {LONGEST_METADATA} characters."
    );
    refuse("metadata", "too_large", &message)
}

fn refuse<T>(field: &str, code: &str, message: &str) -> Result<T, Refusal> {
    Err(Refusal::Invalid(vec![FieldError::new(field, code, message)]))
}

/// A batch's events as a request has them, each to be read by itself.
#[derive(ToSchema)]
#[schema(as = UsageBatch, examples(json!({"events": [
    {"user_id": "alice", "metric": "requests", "event_id": "chat-7f3b"},
    {"user_id": "bob", "amounts": {"tokens_input": 150, "tokens_output": 420}},
]})))]
pub struct BatchShape {
    /// Each names its user.
    #[schema(max_items = 10_000)]
    pub events: Vec<UsageDraft>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_738_742_400;

    fn read(json: &str) -> Result<(UsageEvent, Option<String>), String> {
        let draft: UsageDraft = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let code = |refusal: Refusal| {
            let field = refusal.fields().remove(0);
            format!("{} {}", field.field, field.code)
        };
        draft.read(Timestamp::from_second(NOW).unwrap()).map_err(code)
    }

    #[test]
    fn one_metric_or_several_with_1_where_nobody_says_how_much() {
        for (json, expected) in [
            (r#"{"metric":"requests"}"#, "one requests=1"),
            (r#"{"metric":"requests","amount":null,"amounts":null}"#, "one requests=1"),
            (r#"{"metric":"audio_minutes","amount":"0.25"}"#, "one audio_minutes=0.25"),
            (r#"{"amounts":{"requests":1,"images":0}}"#, "each images=0 requests=1"),
            (r#"{"metric":"cpu"}"#, "one cpu=1"),
        ] {
            let Asked { amounts, is_one } = read(json).unwrap().0.asked;
            let amounts = amounts.iter().map(|(metric, amount)| format!("{metric}={amount}"));
            let found = amounts.collect::<Vec<_>>().join(" ");
            let kind = if is_one { "one" } else { "each" };
            assert_eq!(format!("{kind} {found}"), expected, "{json}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_its_field() {
        let long = "x".repeat(256);
        let metadata = format!(r#""{}":"b""#, "x".repeat(501));
        for (fields, expected) in [
            ("", "metric missing_field"),
            (r#""metric":"requests","amounts":{"images":1}"#, "amounts not_with_metric"),
            (r#""amount":2,"amounts":{"images":1}"#, "amount not_with_amounts"),
            (r#""amounts":{}"#, "amounts out_of_range"),
            (r#""metric":"requests","user_id":"""#, "user_id invalid_user_id"),
            (r#""metric":"requests","event_id":"""#, "event_id invalid_event_id"),
            (r#""metric":"requests","event_id":"a b""#, "event_id invalid_event_id"),
            (&format!(r#""metric":"requests","event_id":"{long}""#), "event_id invalid_event_id"),
            (&format!(r#""metric":"requests","metadata":{{{metadata}}}"#), "metadata too_large"),
        ] {
            assert_eq!(read(&format!("{{{fields}}}")).unwrap_err(), expected, "{fields}");
        }
        for (json, part) in [
            (r#"{"amounts":{"images":1,"images":2}}"#, "comes twice"),
            (r#"{"metric":"requests","amount":-1}"#, "less than 0"),
            (r#"{"metric":"requests","amount":0.0000001}"#, "fraction digits"),
            (r#"{"metrics":"requests"}"#, "unknown field"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(part), "{json}: {error}");
        }
    }

    #[test]
    fn an_event_may_be_late_by_35_days_and_a_clock_ahead_by_5_minutes() {
        const DAY: i64 = 86_400;
        for (offset, expected) in [
            (0, None),
            (-35 * DAY, None),
            (-35 * DAY - 1, Some("timestamp too_late")),
            (300, None),
            (301, Some("timestamp too_early")),
        ] {
            let json = format!(r#"{{"metric":"requests","timestamp":{}}}"#, NOW + offset);
            assert_eq!(read(&json).err().as_deref(), expected, "{offset}");
        }
    }
}

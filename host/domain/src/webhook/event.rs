//! What a product can hear of: each event with its name and its data, and which of them a change brings.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::payment::transaction::{Booked, TransactionStatus};
use crate::plan::Plan;
use crate::plan::plan_id::PlanId;
use crate::statement::{Statement, StatementStatus};
use crate::subscription::life::Held;
use crate::subscription::{Status, Subscription};
use crate::time::Timestamp;
use crate::usage::UsageReport;
use crate::usage::quota_threshold::Threshold;

/// What happened, as a receiver reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookEventType)]
pub enum EventType {
    /// Somebody subscribed.
    #[serde(rename = "subscription.created")]
    SubscriptionCreated,
    /// Its free days are over.
    #[serde(rename = "subscription.trial_ended")]
    SubscriptionTrialEnded,
    /// It is to another plan now.
    #[serde(rename = "subscription.changed")]
    SubscriptionChanged,
    /// It is paid for longer than before, for nothing, from credit or by a payment.
    #[serde(rename = "subscription.renewed")]
    SubscriptionRenewed,
    /// A payment is missing, and the days of grace have begun.
    #[serde(rename = "subscription.past_due")]
    SubscriptionPastDue,
    /// It is over.
    #[serde(rename = "subscription.canceled")]
    SubscriptionCanceled,
    /// Something else that it shows: that it will end or will not, a plan that waits, another period.
    #[serde(rename = "subscription.updated")]
    SubscriptionUpdated,
    /// Money came for a transaction, also where nobody waited for it any more.
    #[serde(rename = "payment.succeeded")]
    PaymentSucceeded,
    /// The money will not come, or nobody waits for it any more.
    #[serde(rename = "payment.canceled")]
    PaymentCanceled,
    /// The provider did not take the payment on.
    #[serde(rename = "payment.failed")]
    PaymentFailed,
    /// Money was given back, some of it or all.
    #[serde(rename = "payment.refunded")]
    PaymentRefunded,
    /// A period was billed.
    #[serde(rename = "statement.created")]
    StatementCreated,
    /// Nothing of a statement is to be paid any more, or nothing was.
    #[serde(rename = "statement.paid")]
    StatementPaid,
    /// A period could not be billed; it is tried again.
    #[serde(rename = "statement.failed")]
    StatementFailed,
    /// A plan was made, or copied.
    #[serde(rename = "plan.created")]
    PlanCreated,
    /// Fields of a plan were changed.
    #[serde(rename = "plan.updated")]
    PlanUpdated,
    /// A plan was switched on.
    #[serde(rename = "plan.activated")]
    PlanActivated,
    /// A plan was switched off.
    #[serde(rename = "plan.deactivated")]
    PlanDeactivated,
    /// A plan is gone.
    #[serde(rename = "plan.deleted")]
    PlanDeleted,
    /// So much of a user's quota is used: 80 or 100 percent.
    #[serde(rename = "quota.threshold")]
    QuotaThreshold,
    /// Somebody tries out an endpoint. Only that one hears of it, whatever it listens to.
    #[serde(rename = "webhook.test")]
    WebhookTest,
}

impl EventType {
    /// Every one.
    pub const ALL: [Self; 21] = [
        Self::SubscriptionCreated,
        Self::SubscriptionTrialEnded,
        Self::SubscriptionChanged,
        Self::SubscriptionRenewed,
        Self::SubscriptionPastDue,
        Self::SubscriptionCanceled,
        Self::SubscriptionUpdated,
        Self::PaymentSucceeded,
        Self::PaymentCanceled,
        Self::PaymentFailed,
        Self::PaymentRefunded,
        Self::StatementCreated,
        Self::StatementPaid,
        Self::StatementFailed,
        Self::PlanCreated,
        Self::PlanUpdated,
        Self::PlanActivated,
        Self::PlanDeactivated,
        Self::PlanDeleted,
        Self::QuotaThreshold,
        Self::WebhookTest,
    ];

    /// As on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SubscriptionCreated => "subscription.created",
            Self::SubscriptionTrialEnded => "subscription.trial_ended",
            Self::SubscriptionChanged => "subscription.changed",
            Self::SubscriptionRenewed => "subscription.renewed",
            Self::SubscriptionPastDue => "subscription.past_due",
            Self::SubscriptionCanceled => "subscription.canceled",
            Self::SubscriptionUpdated => "subscription.updated",
            Self::PaymentSucceeded => "payment.succeeded",
            Self::PaymentCanceled => "payment.canceled",
            Self::PaymentFailed => "payment.failed",
            Self::PaymentRefunded => "payment.refunded",
            Self::StatementCreated => "statement.created",
            Self::StatementPaid => "statement.paid",
            Self::StatementFailed => "statement.failed",
            Self::PlanCreated => "plan.created",
            Self::PlanUpdated => "plan.updated",
            Self::PlanActivated => "plan.activated",
            Self::PlanDeactivated => "plan.deactivated",
            Self::PlanDeleted => "plan.deleted",
            Self::QuotaThreshold => "quota.threshold",
            Self::WebhookTest => "webhook.test",
        }
    }

    /// What stands before the point: `subscription`.
    #[must_use]
    pub fn group(self) -> &'static str {
        let name = self.as_str();
        name.split_once('.').map_or(name, |(group, _)| group)
    }

    /// Whether a pattern means it: its name, or its group with `.*`.
    #[must_use]
    pub fn fits(self, pattern: &str) -> bool {
        match pattern.strip_suffix(".*") {
            Some(group) => self.group() == group,
            None => self.as_str() == pattern,
        }
    }
}

/// Something that happened, with what is said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What it is.
    pub kind: EventType,
    /// `data` of the payload.
    pub data: Value,
}

impl Event {
    /// The payload, as Standard Webhooks recommends it. `at` is when it happened, by the tenant's clock.
    #[must_use]
    pub fn payload(&self, at: Timestamp) -> String {
        json!({"type": self.kind, "timestamp": at.to_string(), "data": self.data}).to_string()
    }

    /// An event with which somebody tries out an endpoint.
    #[must_use]
    pub fn test(endpoint_id: &str) -> Self {
        Self { kind: EventType::WebhookTest, data: json!({"endpoint_id": endpoint_id}) }
    }

    /// A threshold of a user's quota that is reached, and the usage that reached it.
    #[must_use]
    pub fn of_threshold(user_id: &str, threshold: Threshold, usage: &UsageReport) -> Self {
        let data = json!({"user_id": user_id, "threshold": threshold, "usage": usage});
        Self { kind: EventType::QuotaThreshold, data }
    }

    /// What a change of a plan is told as: enough to know whether it matters, and small however large the plan is.
    /// Whoever wants all of it asks for it.
    #[must_use]
    pub fn of_plan(kind: EventType, plan: &Plan, before: Option<&Plan>) -> Self {
        let is = fields(plan);
        let was = before.map(fields);
        let shown = ["id", "version", "is_active", "price", "currency", "interval"];
        let mut data: Map<String, Value> = shown
            .iter()
            .filter_map(|name| is.get(*name).map(|value| ((*name).to_owned(), value.clone())))
            .collect();
        data.insert("changed_fields".to_owned(), was.map(|was| changed(&was, &is)).into());
        Self { kind, data: data.into() }
    }
}

fn fields(shown: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(shown) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// The names of the fields that differ; what differs with every change is none.
fn changed(was: &Map<String, Value>, is: &Map<String, Value>) -> Vec<String> {
    let differs = |(name, value): &(&String, &Value)| {
        !["version", "updated_at"].contains(&name.as_str()) && was.get(*name) != Some(value)
    };
    is.iter().filter(differs).map(|(name, _)| name.clone()).collect()
}

/// What is told when a subscription became another: it as it is, and where it stood.
#[must_use]
pub fn of_subscription(before: Option<&Held>, after: &Held) -> Vec<Event> {
    let before_shown = before.map(|held| &held.subscription);
    let previous = before_shown.map(|was| Previous { plan_id: &was.plan_id, status: was.status });
    let data = json!({"subscription": after.subscription, "previous": previous});
    let told = transitions(before, after).into_iter();
    told.map(|kind| Event { kind, data: data.clone() }).collect()
}

#[derive(Serialize)]
struct Previous<'a> {
    plan_id: &'a PlanId,
    status: Status,
}

/// What happened between two states of a subscription, in the order in which it is told. Where several steps were
/// missed and worked at once, this is where it stands now against where it stood then.
fn transitions(before: Option<&Held>, after: &Held) -> Vec<EventType> {
    let is = &after.subscription;
    let Some(before) = before else {
        return vec![EventType::SubscriptionCreated];
    };
    let was = &before.subscription;
    let is_another_plan =
        (&was.plan_id, before.plan_generation) != (&is.plan_id, after.plan_generation);
    let became = |status| was.status != status && is.status == status;
    let left_trial = was.status == Status::Trialing && is.status != Status::Trialing;
    let is_longer = !is_another_plan && is.paid_until > was.paid_until;
    let found = [
        (left_trial, EventType::SubscriptionTrialEnded),
        (is_another_plan, EventType::SubscriptionChanged),
        (is_longer, EventType::SubscriptionRenewed),
        (became(Status::PastDue), EventType::SubscriptionPastDue),
        (became(Status::Canceled), EventType::SubscriptionCanceled),
    ];
    let found: Vec<EventType> =
        found.into_iter().filter_map(|(is, kind)| is.then_some(kind)).collect();
    if found.is_empty() && looks_different(was, is) {
        return vec![EventType::SubscriptionUpdated];
    }
    found
}

/// Whether answers show another subscription than before, but for the time of the change.
fn looks_different(was: &Subscription, is: &Subscription) -> bool {
    *was != Subscription { updated_at: was.updated_at, ..is.clone() }
}

/// What is told when a transaction became another: it as it is. Nothing while it only waits.
#[must_use]
pub fn of_transaction(before: &Booked, after: &Booked) -> Option<Event> {
    let (was, is) = (before.transaction.status, after.transaction.status);
    let kind = match is {
        // Some of it leaves the status alone, and each time is told.
        _ if before.refunds != after.refunds => EventType::PaymentRefunded,
        _ if was == is => return None,
        TransactionStatus::Succeeded => EventType::PaymentSucceeded,
        TransactionStatus::Canceled => EventType::PaymentCanceled,
        TransactionStatus::Failed => EventType::PaymentFailed,
        TransactionStatus::Pending | TransactionStatus::Refunded => return None,
    };
    Some(Event { kind, data: json!({"transaction": after.transaction}) })
}

/// What is told when a statement became another: it as it is, but for its lines. A failure is told again where it is for
/// another reason.
#[must_use]
pub fn of_statement(before: Option<&Statement>, after: &Statement) -> Vec<Event> {
    let was = before.map(|before| before.status);
    let is_new = was.is_none_or(|was| was == StatementStatus::Failed);
    let kinds: &[EventType] = match after.status {
        StatementStatus::Failed if before.is_some_and(|it| it.reason == after.reason) => &[],
        StatementStatus::Failed => &[EventType::StatementFailed],
        StatementStatus::Open if is_new => &[EventType::StatementCreated],
        StatementStatus::Paid if is_new => &[EventType::StatementCreated, EventType::StatementPaid],
        StatementStatus::Paid if was != Some(StatementStatus::Paid) => &[EventType::StatementPaid],
        StatementStatus::Open | StatementStatus::Paid => &[],
    };
    let mut statement = fields(after);
    statement.remove("lines");
    let data = json!({"statement": statement});
    kinds.iter().map(|kind| Event { kind: *kind, data: data.clone() }).collect()
}

#[cfg(test)]
mod tests;

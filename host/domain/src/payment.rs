//! A payment as the provider has it: what it is asked to take on, and what it says of it.

pub mod payment_settings;
pub mod return_url;
pub mod transaction;
pub mod transaction_steps;

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Object, RefOr};
use utoipa::{PartialSchema, ToSchema};

use self::transaction::{Booked, TransactionStatus};
use crate::money::Currency;
use crate::plan::plan_id::PlanId;
use crate::refusal::{FieldError, Refusal};

/// What a provider is asked to take on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentOrder {
    /// Sent again under the same key, it is the same payment.
    pub key: String,
    /// How much.
    pub amount: Decimal,
    /// Of what.
    pub currency: Currency,
    /// Where the user comes back to.
    pub return_url: String,
    /// For people.
    pub description: String,
    /// What the payment carries, to be known by it.
    pub metadata: BTreeMap<String, String>,
}

/// What a provider says of a payment when it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentTold {
    /// The provider's.
    pub id: String,
    /// In the provider's own words.
    pub status: String,
    /// How much.
    pub amount: Decimal,
    /// ISO 4217, if it is right.
    pub currency: String,
    /// What it carries.
    pub metadata: BTreeMap<String, String>,
    /// Where the user pays, while that is possible.
    pub confirmation_url: Option<String>,
}

/// What a provider says of money that it gave back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundTold {
    /// The provider's.
    pub id: String,
    /// Of which payment.
    pub payment_id: String,
    /// In the provider's own words.
    pub status: String,
    /// How much.
    pub amount: Decimal,
    /// ISO 4217, if it is right.
    pub currency: String,
}

/// How far a payment or a refund is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may end either way.
    Open,
    /// The money moved.
    Succeeded,
    /// It will not move.
    Canceled,
}

impl Standing {
    /// A word that is not known is no end.
    fn of(status: &str) -> Self {
        match status {
            "succeeded" => Self::Succeeded,
            "canceled" => Self::Canceled,
            _ => Self::Open,
        }
    }
}

impl PaymentTold {
    /// How far it is.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing::of(&self.status)
    }
}

impl RefundTold {
    /// How far it is.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing::of(&self.status)
    }
}

/// What a user wants to pay for: a plan or a statement.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"plan_id": "premium_abc12345", "return_url": "https://example.com/paid"})))]
pub struct PaymentDraft {
    /// The plan: a new one, the own one for a period more, or another one.
    pub plan_id: Option<PlanId>,
    /// The statement: an own one that is open.
    pub statement_id: Option<String>,
    /// Where the user comes back to; `http` or `https`.
    #[schema(min_length = 1, max_length = 2048)]
    pub return_url: String,
}

/// The one thing that a payment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaidFor<'a> {
    /// A plan.
    Plan(&'a PlanId),
    /// A statement, by its id.
    Statement(&'a str),
}

impl PaymentDraft {
    /// What it is for.
    ///
    /// # Errors
    /// Names the field where it is for nothing, or for both.
    pub fn paid_for(&self) -> Result<PaidFor<'_>, Refusal> {
        let wrong = |field: &str, code: &str, message: &str| {
            Err(Refusal::Invalid(vec![FieldError::new(field, code, message)]))
        };
        match (&self.plan_id, &self.statement_id) {
            (Some(plan), None) => Ok(PaidFor::Plan(plan)),
            (None, Some(statement)) => Ok(PaidFor::Statement(statement)),
            (None, None) => {
                let message = "plan_id or statement_id must say what is paid for.";
                wrong("plan_id", "missing", message)
            }
            (Some(_), Some(_)) => {
                let message =
                    "statement_id and plan_id are paid for one by one: leave one of them out.";
                wrong("statement_id", "too_many", message)
            }
        }
    }
}

/// A payment that waits for its user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaymentStarted {
    /// The transaction's.
    pub transaction_id: String,
    /// The provider's.
    pub payment_id: String,
    /// Where the user pays.
    #[schema(required = true)]
    pub confirmation_url: Option<String>,
    /// Where the transaction stands.
    pub status: TransactionStatus,
}

impl PaymentStarted {
    /// Of a transaction that the provider has taken on.
    #[must_use]
    pub fn of(booked: &Booked) -> Option<Self> {
        let transaction = &booked.transaction;
        Some(Self {
            transaction_id: transaction.id.clone(),
            payment_id: transaction.payment_id.clone()?,
            confirmation_url: booked.confirmation_url.clone(),
            status: transaction.status,
        })
    }
}

/// What a provider calls to say that something happened. Nothing is read of it but where to ask.
#[derive(Clone, Debug, Deserialize)]
pub struct Notification {
    event: String,
    object: Happened,
}

/// What it happened to, as far as it is read.
#[derive(Clone, Debug, Deserialize)]
struct Happened {
    id: String,
    payment_id: Option<String>,
}

impl Notification {
    /// # Errors
    /// Names an id that the provider would not give. Such a text leads to nothing, and is not sent on.
    pub fn checked(self) -> Result<Self, Refusal> {
        let is_id = |text: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            (1..=64).contains(&text.len()) && text.bytes().all(allowed)
        };
        let wrong = |field: &str| {
            let message = format!("{field} must have 1 to 64 letters, digits, '-' or '_'.");
            Err(Refusal::Invalid(vec![FieldError::new(field, "invalid_id", &message)]))
        };
        if !is_id(&self.object.id) {
            return wrong("object.id");
        }
        if self.object.payment_id.as_deref().is_some_and(|id| !is_id(id)) {
            return wrong("object.payment_id");
        }
        Ok(self)
    }

    /// Of which payment it tells, if it does of one.
    #[must_use]
    pub fn payment_id(&self) -> Option<&str> {
        if self.event.starts_with("payment.") {
            return Some(&self.object.id);
        }
        self.refund_id().and(self.object.payment_id.as_deref())
    }

    /// Of which refund it tells, if it does of one.
    #[must_use]
    pub fn refund_id(&self) -> Option<&str> {
        (self.event == "refund.succeeded").then_some(self.object.id.as_str())
    }
}

impl PartialSchema for Notification {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let id = || text().pattern(Some("^[0-9A-Za-z_-]{1,64}$"));
        // The provider says more, and may say more tomorrow.
        let open = |object: ObjectBuilder| -> Object {
            let more = AdditionalProperties::FreeForm(true);
            object.schema_type(Type::Object).additional_properties(Some(more)).build()
        };
        let object = ObjectBuilder::new().property("id", id()).required("id");
        let object = open(object.property("payment_id", id()));
        let body = ObjectBuilder::new()
            .property("type", text().examples([json!("notification")]))
            .property("event", text().examples([json!("payment.succeeded")]))
            .required("event")
            .property("object", object)
            .required("object")
            .examples([json!({
                "type": "notification", "event": "payment.succeeded",
                "object": {"id": "2d96ec52-000f-5000-9000-1db80b2a0f2e", "status": "succeeded"},
            })]);
        open(body).into()
    }
}

impl ToSchema for Notification {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_is_for_one_thing() {
        for (json, expected) in [
            (r#"{"plan_id":"pro","return_url":""}"#, "plan pro"),
            (r#"{"statement_id":"sta_1","return_url":""}"#, "statement sta_1"),
            (r#"{"plan_id":null,"statement_id":"sta_1","return_url":""}"#, "statement sta_1"),
            (r#"{"return_url":""}"#, "plan_id missing"),
            (
                r#"{"plan_id":"pro","statement_id":"sta_1","return_url":""}"#,
                "statement_id too_many",
            ),
        ] {
            let draft: PaymentDraft = serde_json::from_str(json).unwrap();
            let said = match draft.paid_for() {
                Ok(PaidFor::Plan(id)) => format!("plan {id}"),
                Ok(PaidFor::Statement(id)) => format!("statement {id}"),
                Err(Refusal::Invalid(errors)) => format!("{} {}", errors[0].field, errors[0].code),
                Err(other) => panic!("{other:?}"),
            };
            assert_eq!(said, expected, "{json}");
        }
    }

    #[test]
    fn a_notification_says_where_to_ask_and_nothing_else() {
        for (json, payment, refund) in [
            (r#"{"event":"payment.succeeded","object":{"id":"a","status":"x"}}"#, Some("a"), None),
            (
                r#"{"event":"payment.canceled","object":{"id":"a","payment_id":"b"}}"#,
                Some("a"),
                None,
            ),
            (
                r#"{"event":"refund.succeeded","object":{"id":"r","payment_id":"a"},"more":1}"#,
                Some("a"),
                Some("r"),
            ),
            (r#"{"event":"refund.succeeded","object":{"id":"r"}}"#, None, Some("r")),
            (r#"{"event":"payout.succeeded","object":{"id":"a","payment_id":"b"}}"#, None, None),
        ] {
            let told: Notification = serde_json::from_str(json).unwrap();
            let told = told.checked().unwrap();
            assert_eq!((told.payment_id(), told.refund_id()), (payment, refund), "{json}");
        }
        let long = "a".repeat(65);
        for id in ["", "../payments/a", "a?b", "a b", "ы", long.as_str()] {
            for json in [
                json!({"event": "payment.succeeded", "object": {"id": id}}),
                json!({"event": "refund.succeeded", "object": {"id": "a", "payment_id": id}}),
            ] {
                let told: Notification = serde_json::from_value(json).unwrap();
                assert!(told.checked().is_err(), "{id}");
            }
        }
    }
}

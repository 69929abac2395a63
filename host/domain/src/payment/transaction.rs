//! A transaction: money for a plan or a statement. What becomes of it is in `transaction_steps`.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::money::Currency;
use crate::period::Interval;
use crate::plan::plan_id::PlanId;
use crate::refusal::{FieldError, Refusal};
use crate::schema::{self, UnixSeconds};
use crate::subscription::life::PlanKey;
use crate::time::{self, Timestamp};

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransactionStatus {
    /// The provider has not said how it ends.
    Pending,
    /// The money came.
    Succeeded,
    /// The provider did not take the payment on.
    Failed,
    /// The money did not come.
    Canceled,
    /// The money came, and all of it was given back.
    Refunded,
}

impl TransactionStatus {
    /// Every status.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::Succeeded, Self::Failed, Self::Canceled, Self::Refunded];

    /// As on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Refunded => "refunded",
        }
    }

    /// Whether the money came, whatever became of it.
    #[must_use]
    pub fn is_paid(self) -> bool {
        matches!(self, Self::Succeeded | Self::Refunded)
    }
}

/// A transaction as the store holds it and as answers show it. All times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Transaction {
    /// Unique. The provider knows the payment by it, too.
    pub id: String,
    /// Who pays.
    pub user_id: String,
    /// The subscription that it is for; of one that it starts, once the money came.
    #[schema(required = true)]
    pub subscription_id: Option<String>,
    /// The plan that it is for.
    #[schema(required = true)]
    pub plan_id: Option<PlanId>,
    /// How much.
    #[serde(with = "crate::decimal")]
    #[schema(value_type = schema::Decimal)]
    pub amount: Decimal,
    /// ISO 4217.
    #[schema(value_type = schema::Currency)]
    pub currency: Currency,
    /// Where it stands.
    pub status: TransactionStatus,
    /// The payment, as the provider calls it.
    #[schema(required = true)]
    pub payment_id: Option<String>,
    /// Where the payment stands, as the provider last said it.
    #[schema(required = true)]
    pub provider_status: Option<String>,
    /// For people.
    pub description: String,
    /// Where the provider shows a receipt, if it does.
    #[schema(required = true)]
    pub receipt_url: Option<String>,
    /// `reason` (`start`, `renewal`, `change`, `statement`); `statement_id`, if it is for one; `refunded_amount`, what was
    /// given back of it; `taken_as` (`credit`), if what it was for was not to be had any more when the money came.
    pub metadata: BTreeMap<String, String>,
    /// When it was asked for.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub created_at: Timestamp,
    /// When it last changed.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub updated_at: Timestamp,
}

/// Which part of the own transactions is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// At most so many.
    pub limit: usize,
    /// Behind so many.
    pub skip: usize,
}

impl Slice {
    /// What is given where nothing is said.
    pub const DEFAULT: usize = 50;
    /// The most at once.
    pub const LARGEST: usize = 100;

    /// # Errors
    /// Names `limit` if it is out of range.
    pub fn new(limit: Option<usize>, skip: Option<usize>) -> Result<Self, Refusal> {
        let limit = limit.unwrap_or(Self::DEFAULT);
        if !(1..=Self::LARGEST).contains(&limit) {
            let message = format!("limit must be between 1 and {}.", Self::LARGEST);
            let error = FieldError::new("limit", "out_of_range", &message);
            return Err(Refusal::Invalid(vec![error]));
        }
        Ok(Self { limit, skip: skip.unwrap_or(0) })
    }
}

/// A transaction with what only the house knows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booked {
    /// As answers show it.
    pub transaction: Transaction,
    /// Tells its plan from others that had the id.
    pub plan_generation: u64,
    /// The plan's price as it was then, which holds.
    #[serde(with = "crate::decimal")]
    pub price: Decimal,
    /// The time that the price is for, where it is a plan's. Of a plan by another interval it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// The plan that the user had when it was quoted, if it is for a plan and there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<PlanKey>,
    /// The statement that it is for, where it is for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement_id: Option<String>,
    /// Where the user comes back to.
    pub return_url: String,
    /// Where the user pays, once the provider has said so.
    pub confirmation_url: Option<String>,
    /// When it was asked for by the real clock, which is the provider's.
    #[serde(with = "time::seconds")]
    pub booked_at: Timestamp,
    /// When the provider is asked next, by the same; nothing once it is not pending.
    #[serde(with = "time::optional_seconds")]
    pub ask_at: Option<Timestamp>,
    /// How often the provider was asked since it took the payment on, or since the beginning.
    pub asked: u32,
    /// What was given back, by the refund.
    pub refunds: BTreeMap<String, Refund>,
    /// By which shop it is asked for, as the provider calls it: settings may be others when it is paid.
    #[serde(default)]
    pub shop_id: Option<String>,
}

/// Money that was given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// More than 0.
    #[serde(with = "crate::decimal")]
    pub amount: Decimal,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_is_of_1_to_100() {
        for (limit, skip, expected) in [
            (None, None, Some((50, 0))),
            (Some(1), Some(7), Some((1, 7))),
            (Some(100), None, Some((100, 0))),
            (Some(0), None, None),
            (Some(101), None, None),
        ] {
            let slice = Slice::new(limit, skip).ok();
            assert_eq!(slice.map(|slice| (slice.limit, slice.skip)), expected, "{limit:?}");
        }
    }
}

//! The shapes that cross its API, as far as they are read or written here.

use std::collections::BTreeMap;

use planwright_domain::decimal;
use planwright_domain::money;
use planwright_domain::payment::{PaymentOrder, PaymentTold, RefundTold};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// `{"value":"490.00","currency":"RUB"}`
#[derive(Serialize, Deserialize)]
struct Amount {
    value: String,
    currency: String,
}

impl Amount {
    fn read(&self) -> Result<Decimal, String> {
        decimal::parse(&self.value)
    }
}

/// What `POST /payments` takes.
#[derive(Serialize)]
pub(super) struct NewPayment<'a> {
    amount: Amount,
    /// The money is taken at once, and not only set aside.
    capture: bool,
    confirmation: NewConfirmation<'a>,
    description: &'a str,
    metadata: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct NewConfirmation<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    return_url: &'a str,
}

impl<'a> NewPayment<'a> {
    pub(super) fn of(order: &'a PaymentOrder) -> Self {
        let value = money::written(order.amount, order.currency);
        Self {
            amount: Amount { value, currency: order.currency.code().to_owned() },
            capture: true,
            confirmation: NewConfirmation { kind: "redirect", return_url: &order.return_url },
            description: &order.description,
            metadata: &order.metadata,
        }
    }
}

/// A payment.
#[derive(Deserialize)]
pub(super) struct Payment {
    id: String,
    status: String,
    amount: Amount,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    confirmation: Option<Confirmation>,
}

#[derive(Deserialize)]
struct Confirmation {
    confirmation_url: Option<String>,
}

impl Payment {
    pub(super) fn read(self) -> Result<PaymentTold, String> {
        Ok(PaymentTold {
            amount: self.amount.read()?,
            id: self.id,
            status: self.status,
            currency: self.amount.currency,
            metadata: self.metadata,
            confirmation_url: self.confirmation.and_then(|one| one.confirmation_url),
        })
    }
}

/// A refund.
#[derive(Deserialize)]
pub(super) struct Refund {
    id: String,
    payment_id: String,
    status: String,
    amount: Amount,
}

impl Refund {
    pub(super) fn read(self) -> Result<RefundTold, String> {
        Ok(RefundTold {
            amount: self.amount.read()?,
            id: self.id,
            payment_id: self.payment_id,
            status: self.status,
            currency: self.amount.currency,
        })
    }
}

/// `{"type":"error","id":…,"code":"invalid_request","description":…,"parameter":…}`
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    pub(super) code: String,
    pub(super) description: String,
}

//! A user of a tenant, as admins see one.

use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::money::Currency;
use crate::schema;
use crate::subscription::Subscription;

/// Somebody whose credentials said more than an id, who has subscribed, or who has paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct User {
    /// As credentials say it.
    pub id: String,
    /// As the user's credentials last said.
    #[schema(required = true)]
    pub email: Option<String>,
    /// As the user's credentials last said.
    #[schema(required = true)]
    pub name: Option<String>,
    /// The live one.
    #[schema(required = true)]
    pub subscription: Option<Subscription>,
    /// What the user has, for the next payment; a currency once.
    pub credit: Vec<Balance>,
}

/// What somebody has in a currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Balance {
    /// 0 or more.
    #[serde(with = "crate::decimal")]
    #[schema(value_type = schema::Decimal)]
    pub amount: Decimal,
    /// ISO 4217.
    #[schema(value_type = schema::Currency)]
    pub currency: Currency,
}

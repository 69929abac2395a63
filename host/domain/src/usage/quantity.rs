//! How much was used: exact, with up to six fraction digits, counted in whole millionths.

use std::fmt;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::decimal;

/// An amount of usage, 0 or more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(i64);

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// What is counted where nobody says how much.
    pub const ONE: Self = Self(Self::MILLION);
    /// As much as can be counted.
    pub const MOST: Self = Self(i64::MAX);

    const MILLION: i64 = 1_000_000;
    const DIGITS: u32 = 6;

    /// What a counter holds, in millionths. One that holds less than 0 is taken for 0.
    #[must_use]
    pub fn from_millionths(millionths: i64) -> Self {
        Self(millionths.max(0))
    }

    /// As a counter holds it.
    #[must_use]
    pub fn millionths(self) -> i64 {
        self.0
    }

    /// A quota, if it can be reached at all: a greater one than [`Quantity::MOST`] cannot.
    #[must_use]
    pub fn of_quota(quota: u64) -> Option<Self> {
        i64::try_from(quota).ok()?.checked_mul(Self::MILLION).map(Self)
    }

    /// Both together, if that can be counted.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// What is left of it; never below 0.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).max(0))
    }

    /// # Errors
    /// A sentence for whoever sent it: below 0, finer than a millionth, or more than can be counted.
    pub fn new(amount: Decimal) -> Result<Self, String> {
        if amount.is_sign_negative() && !amount.is_zero() {
            return Err(format!("{amount} is less than 0"));
        }
        let amount = amount.normalize();
        if amount.scale() > Self::DIGITS {
            return Err(format!("{amount} has more than {} fraction digits", Self::DIGITS));
        }
        let millionths = amount.checked_mul(Decimal::from(Self::MILLION));
        let millionths = millionths.and_then(|millionths| millionths.to_i64());
        millionths.map(Self).ok_or_else(|| format!("{amount} is more than {}", Self::MOST))
    }

    /// As a decimal, in its shortest form.
    #[must_use]
    pub fn exact(self) -> Decimal {
        Decimal::new(self.0, Self::DIGITS).normalize()
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.exact().fmt(formatter)
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Most are whole, and a whole number needs no text of its own.
        if self.0 % Self::MILLION == 0 {
            return (self.0 / Self::MILLION).serialize(serializer);
        }
        decimal::serialize(&self.exact(), serializer)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(decimal::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl ToSchema for Quantity {}

/// As in a request; answers have numbers alone.
impl PartialSchema for Quantity {
    fn schema() -> RefOr<Schema> {
        const MOST: usize = 9_223_372_036_855;
        let number = ObjectBuilder::new().schema_type(Type::Number);
        let number = number.minimum(Some(0_usize)).maximum(Some(MOST));
        let text = ObjectBuilder::new().schema_type(Type::String);
        let text = text.pattern(Some(r"^(0|[1-9][0-9]{0,12})(\.[0-9]{1,6})?$"));
        let description =
            "Exact, as a number or as text, with at most 6 fraction digits. Answers have numbers.";
        let either = OneOfBuilder::new().item(number).item(text);
        either
            .description(Some(description))
            .examples([serde_json::json!(150), serde_json::json!("0.25")])
            .into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_quantity_is_exact_and_written_in_its_shortest_form() {
        for (json, expected) in [
            ("0", Ok("0")),
            ("1", Ok("1")),
            ("150", Ok("150")),
            ("0.000001", Ok("0.000001")),
            ("\"2.50\"", Ok("2.5")),
            ("1e3", Ok("1000")),
            ("3.0000000", Ok("3")),
            ("-0", Ok("0")),
            ("9223372036854.775807", Ok("9223372036854.775807")),
            ("9223372036854.775808", Err("is more than 9223372036854.775807")),
            ("79228162514264337593543950335", Err("is more than")),
            ("0.0000001", Err("has more than 6 fraction digits")),
            ("-1", Err("is less than 0")),
            ("-0.000001", Err("is less than 0")),
            ("\"x\"", Err("not an exact decimal")),
            ("null", Err("expected an exact decimal number")),
        ] {
            let read = serde_json::from_str::<Quantity>(json);
            match (read, expected) {
                (Ok(read), Ok(shortest)) => {
                    assert_eq!(serde_json::to_string(&read).unwrap(), shortest, "{json}");
                    assert_eq!(read.to_string(), shortest, "{json}");
                }
                (Err(error), Err(part)) => {
                    assert!(error.to_string().contains(part), "{json}: {error}");
                }
                (read, expected) => panic!("{json}: {read:?} and not {expected:?}"),
            }
        }
    }

    #[test]
    fn a_quota_that_no_counter_reaches_is_none() {
        let most = u64::try_from(i64::MAX / 1_000_000).unwrap();
        for (quota, expected) in [
            (0, Some(0)),
            (1, Some(1_000_000)),
            (most, Some(9_223_372_036_854_000_000)),
            (most + 1, None),
            (u64::MAX, None),
        ] {
            assert_eq!(Quantity::of_quota(quota).map(Quantity::millionths), expected, "{quota}");
        }
    }

    proptest! {
        #[test]
        fn every_quantity_survives_json(millionths in 0..=i64::MAX) {
            let quantity = Quantity::from_millionths(millionths);
            let text = serde_json::to_string(&quantity).unwrap();
            prop_assert_eq!(serde_json::from_str::<Quantity>(&text).unwrap(), quantity);
        }
    }
}

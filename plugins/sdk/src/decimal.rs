//! Exact conversions between the contract's decimal and the one to calculate with, and small constructors.

use rust_decimal::Decimal;

use crate::pricing::UsageRefusal;
use crate::types;
use crate::validation::{Finding, Severity};

/// The most digits after the point that the contract carries.
const MAX_SCALE: u8 = 18;

/// A number that the other side cannot hold exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutOfRange {
    /// Too large, or with too many digits, for a 64-bit coefficient and a scale of at most 18.
    #[error(
        "{0} does not fit the contract's decimal (64-bit coefficient, at most 18 digits after the point)"
    )]
    Number(Decimal),
    /// The contract allows a scale of at most 18.
    #[error("a decimal came with scale {0}, and the contract allows at most 18")]
    Scale(u8),
}

impl From<OutOfRange> for types::Refusal {
    fn from(error: OutOfRange) -> Self {
        Self::new("decimal_out_of_range", error.to_string())
    }
}

impl TryFrom<types::Decimal> for Decimal {
    type Error = OutOfRange;

    fn try_from(number: types::Decimal) -> Result<Self, OutOfRange> {
        let scale = Some(number.scale)
            .filter(|scale| *scale <= MAX_SCALE)
            .ok_or(OutOfRange::Scale(number.scale))?;
        Ok(Self::new(number.coefficient, scale.into()).normalize())
    }
}

impl TryFrom<Decimal> for types::Decimal {
    type Error = OutOfRange;

    fn try_from(number: Decimal) -> Result<Self, OutOfRange> {
        let shortest = number.normalize();
        let coefficient =
            i64::try_from(shortest.mantissa()).map_err(|_| OutOfRange::Number(number))?;
        let scale = u8::try_from(shortest.scale()).ok().filter(|scale| *scale <= MAX_SCALE);
        Ok(Self { coefficient, scale: scale.ok_or(OutOfRange::Number(number))? })
    }
}

impl types::Refusal {
    /// `code` is stable and for machines, `message` a whole sentence that says what to do next.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }

    /// The same, said of one line of a question about usage: its `reference`.
    #[must_use]
    pub fn of_line(self, reference: u32) -> UsageRefusal {
        UsageRefusal { refusal: self, reference: Some(reference) }
    }
}

impl From<types::Refusal> for UsageRefusal {
    fn from(refusal: types::Refusal) -> Self {
        Self { refusal, reference: None }
    }
}

impl Finding {
    /// Refuses the change.
    pub fn error(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code: code.into(), field: None, message: message.into() }
    }

    /// Lets the change pass and goes with it into the answer and the audit log.
    pub fn warning(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Names the field at fault, by a path such as `quotas.requests`.
    #[must_use]
    pub fn at(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(coefficient: i64, scale: u8) -> types::Decimal {
        types::Decimal { coefficient, scale }
    }

    #[test]
    fn numbers_cross_exactly_and_in_their_shortest_form() {
        for (text, expected) in [
            ("0", wire(0, 0)),
            ("0.00", wire(0, 0)),
            ("12.50", wire(125, 1)),
            ("-12.5", wire(-125, 1)),
            ("1200", wire(1200, 0)),
            ("0.000000000000000001", wire(1, 18)),
            ("9223372036854775807", wire(i64::MAX, 0)),
            ("-9223372036854775808", wire(i64::MIN, 0)),
            ("9.223372036854775807", wire(i64::MAX, 18)),
            // More digits than fit, but only because of zeros.
            ("922337203685477580.70000", wire(i64::MAX, 1)),
        ] {
            let number: Decimal = text.parse().unwrap();
            assert_eq!(types::Decimal::try_from(number), Ok(expected), "{text}");
            assert_eq!(Decimal::try_from(expected), Ok(number), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for text in [
            "9223372036854775808",
            "-9223372036854775809",
            "0.0000000000000000001",
            "92233720368547758.085",
        ] {
            let number: Decimal = text.parse().unwrap();
            let refusal = types::Refusal::from(types::Decimal::try_from(number).unwrap_err());
            assert_eq!(refusal.code, "decimal_out_of_range");
            assert!(refusal.message.contains(text), "{}", refusal.message);
        }
        assert_eq!(Decimal::try_from(wire(1, 19)), Err(OutOfRange::Scale(19)));
    }
}

//! Amounts and their currencies. Source of codes and digits: ISO 4217, through `iso_currency`.

pub use iso_currency::Currency;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer};

/// Digits after the point in an amount: 0 for JPY, 2 for USD, 3 for KWD. Codes without a minor unit
/// (gold, test codes) have none.
#[must_use]
pub fn digits(currency: Currency) -> u32 {
    currency.exponent().map_or(0, u32::from)
}

/// Whether an amount has no more digits after the point than its currency.
#[must_use]
pub fn fits(amount: Decimal, currency: Currency) -> bool {
    amount.normalize().scale() <= digits(currency)
}

/// Rounds to the currency's digits, half away from zero. The one rounding of the host.
#[must_use]
pub fn round(amount: Decimal, currency: Currency) -> Decimal {
    amount.round_dp_with_strategy(digits(currency), RoundingStrategy::MidpointAwayFromZero)
}

/// An amount as text, with all digits that its currency has: `490.00`.
#[must_use]
pub fn written(amount: Decimal, currency: Currency) -> String {
    let mut amount = round(amount, currency);
    amount.rescale(digits(currency));
    amount.to_string()
}

/// Reads a currency code from JSON, naming what is not one.
///
/// # Errors
/// A text that is no ISO 4217 code in capitals.
pub fn read_currency<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Currency, D::Error> {
    let code = String::deserialize(deserializer)?;
    Currency::from_code(&code).ok_or_else(|| {
        serde::de::Error::custom(format_args!("'{code}' is not an ISO 4217 currency code"))
    })
}

/// The same for a currency that may be missing; `null` is none.
///
/// # Errors
/// As [`read_currency`].
pub fn read_optional_currency<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Currency>, D::Error> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Read(#[serde(deserialize_with = "read_currency")] Currency);
    Ok(Option::<Read>::deserialize(deserializer)?.map(|read| read.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_fits_the_digits_of_its_currency() {
        let cases = [
            ("1", Currency::JPY, true),
            ("1.0", Currency::JPY, true),
            ("1.5", Currency::JPY, false),
            ("1.55", Currency::USD, true),
            ("1.555", Currency::USD, false),
            ("1.555", Currency::KWD, true),
            ("1.5555", Currency::KWD, false),
        ];
        for (amount, currency, expected) in cases {
            let amount = Decimal::from_str_exact(amount).unwrap();
            assert_eq!(fits(amount, currency), expected, "{amount} {currency:?}");
        }
    }

    #[test]
    fn an_amount_is_written_with_all_digits_of_its_currency() {
        for (amount, currency, expected) in [
            ("490", Currency::RUB, "490.00"),
            ("490.5", Currency::RUB, "490.50"),
            ("0.05", Currency::USD, "0.05"),
            ("490", Currency::JPY, "490"),
            ("1.5", Currency::KWD, "1.500"),
        ] {
            let amount = Decimal::from_str_exact(amount).unwrap();
            assert_eq!(written(amount, currency), expected);
        }
    }

    #[test]
    fn halves_round_away_from_zero() {
        let cases = [
            ("0.005", Currency::USD, "0.01"),
            ("-0.005", Currency::USD, "-0.01"),
            ("0.0049", Currency::USD, "0.00"),
            ("2.5", Currency::JPY, "3"),
            ("1.0005", Currency::KWD, "1.001"),
        ];
        for (amount, currency, expected) in cases {
            let rounded = round(Decimal::from_str_exact(amount).unwrap(), currency);
            assert_eq!(
                rounded,
                Decimal::from_str_exact(expected).unwrap(),
                "{amount} {currency:?}"
            );
        }
    }
}

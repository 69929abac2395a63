//! Exact fractions, and the two ways out of them: rounded once to a currency, or shown to a person.

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};
use planwright_sdk::types::{Currency, Decimal};
use planwright_sdk::{Refusal, rust_decimal};

/// The most digits after the point that the contract carries.
const MAX_SCALE: u8 = 18;
/// Digits after the point of a fraction that never ends, where it is only shown.
const SHOWN_SCALE: u8 = 9;

/// The number itself: a fraction holds every decimal exactly, and every quotient of two.
pub(crate) fn fraction(number: Decimal) -> BigRational {
    let Decimal { coefficient, scale } = shortest(number);
    match scale {
        0 => BigRational::from_integer(coefficient.into()),
        scale => BigRational::new(coefficient.into(), power_of_ten(scale)),
    }
}

/// The one place where money is rounded: half away from zero, to the digits of its currency.
pub(crate) fn round_to_currency(
    amount: &BigRational,
    currency: &Currency,
) -> Result<Decimal, Refusal> {
    at_scale(amount, currency.digits).map(shortest).ok_or_else(|| {
        let message = format!(
            "The amount is larger than can be written with the {} digits of {}; ask for less at once.",
            currency.digits, currency.code,
        );
        Refusal::new("amount_out_of_range", message)
    })
}

/// For a step that explains: exact where the contract's decimal can hold it, else to nine digits, or fewer where
/// those are too many.
pub(crate) fn shown(value: &BigRational) -> Result<Decimal, Refusal> {
    let rounded = || (0..=SHOWN_SCALE).rev().find_map(|scale| at_scale(value, scale)).map(shortest);
    exact(value).or_else(rounded).ok_or_else(|| {
        Refusal::new(
            "amount_out_of_range",
            "A step is larger than can be written; ask for less at once.",
        )
    })
}

/// As a person writes it: `12.5`.
pub(crate) fn text(number: Decimal) -> String {
    rust_decimal::Decimal::try_from(number)
        .map_or_else(|wrong| wrong.to_string(), |number| number.to_string())
}

fn exact(value: &BigRational) -> Option<Decimal> {
    if value.is_integer() {
        return Some(Decimal { coefficient: value.numer().to_i64()?, scale: 0 });
    }
    let (coefficient, rest) = (value.numer() * power_of_ten(MAX_SCALE)).div_rem(value.denom());
    if rest.is_zero() { narrow(coefficient.to_i128()?, MAX_SCALE) } else { None }
}

/// Half away from zero. None where the contract's decimal cannot hold it.
fn at_scale(value: &BigRational, scale: u8) -> Option<Decimal> {
    let scale = Some(scale).filter(|scale| *scale <= MAX_SCALE)?;
    let (whole, rest) = (value.numer() * power_of_ten(scale)).div_rem(value.denom());
    let half_or_more = rest.magnitude() * 2_u8 >= *value.denom().magnitude();
    let away = if half_or_more { value.numer().signum() } else { BigInt::zero() };
    Some(Decimal { coefficient: (whole + away).to_i64()?, scale })
}

fn power_of_ten(exponent: u8) -> BigInt {
    // The contract's scales fit a machine word, which is much faster.
    let small = 10_u64.checked_pow(exponent.into()).map(BigInt::from);
    small.unwrap_or_else(|| BigInt::from(10).pow(exponent.into()))
}

pub(crate) fn shortest(number: Decimal) -> Decimal {
    narrow(number.coefficient.into(), number.scale).unwrap_or(number)
}

/// Drops trailing zeros after the point.
fn narrow(mut coefficient: i128, mut scale: u8) -> Option<Decimal> {
    while scale > 0 && coefficient % 10 == 0 {
        coefficient /= 10;
        scale -= 1;
    }
    Some(Decimal { coefficient: i64::try_from(coefficient).ok()?, scale })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tests::{currency, dec};

    fn whole(number: i64) -> BigRational {
        BigRational::from_integer(number.into())
    }

    #[test]
    fn money_is_rounded_half_away_from_zero_to_its_currency() {
        for (numerator, denominator, code, expected) in [
            (0, 1, "USD", "0"),
            (1, 3, "USD", "0.33"),
            (2, 3, "USD", "0.67"),
            (5, 1000, "USD", "0.01"),
            (-5, 1000, "USD", "-0.01"),
            (4999, 1_000_000, "USD", "0"),
            (1, 2, "JPY", "1"),
            (-1, 2, "JPY", "-1"),
            (49, 100, "JPY", "0"),
            (5, 10_000, "KWD", "0.001"),
            (1, 3, "KWD", "0.333"),
            (100, 1, "KWD", "100"),
        ] {
            let amount = BigRational::new(numerator.into(), denominator.into());
            let rounded = round_to_currency(&amount, &currency(code)).unwrap();
            assert_eq!(text(rounded), expected, "{numerator}/{denominator} {code}");
        }
    }

    #[test]
    fn the_largest_amount_is_said_and_one_past_it_refused() {
        let largest = fraction(Decimal { coefficient: i64::MAX, scale: 2 });
        assert_eq!(round_to_currency(&largest, &currency("USD")).unwrap().coefficient, i64::MAX);
        let past = largest + fraction(dec("0.005"));
        assert_eq!(
            round_to_currency(&past, &currency("USD")).unwrap_err().code,
            "amount_out_of_range"
        );
        let odd = Currency { code: "ZZZ".to_owned(), digits: 19 };
        assert_eq!(round_to_currency(&whole(1), &odd).unwrap_err().code, "amount_out_of_range");
    }

    #[test]
    fn steps_are_exact_where_they_can_be() {
        for (value, expected) in [
            (BigRational::new(1.into(), 8.into()), "0.125"),
            (fraction(dec("0.000000000000000001")), "0.000000000000000001"),
            (BigRational::new(1.into(), 3.into()), "0.333333333"),
            (BigRational::new(100_000_000_000_i64.into(), 3.into()), "33333333333.33333333"),
            (whole(i64::MAX), "9223372036854775807"),
        ] {
            assert_eq!(text(shown(&value).unwrap()), expected);
        }
        assert!(shown(&(whole(i64::MAX) + whole(1))).is_err());
    }

    proptest! {
        #[test]
        fn rounding_agrees_with_the_librarys(numerator: i64, denominator in 1..i64::MAX, digits in 0_u8..9) {
            let value = BigRational::new(numerator.into(), denominator.into());
            let expected = (&value * BigInt::from(10).pow(digits.into())).round().to_integer().to_i64();
            prop_assert_eq!(at_scale(&value, digits).map(|number| number.coefficient), expected);
        }
    }
}

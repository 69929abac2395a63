//! Exact numbers, and the two ways out of them: rounded once to a currency, or shown to a person.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};
use planwright_sdk::Refusal;
use planwright_sdk::types::{Currency, Decimal};

/// The most digits after the point that the contract carries.
const MAX_SCALE: u8 = 18;
/// Digits after the point of a fraction that never ends, where it is only shown.
const SHOWN_SCALE: u8 = 9;

/// The number itself: a fraction holds every decimal exactly, and every quotient of two.
pub(crate) fn fraction(number: Decimal) -> BigRational {
    let Decimal { coefficient, scale } = shortest(number);
    match scale {
        0 => BigRational::from_integer(coefficient.into()),
        scale => BigRational::new(coefficient.into(), power_of_ten(scale.into())),
    }
}

/// A decimal of any size. It is compared, added and multiplied, and never divided, so that nobody looks for common
/// divisors: that is what fractions spend their time on, and a question may have thousands of tiers.
#[derive(Clone, Debug)]
pub(crate) struct Large {
    coefficient: BigInt,
    scale: u32,
}

impl Large {
    pub(crate) const ZERO: Self = Self { coefficient: BigInt::ZERO, scale: 0 };

    pub(crate) fn times(&self, other: &Self) -> Self {
        Self {
            coefficient: &self.coefficient * &other.coefficient,
            scale: self.scale + other.scale,
        }
    }

    pub(crate) fn plus(&self, other: &Self) -> Self {
        let scale = self.scale.max(other.scale);
        Self { coefficient: self.at(scale) + other.at(scale), scale }
    }

    pub(crate) fn minus(&self, other: &Self) -> Self {
        let scale = self.scale.max(other.scale);
        Self { coefficient: self.at(scale) - other.at(scale), scale }
    }

    /// What it is divided by another one, more than 0.
    pub(crate) fn over(&self, other: &Self) -> Quotient {
        let scale = self.scale.max(other.scale);
        Quotient { numer: self.at(scale), denom: other.at(scale) }
    }

    /// The coefficient at a scale that is no smaller than its own.
    fn at(&self, scale: u32) -> BigInt {
        match scale - self.scale {
            0 => self.coefficient.clone(),
            more => &self.coefficient * power_of_ten(more),
        }
    }
}

impl From<Decimal> for Large {
    fn from(number: Decimal) -> Self {
        let Decimal { coefficient, scale } = shortest(number);
        Self { coefficient: coefficient.into(), scale: scale.into() }
    }
}

impl From<BigInt> for Large {
    fn from(whole: BigInt) -> Self {
        Self { coefficient: whole, scale: 0 }
    }
}

impl PartialEq for Large {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Large {}

impl PartialOrd for Large {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Large {
    fn cmp(&self, other: &Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        self.at(scale).cmp(&other.at(scale))
    }
}

/// A quotient that is not in its lowest terms; the denominator is more than 0.
#[derive(Clone, Debug)]
pub(crate) struct Quotient {
    numer: BigInt,
    denom: BigInt,
}

impl Quotient {
    /// The smallest whole number that is no less.
    pub(crate) fn ceil(&self) -> BigInt {
        self.numer.div_ceil(&self.denom)
    }
}

impl From<&BigRational> for Quotient {
    fn from(fraction: &BigRational) -> Self {
        Self { numer: fraction.numer().clone(), denom: fraction.denom().clone() }
    }
}

/// The one place where money is rounded: half away from zero, to the digits of its currency.
pub(crate) fn round_to_currency(
    amount: &Quotient,
    currency: &Currency,
) -> Result<Decimal, Refusal> {
    at_scale(amount, currency.digits).map(shortest).ok_or_else(|| {
        let message = format!(
            "The amount is larger than can be written with the {} digits of {}. Lower the quantity or the price.",
            currency.digits, currency.code,
        );
        Refusal::new("amount_out_of_range", message)
    })
}

/// For a step that explains: exact where the contract's decimal can hold it, else to nine digits, or fewer where
/// those are too many.
pub(crate) fn shown(value: &Quotient) -> Result<Decimal, Refusal> {
    let rounded = || (0..=SHOWN_SCALE).rev().find_map(|scale| at_scale(value, scale)).map(shortest);
    exact(value).or_else(rounded).ok_or_else(|| {
        Refusal::new(
            "amount_out_of_range",
            "A step is larger than can be written. Lower the quantity or the price.",
        )
    })
}

/// As a person writes it: `12.5`.
pub(crate) fn text(number: Decimal) -> String {
    let digits = number.coefficient.unsigned_abs().to_string();
    let sign = if number.coefficient < 0 { "-" } else { "" };
    let scale = usize::from(number.scale);
    if scale == 0 {
        return format!("{sign}{digits}");
    }
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{part}")
}

fn exact(value: &Quotient) -> Option<Decimal> {
    let (whole, rest) = value.numer.div_rem(&value.denom);
    if rest.is_zero() {
        return Some(Decimal { coefficient: whole.to_i64()?, scale: 0 });
    }
    let (digits, rest) = (rest * power_of_ten(MAX_SCALE.into())).div_rem(&value.denom);
    if !rest.is_zero() {
        return None;
    }
    // The digits after the point fit a machine word, in which zeros are dropped a hundred times as fast.
    let (mut digits, mut scale) = (digits.to_i64()?, MAX_SCALE);
    while digits % 10 == 0 {
        digits /= 10;
        scale -= 1;
    }
    let whole = whole.to_i64()?.checked_mul(10_i64.checked_pow(scale.into())?)?;
    Some(Decimal { coefficient: whole.checked_add(digits)?, scale })
}

/// Half away from zero. None where the contract's decimal cannot hold it.
fn at_scale(value: &Quotient, scale: u8) -> Option<Decimal> {
    let scale = Some(scale).filter(|scale| *scale <= MAX_SCALE)?;
    let (whole, rest) = (&value.numer * power_of_ten(scale.into())).div_rem(&value.denom);
    let half_or_more = rest.magnitude() * 2_u8 >= *value.denom.magnitude();
    let away = if half_or_more { value.numer.signum() } else { BigInt::zero() };
    Some(Decimal { coefficient: (whole + away).to_i64()?, scale })
}

fn power_of_ten(exponent: u32) -> BigInt {
    // The contract's scales fit a machine word, which is much faster.
    let small = 10_u64.checked_pow(exponent).map(BigInt::from);
    small.unwrap_or_else(|| BigInt::from(10).pow(exponent))
}

/// Without trailing zeros after the point.
pub(crate) fn shortest(mut number: Decimal) -> Decimal {
    while number.scale > 0 && number.coefficient % 10 == 0 {
        number.coefficient /= 10;
        number.scale -= 1;
    }
    number
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
            let rounded = round_to_currency(&(&amount).into(), &currency(code)).unwrap();
            assert_eq!(text(rounded), expected, "{numerator}/{denominator} {code}");
        }
    }

    #[test]
    fn the_largest_amount_is_said_and_one_past_it_refused() {
        let largest = fraction(Decimal { coefficient: i64::MAX, scale: 2 });
        let round = |amount: &BigRational, currency| round_to_currency(&amount.into(), &currency);
        assert_eq!(round(&largest, currency("USD")).unwrap().coefficient, i64::MAX);
        let past = largest + fraction(dec("0.005"));
        assert_eq!(round(&past, currency("USD")).unwrap_err().code, "amount_out_of_range");
        let odd = Currency { code: "ZZZ".to_owned(), digits: 19 };
        assert_eq!(round(&whole(1), odd).unwrap_err().code, "amount_out_of_range");
    }

    #[test]
    fn a_number_is_written_as_a_person_writes_it() {
        for (coefficient, scale, expected) in [
            (0, 0, "0"),
            (125, 1, "12.5"),
            (1, 18, "0.000000000000000001"),
            (-5, 2, "-0.05"),
            (1250, 2, "12.50"),
            (i64::MIN, 0, "-9223372036854775808"),
        ] {
            assert_eq!(text(Decimal { coefficient, scale }), expected);
        }
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
            assert_eq!(text(shown(&(&value).into()).unwrap()), expected);
        }
        assert!(shown(&(&(whole(i64::MAX) + whole(1))).into()).is_err());
    }

    proptest! {
        #[test]
        fn rounding_agrees_with_the_librarys(numerator: i64, denominator in 1..i64::MAX, digits in 0_u8..9) {
            let value = BigRational::new(numerator.into(), denominator.into());
            let expected = (&value * BigInt::from(10).pow(digits.into())).round().to_integer().to_i64();
            let rounded = at_scale(&(&value).into(), digits);
            prop_assert_eq!(rounded.map(|number| number.coefficient), expected);
        }

        #[test]
        fn large_decimals_agree_with_fractions(
            a: i64, b in 1..i64::MAX, scale_a in 0_u8..=18, scale_b in 0_u8..=18,
        ) {
            let [one, other] = [(a, scale_a), (b, scale_b)]
                .map(|(coefficient, scale)| Decimal { coefficient, scale });
            let (x, y) = (Large::from(one), Large::from(other));
            let (p, q) = (fraction(one), fraction(other));
            let is = |large: &Large, fraction: BigRational| {
                BigRational::new(large.coefficient.clone(), power_of_ten(large.scale)) == fraction
            };
            prop_assert_eq!(x.cmp(&y), p.cmp(&q));
            prop_assert!(is(&x.plus(&y), &p + &q) && is(&x.minus(&y), &p - &q));
            prop_assert!(is(&x.times(&y), &p * &q));
            let (unreduced, reduced) = (x.over(&y), &p / &q);
            prop_assert_eq!(unreduced.ceil(), reduced.ceil().to_integer());
            let seen = |value: &Quotient| shown(value).ok().map(|one| (one.coefficient, one.scale));
            prop_assert_eq!(seen(&unreduced), seen(&(&reduced).into()));
        }
    }
}

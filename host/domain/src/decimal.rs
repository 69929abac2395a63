//! Exact decimals in JSON: numbers or strings in, numbers in their shortest form out, never through a
//! binary float.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Error, MapAccess, Visitor};
use serde::{Deserializer, Serialize, Serializer};

/// Longer texts are refused unread: no exact decimal needs more than 31 characters and an exponent.
const LONGEST_TEXT: usize = 64;

/// Reads a decimal exactly, or says that it cannot be held exactly.
///
/// # Errors
/// A sentence for the person who sent it: not a number, or more digits than an exact decimal holds (28).
pub fn parse(text: &str) -> Result<Decimal, String> {
    let plain = || format!("'{text}' is not an exact decimal number of at most 28 digits");
    if text.len() > LONGEST_TEXT {
        let rule = "is not an exact decimal number of at most 28 digits";
        return Err(format!("a number of {} characters {rule}", text.len()));
    }
    // As JSON writes numbers: no plus sign, no underscores, no point without digits.
    if serde_json::Number::from_str(text).is_err() {
        return Err(plain());
    }
    match text.split_once(['e', 'E']) {
        None => Decimal::from_str_exact(text).map_err(|_| plain()),
        // `from_scientific` would round a long mantissa, so it must be exact on its own first.
        Some((mantissa, _)) => Decimal::from_str_exact(mantissa)
            .and_then(|_| Decimal::from_scientific(text))
            .map_err(|_| plain()),
    }
}

/// Writes a decimal as a JSON number, without trailing zeros.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serde_json::Number::from_str(&value.normalize().to_string())
        .map_err(serde::ser::Error::custom)?
        .serialize(serializer)
}

/// Reads a JSON number or a string that holds one.
///
/// # Errors
/// What [`parse`] refuses, and any other JSON type.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    deserializer.deserialize_any(Text)
}

/// The same for a field that may be absent; `null` is refused.
pub mod present {
    use super::{Decimal, Deserializer};

    /// Reads a decimal into `Some`.
    ///
    /// # Errors
    /// As [`super::deserialize`].
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Decimal>, D::Error> {
        super::deserialize(deserializer).map(Some)
    }
}

/// The same for a number that may be missing; `null` is none.
pub mod optional {
    use super::{Decimal, Deserialize, Deserializer, Serialize, Serializer};

    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(transparent)]
    struct Exact(#[serde(with = "super")] Decimal);

    /// Writes a decimal, or `null`.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(
        value: &Option<Decimal>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.map(Exact).serialize(serializer)
    }

    /// Reads a decimal, or `null`.
    ///
    /// # Errors
    /// As [`super::deserialize`].
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Decimal>, D::Error> {
        Ok(Option::<Exact>::deserialize(deserializer)?.map(|exact| exact.0))
    }

    /// The same for a field whose being there means something.
    ///
    /// # Errors
    /// As [`deserialize`].
    pub fn given<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Option<Decimal>>, D::Error> {
        deserialize(deserializer).map(Some)
    }
}

struct Text;

impl<'de> Visitor<'de> for Text {
    type Value = Decimal;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an exact decimal number")
    }

    /// As the document's patterns have it: an exponent is for numbers alone.
    fn visit_str<E: Error>(self, text: &str) -> Result<Decimal, E> {
        if text.len() <= LONGEST_TEXT && text.contains(['e', 'E']) && parse(text).is_ok() {
            let plain = format_args!("'{text}' has an exponent; as text it is digits and a point");
            return Err(E::custom(plain));
        }
        parse(text).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Decimal, E> {
        Ok(Decimal::from(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Decimal, E> {
        Ok(Decimal::from(number))
    }

    /// serde_json hands a number over as a map, so that it keeps its text.
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Decimal, A::Error> {
        let number = serde_json::Number::deserialize(MapAccessDeserializer::new(map))
            .map_err(|_| A::Error::custom("invalid type: map, expected an exact decimal number"))?;
        parse(number.as_str()).map_err(A::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Priced {
        #[serde(with = "super")]
        price: Decimal,
    }

    #[test]
    fn numbers_come_in_exactly_and_go_out_in_their_shortest_form() {
        let cases = [
            ("2990.0", Ok("2990")),
            ("\"2990.50\"", Ok("2990.5")),
            ("0.1", Ok("0.1")),
            ("1e3", Ok("1000")),
            ("1E-7", Ok("0.0000001")),
            ("-5", Ok("-5")),
            ("1234567890123456789.12", Ok("1234567890123456789.12")),
            ("1e400", Err("not an exact decimal")),
            ("0.12345678901234567890123456789", Err("not an exact decimal")),
            ("1.23456789012345678901234567890e1", Err("not an exact decimal")),
            ("\"twelve\"", Err("not an exact decimal")),
            ("\"1e3\"", Err("has an exponent")),
            ("\"1E-7\"", Err("has an exponent")),
            ("\"1_000\"", Err("not an exact decimal")),
            ("\"+5\"", Err("not an exact decimal")),
            ("\"5.\"", Err("not an exact decimal")),
            ("\" 5\"", Err("not an exact decimal")),
            ("null", Err("expected an exact decimal number")),
            ("{\"a\":1}", Err("expected an exact decimal number")),
            ("true", Err("expected an exact decimal number")),
        ];
        for (json, expected) in cases {
            let read = serde_json::from_str::<Priced>(&format!("{{\"price\":{json}}}"));
            match (read, expected) {
                (Ok(priced), Ok(shortest)) => {
                    let written = serde_json::to_string(&priced).unwrap();
                    assert_eq!(written, format!("{{\"price\":{shortest}}}"), "{json}");
                }
                (Err(error), Err(part)) => {
                    assert!(error.to_string().contains(part), "{json}: {error}");
                }
                (Ok(priced), Err(_)) => panic!("{json} was taken as {}", priced.price),
                (Err(error), Ok(_)) => panic!("{json}: {error}"),
            }
        }
    }

    proptest! {
        #[test]
        fn every_decimal_survives_json(coefficient in any::<i64>(), scale in 0u32..=18) {
            let price = Decimal::new(coefficient, scale);
            let text = serde_json::to_string(&Priced { price }).unwrap();
            prop_assert_eq!(serde_json::from_str::<Priced>(&text).unwrap().price, price);
        }
    }
}

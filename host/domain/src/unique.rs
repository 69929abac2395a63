//! Maps in JSON whose keys come once: of two values for one key, neither is guessed to be the right one.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{Deserialize, Error, MapAccess, Visitor};

/// Reads a map, or nothing for `null`.
///
/// # Errors
/// Names a key that comes twice.
pub fn optional<'de, V, D>(from: D) -> Result<Option<BTreeMap<String, V>>, D::Error>
where
    V: Deserialize<'de>,
    D: Deserializer<'de>,
{
    from.deserialize_any(OptionalMap(PhantomData))
}

/// The same for a field whose being there means something.
///
/// # Errors
/// As [`optional`].
pub fn given<'de, V, D>(from: D) -> Result<Option<Option<BTreeMap<String, V>>>, D::Error>
where
    V: Deserialize<'de>,
    D: Deserializer<'de>,
{
    optional(from).map(Some)
}

struct OptionalMap<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for OptionalMap<V> {
    type Value = Option<BTreeMap<String, V>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object or null")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((key, value)) = entries.next_entry::<String, V>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key '{key}' comes twice")));
            }
            map.insert(key, value);
        }
        Ok(Some(map))
    }
}

//! Instants are UTC; on A's routes and in the store they are Unix seconds.

/// An instant, exact to the second wherever it is kept.
pub use jiff::Timestamp;
/// Serde for an optional instant as Unix seconds.
pub use jiff::fmt::serde::timestamp::second::optional as optional_seconds;
/// Serde for an instant as Unix seconds.
pub use jiff::fmt::serde::timestamp::second::required as seconds;

/// An instant without its fraction of a second: no answer shows it.
#[must_use]
pub fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// Serde for an instant as RFC 3339 text, as the second document's routes have it.
pub mod rfc3339 {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Timestamp, whole};

    /// Writes `2025-02-05T08:00:00Z`.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&whole(*at))
    }

    /// Reads an instant with any offset; a fraction of a second is dropped.
    ///
    /// # Errors
    /// A text that is no instant.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map(whole).map_err(|_| {
            let shown: String = text.chars().take(64).collect();
            serde::de::Error::custom(format_args!(
                "'{shown}' is not an instant such as 2025-02-05T08:00:00Z"
            ))
        })
    }
}

/// The same for an instant that may be missing; `null` is none.
pub mod optional_rfc3339 {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Timestamp;

    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Read(#[serde(with = "super::rfc3339")] Timestamp);

    /// Writes the instant, or `null`.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(
        at: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => super::rfc3339::serialize(at, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Reads an instant, or `null`.
    ///
    /// # Errors
    /// A text that is no instant.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<Read>::deserialize(from)?.map(|read| read.0))
    }

    /// The same for a field whose being there means something.
    ///
    /// # Errors
    /// As [`deserialize`].
    pub fn given<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Option<Timestamp>>, D::Error> {
        deserialize(from).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Made {
        #[serde(with = "rfc3339")]
        at: Timestamp,
        #[serde(with = "optional_rfc3339")]
        then: Option<Timestamp>,
    }

    #[test]
    fn an_instant_is_read_with_any_offset_and_written_in_utc_to_the_second() {
        for (text, expected) in [
            ("2025-02-05T08:00:00Z", Some("2025-02-05T08:00:00Z")),
            ("2025-02-05T10:00:00+02:00", Some("2025-02-05T08:00:00Z")),
            ("2025-02-05T08:00:00.999Z", Some("2025-02-05T08:00:00Z")),
            ("2025-02-05T08:00:00", None),
            ("yesterday", None),
        ] {
            let json = format!(r#"{{"at":"{text}","then":null}}"#);
            let read = serde_json::from_str::<Made>(&json).ok();
            let written = read.map(|made| serde_json::to_string(&made).unwrap());
            let expected = expected.map(|at| format!(r#"{{"at":"{at}","then":null}}"#));
            assert_eq!(written, expected, "{text}");
        }
    }
}

//! Values: JSON with a version and the number of its schema; or bytes, where they have a form of their own.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Key, StoreError};

/// A type that is kept in the store as JSON.
///
/// ```
/// # use planwright_store::Document;
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Plan {
///     name: String,
/// }
///
/// impl Document for Plan {
///     const SCHEMA: u16 = 1;
/// }
/// ```
pub trait Document: Serialize + DeserializeOwned {
    /// The number of this shape. Raise it when an older release would misread the new shape; records with
    /// a lower number are still decoded into this type, so what is new needs `#[serde(default)]`.
    const SCHEMA: u16;
}

/// A value that was put with what counters held after its change set, in the order in which they were named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithCounters<T> {
    /// What each held.
    pub counters: Vec<i64>,
    /// The value.
    pub value: T,
}

impl<T: Document> Document for WithCounters<T> {
    const SCHEMA: u16 = T::SCHEMA;
}

/// The JSON text of a value with what counters hold.
pub(crate) fn with_counters(json: &[u8], holds: &[i64]) -> Vec<u8> {
    let mut text = b"{\"counters\":[".to_vec();
    for (at, holds) in holds.iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        text.extend_from_slice(holds.to_string().as_bytes());
    }
    text.extend_from_slice(b"],\"value\":");
    text.extend_from_slice(json);
    text.push(b'}');
    text
}

/// A value as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The number of the change set that wrote it. Unique to that change set in the whole store, so a
    /// record that was deleted and made again never has a version it had before.
    pub version: u64,
    /// The schema it was written with.
    pub schema: u16,
    seal: Seal,
    bytes: Box<[u8]>,
}

/// What the committer writes beside a record, so that an edit by somebody else shows: the first bytes of a
/// SHA-256 hash over the key's length and bytes, the version, the schema and the JSON text or the bytes. It is no
/// secret: whoever means harm and knows this can write it anew.
pub(crate) type Seal = [u8; 8];

pub(crate) fn seal(key: &Key, version: u64, schema: u16, value: &[u8]) -> Seal {
    let key = key.as_bytes();
    let digest = Sha256::new()
        .chain_update(u64::try_from(key.len()).unwrap_or(u64::MAX).to_be_bytes())
        .chain_update(key)
        .chain_update(version.to_be_bytes())
        .chain_update(schema.to_be_bytes())
        .chain_update(value)
        .finalize();
    let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(digest);
    [a, b, c, d, e, f, g, h]
}

impl Record {
    /// A record as an engine found it.
    pub(crate) fn new(version: u64, schema: u16, seal: Seal, bytes: &[u8]) -> Self {
        Self { version, schema, seal, bytes: bytes.into() }
    }

    pub(crate) fn seal(&self) -> Seal {
        self.seal
    }

    /// Whether it is what the committer wrote under this key.
    pub fn is_as_written(&self, key: &Key) -> bool {
        self.seal == seal(key, self.version, self.schema, &self.bytes)
    }

    /// The value as it was written: JSON, or what [`ChangeSet::put_bytes`](crate::ChangeSet::put_bytes) was given.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The value.
    ///
    /// # Errors
    ///
    /// [`StoreError::Newer`] if it was written with a newer schema than `T`'s, [`StoreError::Corrupt`]
    /// if it is not a `T`.
    pub fn decode<T: Document>(&self) -> Result<T, StoreError> {
        let what = short_name::<T>();
        if self.schema > T::SCHEMA {
            return Err(StoreError::Newer {
                what: format!("a stored {what}"),
                found: self.schema.into(),
                supported: T::SCHEMA.into(),
            });
        }
        serde_json::from_slice(&self.bytes).map_err(|error| StoreError::Corrupt {
            reason: format!("version {} is not a {what}: {error}", self.version),
        })
    }
}

/// `Plan` for `planwright_domain::plan::Plan`.
fn short_name<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    name.rsplit("::").next().unwrap_or(name)
}

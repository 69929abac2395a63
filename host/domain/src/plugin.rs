//! Plugins that were uploaded: what they are, whose they are, and how far they have come.

pub mod binding;
pub mod hook;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use self::hook::Hook;
use crate::schema::{self, UnixSeconds};
use crate::tenant::caller::TenantId;
use crate::time::{self, Timestamp};

/// SHA-256 of a component's bytes, written as 64 lowercase hexadecimal digits. It names the component for good.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest that has these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads `[0-9a-f]{64}`.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes)).filter(|digest| digest.to_string() == text)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// As many digits as a person compares.
    #[must_use]
    pub fn short(&self) -> String {
        hex::encode(&self.0[..6])
    }
}

impl PartialSchema for Digest {
    fn schema() -> RefOr<Schema> {
        let example = "3f786850e387550fdab836ed7e6dc881de23001b3f786850e387550fdab836ed";
        schema::text("^[0-9a-f]{64}$", "SHA-256 of a component's bytes.", example).into()
    }
}

impl ToSchema for Digest {}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Digest({self})")
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom("a digest is 64 of 0-9 and a-f");
        Self::new(&text).ok_or_else(wrong)
    }
}

/// Whose a plugin or a binding is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The host's: every tenant sees it, and it decides where a tenant has nothing of its own.
    Host,
    /// One tenant's.
    Tenant(TenantId),
}

impl Owner {
    /// What stands for the host where a tenant's id would stand.
    pub const HOST: &str = "*";

    /// `*`, or the tenant's id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Host => Self::HOST,
            Self::Tenant(tenant) => tenant.as_str(),
        }
    }

    /// As a tenant is told: its own, or the host's.
    #[must_use]
    pub fn source(&self) -> Source {
        match self {
            Self::Host => Source::Host,
            Self::Tenant(_) => Source::Tenant,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for Owner {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Owner {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == Self::HOST {
            return Ok(Self::Host);
        }
        let wrong = || serde::de::Error::custom("an owner is '*' or a tenant's id");
        TenantId::new(&text).map(Self::Tenant).ok_or_else(wrong)
    }
}

/// Where what decides comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The tenant's own.
    Tenant,
    /// The host's default.
    Host,
    /// The server's configuration, or the program itself.
    Configuration,
}

/// How far a plugin has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PluginState {
    /// It is being compiled, or waits for its turn.
    Compiling {
        /// Unix seconds.
        #[serde(with = "time::seconds")]
        since: Timestamp,
    },
    /// It was compiled, started, and said who it is.
    Ready,
    /// It cannot be a plugin.
    Failed {
        /// Why, for people.
        reason: String,
    },
}

impl PluginState {
    /// What [`PluginState::Compiling`] is called.
    pub const COMPILING: &str = "compiling";
    /// What [`PluginState::Ready`] is called.
    pub const READY: &str = "ready";
    /// What [`PluginState::Failed`] is called.
    pub const FAILED: &str = "failed";

    /// As on the wire.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Compiling { .. } => Self::COMPILING,
            Self::Ready => Self::READY,
            Self::Failed { .. } => Self::FAILED,
        }
    }
}

/// What a plugin says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// As it calls itself.
    pub name: String,
    /// Its own.
    pub version: String,
    /// What it does.
    pub summary: String,
}

/// A plugin as answers show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadedPlugin {
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// What it can be bound to.
    pub hook: Hook,
    /// As it calls itself; nothing before it was started.
    #[schema(required = true)]
    pub name: Option<String>,
    /// Its own version.
    #[schema(required = true)]
    pub version: Option<String>,
    /// What it says it does.
    #[schema(required = true)]
    pub summary: Option<String>,
    /// What the component imports.
    pub imports: Vec<String>,
    /// Of the component, in bytes.
    pub size: u64,
    /// `compiling`, `ready` or `failed`.
    #[schema(pattern = "^(compiling|ready|failed)$")]
    pub state: String,
    /// Why it failed.
    #[schema(required = true)]
    pub reason: Option<String>,
    /// While it compiles: since when, in Unix seconds; nothing where it was ready before and waits to be compiled for
    /// this server again.
    #[serde(with = "time::optional_seconds")]
    #[schema(required = true, value_type = Option<UnixSeconds>)]
    pub compiling_since: Option<Timestamp>,
    /// While it compiles: whether others are before it.
    #[schema(required = true)]
    pub waiting: Option<bool>,
    /// Whether it is the tenant's own or the host's.
    pub source: Source,
    /// Who uploaded it.
    pub uploaded_by: String,
    /// When, in Unix seconds.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_64_lowercase_hexadecimal_digits() {
        let good = "0123456789abcdef".repeat(4);
        let upper = good.to_uppercase();
        for (text, expected) in [
            (good.as_str(), true),
            (&good[1..], false),
            (upper.as_str(), false),
            ("", false),
            (&"g".repeat(64), false),
            (&"é".repeat(32), false),
        ] {
            assert_eq!(Digest::new(text).is_some(), expected, "{text}");
            let json = serde_json::Value::from(text);
            assert_eq!(serde_json::from_value::<Digest>(json).is_ok(), expected, "{text}");
        }
    }

    #[test]
    fn an_owner_is_the_host_or_a_tenant_and_reads_as_it_is_written() {
        let tenant = Owner::Tenant(TenantId::new("acme").unwrap());
        for (owner, text, source) in
            [(Owner::Host, "*", Source::Host), (tenant, "acme", Source::Tenant)]
        {
            let json = serde_json::to_value(&owner).unwrap();
            assert_eq!((json.as_str(), owner.source()), (Some(text), source));
            assert_eq!(serde_json::from_value::<Owner>(json).unwrap(), owner);
        }
        assert!(serde_json::from_value::<Owner>("A B".into()).is_err());
    }
}

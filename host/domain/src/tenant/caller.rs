//! Who asks: a person or program, with a role, inside one tenant.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::schema;

/// A company's own space. Nothing of one tenant is seen by another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct TenantId(String);

impl TenantId {
    /// The tenant of a token that names none.
    pub const DEFAULT: &str = "default";

    /// Reads `[a-z0-9-]{1,63}`.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=63).contains(&text.len()) && text.bytes().all(allowed);
        fits.then(|| Self(text.to_owned()))
    }

    /// The tenant's name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TenantId {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

impl PartialSchema for TenantId {
    fn schema() -> RefOr<Schema> {
        schema::text("^[a-z0-9-]{1,63}$", "A tenant's id.", "acme").into()
    }
}

impl ToSchema for TenantId {}

impl fmt::Display for TenantId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TenantId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom("a tenant's id is 1 to 63 of a-z, 0-9 and '-'");
        Self::new(&text).ok_or_else(wrong)
    }
}

/// What a caller may do. A role that is not listed here is refused, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees and manages their own data.
    User,
    /// Checks and records usage for any user of the tenant, nothing else.
    Service,
    /// Everything in one tenant.
    Admin,
    /// Tenants and host-wide plugins, and any tenant.
    Operator,
}

/// Whether a text can be a user's id: 1 to 255 characters, none of them a control character.
#[must_use]
pub fn is_user_id(text: &str) -> bool {
    (1..=255).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

impl Role {
    /// Reads a role by its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "user" => Some(Self::User),
            "service" => Some(Self::Service),
            "admin" => Some(Self::Admin),
            "operator" => Some(Self::Operator),
            _ => None,
        }
    }

    /// The role's name, as credentials say it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Service => "service",
            Self::Admin => "admin",
            Self::Operator => "operator",
        }
    }

    /// Whether the role manages a tenant's catalog and subscribers.
    #[must_use]
    pub fn administers(self) -> bool {
        matches!(self, Self::Admin | Self::Operator)
    }
}

/// An authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The tenant the request is about.
    pub tenant: TenantId,
    /// The user behind the credentials.
    pub user_id: String,
    /// What the caller may do.
    pub role: Role,
    /// As the credentials say, if they do.
    pub email: Option<String>,
    /// As the credentials say, if they do.
    pub name: Option<String>,
    /// The user group that the credentials name, if any.
    pub group: Option<String>,
    /// Where an operator's credentials belong, if the request is about another tenant: a user's id means
    /// nobody outside of its tenant.
    pub home: Option<TenantId>,
    /// The id of the API key that was shown, if it was one.
    pub api_key: Option<String>,
}

impl Caller {
    /// A caller of whom no more is known than there must be.
    #[must_use]
    pub fn new(tenant: TenantId, user_id: &str, role: Role) -> Self {
        Self {
            tenant,
            user_id: user_id.to_owned(),
            role,
            email: None,
            name: None,
            group: None,
            home: None,
            api_key: None,
        }
    }

    /// The same caller in another tenant, as `?tenant=` asks.
    #[must_use]
    pub fn acting_in(mut self, tenant: TenantId) -> Self {
        if tenant != self.tenant {
            self.home = Some(std::mem::replace(&mut self.tenant, tenant));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_1_to_63_lowercase_letters_digits_and_hyphens() {
        let long = "a".repeat(63);
        let too_long = "a".repeat(64);
        let cases = [
            ("default", true),
            ("a-1", true),
            (long.as_str(), true),
            (too_long.as_str(), false),
            ("", false),
            ("A", false),
            ("a_b", false),
            ("a/b", false),
            ("\u{e9}", false),
        ];
        for (text, expected) in cases {
            assert_eq!(TenantId::new(text).is_some(), expected, "{text}");
            let json = serde_json::Value::from(text);
            assert_eq!(serde_json::from_value::<TenantId>(json).is_ok(), expected, "{text}");
        }
    }

    #[test]
    fn only_the_four_roles_are_read() {
        for (name, expected) in [
            ("user", Some(Role::User)),
            ("service", Some(Role::Service)),
            ("admin", Some(Role::Admin)),
            ("operator", Some(Role::Operator)),
            ("pending", None),
            ("Admin", None),
            ("", None),
        ] {
            assert_eq!(Role::from_name(name), expected, "{name}");
            let json = serde_json::Value::from(name);
            assert_eq!(serde_json::from_value::<Role>(json).ok(), expected, "{name}");
            assert!(expected.is_none_or(|role| role.as_str() == name), "{name}");
        }
    }

    #[test]
    fn an_operator_in_another_tenant_is_still_known_by_the_own_one() {
        let acme = TenantId::new("acme").unwrap();
        let caller = Caller::new(TenantId::default(), "root", Role::Operator);
        assert_eq!(caller.clone().acting_in(TenantId::default()), caller);
        let acting = caller.acting_in(acme.clone());
        assert_eq!((acting.tenant, acting.home), (acme, Some(TenantId::default())));
    }
}

//! API keys: credentials for programs, without their secret.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::refusal::{FieldError, Refusal};
use crate::schema::UnixSeconds;
use crate::tenant::caller::{Caller, Role, is_user_id};
use crate::tenant::read_name;
use crate::time::{self, Timestamp};

/// A key as every list shows it. The secret itself is known only to whoever was given it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiKey {
    /// Names the key where it is revoked and in the audit log.
    pub id: String,
    /// For people.
    pub name: String,
    /// What the key may do.
    pub role: Role,
    /// Whom it speaks for.
    pub user_id: String,
    /// Who made it.
    pub created_by: String,
    /// Unix seconds.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub created_at: Timestamp,
    /// From when on it is refused.
    #[serde(with = "time::optional_seconds")]
    #[schema(value_type = Option<UnixSeconds>, required = true)]
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to within [`ApiKey::NOTED_EVERY`] seconds.
    #[serde(with = "time::optional_seconds")]
    #[schema(value_type = Option<UnixSeconds>, required = true)]
    pub last_used_at: Option<Timestamp>,
}

/// A key as an admin asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"name": "shop", "role": "service"})))]
pub struct ApiKeyDraft {
    #[allow(missing_docs, reason = "documented on ApiKey")]
    #[schema(min_length = 1, max_length = 100, pattern = r"^(?=.*\S)[^\x00-\x1f\x7f-\x9f]+$")]
    pub name: String,
    #[allow(missing_docs, reason = "documented on ApiKey")]
    pub role: Role,
    /// Whoever makes the key, where absent.
    #[schema(min_length = 1, max_length = 255, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$")]
    pub user_id: Option<String>,
    /// In the future; never, where absent.
    #[serde(default, with = "time::optional_seconds")]
    #[schema(value_type = Option<UnixSeconds>)]
    pub expires_at: Option<Timestamp>,
}

impl ApiKey {
    /// A use is kept if the last one that was kept is older than so many seconds: a key that is used a
    /// thousand times a second must not cost a thousand commits.
    pub const NOTED_EVERY: i64 = 300;

    /// The key that a draft asks for.
    ///
    /// # Errors
    /// A role above the maker's own; fields that are wrong in themselves.
    pub fn from_draft(
        id: String,
        draft: ApiKeyDraft,
        maker: &Caller,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        maker.role.check_manages_keys_of(draft.role)?;
        let mut errors = Vec::new();
        let name = read_name(&draft.name).map_err(|error| errors.push(error)).unwrap_or_default();
        let user_id = draft.user_id.unwrap_or_else(|| maker.user_id.clone());
        if !is_user_id(&user_id) {
            let message =
                "user_id must have 1 to 255 characters, none of them a control character.";
            errors.push(FieldError::new("user_id", "invalid_user_id", message));
        }
        if draft.expires_at.is_some_and(|end| end <= now) {
            let message = "expires_at must be in the future, in Unix seconds.";
            errors.push(FieldError::new("expires_at", "not_in_the_future", message));
        }
        if !errors.is_empty() {
            return Err(Refusal::Invalid(errors));
        }
        Ok(Self {
            id,
            name,
            role: draft.role,
            user_id,
            created_by: maker.user_id.clone(),
            created_at: now,
            expires_at: draft.expires_at,
            last_used_at: None,
        })
    }

    /// Whether its time is up.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether a use at this instant is to be kept.
    #[must_use]
    pub fn notes_use_at(&self, now: Timestamp) -> bool {
        let since = |noted: Timestamp| now.as_second().saturating_sub(noted.as_second());
        self.last_used_at.is_none_or(|noted| since(noted) >= Self::NOTED_EVERY)
    }
}

impl Role {
    /// Nobody makes or revokes a key above the own role: an admin those of the tenant, an operator all.
    ///
    /// # Errors
    /// Says which role may.
    pub fn check_manages_keys_of(self, role: Self) -> Result<(), Refusal> {
        let needed = match role {
            Self::User | Self::Service | Self::Admin => Self::Admin,
            Self::Operator => Self::Operator,
        };
        if self == needed || self == Self::Operator {
            return Ok(());
        }
        Err(Refusal::NotAllowed { needed: needed.as_str() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenant::caller::TenantId;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn maker(role: Role) -> Caller {
        Caller::new(TenantId::default(), "root", role)
    }

    fn make(maker: &Caller, json: &str) -> Result<ApiKey, Refusal> {
        let draft = serde_json::from_str(json).unwrap();
        ApiKey::from_draft("key_1".to_owned(), draft, maker, at(1_000))
    }

    #[test]
    fn nobody_manages_a_key_above_the_own_role() {
        let roles = [Role::User, Role::Service, Role::Admin, Role::Operator];
        for (maker, may) in [
            (Role::User, [false, false, false, false]),
            (Role::Service, [false, false, false, false]),
            (Role::Admin, [true, true, true, false]),
            (Role::Operator, [true, true, true, true]),
        ] {
            for (role, may) in roles.into_iter().zip(may) {
                assert_eq!(maker.check_manages_keys_of(role).is_ok(), may, "{maker:?} {role:?}");
            }
        }
    }

    #[test]
    fn a_key_names_its_user_and_ends_in_the_future() {
        let admin = maker(Role::Admin);
        let fields = |json| match make(&admin, json) {
            Ok(_) => Vec::new(),
            Err(Refusal::Invalid(errors)) => errors.into_iter().map(|error| error.field).collect(),
            Err(other) => panic!("{other:?}"),
        };
        for (json, expected) in [
            (r#"{"name":"ci","role":"service"}"#, vec![]),
            (r#"{"name":"ci","role":"user","user_id":"bob","expires_at":1001}"#, vec![]),
            (r#"{"name":"ci","role":"user","user_id":null,"expires_at":null}"#, vec![]),
            (r#"{"name":"ci","role":"user","expires_at":1000}"#, vec!["expires_at"]),
            (r#"{"name":" ","role":"user","user_id":""}"#, vec!["name", "user_id"]),
        ] {
            assert_eq!(fields(json), expected, "{json}");
        }
        assert_eq!(make(&admin, r#"{"name":"ci","role":"user"}"#).unwrap().user_id, "root");
        // The right comes before the shape.
        let above = make(&admin, r#"{"name":"","role":"operator"}"#);
        assert_eq!(above, Err(Refusal::NotAllowed { needed: "operator" }));
    }

    #[test]
    fn a_key_ends_at_its_second_and_its_use_is_kept_now_and_then() {
        let json = r#"{"name":"ci","role":"user","expires_at":2000}"#;
        let mut key = make(&maker(Role::Admin), json).unwrap();
        for (second, over) in [(1_999, false), (2_000, true), (2_001, true)] {
            assert_eq!(key.is_over(at(second)), over, "{second}");
        }
        assert!(key.notes_use_at(at(1_000)));
        key.last_used_at = Some(at(1_000));
        for (second, noted) in [(900, false), (1_000, false), (1_299, false), (1_300, true)] {
            assert_eq!(key.notes_use_at(at(second)), noted, "{second}");
        }
    }
}

//! A user group: users that are priced alike, by the group's billing plan where their plan names none.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::name::is_readable;
use crate::patch::{Clearable, given, set};
use crate::refusal::{FieldError, Refusal};
use crate::schema::DateTime;
use crate::time::{self, Timestamp};

/// A group as the catalog holds it and as answers show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserGroup {
    /// Never used again.
    pub id: u64,
    /// Unique in its tenant: credentials name a group by it.
    pub name: String,
    /// Whether it is the group of whoever is in no other. At most one is.
    pub is_default: bool,
    /// What prices its users.
    #[schema(required = true)]
    pub billing_plan_id: Option<u64>,
    /// When it was made.
    #[serde(with = "time::rfc3339")]
    #[schema(value_type = DateTime)]
    pub created_at: Timestamp,
    /// When it last changed.
    #[serde(with = "time::rfc3339")]
    #[schema(value_type = DateTime)]
    pub updated_at: Timestamp,
}

/// A group as an admin asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "documented on UserGroup")]
pub struct UserGroupDraft {
    #[schema(min_length = 2, max_length = 50)]
    pub name: String,
    /// Takes it from the group that has it.
    #[serde(default)]
    pub is_default: bool,
    pub billing_plan_id: Option<u64>,
}

/// What of a group is to change; what only an answer sets is ignored.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "documented on UserGroup")]
pub struct UserGroupPatch {
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String, min_length = 2, max_length = 50)]
    pub name: Option<String>,
    /// `true` takes it from the group that has it.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = bool)]
    pub is_default: Option<bool>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<u64>)]
    pub billing_plan_id: Clearable<u64>,
    #[schema(value_type = Value)]
    pub id: IgnoredAny,
    #[schema(value_type = Value)]
    pub created_at: IgnoredAny,
    #[schema(value_type = Value)]
    pub updated_at: IgnoredAny,
}

impl UserGroup {
    /// The group that a draft asks for.
    ///
    /// # Errors
    /// Names `name` if it is too short, too long or not in one line.
    pub fn from_draft(id: u64, draft: &UserGroupDraft, now: Timestamp) -> Result<Self, Refusal> {
        Ok(Self {
            id,
            name: read_group_name(&draft.name)?,
            is_default: draft.is_default,
            billing_plan_id: draft.billing_plan_id,
            created_at: time::whole(now),
            updated_at: time::whole(now),
        })
    }

    /// The group with the changes made; the same one if nothing changes.
    ///
    /// # Errors
    /// As [`UserGroup::from_draft`].
    pub fn patched(&self, patch: &UserGroupPatch, now: Timestamp) -> Result<Self, Refusal> {
        let mut group = self.clone();
        set(&mut group.name, patch.name.as_deref().map(read_group_name).transpose()?);
        set(&mut group.is_default, patch.is_default);
        set(&mut group.billing_plan_id, patch.billing_plan_id);
        Ok(group.changed_after(self, now))
    }

    /// The group priced by another billing plan, or none.
    #[must_use]
    pub fn priced_by(&self, billing_plan_id: Option<u64>, now: Timestamp) -> Self {
        Self { billing_plan_id, ..self.clone() }.changed_after(self, now)
    }

    /// The group, no longer the one of whoever is in no other.
    #[must_use]
    pub fn no_default(&self, now: Timestamp) -> Self {
        Self { is_default: false, ..self.clone() }.changed_after(self, now)
    }

    fn changed_after(self, before: &Self, now: Timestamp) -> Self {
        if self == *before { self } else { Self { updated_at: time::whole(now), ..self } }
    }
}

fn read_group_name(text: &str) -> Result<String, Refusal> {
    let name = text.trim();
    if (2..=50).contains(&name.chars().count()) && is_readable(name) {
        return Ok(name.to_owned());
    }
    let message =
        "name must have 2 to 50 characters that can be seen, none of them a control character.";
    Err(Refusal::unfit(FieldError::new("name", "invalid_name", message)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_2_to_50_characters() {
        let (longest, too_long) = ("x".repeat(50), "x".repeat(51));
        for (name, fits) in [
            ("ab", true),
            (" ab ", true),
            (longest.as_str(), true),
            (too_long.as_str(), false),
            ("a", false),
            (" a ", false),
            ("a\nb", false),
        ] {
            let draft =
                UserGroupDraft { name: name.to_owned(), is_default: false, billing_plan_id: None };
            let made = UserGroup::from_draft(1, &draft, Timestamp::UNIX_EPOCH);
            assert_eq!(made.is_ok(), fits, "{name}");
        }
    }

    #[test]
    fn a_patch_keeps_what_it_does_not_name_and_only_a_change_is_dated() {
        let draft = serde_json::from_str(r#"{"name":"staff","billing_plan_id":7}"#).unwrap();
        let before = UserGroup::from_draft(1, &draft, Timestamp::UNIX_EPOCH).unwrap();
        let later = Timestamp::from_second(100).unwrap();
        for (json, billing_plan_id, is_default, at) in [
            ("{}", Some(7), false, 0),
            (r#"{"name":"staff","id":9}"#, Some(7), false, 0),
            (r#"{"billing_plan_id":null}"#, None, false, 100),
            (r#"{"is_default":true}"#, Some(7), true, 100),
        ] {
            let after = before.patched(&serde_json::from_str(json).unwrap(), later).unwrap();
            assert_eq!(
                (after.billing_plan_id, after.is_default, after.updated_at.as_second()),
                (billing_plan_id, is_default, at),
                "{json}"
            );
        }
    }
}

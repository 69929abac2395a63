//! A user as the price catalog sees one: which group, region and currency price what is used, and since when the
//! clock of phases runs.

pub mod overview;
pub mod user_report;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::money::Currency;
use crate::name::is_readable;
use crate::patch::{Clearable, given, set};
use crate::refusal::{FieldError, Refusal};
use crate::schema::{self, DateTime};
use crate::tenant::caller::is_user_id;
use crate::time::{self, Timestamp};

/// The longest email and name, in characters.
const LONGEST: usize = 320;

/// A user as answers show one. What credentials say of a user is kept when they are shown next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct User {
    /// As credentials name the user (`sub`).
    pub id: String,
    /// What is known of the user.
    #[serde(flatten)]
    pub facts: UserFacts,
}

/// What is known of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct UserFacts {
    /// As an admin or the user's credentials last said.
    #[schema(required = true)]
    pub email: Option<String>,
    /// As an admin or the user's credentials last said.
    #[schema(required = true)]
    pub name: Option<String>,
    /// Where an admin put the user. With none, it is the group that the credentials name, else the default one.
    #[schema(required = true)]
    pub user_group_id: Option<u64>,
    /// With none, it is the tenant's.
    #[schema(required = true)]
    pub region_id: Option<u64>,
    /// With none, it is the tenant's.
    #[schema(value_type = Option<schema::Currency>, required = true)]
    pub currency: Option<Currency>,
    /// Since when trial, discount and final phases of prices follow one another, as an admin says, or since the first
    /// priced usage where nothing came before it. With none, it is since the first subscription.
    #[serde(with = "time::optional_rfc3339")]
    #[schema(value_type = Option<DateTime>, required = true)]
    pub phase_started: Option<Timestamp>,
}

/// A user as an admin notes one, before or after there are credentials.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "documented on UserFacts")]
pub struct UserDraft {
    /// As credentials will name the user (`sub`).
    #[schema(min_length = 1, max_length = 255, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$")]
    pub id: String,
    #[schema(max_length = 320)]
    pub email: Option<String>,
    #[schema(max_length = 320)]
    pub name: Option<String>,
    pub user_group_id: Option<u64>,
    pub region_id: Option<u64>,
    #[serde(default, deserialize_with = "crate::money::read_optional_currency")]
    #[schema(value_type = Option<schema::Currency>)]
    pub currency: Option<Currency>,
    #[serde(default, with = "time::optional_rfc3339")]
    #[schema(value_type = Option<DateTime>)]
    pub phase_started: Option<Timestamp>,
}

/// What of a user is to change: what is absent stays, `null` clears; the id is ignored.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "documented on UserFacts")]
pub struct UserPatch {
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 320)]
    pub email: Clearable<String>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 320)]
    pub name: Clearable<String>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<u64>)]
    pub user_group_id: Clearable<u64>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<u64>)]
    pub region_id: Clearable<u64>,
    #[serde(deserialize_with = "given_currency")]
    #[schema(value_type = Option<schema::Currency>)]
    pub currency: Clearable<Currency>,
    #[serde(deserialize_with = "time::optional_rfc3339::given")]
    #[schema(value_type = Option<DateTime>)]
    pub phase_started: Clearable<Timestamp>,
    #[schema(value_type = Value)]
    pub id: IgnoredAny,
}

fn given_currency<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<Option<Option<Currency>>, D::Error> {
    crate::money::read_optional_currency(from).map(Some)
}

impl User {
    /// Whether the id, the email or the name has something in it, however it is written.
    #[must_use]
    pub fn mentions(&self, part: &str) -> bool {
        let part = part.to_lowercase();
        let texts = [Some(&self.id), self.facts.email.as_ref(), self.facts.name.as_ref()];
        texts.into_iter().flatten().any(|text| text.to_lowercase().contains(&part))
    }
}

impl UserDraft {
    /// What a draft says of its user.
    ///
    /// # Errors
    /// Names every field at fault.
    pub fn facts(&self) -> Result<UserFacts, Refusal> {
        let mut wrong = Vec::new();
        if !is_user_id(&self.id) {
            let message = "id must have 1 to 255 characters, none of them a control character.";
            wrong.push(FieldError::new("id", "invalid_user_id", message));
        }
        let facts = UserFacts {
            email: self.email.clone(),
            name: self.name.clone(),
            user_group_id: self.user_group_id,
            region_id: self.region_id,
            currency: self.currency,
            phase_started: self.phase_started,
        };
        wrong.extend(facts.wrong());
        if wrong.is_empty() { Ok(facts) } else { Err(Refusal::Unfit(wrong)) }
    }
}

impl UserFacts {
    /// What is known with the changes made.
    ///
    /// # Errors
    /// Names every field at fault.
    pub fn patched(&self, patch: UserPatch) -> Result<Self, Refusal> {
        let mut facts = self.clone();
        set(&mut facts.email, patch.email);
        set(&mut facts.name, patch.name);
        set(&mut facts.user_group_id, patch.user_group_id);
        set(&mut facts.region_id, patch.region_id);
        set(&mut facts.currency, patch.currency);
        set(&mut facts.phase_started, patch.phase_started);
        let wrong = facts.wrong();
        if wrong.is_empty() { Ok(facts) } else { Err(Refusal::Unfit(wrong)) }
    }

    fn wrong(&self) -> Vec<FieldError> {
        let texts = [("email", &self.email), ("name", &self.name)];
        let is_wrong = |text: &String| text.chars().count() > LONGEST || !is_readable(text);
        let wrong = texts.into_iter().filter(|(_, text)| text.as_ref().is_some_and(is_wrong));
        wrong
            .map(|(field, _)| {
                let message = format!(
                    "{field} must have 1 to {LONGEST} characters that can be seen, none of them a control \
                     character."
                );
                FieldError::new(field, "invalid_text", &message)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_part_of_id_email_or_name_however_it_is_written() {
        let facts = UserFacts {
            email: Some("Bob@Example.com".to_owned()),
            name: Some("Робер".to_owned()),
            ..UserFacts::default()
        };
        let known = User { id: "u-7A".to_owned(), facts };
        let unknown = User { id: "u-7A".to_owned(), facts: UserFacts::default() };
        for (part, is_known, is_unknown) in [
            ("", true, true),
            ("7a", true, true),
            ("bob@", true, false),
            ("РОБ", true, false),
            ("alice", false, false),
        ] {
            assert_eq!(known.mentions(part), is_known, "{part}");
            assert_eq!(unknown.mentions(part), is_unknown, "{part}");
        }
    }

    #[test]
    fn a_patch_keeps_what_it_does_not_name_and_null_clears() {
        let before = UserFacts {
            email: Some("a@example.com".to_owned()),
            region_id: Some(3),
            currency: Some(Currency::USD),
            phase_started: Some(Timestamp::UNIX_EPOCH),
            ..UserFacts::default()
        };
        type Edit = fn(&mut UserFacts);
        let cases: [(&str, Edit); 6] = [
            (r#"{"id":"other"}"#, |_| {}),
            (r#"{"email":null}"#, |facts| facts.email = None),
            (r#"{"region_id":null}"#, |facts| facts.region_id = None),
            (r#"{"currency":"JPY"}"#, |facts| facts.currency = Some(Currency::JPY)),
            (r#"{"currency":null}"#, |facts| facts.currency = None),
            (r#"{"phase_started":"1970-01-01T00:01:40Z"}"#, |facts| {
                facts.phase_started = Timestamp::from_second(100).ok();
            }),
        ];
        for (json, edit) in cases {
            let mut expected = before.clone();
            edit(&mut expected);
            let patch = serde_json::from_str(json).unwrap();
            assert_eq!(before.patched(patch).unwrap(), expected, "{json}");
        }
        for json in [r#"{"name":""}"#, r#"{"email":"a\nb"}"#] {
            assert!(before.patched(serde_json::from_str(json).unwrap()).is_err(), "{json}");
        }
        for json in [r#"{"currency":"usd"}"#, r#"{"phase_started":1}"#, r#"{"group":1}"#] {
            assert!(serde_json::from_str::<UserPatch>(json).is_err(), "{json}");
        }
    }
}

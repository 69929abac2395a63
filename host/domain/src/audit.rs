//! What an admin did, as the audit log keeps it and as it is read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::refusal::{FieldError, Refusal};
use crate::schema::UnixSeconds;
use crate::time::{self, Timestamp};

/// Old and new value of one field; `null` where there was or is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// Before.
    pub old: Value,
    /// After.
    pub new: Value,
}

/// One entry. Its sequence number and the hash of the entry before it are set as it is committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Unique.
    pub id: String,
    /// Who did it.
    pub user_id: String,
    /// Such as `plan_created`.
    pub action: String,
    /// Such as `plan`.
    pub entity_type: String,
    /// Which one.
    pub entity_id: String,
    /// For people.
    pub description: String,
    /// Every field that differs.
    pub changes: BTreeMap<String, Change>,
    /// Whatever else should be known: warnings, the request's id.
    pub audit_metadata: BTreeMap<String, Value>,
    /// Unix seconds.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub created_at: Timestamp,
}

/// An entry with its place in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CommittedEntry {
    /// What was done.
    #[serde(flatten)]
    pub entry: AuditEntry,
    /// From 1, without gaps.
    pub sequence: u64,
    /// Over the hash before, the sequence number and the entry, in hexadecimal digits.
    pub hash: String,
    /// The entry before it has this hash; of the first, it is the hash of the log's own key.
    pub previous_hash: String,
}

/// Whether the log is as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Verified {
    /// Whether every entry follows the one before, and none is missing.
    pub valid: bool,
    /// How many entries hold, from the first on: all of them if it is valid.
    pub entries: u64,
    /// The hash of the last entry, if it is valid. Whoever keeps it elsewhere can show later that nothing
    /// before it was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// The sequence number of the first entry that is missing or wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken_at: Option<u64>,
    /// What is wrong there, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a filter looks at, without the rest of an entry, so that a walk need not read it all.
#[derive(Clone, Debug, Deserialize)]
pub struct Face {
    entity_type: String,
    entity_id: String,
    action: String,
    user_id: String,
    created_at: i64,
}

/// Which entries are asked for; what is absent lets all through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct AuditFilter {
    /// Such as `plan`.
    pub entity_type: Option<String>,
    /// Which one.
    pub entity_id: Option<String>,
    /// Such as `plan_created`.
    pub action: Option<String>,
    /// Who did it.
    pub user_id: Option<String>,
    /// The first Unix second.
    pub from: Option<i64>,
    /// The Unix second behind the last.
    pub to: Option<i64>,
}

impl AuditFilter {
    /// # Errors
    /// Names `to` if it comes before `from`.
    pub fn checked(self) -> Result<Self, Refusal> {
        match (self.from, self.to) {
            (Some(from), Some(to)) if to < from => {
                let message = "to must not come before from: entries are shown from `from` on, up to \
                               and without `to`.";
                Err(Refusal::Invalid(vec![FieldError::new("to", "out_of_range", message)]))
            }
            _ => Ok(self),
        }
    }

    /// Whether it lets every entry through.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it lets this entry through.
    #[must_use]
    pub fn lets_through(&self, face: &Face) -> bool {
        let is = |asked: &Option<String>, found: &str| {
            asked.as_deref().is_none_or(|asked| asked == found)
        };
        is(&self.entity_type, &face.entity_type)
            && is(&self.entity_id, &face.entity_id)
            && is(&self.action, &face.action)
            && is(&self.user_id, &face.user_id)
            && self.from.is_none_or(|from| from <= face.created_at)
            && self.to.is_none_or(|to| face.created_at < to)
    }
}

/// The fields in which two values differ, but for the book-keeping of versions and times.
#[must_use]
pub fn changes<T: Serialize>(before: Option<&T>, after: Option<&T>) -> BTreeMap<String, Change> {
    const BOOK_KEEPING: [&str; 3] = ["version", "created_at", "updated_at"];
    let (old, new) = (fields(before), fields(after));
    let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names
        .into_iter()
        .filter(|name| !BOOK_KEEPING.contains(&name.as_str()))
        .filter(|name| old.get(*name) != new.get(*name))
        .map(|name| {
            let value = |from: &serde_json::Map<String, Value>| from.get(name).cloned();
            let change = Change {
                old: value(&old).unwrap_or(Value::Null),
                new: value(&new).unwrap_or(Value::Null),
            };
            (name.clone(), change)
        })
        .collect()
}

fn fields<T: Serialize>(value: Option<&T>) -> serde_json::Map<String, Value> {
    match value.map(serde_json::to_value) {
        Some(Ok(Value::Object(fields))) => fields,
        _ => serde_json::Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_name_every_field_that_differs_with_old_and_new() {
        let before = json!({"name": "A", "price": 1, "quotas": {"requests": 1}, "version": 1});
        let after = json!({"name": "A", "price": 2, "quotas": {"requests": 2}, "version": 2});
        let cases = [
            (Some(&before), Some(&after), vec!["price", "quotas"]),
            (Some(&before), Some(&before), vec![]),
            (None, Some(&after), vec!["name", "price", "quotas"]),
            (Some(&before), None, vec!["name", "price", "quotas"]),
        ];
        for (old, new, expected) in cases {
            let found = changes(old, new);
            assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), expected);
        }
        let price = &changes(Some(&before), Some(&after))["price"];
        assert_eq!(*price, Change { old: json!(1), new: json!(2) });
    }

    #[test]
    fn a_filter_lets_through_what_fits_all_it_names_from_the_first_second_to_before_the_last() {
        let face: Face = serde_json::from_value(json!({
            "entity_type": "plan", "entity_id": "pro", "action": "plan_created", "user_id": "root",
            "created_at": 100, "changes": {"price": {"old": null, "new": 1}},
        }))
        .unwrap();
        for (filter, expected) in [
            (json!({}), true),
            (json!({"entity_type": "plan", "entity_id": "pro", "user_id": "root"}), true),
            (json!({"entity_type": "plan", "entity_id": "free"}), false),
            (json!({"entity_type": "pla"}), false),
            (json!({"action": "plan_deleted"}), false),
            (json!({"user_id": "alice"}), false),
            (json!({"from": 100, "to": 101}), true),
            (json!({"from": 101}), false),
            (json!({"to": 100}), false),
        ] {
            let asked: AuditFilter = serde_json::from_value(filter.clone()).unwrap();
            assert_eq!(asked.lets_through(&face), expected, "{filter}");
        }
        let backwards = AuditFilter { from: Some(2), to: Some(1), ..AuditFilter::default() };
        assert!(backwards.checked().is_err());
    }
}

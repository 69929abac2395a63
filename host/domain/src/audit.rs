//! What an admin did, as the audit log keeps it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::time::{self, Timestamp};

/// Old and new value of one field; `null` where there was or is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Before.
    pub old: Value,
    /// After.
    pub new: Value,
}

/// One entry. Its sequence number and the hash of the entry before it are set as it is committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    pub created_at: Timestamp,
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
}

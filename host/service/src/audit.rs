//! Writing the audit log: an entry goes into the change set of what it tells of.

use std::collections::BTreeMap;

use planwright_domain::audit::{self, AuditEntry};
use planwright_domain::review::Finding;
use serde::Serialize;
use serde_json::Value;

use crate::app::{App, Request};
use crate::ids;

/// What was done to what.
pub(crate) struct Deed<'a, T> {
    pub(crate) action: &'a str,
    pub(crate) entity_type: &'a str,
    pub(crate) entity_id: &'a str,
    pub(crate) description: String,
    pub(crate) before: Option<&'a T>,
    pub(crate) after: Option<&'a T>,
    pub(crate) warnings: &'a [Finding],
}

impl<S> App<S> {
    /// The entry for a deed.
    pub(crate) fn audit_entry<T: Serialize>(&self, by: &Request, deed: Deed<'_, T>) -> AuditEntry {
        let mut audit_metadata = BTreeMap::new();
        audit_metadata.insert("request_id".to_owned(), Value::from(by.request_id.as_str()));
        if let Some(home) = &by.caller.home {
            audit_metadata.insert("operator_of".to_owned(), Value::from(home.as_str()));
        }
        if let Some(key) = &by.caller.api_key {
            audit_metadata.insert("api_key".to_owned(), Value::from(key.as_str()));
        }
        if !deed.warnings.is_empty() {
            let messages = deed.warnings.iter().map(|warning| warning.message.as_str());
            audit_metadata.insert("warnings".to_owned(), messages.collect());
        }
        AuditEntry {
            id: ids::fresh(self.entropy.as_ref(), "aud_"),
            user_id: by.caller.user_id.clone(),
            action: deed.action.to_owned(),
            entity_type: deed.entity_type.to_owned(),
            entity_id: deed.entity_id.to_owned(),
            description: deed.description,
            changes: audit::changes(deed.before, deed.after),
            audit_metadata,
            created_at: by.now,
        }
    }
}

//! What is wrong with a request, by field.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One field at fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[error("{message}")]
pub struct FieldError {
    /// A path such as `quotas.requests`; empty for the whole body.
    pub field: String,
    /// For machines; stable.
    pub code: String,
    /// A whole sentence for people.
    pub message: String,
}

impl FieldError {
    /// An error at a field.
    #[must_use]
    pub fn new(field: &str, code: &str, message: &str) -> Self {
        Self { field: field.to_owned(), code: code.to_owned(), message: message.to_owned() }
    }
}

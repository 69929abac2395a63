//! What is wrong in a catalog's document.

use std::collections::BTreeSet;

use crate::catalog::catalog_change::CatalogKind;
use crate::refusal::{FieldError, Refusal};

/// The most mistakes that are named at once.
pub const MOST_MISTAKES: usize = 100;

/// What is wrong in a document, by its place in it.
#[derive(Debug, Default)]
pub struct Mistakes(Vec<FieldError>);

impl Mistakes {
    /// Notes why one thing of a list is refused; of what is not in the document, only its kind is named.
    pub fn note(&mut self, kind: CatalogKind, at: Option<usize>, refusal: &Refusal) {
        let place = at.map_or_else(
            || kind.list().to_owned(),
            |at| format!("{list}[{at}]", list = kind.list()),
        );
        let mut errors = refusal.fields();
        if errors.is_empty() {
            errors.push(FieldError::new("", refusal.code(), &refusal.to_string()));
        }
        for error in errors {
            // A billing plan's own document is called so.
            let within = error.field.strip_prefix("billing_plan.").unwrap_or(&error.field);
            let dot = if within.is_empty() { "" } else { "." };
            self.push(FieldError { field: format!("{place}{dot}{within}"), ..error });
        }
    }

    pub(super) fn push(&mut self, error: FieldError) {
        if self.0.len() < MOST_MISTAKES {
            self.0.push(error);
        }
    }

    /// # Errors
    /// Everything that was noted until now.
    pub fn none_yet(&mut self) -> Result<(), Refusal> {
        if self.0.is_empty() { Ok(()) } else { Err(Refusal::Unfit(std::mem::take(&mut self.0))) }
    }

    /// Notes a thing that a list has twice.
    pub(super) fn note_repeated<'a>(
        &mut self,
        kind: CatalogKind,
        field: &str,
        names: impl Iterator<Item = &'a str>,
    ) {
        let mut seen = BTreeSet::new();
        for (at, name) in names.enumerate().filter(|(_, name)| !seen.insert(*name)) {
            let shown: String = name.chars().take(100).collect();
            let message = format!("'{shown}' is there twice; keep one of them.");
            let field = format!("{}[{at}].{field}", kind.list());
            self.push(FieldError::new(&field, "repeated", &message));
        }
    }
}

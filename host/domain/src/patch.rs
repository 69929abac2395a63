//! What a PATCH says of a field: nothing, or a value; where `null` clears it, that too.

use serde::{Deserialize, Deserializer};

/// What is said of a field that may be empty: nothing, clear it, or set it.
pub type Clearable<T> = Option<Option<T>>;

/// Reads a field that is there; `null` is a value where the type has it.
///
/// # Errors
/// Those of the type.
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Sets a field of which something is said.
pub(crate) fn set<T>(field: &mut T, change: Option<T>) {
    if let Some(value) = change {
        *field = value;
    }
}

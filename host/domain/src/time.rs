//! Instants are UTC; on A's routes and in the store they are Unix seconds.

/// An instant, exact to the second wherever it is kept.
pub use jiff::Timestamp;
/// Serde for an optional instant as Unix seconds.
pub use jiff::fmt::serde::timestamp::second::optional as optional_seconds;
/// Serde for an instant as Unix seconds.
pub use jiff::fmt::serde::timestamp::second::required as seconds;

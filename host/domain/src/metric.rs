//! What is metered.

/// The metrics that every tenant has.
pub const BUILT_IN: [&str; 5] =
    ["tokens_input", "tokens_output", "requests", "images", "audio_minutes"];

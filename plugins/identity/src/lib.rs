//! The standard identity plugin: an id that a person recognises and that nobody else has.
//!
//! `Pro — Годовой` becomes `pro__godovoi_4k1x0p9z`: lowercase, spaces and hyphens as underscores, letters and
//! digits of other scripts in Latin ones, all else removed, and eight random characters.
#![forbid(unsafe_code)]

use planwright_sdk::{Identity, NoSettings, Plugin, Refusal};

/// The longest id that the catalog takes.
const MAX_LENGTH: usize = 128;
const SUFFIX_LENGTH: usize = 8;
const SUFFIX_ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// The plugin.
pub struct Standard;

impl Plugin for Standard {
    type Settings = NoSettings;
}

impl Identity for Standard {
    fn new_id(_: &NoSettings, kind: &str, name: &str, entropy: &[u8]) -> Result<String, Refusal> {
        let readable =
            [name, kind].into_iter().map(readable).find(|part| !part.is_empty()).ok_or_else(
                || {
                    Refusal::new(
                        "nothing_to_name",
                        "Neither the name nor its kind has a letter or digit; choose another name.",
                    )
                },
            )?;
        Ok(format!("{readable}_{}", suffix(entropy)?))
    }
}

/// The part that a person recognises, cut so that the suffix still fits.
fn readable(text: &str) -> String {
    let mut id: String =
        text.chars().flat_map(|c| latin(c).chars()).map(|c| c.to_ascii_lowercase()).collect();
    id.retain(|c| c.is_ascii_alphanumeric() || c == '_');
    id.truncate(MAX_LENGTH - 1 - SUFFIX_LENGTH);
    id
}

/// What stands for one character of a name: a Latin spelling (`\u{44e}` is `iu`), an underscore, or nothing.
fn latin(c: char) -> &'static str {
    match c {
        '_' | '-' => "_",
        _ if c.is_whitespace() => "_",
        _ if c.is_alphanumeric() => deunicode::deunicode_char(c).unwrap_or_default(),
        _ => "",
    }
}

/// Eight characters from 128 random bits: what dividing leaves over favours no character by more than 2^-86.
fn suffix(entropy: &[u8]) -> Result<String, Refusal> {
    let bytes = entropy.first_chunk().ok_or_else(|| {
        let message = format!(
            "An id takes 16 random bytes or more, and {} came; this is the host's to mend.",
            entropy.len()
        );
        Refusal::new("entropy_too_short", message)
    })?;
    let mut rest = u128::from_be_bytes(*bytes);
    let mut suffix = String::with_capacity(SUFFIX_LENGTH);
    for _ in 0..SUFFIX_LENGTH {
        let place = usize::try_from(rest % 36).unwrap_or_default();
        suffix.push(char::from(SUFFIX_ALPHABET[place]));
        rest /= 36;
    }
    Ok(suffix)
}

planwright_sdk::export_identity!(Standard);

#[cfg(test)]
mod tests;

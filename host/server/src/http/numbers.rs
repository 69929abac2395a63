//! Numbers of a body that do not fit: which one it is, and what would fit, in words.

use std::ops::Range;

/// What is shown of a number is no longer.
const LONGEST: usize = 40;

/// What reads an instant calls what it wants, and how it says that one is too far away.
const INSTANT: &str = "an integer number of seconds from the Unix epoch";
const TOO_FAR: &str = "is not in the required range of";

/// What a whole number has to be, by why one was refused.
pub(super) fn range(reason: &str) -> Option<String> {
    let expected = match reason.split_once(", expected ") {
        Some((_, expected)) => expected,
        None if reason.contains(TOO_FAR) => INSTANT,
        None => return None,
    };
    let of = |least: &str, most: &str| {
        format!("a whole number from {least} to {most}, written in digits")
    };
    Some(match expected {
        "u8" => of("0", &u8::MAX.to_string()),
        "u16" => of("0", &u16::MAX.to_string()),
        "u32" => of("0", &u32::MAX.to_string()),
        "u64" | "usize" => of("0", &u64::MAX.to_string()),
        "i32" => of(&i32::MIN.to_string(), &i32::MAX.to_string()),
        "i64" => of(&i64::MIN.to_string(), &i64::MAX.to_string()),
        INSTANT => of("-377705023201", "253402207200"),
        _ => return None,
    })
}

/// Whether a number fits into none that serde has.
pub(super) fn is_too_large(error: &serde_json::Error) -> bool {
    error.to_string().starts_with("number out of range")
}

/// Where the number is that an error is about: it stands right before the place that the error names.
pub(super) fn before(json: &[u8], error: &serde_json::Error) -> Option<Range<usize>> {
    let mut lines = json.split_inclusive(|byte| *byte == b'\n');
    let above: usize = lines.by_ref().take(error.line().checked_sub(1)?).map(<[u8]>::len).sum();
    let end = above.checked_add(error.column())?;
    let is_of_one = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
    let length = json.get(..end)?.iter().rev().take_while(is_of_one).count();
    let number = end - length..end;
    let is_one = json.get(number.clone())?.iter().any(u8::is_ascii_digit);
    is_one.then_some(number)
}

/// A number as it was sent, but not at any length.
pub(super) fn shown(number: &[u8]) -> String {
    let text = String::from_utf8_lossy(number);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.into_owned(),
    }
}

//! What names, texts and lists in a pack's answers may be.

use std::collections::BTreeMap;

/// The longest name of a pack or group: both are typed, and stand in addresses.
const NAME_BYTES: usize = 64;

/// What a pack says is shown back, but not at any length.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(NAME_BYTES).collect()
}

pub(crate) fn check_name(what: &str, name: &str) -> Result<(), String> {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    if (1..=NAME_BYTES).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    let shown = shown(name);
    Err(format!("{what} must be 1 to {NAME_BYTES} of a-z, 0-9, '_' and '-', not {shown:?}"))
}

pub(crate) fn check_text(what: &str, text: &str, most: usize) -> Result<(), String> {
    let fits = (1..=most).contains(&text.trim().len()) && !text.contains(char::is_control);
    if fits && text.len() <= most {
        return Ok(());
    }
    Err(format!("{what} must have 1 to {most} bytes and no control characters"))
}

pub(crate) fn check_count(what: &str, count: usize, most: usize) -> Result<(), String> {
    if count <= most { Ok(()) } else { Err(format!("{count} {what}, and {most} are allowed")) }
}

/// A list as a map, no key of which is there twice.
pub(crate) fn once_each<T>(
    entries: impl Iterator<Item = Result<(String, T), String>>,
) -> Result<BTreeMap<String, T>, String> {
    let mut map = BTreeMap::new();
    for entry in entries {
        let (key, value) = entry?;
        if map.contains_key(&key) {
            return Err(format!("'{key}' is there twice"));
        }
        map.insert(key, value);
    }
    Ok(map)
}

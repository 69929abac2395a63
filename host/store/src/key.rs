//! Keys: tuples of texts and numbers whose bytes sort as the tuples do.
//!
//! | part | bytes |
//! | --- | --- |
//! | space of the host | `01` |
//! | space of a tenant | `02`, the name as a text's bytes |
//! | text | `10`, its UTF-8 with `00` written as `00 ff`, `00 01` |
//! | number | `20`, 8 bytes, big end first |
//! | newest first | `30`, the 8 bytes of its complement |
//!
//! Every part says where it ends, so no text can reach out of its part, and the bytes of a prefix begin
//! exactly those keys that have its parts: `"ab"` is not under `"a"`, and neither is `"a\0b"`.

use std::fmt;

const HOST: u8 = 0x01;
const TENANT: u8 = 0x02;
const TEXT: u8 = 0x10;
const NUMBER: u8 = 0x20;
const NEWEST_FIRST: u8 = 0x30;
/// Above every first byte of a part, so `prefix ff` is above every key under the prefix.
const ABOVE: u8 = 0xff;

const ZERO: u8 = 0x00;
const END: u8 = 0x01;
const ESCAPED: u8 = 0xff;

/// Whose keys: the first part of every key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Space {
    /// What belongs to the whole installation, or must be found before the tenant is known.
    Host,
    /// What belongs to one tenant, by its name.
    Tenant(String),
}

/// One part of a key after its space and family.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Sorts by its bytes.
    Text(String),
    /// Sorts ascending.
    Number(u64),
    /// Sorts descending.
    NewestFirst(u64),
}

/// Where a record, a counter or a log is kept.
///
/// Keys sort by space, then family, then part by part. Records, counters and logs are kept apart: the same
/// key may name one of each.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Vec<u8>);

/// All keys that begin with certain parts; never more than one space.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Prefix(Vec<u8>);

/// Writes a [`Key`] or a [`Prefix`], part by part.
#[derive(Clone)]
pub struct KeyBuilder(Vec<u8>);

impl Key {
    /// Longest key in bytes; what other engines can still index.
    pub const MAX_BYTES: usize = 2048;

    /// Begins a key of a family ("plan", "subscription") in a space.
    pub fn in_space(space: &Space, family: &str) -> KeyBuilder {
        // Room for most keys, so that building one allocates once.
        let mut bytes = Vec::with_capacity(64);
        put_space(&mut bytes, space);
        KeyBuilder(bytes).text(family)
    }

    /// Whose key it is.
    pub fn space(&self) -> Space {
        let mut rest = &self.0[1..];
        match self.0[0] {
            HOST => Space::Host,
            _ => Space::Tenant(take_text(&mut rest).unwrap_or_default()),
        }
    }

    /// The family that the key was begun with.
    pub fn family(&self) -> String {
        match self.all_parts().into_iter().next() {
            Some(Part::Text(family)) => family,
            _ => String::new(),
        }
    }

    /// The parts after the family, as they were given to the builder.
    pub fn parts(&self) -> Vec<Part> {
        self.all_parts().into_iter().skip(1).collect()
    }

    fn all_parts(&self) -> Vec<Part> {
        let mut rest = &self.0[1..];
        if self.0[0] == TENANT {
            skip_text(&mut rest);
        }
        std::iter::from_fn(|| take_part(&mut rest)).collect()
    }

    /// The bytes under which engines store the key. They sort as keys do.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key that has these bytes, or nothing if no builder could have made them.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (space, mut rest) = bytes.split_first()?;
        match *space {
            HOST => {}
            TENANT => skip_text(&mut rest)?,
            _ => return None,
        }
        if rest.first() != Some(&TEXT) {
            return None;
        }
        while !rest.is_empty() {
            skip_part(&mut rest)?;
        }
        Some(Self(bytes.to_vec()))
    }
}

impl Prefix {
    /// Everything in a space.
    pub fn of_space(space: &Space) -> Self {
        let mut bytes = Vec::new();
        put_space(&mut bytes, space);
        Self(bytes)
    }

    /// Whether a key is under this prefix. A key with exactly the prefix's parts is.
    pub fn contains(&self, key: &Key) -> bool {
        key.0.starts_with(&self.0)
    }

    /// The least bytes a key under the prefix can have.
    pub(crate) fn first(&self) -> &[u8] {
        &self.0
    }

    /// Bytes above every key under the prefix, and below or equal to every key after it.
    pub(crate) fn end(&self) -> Vec<u8> {
        let mut end = Vec::with_capacity(self.0.len() + 1);
        end.extend_from_slice(&self.0);
        end.push(ABOVE);
        end
    }
}

impl KeyBuilder {
    /// Adds a text; texts sort by their bytes.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.0.push(TEXT);
        put_text(&mut self.0, text);
        self
    }

    /// Adds a number; small ones come first.
    #[must_use]
    pub fn number(mut self, number: u64) -> Self {
        self.0.push(NUMBER);
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// Adds a number; great ones come first.
    #[must_use]
    pub fn newest_first(mut self, number: u64) -> Self {
        self.0.push(NEWEST_FIRST);
        self.0.extend_from_slice(&(!number).to_be_bytes());
        self
    }

    /// The key with the parts so far.
    pub fn key(self) -> Key {
        Key(self.0)
    }

    /// All keys that begin with the parts so far.
    pub fn prefix(self) -> Prefix {
        Prefix(self.0)
    }
}

fn put_space(bytes: &mut Vec<u8>, space: &Space) {
    match space {
        Space::Host => bytes.push(HOST),
        Space::Tenant(name) => {
            bytes.push(TENANT);
            put_text(bytes, name);
        }
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    for &byte in text.as_bytes() {
        bytes.push(byte);
        if byte == ZERO {
            bytes.push(ESCAPED);
        }
    }
    bytes.extend_from_slice(&[ZERO, END]);
}

/// Splits a text's escaped bytes, without the end mark, off the front.
fn split_text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut at = 0;
    loop {
        at += rest[at..].iter().position(|byte| *byte == ZERO)?;
        match *rest.get(at + 1)? {
            ESCAPED => at += 2,
            END => break,
            _ => return None,
        }
    }
    let text = &rest[..at];
    *rest = &rest[at + 2..];
    Some(text)
}

/// Checks and passes over a text; allocates only for the rare one with a zero in it.
fn skip_text(rest: &mut &[u8]) -> Option<()> {
    let escaped = split_text(rest)?;
    if escaped.contains(&ZERO) {
        unescape(escaped).map(drop)
    } else {
        std::str::from_utf8(escaped).ok().map(drop)
    }
}

fn take_text(rest: &mut &[u8]) -> Option<String> {
    unescape(split_text(rest)?)
}

fn unescape(escaped: &[u8]) -> Option<String> {
    let mut bytes = escaped.iter();
    let mut text = Vec::with_capacity(bytes.len());
    while let Some(&byte) = bytes.next() {
        text.push(byte);
        if byte == ZERO {
            bytes.next();
        }
    }
    String::from_utf8(text).ok()
}

fn take_number(rest: &mut &[u8]) -> Option<u64> {
    let (number, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u64::from_be_bytes(*number))
}

fn take_part(rest: &mut &[u8]) -> Option<Part> {
    let (tag, after) = rest.split_first()?;
    *rest = after;
    match *tag {
        TEXT => take_text(rest).map(Part::Text),
        NUMBER => take_number(rest).map(Part::Number),
        NEWEST_FIRST => take_number(rest).map(|number| Part::NewestFirst(!number)),
        _ => None,
    }
}

fn skip_part(rest: &mut &[u8]) -> Option<()> {
    let (tag, after) = rest.split_first()?;
    *rest = after;
    match *tag {
        TEXT => skip_text(rest),
        NUMBER | NEWEST_FIRST => take_number(rest).map(drop),
        _ => None,
    }
}

/// `tenant acme: subscription/u-17/~42`; for people, not for parsing.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.space() {
            Space::Host => write!(f, "host: ")?,
            Space::Tenant(name) => write!(f, "tenant {}: ", name.escape_debug())?,
        }
        for (index, part) in self.all_parts().iter().enumerate() {
            if index > 0 {
                write!(f, "/")?;
            }
            match part {
                Part::Text(text) => write!(f, "{}", text.escape_debug())?,
                Part::Number(number) => write!(f, "{number}")?,
                Part::NewestFirst(number) => write!(f, "~{number}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prefix({})", Key(self.0.clone()))
    }
}

#[cfg(test)]
mod tests;

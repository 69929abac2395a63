//! The secret of an API key: `sk-` and 64 hexadecimal digits.

use sha2::{Digest, Sha256};

/// What every key begins with.
const START: &str = "sk-";

/// A text that has the shape of a key. It has no `Debug`, so that no log can hold it.
pub(crate) struct Secret(String);

impl Secret {
    /// A key of 256 bits that nobody can guess.
    pub(crate) fn from_entropy(drawn: [u8; 32]) -> Self {
        Self(format!("{START}{}", hex::encode(drawn)))
    }

    /// Reads what somebody sent, if it looks like a key at all.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(START)?;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let fits = digits.len() == 64 && digits.bytes().all(is_digit);
        fits.then(|| Self(text.to_owned()))
    }

    /// Under which the key is found.
    ///
    /// A plain hash is enough: what is hashed are 256 random bits and no password, so there is nothing to
    /// guess. Looking the hash up is constant enough, too. How long a look-up takes may tell how much of
    /// some stored hash the hash of a guess shares, and to know a hash, even whole, does not give the key.
    pub(crate) fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.0.as_bytes()))
    }

    /// For the one answer that shows it.
    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_carries_all_of_its_entropy_and_only_its_own_shape_is_read() {
        let text = Secret::from_entropy([0xab; 32]).into_text();
        assert_eq!(text, format!("sk-{}", "ab".repeat(32)));
        let shouted = text.to_uppercase();
        let longer = format!("{text}0");
        for (given, expected) in [
            (text.as_str(), true),
            (&text[3..], false),
            (&text[..66], false),
            (longer.as_str(), false),
            (shouted.as_str(), false),
            ("sk-", false),
            ("", false),
        ] {
            assert_eq!(Secret::read(given).is_some(), expected, "{given}");
        }
    }

    #[test]
    fn the_hash_is_sha_256_of_the_whole_key() {
        let secret = Secret(format!("sk-{}", "0".repeat(64)));
        let hash = secret.hash();
        assert_eq!(hash.len(), 64);
        assert_ne!(hash, Secret::from_entropy([1; 32]).hash());
        assert_eq!(hash, Secret::from_entropy([0; 32]).hash());
    }
}

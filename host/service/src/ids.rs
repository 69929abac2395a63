//! Ids of what is made: short random texts from the host's entropy.

use crate::edge::Entropy;

/// No id that is made here is longer, so nothing longer need be looked for.
pub(crate) const LONGEST: usize = 64;

/// `prefix` and 80 random bits: `sub_k3x8…`.
pub(crate) fn fresh(entropy: &dyn Entropy, prefix: &str) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let drawn = entropy.draw();
    let letters = drawn.iter().take(16).map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    std::iter::once(prefix).map(str::to_owned).chain(letters.map(String::from)).collect()
}

//! What looks random to a plugin.

use sha2::{Digest, Sha256};

/// Bytes that look random and are the same in every call of one plugin: hash tables want some, an answer
/// must not depend on them. Real randomness is an argument of the call.
pub(crate) struct Randomness {
    seed: [u8; 32],
    drawn: u64,
}

impl Randomness {
    /// More than any hash table asks for.
    const LARGEST: u64 = 4_096;

    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self { seed, drawn: 0 }
    }

    pub(crate) fn rewind(&mut self) {
        self.drawn = 0;
    }

    fn block(&mut self) -> [u8; 32] {
        self.drawn += 1;
        let mut hash = Sha256::new();
        hash.update(self.seed);
        hash.update(self.drawn.to_le_bytes());
        hash.finalize().into()
    }

    pub(crate) fn number(&mut self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.block();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    pub(crate) fn bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        if length > Self::LARGEST {
            wasmtime::bail!("a plugin gets at most {} random bytes at once", Self::LARGEST);
        }
        let length = usize::try_from(length)?;
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let block = self.block();
            let missing = length - bytes.len();
            bytes.extend_from_slice(&block[..missing.min(block.len())]);
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn randomness_is_the_same_after_a_rewind_and_bounded() {
        let mut randomness = Randomness::new([7; 32]);
        let first = randomness.bytes(40).unwrap();
        let second = randomness.bytes(40).unwrap();
        assert_eq!(first.len(), 40);
        assert_ne!(first, second);
        randomness.rewind();
        assert_eq!(randomness.bytes(40).unwrap(), first);
        assert!(randomness.bytes(Randomness::LARGEST + 1).is_err());
    }
}

//! What comes from outside and is passed in: the time and chance.

use planwright_domain::time::Timestamp;

/// Tells the time. The real one is named once, in the server; tests drive theirs by hand.
pub trait Clock: Send + Sync {
    /// The instant, to the second.
    fn now(&self) -> Timestamp;
}

/// Draws random bytes. The real one is named once, in the server; tests seed theirs.
pub trait Entropy: Send + Sync {
    /// 32 bytes that nobody can guess.
    fn draw(&self) -> [u8; 32];
}

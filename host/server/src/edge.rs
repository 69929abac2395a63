//! The one place where the real time and real chance come in.

use std::fmt::Write;

use jiff::Timestamp;
use planwright_service::edge::{Clock, Entropy};

/// The machine's clock, in UTC.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the edge")]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        // Whole seconds: what is decided on is then what is kept.
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    /// # Panics
    /// When the operating system has no randomness to give: nothing may be made without.
    #[allow(clippy::disallowed_methods, reason = "this is the edge")]
    fn draw(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the operating system gives randomness");
        bytes
    }
}

/// Bytes as lowercase hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

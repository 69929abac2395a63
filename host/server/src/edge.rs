//! The one place where the real time and real chance come in.

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

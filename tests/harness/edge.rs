//! A clock that is driven by hand, and chance from a seed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use planwright_domain::time::Timestamp;
use planwright_service::edge::{Clock, Entropy};

/// Stands still until it is moved.
#[derive(Debug)]
pub(crate) struct ManualClock(AtomicI64);

impl Default for ManualClock {
    /// 2025-02-05T08:00:00Z, the instant of the first seed document's examples.
    fn default() -> Self {
        Self(AtomicI64::new(1_738_742_400))
    }
}

impl ManualClock {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// The same bytes in the same order, every time.
#[derive(Debug)]
pub(crate) struct SeededEntropy(Mutex<fastrand::Rng>);

impl Default for SeededEntropy {
    fn default() -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(7)))
    }
}

impl Entropy for SeededEntropy {
    fn draw(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.0.lock().unwrap().fill(&mut bytes);
        bytes
    }
}

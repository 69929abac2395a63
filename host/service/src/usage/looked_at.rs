//! Which totals were looked at, so that events past a threshold cost no look each.

use planwright_domain::usage::quota_threshold::Threshold;
use planwright_store::Key;
use quick_cache::sync::Cache;

/// How many totals are known to have been looked at. One that is forgotten is looked at once more.
const MOST_LOOKED_AT: usize = 10_000;

/// Counters that this server has looked at, each with the threshold up to which there is nothing to tell.
pub(crate) struct LookedAt(Cache<Key, Threshold>);

impl Default for LookedAt {
    fn default() -> Self {
        Self(Cache::new(MOST_LOOKED_AT))
    }
}

impl LookedAt {
    pub(crate) fn has(&self, counter: &Key, reached: Threshold) -> bool {
        self.0.get(counter).is_some_and(|up_to| up_to >= reached)
    }

    pub(crate) fn add(&self, counter: &Key, reached: Threshold) {
        self.0.insert(counter.clone(), reached);
    }
}

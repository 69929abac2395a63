//! The list of what is to be compiled. It is in memory; what it holds is also in the store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use planwright_domain::plugin::Digest;
use planwright_domain::time::Timestamp;
use tokio::sync::{Notify, watch};

/// What is to be compiled, and who waits for it.
pub(crate) struct Workshop {
    list: Mutex<List>,
    pub(crate) wake: Notify,
    /// Changes with everything that is done.
    pub(crate) done: watch::Sender<u64>,
}

/// What has no native code for this server yet, as far as that is known.
#[derive(Default)]
pub(crate) struct List {
    pub(crate) wanted: BTreeSet<Digest>,
    /// Since when.
    pub(crate) under_way: BTreeMap<Digest, Timestamp>,
    /// Whether all that is in the store was looked at since the start.
    pub(crate) is_whole: bool,
}

impl List {
    pub(crate) fn holds(&self, digest: &Digest) -> bool {
        self.wanted.contains(digest) || self.under_way.contains_key(digest)
    }
}

impl Default for Workshop {
    fn default() -> Self {
        Self { list: Mutex::default(), wake: Notify::new(), done: watch::Sender::new(0) }
    }
}

impl Workshop {
    pub(crate) fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a component compiled, if it is not yet.
    pub(crate) fn want(&self, digest: Digest) {
        self.list().wanted.insert(digest);
        self.wake.notify_one();
    }

    /// What is to be begun now.
    pub(crate) fn take(&self, now: Timestamp) -> Vec<Digest> {
        let mut list = self.list();
        let mut wanted = std::mem::take(&mut list.wanted);
        wanted.retain(|digest| !list.under_way.contains_key(digest));
        list.under_way.extend(wanted.iter().map(|digest| (*digest, now)));
        wanted.into_iter().collect()
    }

    pub(crate) fn finished(&self, digest: &Digest) {
        self.list().under_way.remove(digest);
    }

    /// All that is in the store was looked at, and what is to be compiled is wanted.
    pub(crate) fn note_whole(&self) {
        self.list().is_whole = true;
    }
}

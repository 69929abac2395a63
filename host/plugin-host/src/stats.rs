//! What plugins did, in figures: of each as it was loaded, and of each component as long as the host runs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::Hook;

/// What a plugin did since it was loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PluginStats {
    /// Calls that it was given, failed ones too.
    pub calls: u64,
    /// Calls that gave no usable answer by its fault.
    pub traps: u64,
    /// Instructions that it spent, roughly; starting instances counts too.
    pub fuel: u64,
}

/// What all plugins of one component did since the host was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// What they were asked.
    pub hook: Hook,
    /// As they call themselves; `other` for those that came when there were many.
    pub name: String,
    /// The component's SHA-256, in hex; empty for the others.
    pub digest: String,
    /// What they did.
    pub stats: PluginStats,
}

/// Figures that rise.
#[derive(Default)]
pub(crate) struct Counters {
    calls: AtomicU64,
    traps: AtomicU64,
    fuel: AtomicU64,
}

impl Counters {
    pub(crate) fn stats(&self) -> PluginStats {
        PluginStats {
            calls: self.calls.load(Ordering::Relaxed),
            traps: self.traps.load(Ordering::Relaxed),
            fuel: self.fuel.load(Ordering::Relaxed),
        }
    }

    fn add(&self, more: PluginStats) {
        self.calls.fetch_add(more.calls, Ordering::Relaxed);
        self.traps.fetch_add(more.traps, Ordering::Relaxed);
        self.fuel.fetch_add(more.fuel, Ordering::Relaxed);
    }
}

/// A plugin's own figures, and those of its component.
pub(crate) struct Figures {
    pub(crate) own: Counters,
    tally: Arc<Counters>,
}

impl Figures {
    pub(crate) fn new(tally: Arc<Counters>) -> Self {
        Self { own: Counters::default(), tally }
    }

    pub(crate) fn add(&self, more: PluginStats) {
        self.own.add(more);
        self.tally.add(more);
    }
}

/// Figures by component. Their number is bounded, whatever tenants upload: the first ones have figures of their
/// own, and all others share one for each hook.
#[derive(Default)]
pub(crate) struct Tallies(Mutex<BTreeMap<(Hook, String, String), Arc<Counters>>>);

impl Tallies {
    const MOST: usize = 200;

    pub(crate) fn of(&self, hook: Hook, name: &str, digest: &str) -> Arc<Counters> {
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (hook, name.to_owned(), digest.to_owned());
        let key = if tallies.contains_key(&key) || tallies.len() < Self::MOST {
            key
        } else {
            (hook, "other".to_owned(), String::new())
        };
        Arc::clone(tallies.entry(key).or_default())
    }

    pub(crate) fn all(&self) -> Vec<Tally> {
        let tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tally =
            |((hook, name, digest), counters): (&(Hook, String, String), &Arc<Counters>)| Tally {
                hook: *hook,
                name: name.clone(),
                digest: digest.clone(),
                stats: counters.stats(),
            };
        tallies.iter().map(tally).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_one_component_add_up_and_their_number_is_bounded() {
        let tallies = Tallies::default();
        let call = PluginStats { calls: 1, traps: 0, fuel: 5 };
        for _ in 0..2 {
            Figures::new(tallies.of(Hook::Pricing, "own", "d")).add(call);
        }
        let twice = PluginStats { calls: 2, traps: 0, fuel: 10 };
        assert_eq!(tallies.all()[0].stats, twice);
        for number in 0..1_000 {
            Figures::new(tallies.of(Hook::Validation, "many", &number.to_string())).add(call);
        }
        let all = tallies.all();
        assert_eq!(all.len(), Tallies::MOST + 1);
        let other = all.iter().find(|tally| tally.name == "other").unwrap();
        assert_eq!(other.stats.calls, 1_001 - u64::try_from(Tallies::MOST).unwrap());
    }
}

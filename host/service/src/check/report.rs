//! What a check found.

use std::fmt::Display;

use serde::Serialize;

/// Two parts of the store that cannot both be right, or one that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Disagreement {
    /// The record, counter, log or space it was found at.
    pub at: String,
    /// What is wrong there, in a sentence.
    pub problem: String,
}

/// How much was walked, and what disagrees.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The host's own and each tenant's, where there is something in it.
    pub spaces: u64,
    /// Records read, index entries among them.
    pub records: u64,
    /// Counters that do not hold 0.
    pub counters: u64,
    /// Entries of logs.
    pub log_entries: u64,
    /// The first of them, in the order of the walk.
    pub disagreements: Vec<Disagreement>,
    /// How many more there are.
    pub more_disagreements: u64,
}

impl Report {
    /// A store that is broken all over need not be listed all over.
    const MOST: usize = 1000;

    /// Everything found at one place.
    pub(super) fn add(&mut self, at: &impl Display, problems: impl IntoIterator<Item = String>) {
        for problem in problems {
            if self.disagreements.len() < Self::MOST {
                self.disagreements.push(Disagreement { at: at.to_string(), problem });
            } else {
                self.more_disagreements += 1;
            }
        }
    }

    /// Whether everything agrees.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.disagreements.is_empty()
    }

    /// Everything that was looked at.
    #[must_use]
    pub fn walked(&self) -> u64 {
        self.records + self.counters + self.log_entries
    }
}

//! What usage is counted by: the numbers of the real thing, and those of the model.

use std::collections::HashMap;

use super::command::{Metric, User};
use super::model::Totals;

/// By which numbers usage is counted, and by which ones of the model: each stands for one of the other.
#[derive(Clone, Default)]
pub(super) struct Buckets {
    there: HashMap<(User, u64), u64>,
    here: HashMap<(User, u64), u64>,
}

impl Buckets {
    /// The number of the model that a real one stands for.
    pub(super) fn of(&mut self, user: User, real: u64, expected: u64) -> Result<u64, String> {
        let back = *self.here.entry((user, expected)).or_insert(real);
        if back != real {
            return Err(format!(
                "u{user} counts usage by {real}, and by {back} before: it begins at 0 again"
            ));
        }
        Ok(*self.there.entry((user, real)).or_insert(expected))
    }

    /// The real number that one of the model stands for.
    pub(super) fn real(&self, user: User, expected: u64) -> Option<u64> {
        self.here.get(&(user, expected)).copied()
    }

    /// Totals by the numbers of the model. Where nobody looked when a number was in use, what was counted by it says
    /// which one it stands for.
    pub(super) fn named(&mut self, user: User, totals: &Totals, expected: &Totals) -> Totals {
        let rows = |totals: &Totals, bucket: u64| -> Vec<(i64, Metric, i64)> {
            let of = totals.iter().filter(|((of, ..), _)| *of == bucket);
            of.map(|((_, start, metric), total)| (*start, *metric, *total)).collect()
        };
        let mut named = Totals::new();
        for ((real, start, metric), total) in totals {
            let known = self.there.get(&(user, *real)).copied().or_else(|| {
                let counted = rows(totals, *real);
                let free = expected.keys().map(|(bucket, ..)| *bucket);
                let mut free = free.filter(|bucket| !self.here.contains_key(&(user, *bucket)));
                // Some of what was counted by it may be cleared away.
                let has = |bucket: &u64| {
                    let rows = rows(expected, *bucket);
                    counted.iter().all(|row| rows.contains(row))
                };
                let found = free.find(has)?;
                self.of(user, *real, found).ok()
            });
            named.insert((known.unwrap_or(u64::MAX), *start, *metric), *total);
        }
        named
    }
}

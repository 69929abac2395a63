//! What is remembered of a user, so that no order of subscribing, leaving and coming back gives anything twice.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::plan::plan_id::PlanId;
use crate::subscription::course::Course;
use crate::time::{self, Timestamp};

/// A time that a user spent on a plan, and left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stay {
    /// On which plan.
    pub plan_id: PlanId,
    /// How many plans of the id came before it.
    pub plan_generation: u64,
    /// From when on.
    #[serde(with = "time::seconds")]
    pub since: Timestamp,
    /// When the user left.
    #[serde(with = "time::seconds")]
    pub until: Timestamp,
    /// As it was left.
    pub course: Course,
    /// Whether what was paid for the rest of it is credit since: whoever comes back buys that rest again. What was
    /// left unpaid cost nothing so far, and is not to be had for a rest.
    #[serde(default)]
    pub given_back: bool,
}

/// A user's past, as far as it matters still.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// How many usage epochs were begun. 0 is the epoch of whoever has no subscription.
    epochs: u64,
    /// Whose free days were used. By the plan's id alone: another plan of that id is no reason for more.
    trials: BTreeSet<PlanId>,
    /// The last one last.
    stays: Vec<Stay>,
}

impl History {
    /// Late usage is counted where the user was then, so stays are kept as long as usage may be late, and a day.
    const KEPT_SECONDS: i64 = 36 * 24 * 60 * 60;
    /// More are forgotten, the oldest first, but for the last one on each plan.
    const MOST_STAYS: usize = 64;

    /// A number that no usage was counted by.
    #[must_use]
    pub fn new_epoch(&mut self) -> u64 {
        self.epochs += 1;
        self.epochs
    }

    /// How many usage epochs were begun.
    #[must_use]
    pub fn epochs(&self) -> u64 {
        self.epochs
    }

    /// Whether the user has had the plan's free days.
    #[must_use]
    pub fn has_tried(&self, plan: &PlanId) -> bool {
        self.trials.contains(plan)
    }

    /// The user has the plan's free days, once.
    pub fn note_trial(&mut self, plan: &PlanId) {
        self.trials.insert(plan.clone());
    }

    /// What the user had left of a plan at an instant and could go on with.
    #[must_use]
    pub fn open_course(&self, plan: &PlanId, generation: u64, now: Timestamp) -> Option<&Course> {
        self.open_stay(plan, generation, now).map(|stay| &stay.course)
    }

    /// The stay that it was left with.
    #[must_use]
    pub fn open_stay(&self, plan: &PlanId, generation: u64, now: Timestamp) -> Option<&Stay> {
        let is_its = |stay: &&Stay| {
            stay.plan_id == *plan && stay.plan_generation == generation && stay.until <= now
        };
        let last = self.stays.iter().rev().find(is_its)?;
        Some(last).filter(|stay| stay.course.is_open(now))
    }

    /// Where the user was at an instant, of those that were left.
    #[must_use]
    pub fn stay_at(&self, t: Timestamp) -> Option<&Stay> {
        self.stays.iter().rev().find(|stay| stay.since <= t && t < stay.until)
    }

    /// The stays that are remembered, the last one last.
    #[must_use]
    pub fn stays(&self) -> &[Stay] {
        &self.stays
    }

    /// Remembers a stay, and forgets those that matter no longer.
    pub fn note_stay(&mut self, stay: Stay) {
        let now = stay.until;
        let since = now.as_second().saturating_sub(Self::KEPT_SECONDS);
        let since = Timestamp::from_second(since).unwrap_or(Timestamp::MIN);
        self.stays.push(stay);
        // When each plan was left the next time.
        let mut next = BTreeMap::new();
        let mut kept: Vec<Stay> = Vec::new();
        for stay in std::mem::take(&mut self.stays).into_iter().rev() {
            let plan = (stay.plan_id.clone(), stay.plan_generation);
            // What was left before on the same plan is not to be found again behind what was left last, but for usage
            // that comes late.
            let left_again = next.insert(plan, stay.until);
            let is_last = left_again.is_none_or(|left_again| since < left_again);
            if since < stay.until || (is_last && stay.course.is_open(since)) {
                kept.push(stay);
            }
        }
        kept.reverse();
        self.stays = kept;
        while self.stays.len() > Self::MOST_STAYS {
            let Some(at) = self.oldest_that_is_not_the_last_of_its_plan() else { return };
            self.stays.remove(at);
        }
    }

    fn oldest_that_is_not_the_last_of_its_plan(&self) -> Option<usize> {
        let of = |stay: &Stay| (stay.plan_id.clone(), stay.plan_generation);
        self.stays.iter().enumerate().position(|(at, stay)| {
            self.stays.iter().skip(at + 1).any(|later| of(later) == of(stay))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::period::Interval;

    const DAY: i64 = 86_400;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(day * DAY).unwrap()
    }

    fn stay(plan: &str, since: i64, until: i64, epoch: u64) -> Stay {
        let course = Course::unpaid(at(since), at(since), Interval::Month, epoch).unwrap();
        let plan_id = PlanId::new(plan).unwrap();
        let (since, until) = (at(since), at(until));
        Stay { plan_id, plan_generation: 0, since, until, course, given_back: false }
    }

    #[test]
    fn a_course_is_open_until_its_window_ends_and_the_last_one_counts() {
        let pro = PlanId::new("pro").unwrap();
        let mut history = History::default();
        history.note_stay(stay("pro", 0, 5, 1));
        history.note_stay(stay("free", 5, 6, 2));
        history.note_stay(stay("pro", 6, 8, 3));
        let epoch = |t| history.open_course(&pro, 0, at(t)).map(|course| course.usage_epoch);
        // Day 6 is 7 January 1970: its window ends on 7 February.
        for (t, expected) in [(8, Some(3)), (36, Some(3)), (37, None)] {
            assert_eq!(epoch(t), expected, "day {t}");
        }
        assert!(history.open_course(&pro, 1, at(8)).is_none(), "another plan of that id");
        let place = |t| history.stay_at(at(t)).map(|stay| stay.course.usage_epoch);
        for (t, expected) in [(0, Some(1)), (5, Some(2)), (7, Some(3)), (8, None)] {
            assert_eq!(place(t), expected, "day {t}");
        }
    }

    #[test]
    fn what_was_left_twice_is_as_it_was_left_last_however_long_ago() {
        let pro = PlanId::new("pro").unwrap();
        let mut history = History::default();
        let mut paid = stay("pro", 0, 5, 1);
        paid.course.paid_until = at(365);
        history.note_stay(paid);
        history.note_stay(stay("pro", 6, 8, 1));
        for day in [50, 100, 150] {
            history.note_stay(stay("free", day, day, 2));
            assert!(history.open_course(&pro, 0, at(day)).is_none(), "day {day}");
        }
    }

    #[test]
    fn what_was_left_last_by_an_instant_is_found_as_long_as_usage_may_be_late() {
        let pro = PlanId::new("pro").unwrap();
        for (left_again, later, found) in [(45, 45, true), (45, 81, false), (300, 300, true)] {
            let mut history = History::default();
            let mut paid = stay("pro", 0, 5, 1);
            paid.course.paid_until = at(290);
            history.note_stay(paid);
            history.note_stay(stay("pro", left_again - 1, left_again, 2));
            history.note_stay(stay("free", later, later, 3));
            let then = history.open_course(&pro, 0, at(left_again - 20));
            let epoch = then.map(|course| course.usage_epoch);
            assert_eq!(epoch, found.then_some(1), "left again on day {left_again}, day {later}");
        }
        // Also where it was over before anything else was.
        let mut history = History::default();
        history.note_stay(stay("pro", 0, 5, 1));
        history.note_stay(stay("free", 50, 60, 2));
        assert!(history.open_course(&pro, 0, at(30)).is_some());
    }

    #[test]
    fn stays_are_forgotten_when_they_matter_no_longer_and_never_the_last_of_a_plan_that_is_open() {
        let mut history = History::default();
        history.note_stay(stay("pro", 0, 1, 1));
        history.note_stay(stay("free", 1, 66, 2));
        assert_eq!(history.stays().len(), 2, "its window was over on day 31, 35 days before");
        history.note_stay(stay("free", 66, 67, 2));
        assert_eq!(history.stays().len(), 2, "36 days before");
        let pro = PlanId::new("pro").unwrap();
        history.note_stay(stay("pro", 67, 68, 3));
        for _ in 0..100 {
            history.note_stay(stay("free", 68, 68, 4));
        }
        assert_eq!(history.stays().len(), History::MOST_STAYS);
        assert!(history.open_course(&pro, 0, at(69)).is_some());
    }
}

//! Billing windows: the windows in which something was metered or charged, until a statement says what it comes to.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::period::Window;
use crate::statement::closed_window::{Closed, Metered};
use crate::statement::segment::{Quantities, Segment, billable};
use crate::time::Timestamp;
use crate::usage::Limit;
use crate::usage::metric::Metric;

/// Pauses between two attempts to write a statement, in seconds; the last one goes on.
const PAUSES: [i64; 6] = [60, 300, 1_800, 7_200, 21_600, 86_400];

/// A window that is to be closed by a statement, or was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingWindow {
    /// What usage counts in.
    pub window: Window,
    /// What plans allowed of metered metrics when they were last used; nothing where there was no quota.
    pub limits: BTreeMap<Metric, Limit>,
    /// What of the price catalog its usage is still to be billed by. It is not deleted meanwhile.
    #[serde(default)]
    pub rests_on: Priced,
    /// How far it has come.
    pub state: WindowState,
}

/// What of the price catalog usage is billed by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Priced {
    /// The billing plans that metered it.
    pub billing_plans: BTreeSet<u64>,
    /// The regions that it was used in, where that was known.
    pub regions: BTreeSet<u64>,
}

/// How far a billing window has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowState {
    /// It is not billed yet.
    Open {
        /// The last attempt, if there was one.
        failed: Option<FailedAttempt>,
    },
    /// It is billed.
    Closed(Closed),
}

/// An attempt to write a statement that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAttempt {
    /// The statement that says why, and that will be written once it succeeds.
    pub statement_id: String,
    /// How many attempts failed.
    pub attempts: usize,
    /// When it is tried again.
    #[serde(with = "crate::time::seconds")]
    pub again_at: Timestamp,
}

impl Priced {
    /// Whether a segment's billing plan and region are among it.
    #[must_use]
    pub fn has(&self, segment: &Segment) -> bool {
        let Segment { billing_plan_id, region_id, .. } = segment;
        self.billing_plans.contains(billing_plan_id)
            && (*region_id == 0 || self.regions.contains(region_id))
    }
}

impl BillingWindow {
    /// One that was not there before.
    #[must_use]
    pub fn open(window: Window) -> Self {
        let state = WindowState::Open { failed: None };
        Self { window, limits: BTreeMap::new(), rests_on: Priced::default(), state }
    }

    /// Whether it is not billed yet.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, WindowState::Open { .. })
    }

    /// The attempt that failed, if there was one.
    #[must_use]
    pub fn failed_attempt(&self) -> Option<&FailedAttempt> {
        match &self.state {
            WindowState::Open { failed } => failed.as_ref(),
            WindowState::Closed(_) => None,
        }
    }

    /// Notes what a plan allows of a metric. Of what was billed it is what was allowed then.
    pub fn note_limit(&mut self, metric: &Metric, limit: Limit) {
        if let WindowState::Closed(closed) = &self.state
            && closed.billed.iter().any(|billed| billed.segment.metric == *metric)
        {
            return;
        }
        if limit.quota.is_none() {
            self.limits.remove(metric);
        } else if self.limits.get(metric) != Some(&limit) {
            self.limits.insert(metric.clone(), limit);
        }
    }

    /// Notes where something was used and by whose prices.
    pub fn note_segment(&mut self, segment: &Segment) {
        self.rests_on.billing_plans.insert(segment.billing_plan_id);
        self.rests_on.regions.extend(Some(segment.region_id).filter(|id| *id != 0));
    }

    /// The same once all that was used is billed.
    #[must_use]
    pub fn closed(self, closed: Closed) -> Self {
        Self { rests_on: Priced::default(), state: WindowState::Closed(closed), ..self }
    }

    /// When a statement is to be written; nothing once it was.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        match &self.state {
            WindowState::Open { failed: None } => Some(self.window.end),
            WindowState::Open { failed: Some(failed) } => Some(failed.again_at),
            WindowState::Closed(_) => None,
        }
    }

    /// The same after an attempt that failed.
    #[must_use]
    pub fn failed(self, statement_id: String, now: Timestamp) -> Self {
        let attempts = self.failed_attempt().map_or(0, |failed| failed.attempts) + 1;
        let pause = PAUSES[attempts.min(PAUSES.len()) - 1];
        let again = now.as_second().saturating_add(pause);
        // The calendar ends, and nothing is tried behind it.
        let again_at = Timestamp::from_second(again).unwrap_or(Timestamp::MAX);
        let failed = Some(FailedAttempt { statement_id, attempts, again_at });
        Self { state: WindowState::Open { failed }, ..self }
    }

    /// What is to be billed of an open window: something or nothing of each segment.
    #[must_use]
    pub fn to_bill(&self, metered: &Metered) -> Quantities {
        billable(&metered.counted, &self.limits, &metered.totals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing_plan::PhaseType;
    use crate::statement::closed_window::tests::metered;
    use crate::statement::segment::tests::segment;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_statement_is_tried_again_in_growing_pauses() {
        let mut window = BillingWindow::open(Window { start: at(0), end: at(1_000) });
        assert_eq!(window.due_at(), Some(at(1_000)));
        let mut now = 1_000;
        for (attempt, pause) in
            [60, 300, 1_800, 7_200, 21_600, 86_400, 86_400].into_iter().enumerate()
        {
            window = window.failed("sta".to_owned(), at(now));
            assert_eq!(window.due_at(), Some(at(now + pause)), "attempt {attempt}");
            now += pause;
        }
        assert_eq!(window.closed(Closed::default()).due_at(), None);
        let last = BillingWindow::open(Window { start: at(0), end: at(1_000) });
        let last = last.failed("sta".to_owned(), Timestamp::MAX);
        assert_eq!(last.due_at(), Some(Timestamp::MAX));
    }

    #[test]
    fn a_limit_is_what_was_noted_last() {
        let mut window = BillingWindow::open(Window { start: at(0), end: at(1_000) });
        let metric = Metric::named("cpu");
        for (quota, expected) in [(Some(5), Some(5)), (Some(7), Some(7)), (None, None)] {
            window.note_limit(&metric, Limit { quota, is_billed: true });
            assert_eq!(window.limits.get(&metric).and_then(|limit| limit.quota), expected);
        }
    }

    #[test]
    fn what_was_billed_keeps_the_limit_that_it_was_billed_by() {
        let metered = metered(&[(PhaseType::Final, "60")]);
        let closed = Closed::default().adjusted(&metered, &BTreeMap::new());
        let mut window = BillingWindow::open(Window { start: at(0), end: at(1_000) });
        let blocked = Limit { quota: Some(50), is_billed: false };
        window.note_limit(&Metric::named("cpu"), blocked);
        let mut window = window.closed(closed);
        for (metric, expected) in
            [("cpu", blocked), ("memory", Limit { quota: Some(7), is_billed: true })]
        {
            window.note_limit(&Metric::named(metric), Limit { quota: Some(7), is_billed: true });
            assert_eq!(window.limits[&Metric::named(metric)], expected);
        }
    }

    #[test]
    fn a_window_rests_on_what_prices_it_until_it_is_billed() {
        let mut window = BillingWindow::open(Window { start: at(0), end: at(1_000) });
        for region in [2, 0, 2, 1] {
            window.note_segment(&segment("cpu", PhaseType::Final, region));
        }
        let expected = Priced { billing_plans: [1].into(), regions: [1, 2].into() };
        assert_eq!(window.rests_on, expected);
        for (region, has) in [(0, true), (1, true), (3, false)] {
            assert_eq!(expected.has(&segment("cpu", PhaseType::Final, region)), has, "{region}");
        }
        let failed = window.failed("sta".to_owned(), at(1_000));
        assert_eq!(failed.rests_on, expected, "it is to be billed still");
        let mut closed = failed.closed(Closed::default());
        assert_eq!(closed.rests_on, Priced::default());
        // Usage that comes late is to be billed, too.
        closed.note_segment(&segment("cpu", PhaseType::Final, 2));
        assert_eq!(closed.rests_on.regions, [2].into());
    }
}

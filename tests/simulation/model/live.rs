//! A subscription that goes on, and stays on plans that were left.

use super::super::calendar::Window;
use super::Seen;
use super::course::Course;
use super::shop::{Plan, PlanKey};

#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) plan: PlanKey,
    pub(super) since: i64,
    pub(super) version: u64,
    pub(super) course: Course,
    /// The last instant at which something was worked.
    pub(super) at: i64,
    pub(super) ends: bool,
    pub(super) pending: Option<PlanKey>,
    pub(super) grace_until: Option<i64>,
    /// Whose quotas hold while this plan is not paid.
    pub(super) instead: Option<(PlanKey, Course)>,
    pub(super) created_at: i64,
}

/// A time on a plan, and what waits for whoever comes back.
#[derive(Clone, Debug)]
pub(super) struct Stay {
    pub(super) plan: PlanKey,
    pub(super) since: i64,
    pub(super) until: i64,
    pub(super) course: Course,
    /// The last instant that the course was worked at.
    pub(super) at: i64,
    pub(super) given_back: bool,
}

impl Live {
    pub(super) fn begun(plan: &Plan, course: Course, now: i64) -> Self {
        Self {
            plan: plan.key,
            since: now,
            version: plan.version,
            course,
            at: now,
            ends: false,
            pending: None,
            grace_until: None,
            instead: None,
            created_at: now,
        }
    }

    /// The same subscription to another plan, or on another course.
    pub(super) fn to(&self, plan: &Plan, course: Course, now: i64) -> Self {
        Self { created_at: self.created_at, ..Self::begun(plan, course, now) }
    }

    pub(super) fn status(&self) -> &'static str {
        if self.course.is_trial(self.at) {
            "trialing"
        } else if self.course.is_paid(self.at) {
            "active"
        } else {
            "past_due"
        }
    }

    pub(super) fn seen(&self) -> Seen {
        Seen {
            plan: self.plan.no,
            version: self.version,
            status: self.status(),
            window: self.course.window(self.at),
            anchor: self.course.anchor,
            paid_until: self.course.paid_until,
            ends: self.ends,
            canceled_at: None,
            trial_end: self.course.trial.map(|(_, end): Window| end),
            pending: self.pending.map(|pending| pending.no),
            created_at: self.created_at,
        }
    }
}

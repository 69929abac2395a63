//! A subscription's life: every transition consumes it as it was and gives it as it is then. What time brings by
//! itself is in `turn`.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::money::Currency;
use crate::period::{self, Interval, Window};
use crate::plan::Plan;
use crate::plan::plan_id::PlanId;
use crate::refusal::Refusal;
use crate::subscription::course::{Course, Paid};
use crate::subscription::history::Stay;
use crate::subscription::{Status, Subscription};
use crate::time::{self, Timestamp};

/// A plan that somebody subscribes to, and how many plans of its id came before it.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// As it is now.
    pub plan: &'a Plan,
    /// Tells it from others that had the id.
    pub generation: u64,
}

/// Names a plan for good: its id may be used again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanKey {
    /// The plan's.
    pub id: PlanId,
    /// How many plans of the id came before it.
    pub generation: u64,
}

/// A plan whose quotas hold, and the course that they count on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Governing {
    /// Which plan.
    pub plan: PlanKey,
    /// Its windows, and what usage is counted by.
    pub course: Course,
}

/// When a change of plan takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// At once, if nothing is due for it.
    Now,
    /// When what is paid is over.
    PeriodEnd,
}

/// A subscription with what only the house knows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// As answers show it.
    pub subscription: Subscription,
    /// Tells its plan from others that had the id.
    pub plan_generation: u64,
    /// The same for the pending plan.
    pub pending_generation: Option<u64>,
    /// Since when it is to this plan, on this course.
    #[serde(with = "time::seconds")]
    pub since: Timestamp,
    /// See [`Course`], as for the next three.
    pub interval: Interval,
    #[allow(missing_docs, reason = "documented on Course")]
    pub usage_epoch: u64,
    #[allow(missing_docs, reason = "documented on Course")]
    pub trial: Option<Window>,
    #[allow(missing_docs, reason = "documented on Course")]
    pub paid: Vec<Paid>,
    /// When a subscription that is past due ends, if nothing is paid.
    #[serde(with = "time::optional_seconds")]
    pub grace_until: Option<Timestamp>,
    /// What holds while a plan that it was changed to is not paid: nobody has a dearer plan for the days of grace,
    /// nor the old one's quotas once more.
    pub governed_by: Option<Governing>,
}

impl Held {
    /// Begins on a course that covers now.
    #[must_use]
    pub fn begin(
        id: String,
        user_id: &str,
        offer: Offer<'_>,
        course: Course,
        now: Timestamp,
    ) -> Self {
        let subscription = Subscription {
            id,
            user_id: user_id.to_owned(),
            plan_id: offer.plan.id.clone(),
            plan_version: offer.plan.version,
            status: Status::Active,
            current_period_start: now,
            current_period_end: now,
            anchor: now,
            paid_until: now,
            cancel_at_period_end: false,
            canceled_at: None,
            trial_end: None,
            pending_plan_id: None,
            metadata: BTreeMap::new(),
            created_at: now,
            updated_at: now,
        };
        let begun = Self {
            subscription,
            plan_generation: offer.generation,
            pending_generation: None,
            since: now,
            interval: course.interval,
            usage_epoch: course.usage_epoch,
            trial: None,
            paid: Vec::new(),
            grace_until: None,
            governed_by: None,
        };
        begun.on(course, now)
    }

    /// Its windows, and what is paid of them.
    #[must_use]
    pub fn course(&self) -> Course {
        let subscription = &self.subscription;
        Course {
            anchor: subscription.anchor,
            interval: self.interval,
            usage_epoch: self.usage_epoch,
            window: self.window(),
            trial: self.trial,
            paid_until: subscription.paid_until,
            paid: self.paid.clone(),
        }
    }

    /// The window that quotas count in.
    #[must_use]
    pub fn window(&self) -> Window {
        let Subscription { current_period_start: start, current_period_end: end, .. } =
            self.subscription;
        Window { start, end }
    }

    /// The plan whose quotas hold, and where they count.
    #[must_use]
    pub fn governing(&self) -> Governing {
        let own = || Governing { plan: self.plan(), course: self.course() };
        self.governed_by.clone().unwrap_or_else(own)
    }

    /// The plan that it is to.
    #[must_use]
    pub fn plan(&self) -> PlanKey {
        PlanKey { id: self.subscription.plan_id.clone(), generation: self.plan_generation }
    }

    /// The instant at which time next brings something, if it is live.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        let end = self.subscription.current_period_end;
        match self.subscription.status {
            Status::Canceled => None,
            Status::Trialing | Status::Active => Some(end),
            Status::PastDue => Some(self.grace_until.map_or(end, |grace| grace.min(end))),
        }
    }

    /// Ends now. What is paid stays with the course, for whoever comes back.
    #[must_use]
    pub fn canceled(self, at: Timestamp) -> (Self, Stay) {
        let Governing { plan, course } = self.left(at);
        let stay = self.stay(plan, course, at, false);
        let subscription = Subscription {
            status: Status::Canceled,
            canceled_at: Some(at),
            pending_plan_id: None,
            updated_at: at,
            ..self.subscription
        };
        let ended = Self {
            subscription,
            pending_generation: None,
            grace_until: None,
            governed_by: None,
            ..self
        };
        (ended, stay)
    }

    /// Ends with the paid time, or goes on after all. Nothing changes if that is so already.
    #[must_use]
    pub fn ending(mut self, ends: bool, now: Timestamp) -> Self {
        if self.subscription.cancel_at_period_end != ends {
            self.subscription.cancel_at_period_end = ends;
            self.subscription.updated_at = now;
        }
        self
    }

    /// Goes on with another plan when the paid time is over, or with its own after all. Whoever says how to go on
    /// does not want to leave.
    #[must_use]
    pub fn changing_later(self, offer: Offer<'_>, now: Timestamp) -> Self {
        let (id, generation) = if self.is_to(offer) {
            (None, None)
        } else {
            (Some(offer.plan.id.clone()), Some(offer.generation))
        };
        let mut held = self.ending(false, now);
        if (&held.subscription.pending_plan_id, held.pending_generation) != (&id, generation) {
            held.subscription.pending_plan_id = id;
            held.pending_generation = generation;
            held.subscription.updated_at = now;
        }
        held
    }

    /// Goes on with another plan, or another course, from now on. What was paid for the old one behind `given_back`
    /// is credit now.
    ///
    /// # Errors
    /// The calendar ends with the year 9999.
    pub fn switched(
        self,
        offer: Offer<'_>,
        course: Course,
        at: Timestamp,
        given_back: Option<Timestamp>,
    ) -> Result<(Self, Stay), Refusal> {
        let Governing { plan, course: left } = self.left(at);
        let left = match given_back {
            Some(from) => left.given_back(from)?,
            None => left,
        };
        let stay = self.stay(plan, left, at, given_back.is_some());
        let subscription = Subscription {
            plan_id: offer.plan.id.clone(),
            plan_version: offer.plan.version,
            cancel_at_period_end: false,
            pending_plan_id: None,
            ..self.subscription
        };
        let switched = Self {
            subscription,
            plan_generation: offer.generation,
            pending_generation: None,
            since: at,
            governed_by: None,
            ..self
        };
        Ok((switched.on(course, at), stay))
    }

    /// Paid for some windows more. Whoever pays goes on, and a grace that is over with it is forgotten.
    ///
    /// # Errors
    /// The calendar ends with the year 9999.
    pub fn renewed(
        self,
        windows: u32,
        amount: Decimal,
        currency: Currency,
        grace_days: u32,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let mut course = self.course();
        let from = course.paid_until;
        for _ in 0..windows {
            course = course.renewed(Decimal::ZERO, currency)?;
        }
        if amount > Decimal::ZERO {
            let window = Window { start: from, end: course.paid_until };
            course.paid.push(Paid { amount, currency, window });
        }
        let paid = Self { governed_by: None, ..self }.ending(false, now);
        let mut renewed = paid.on(course.at(now)?, now);
        if renewed.subscription.status == Status::PastDue {
            let paid_until = renewed.subscription.paid_until;
            renewed.grace_until = Some(period::days_after(paid_until, grace_days)?);
        }
        Ok(renewed)
    }

    /// Whether it is to this very plan.
    #[must_use]
    pub fn is_to(&self, offer: Offer<'_>) -> bool {
        self.subscription.plan_id == offer.plan.id && self.plan_generation == offer.generation
    }

    /// The same on a course, as it stands at an instant.
    pub(crate) fn on(mut self, course: Course, at: Timestamp) -> Self {
        let subscription = &mut self.subscription;
        subscription.status = if course.is_trial(at) {
            Status::Trialing
        } else if course.covers(at) {
            Status::Active
        } else {
            Status::PastDue
        };
        if subscription.status != Status::PastDue {
            self.grace_until = None;
        }
        subscription.current_period_start = course.window.start;
        subscription.current_period_end = course.window.end;
        subscription.anchor = course.anchor;
        subscription.paid_until = course.paid_until;
        subscription.trial_end = course.trial.map(|trial| trial.end);
        subscription.updated_at = at;
        self.interval = course.interval;
        self.usage_epoch = course.usage_epoch;
        self.trial = course.trial;
        self.paid = course.paid;
        self
    }

    /// The same without a plan to go on with that is not there any more.
    #[must_use]
    pub fn without_pending(mut self) -> Self {
        self.subscription.pending_plan_id = None;
        self.pending_generation = None;
        self
    }

    pub(crate) fn governed_until_paid(mut self, by: Governing) -> Self {
        self.governed_by = Some(by);
        self
    }

    /// What is left: the plan that was had, not one that was never paid.
    fn left(&self, at: Timestamp) -> Governing {
        let mut left = self.governing();
        if self.governed_by.is_some() {
            // Its windows went on beside those of the other plan.
            left.course = left.course.clone().at(at).unwrap_or(left.course);
        }
        left
    }

    fn stay(&self, plan: PlanKey, course: Course, until: Timestamp, given_back: bool) -> Stay {
        Stay {
            plan_id: plan.id,
            plan_generation: plan.generation,
            since: self.since,
            until,
            course,
            given_back,
        }
    }
}

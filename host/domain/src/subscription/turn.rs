//! What time brings to a subscription: free days end, windows turn, the paid time runs out, grace ends. Each step
//! happens at its own instant, however late it is worked.
//!
//! While the paid time lasts, windows only turn. When it is over, the subscription ends if that was asked for, or
//! goes on with the pending plan, or with its own: for nothing where nothing is due, from the user's credit where
//! that is enough, and else past due for some days of grace.

use rust_decimal::Decimal;

use crate::period::{self, Window};
use crate::refusal::Refusal;
use crate::subscription::Status;
use crate::subscription::course::Course;
use crate::subscription::history::Stay;
use crate::subscription::life::{Held, Offer};
use crate::time::Timestamp;

/// What has to be known to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// What a renewal costs; the window is the first that is not paid.
    Renewal(Window),
    /// What the pending plan costs from an instant on.
    Change(Timestamp),
}

/// How a subscription goes on when its paid time is over.
#[derive(Clone, Debug)]
pub struct Onward<'a> {
    /// With which plan: the pending one, or its own.
    pub offer: Offer<'a>,
    /// The pending plan's course; its own goes on.
    pub course: Option<Course>,
    /// What the plan costs for a window; nothing where it has no price that could be paid.
    pub fee: Option<Decimal>,
    /// What the user has in the plan's currency.
    pub credit: Decimal,
    /// How long it waits for a payment.
    pub grace_days: u32,
}

/// A step that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When it was due.
    pub at: Timestamp,
    /// What it was.
    pub kind: EventKind,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Another window began inside the paid time or the grace.
    Turned,
    /// It goes on, for nothing or from credit; many free windows in a row are one event.
    Renewed,
    /// It goes on with the pending plan.
    Changed,
    /// A payment is missing.
    PastDue,
    /// It is over.
    Ended,
}

/// Time that credit bought: windows in a row, for the same fee each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bought {
    /// All of it.
    pub window: Window,
    /// How many windows it is.
    pub windows: u32,
    /// What each of them cost: more than 0.
    pub fee: Decimal,
}

/// A subscription after what was due.
#[derive(Clone, Debug)]
pub struct Worked {
    /// As it is then.
    pub held: Held,
    /// What credit was used up for.
    pub bought: Option<Bought>,
    /// What was left on the way.
    pub stays: Vec<Stay>,
    /// The steps in order.
    pub events: Vec<Event>,
}

impl Held {
    /// Whether something is due.
    #[must_use]
    pub fn is_behind(&self, now: Timestamp) -> bool {
        self.next_due().is_some_and(|due| due <= now)
    }

    /// What has to be known to work what is due. Nothing, if only windows turn or it ends.
    ///
    /// # Errors
    /// The calendar ends with the year 9999.
    pub fn needs(&self, now: Timestamp) -> Result<Option<Need>, Refusal> {
        let subscription = &self.subscription;
        let is_asked_to_end = subscription.cancel_at_period_end;
        let is_asked_to_change = subscription.pending_plan_id.is_some();
        let end = subscription.current_period_end;
        let over = match (subscription.status, self.grace_until) {
            (Status::Canceled, _) => return Ok(None),
            (Status::PastDue, Some(grace))
                if grace <= end || !(is_asked_to_end || is_asked_to_change) =>
            {
                return (grace <= now).then(|| self.unpaid().map(Need::Renewal)).transpose();
            }
            _ => end.max(subscription.paid_until),
        };
        if over > now || is_asked_to_end {
            return Ok(None);
        }
        if is_asked_to_change {
            return Ok(Some(Need::Change(over)));
        }
        self.unpaid().map(Need::Renewal).map(Some)
    }

    /// The first window that is not paid.
    fn unpaid(&self) -> Result<Window, Refusal> {
        let subscription = &self.subscription;
        period::window_at(subscription.anchor, self.interval, subscription.paid_until)
    }

    /// Works what is due, up to and with a change of plan; what follows one needs another answer. Without
    /// `onward` it goes as far as none is needed.
    ///
    /// # Errors
    /// The calendar ends with the year 9999.
    pub fn worked(self, now: Timestamp, onward: Option<&Onward<'_>>) -> Result<Worked, Refusal> {
        let mut worked = Worked { held: self, bought: None, stays: Vec::new(), events: Vec::new() };
        while let Some(at) = worked.held.next_due().filter(|due| *due <= now) {
            let subscription = &worked.held.subscription;
            let is_grace_end = worked.held.grace_until == Some(at);
            let is_paid = at < subscription.paid_until;
            if is_paid || (subscription.status == Status::PastDue && is_plain_turn(&worked, at)) {
                worked = worked.turned(at)?;
            } else if subscription.cancel_at_period_end && !is_grace_end {
                worked = worked.ended(at);
            } else {
                let Some(onward) = onward else { return Ok(worked) };
                if onward.course.is_some() && !is_grace_end {
                    return worked.changed(at, onward);
                }
                if subscription.pending_plan_id.is_some() && !is_grace_end {
                    // What is known is what its own plan costs, and it goes on with another one.
                    return Ok(worked);
                }
                worked = worked.went_on(at, now, onward)?;
            }
        }
        Ok(worked)
    }
}

/// In grace windows turn, too, unless something was asked for at their end.
fn is_plain_turn(worked: &Worked, at: Timestamp) -> bool {
    let subscription = &worked.held.subscription;
    worked.held.grace_until != Some(at)
        && !subscription.cancel_at_period_end
        && subscription.pending_plan_id.is_none()
}

impl Worked {
    /// How much credit was used up.
    #[must_use]
    pub fn spent(&self) -> Decimal {
        self.bought.map_or(Decimal::ZERO, |bought| bought.fee * Decimal::from(bought.windows))
    }

    /// A window more from credit.
    fn buy(&mut self, window: Window, fee: Decimal) {
        let start = self.bought.map_or(window.start, |before| before.window.start);
        let windows = self.bought.map_or(0, |before| before.windows) + 1;
        self.bought = Some(Bought { window: Window { start, end: window.end }, windows, fee });
    }

    fn turned(self, at: Timestamp) -> Result<Self, Refusal> {
        let course = self.held.course().at(at)?;
        Ok(self.with(at, EventKind::Turned, |held| held.on(course, at)))
    }

    fn ended(mut self, at: Timestamp) -> Self {
        let (held, stay) = self.held.canceled(at);
        self.held = held;
        self.stays.push(stay);
        self.events.push(Event { at, kind: EventKind::Ended });
        self
    }

    /// With its own plan.
    fn went_on(
        mut self,
        at: Timestamp,
        now: Timestamp,
        onward: &Onward<'_>,
    ) -> Result<Self, Refusal> {
        let was_past_due = self.held.subscription.status == Status::PastDue;
        let currency = onward.offer.plan.currency;
        let course = self.own_course(at, onward)?;
        let (windows, _) = course.owed(at)?;
        let rest = onward.credit - self.spent();
        let is_covered = |fee: &Decimal| {
            fee.checked_mul(Decimal::from(windows)).is_some_and(|cost| cost <= rest)
        };
        match onward.fee.filter(is_covered) {
            Some(fee) if fee.is_zero() => {
                // All free windows at once, however many there were; but no further than to what was asked for.
                let subscription = &self.held.subscription;
                let is_asked =
                    subscription.cancel_at_period_end || subscription.pending_plan_id.is_some();
                let mut course = course.at(if is_asked { at } else { now })?;
                course.paid_until = course.window.end;
                Ok(self.paid(at, course))
            }
            Some(fee) => {
                let mut course = course;
                for _ in 0..windows {
                    let start = course.paid_until;
                    course = course.renewed(fee, currency)?;
                    self.buy(Window { start, end: course.paid_until }, fee);
                }
                let course = course.at(at)?;
                Ok(self.paid(at, course))
            }
            None if was_past_due => Ok(self.ended(at)),
            None => {
                let course = course.at(at)?;
                let grace_until = period::days_after(at, onward.grace_days)?;
                Ok(self.with(at, EventKind::PastDue, |held| Held {
                    grace_until: Some(grace_until),
                    ..held.on(course, at)
                }))
            }
        }
    }

    fn paid(self, at: Timestamp, course: Course) -> Self {
        self.with(at, EventKind::Renewed, |held| Held { governed_by: None, ..held.on(course, at) })
    }

    /// A plan whose interval is another one now goes on with that from the end of what is paid.
    fn own_course(&self, at: Timestamp, onward: &Onward<'_>) -> Result<Course, Refusal> {
        let course = self.held.course();
        if onward.offer.plan.interval == course.interval {
            return Ok(course);
        }
        Course::unpaid(at, at, onward.offer.plan.interval, course.usage_epoch)
    }

    /// With the pending plan.
    fn changed(mut self, at: Timestamp, onward: &Onward<'_>) -> Result<Self, Refusal> {
        let currency = onward.offer.plan.currency;
        let Some(course) = onward.course.clone() else { return Ok(self) };
        let mut governing = self.held.governing();
        governing.course = governing.course.at(at)?;
        let grace_until = match self.held.grace_until {
            // An unpaid change gives no more grace than there was.
            Some(grace) => grace,
            None => period::days_after(at, onward.grace_days)?,
        };
        let affordable = onward.fee.filter(|fee| *fee <= onward.credit);
        let course = match affordable {
            _ if course.covers(at) => course,
            Some(fee) => {
                let course = course.bought(at, fee, currency)?;
                if !fee.is_zero() {
                    self.buy(Window { start: at, end: course.paid_until }, fee);
                }
                course
            }
            None => course,
        };
        let (held, mut stay) = self.held.switched(onward.offer, course, at, None)?;
        let is_unpaid = held.subscription.status == Status::PastDue;
        if is_unpaid {
            // Its window goes on, for the days of grace and for whoever comes back in it.
            stay.course = governing.course.clone();
        }
        self.stays.push(stay);
        self.held = if is_unpaid {
            self.events.push(Event { at, kind: EventKind::PastDue });
            Held { grace_until: Some(grace_until), ..held.governed_until_paid(governing) }
        } else {
            held
        };
        self.events.push(Event { at, kind: EventKind::Changed });
        Ok(self)
    }

    fn with(mut self, at: Timestamp, kind: EventKind, step: impl FnOnce(Held) -> Held) -> Self {
        self.held = step(self.held);
        self.events.push(Event { at, kind });
        self
    }
}

#[cfg(test)]
mod tests;

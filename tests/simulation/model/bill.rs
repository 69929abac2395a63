//! What taking a plan comes to, and doing it.

use super::super::calendar::{self, DAY, Interval};
use super::account::Account;
use super::course::{Course, share};
use super::live::{Live, Stay};
use super::shop::{Plan, PlanKey, Shop};
use super::{No, Paid};

/// Usage of whoever has no subscription.
pub(super) const NOBODYS: u64 = 0;

/// What taking a plan comes to.
pub(super) struct Bill {
    pub(super) way: Way,
    pub(super) at: i64,
    pub(super) course: Course,
    pub(super) fee: i64,
    pub(super) unused: i64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Start,
    Renewal(i64),
    Change,
}

impl Account {
    pub(super) fn new_bucket(&mut self) -> u64 {
        self.buckets += 1;
        self.buckets
    }

    /// From now on; but the default plan is had by everybody, by the calendar month.
    pub(super) fn fresh(&mut self, plan: &Plan, shop: &Shop, anchor: i64, now: i64) -> Course {
        let Plan { key, terms, .. } = plan;
        if shop.default_plan == Some(key.no)
            && terms.price == 0
            && terms.interval == Interval::Month
        {
            return Course::unpaid(calendar::month(now).0, Interval::Month, NOBODYS, now);
        }
        Course::unpaid(anchor, terms.interval, self.new_bucket(), now)
    }

    /// What was left and is had for its rest: what is paid or free, and what money came back for.
    pub(super) fn to_buy(&self, plan: &Plan, now: i64) -> Option<Course> {
        let given_back = self.open_stay(plan.key, now).is_some_and(|stay| stay.given_back);
        self.left_of(plan, now)
            .filter(|course| given_back || course.is_paid(now) || plan.terms.price == 0)
    }

    /// What was left of a plan and goes on.
    pub(super) fn left_of(&self, plan: &Plan, now: i64) -> Option<Course> {
        let course = self.open(plan.key, now)?;
        Some(course.clone().resumed(now)).filter(|course| course.interval == plan.terms.interval)
    }

    /// The course that was left last of a plan by an instant, if it is had for more.
    pub(super) fn open(&self, plan: PlanKey, t: i64) -> Option<&Course> {
        self.open_stay(plan, t).map(|stay| &stay.course)
    }

    fn open_stay(&self, plan: PlanKey, t: i64) -> Option<&Stay> {
        let is_its = |stay: &&Stay| stay.plan == plan && stay.until <= t;
        let last = self.stays.iter().rev().find(is_its)?;
        let is_open = t < last.course.window(last.at).1 || last.course.is_paid(t);
        Some(last).filter(|_| is_open)
    }

    pub(super) fn bill(&mut self, plan: &Plan, shop: &Shop, now: i64) -> Result<Bill, No> {
        let Some(live) = &self.live else {
            // What is paid goes on, and what is free gives no second window.
            let goes_on = |course: &Course| course.is_paid(now) || plan.terms.price == 0;
            let (course, fee) = match self.left_of(plan, now).filter(goes_on) {
                Some(course) => (course, 0),
                None => (self.fresh(plan, shop, now, now), plan.terms.price),
            };
            return Ok(Bill { way: Way::Start, at: now, course, fee, unused: 0 });
        };
        if live.plan == plan.key {
            let windows = live.course.owed(now);
            let (course, fee) = (live.course.clone(), plan.terms.price * windows);
            return Ok(Bill { way: Way::Renewal(windows), at: now, course, fee, unused: 0 });
        }
        // What was used up since an earlier instant is used up.
        let payments: Vec<_> = live.course.unused(now.max(live.at)).collect();
        let course = self.to_buy(plan, now).unwrap_or_else(|| self.fresh(plan, shop, now, now));
        if payments.iter().any(|payment| payment.money != plan.terms.money) {
            return Err(No::because("rejected"));
        }
        let unused = payments.iter().map(|payment| {
            let (from, until) = payment.window;
            share(payment.amount, until - now.max(from), until - from)
        });
        let (fee, unused) = (prorated(plan, &course, now), unused.sum());
        Ok(Bill { way: Way::Change, at: now, course, fee, unused })
    }

    /// Does what a bill is for, which the user has enough for.
    pub(super) fn take(&mut self, plan: &Plan, bill: Bill, shop: &Shop, now: i64) {
        let money = plan.terms.money;
        self.charge(money, bill.fee - bill.unused);
        let Bill { way, at, mut course, fee, unused } = bill;
        let live = self.live.take();
        if let (Way::Renewal(windows), Some(mut live)) = (way, live.clone()) {
            live.course.pay(live.course.paid_until, windows, fee, money);
            (live.ends, live.grace_until, live.instead) = (false, None, None);
            if !live.course.is_paid(now) {
                // Not all that was owed.
                live.grace_until = Some(live.course.paid_until + shop.grace_days * DAY);
            }
            live.at = now;
            self.live = Some(live);
            self.settle(shop, now);
            return;
        }
        if !course.is_paid(now) {
            course.pay(at, 1, fee, money);
        }
        self.live = Some(match live {
            Some(live) => {
                let next = live.to(plan, course, now);
                self.leave(live, now, (unused > 0).then_some(at));
                next
            }
            None => Live::begun(plan, course, now),
        });
    }

    /// What is paid for, as far as there is enough; a change as of when it was quoted.
    pub(super) fn bill_for(
        &mut self,
        plan: &Plan,
        paid: Paid,
        shop: &Shop,
        now: i64,
    ) -> Option<Bill> {
        let mut bill = self.bill(plan, shop, now).ok()?;
        let since = self.live.as_ref().map_or(i64::MAX, |live| live.since);
        if bill.way == Way::Change && since <= paid.quoted_at {
            let then = self.bill(plan, shop, paid.quoted_at).ok()?;
            let (start, end) = then.course.window(paid.quoted_at);
            if start <= now && now < end {
                bill = then;
            }
        }
        let has = self.has(plan.terms.money) + bill.unused;
        if let Way::Renewal(windows) = bill.way {
            let affordable = if plan.terms.price == 0 { windows } else { has / plan.terms.price };
            bill.way = Way::Renewal(windows.min(affordable));
            bill.fee = plan.terms.price * windows.min(affordable);
            if affordable == 0 {
                return None;
            }
        }
        (bill.fee <= has).then_some(bill)
    }
}

/// A plan's price for the rest of the window; nothing where it is free or paid.
pub(super) fn prorated(plan: &Plan, course: &Course, at: i64) -> i64 {
    if plan.terms.price == 0 || course.is_paid(at) {
        return 0;
    }
    let (start, end) = course.window(at);
    share(plan.terms.price, end - at, end - start)
}

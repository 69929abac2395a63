//! One user: what is had now, what was left, what is owned.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::super::calendar::{self, DAY, Interval, Window};
use super::super::command::{Money, PlanNo};
use super::course::{Course, share};
use super::shop::{Plan, PlanKey, Shop};
use super::{Answer, Governing, No, Paid, Seen};

/// Usage of whoever has no subscription.
const NOBODYS: u64 = 0;

#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    pub(super) live: Option<Live>,
    /// The course that was left last of each plan.
    left: HashMap<PlanKey, Left>,
    tried: BTreeSet<PlanNo>,
    pub(super) credit: BTreeMap<Money, i64>,
    buckets: u64,
    /// What is over, the last one last.
    pub(super) over: Vec<Seen>,
    pub(super) over_of: Vec<PlanKey>,
    /// What all plans that were taken cost, less what was given back of them.
    charged: BTreeMap<Money, i64>,
    pub(super) received: BTreeMap<Money, i64>,
}

#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) plan: PlanKey,
    since: i64,
    version: u64,
    course: Course,
    /// The last instant at which something was worked.
    at: i64,
    ends: bool,
    pub(super) pending: Option<PlanKey>,
    grace_until: Option<i64>,
    /// Whose quotas hold while this plan is not paid.
    instead: Option<(PlanKey, Course)>,
    created_at: i64,
}

#[derive(Clone, Debug)]
struct Left {
    course: Course,
    /// The last instant that it was worked at.
    at: i64,
    given_back: bool,
}

/// What taking a plan comes to.
struct Bill {
    way: Way,
    at: i64,
    course: Course,
    fee: i64,
    unused: i64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Start,
    Renewal(i64),
    Change,
}

impl Account {
    fn new_bucket(&mut self) -> u64 {
        self.buckets += 1;
        self.buckets
    }

    /// Every coin that came is in a plan or is credit still.
    pub(super) fn assert_adds_up(&self) {
        for money in Money::ALL {
            let of = |sums: &BTreeMap<Money, i64>| sums.get(&money).copied().unwrap_or(0);
            let (received, charged, has) = (of(&self.received), of(&self.charged), self.has(money));
            assert_eq!(received, charged + has, "{money:?}: received, charged and credit");
            assert!(has >= 0, "{money:?}: nobody owes credit");
        }
    }

    /// Credit becomes a plan, or a plan credit.
    fn charge(&mut self, money: Money, amount: i64) {
        *self.charged.entry(money).or_default() += amount;
        *self.credit.entry(money).or_default() -= amount;
    }

    pub(super) fn has(&self, money: Money) -> i64 {
        self.credit.get(&money).copied().unwrap_or(0)
    }

    /// When time brings something next.
    pub(super) fn next(&self) -> Option<i64> {
        let live = self.live.as_ref()?;
        let end = live.course.window(live.at).1;
        Some(live.grace_until.map_or(end, |grace| grace.min(end)))
    }

    /// Does what is due by now, each thing at its own instant.
    pub(super) fn settle(&mut self, shop: &Shop, now: i64) {
        while let Some(at) = self.next().filter(|at| *at <= now) {
            let Some(mut live) = self.live.take() else { return };
            let is_last_day = live.grace_until == Some(at);
            let waits = live.grace_until.is_some() && !is_last_day;
            if live.course.is_paid(at) || (waits && !live.ends && live.pending.is_none()) {
                live.at = at;
                self.live = Some(live);
            } else if live.ends && !is_last_day {
                self.end(live, at);
            } else if let Some(pending) = live.pending.filter(|_| !is_last_day) {
                match shop.very(pending) {
                    Some(plan) => self.go_over(live, &plan, shop, at),
                    None => self.live = Some(Live { pending: None, ..live }),
                }
            } else {
                self.go_on(live, shop, at, now);
            }
        }
    }

    fn end(&mut self, live: Live, at: i64) {
        let seen = Seen { status: "canceled", canceled_at: Some(at), pending: None, ..live.seen() };
        self.over.push(seen);
        self.over_of.push(live.plan);
        self.leave(live, at, None);
    }

    /// Remembers what was had: not the plan that was never paid, if there was another instead.
    fn leave(&mut self, live: Live, at: i64, given_back: Option<i64>) {
        let (plan, course, at) = match live.instead {
            Some((plan, course)) => (plan, course, at),
            None => (live.plan, live.course, live.at),
        };
        let course = match given_back {
            Some(from) => course.given_back(from, at),
            None => course,
        };
        self.left.insert(plan, Left { course, at, given_back: given_back.is_some() });
    }

    /// With the plan that it is to: for nothing, from credit, or not.
    fn go_on(&mut self, mut live: Live, shop: &Shop, at: i64, now: i64) {
        let plan = shop.very(live.plan).expect("a live subscription never loses its plan");
        let Plan { terms, .. } = plan;
        let cost = terms.price * live.course.owed(at);
        if terms.price == 0 {
            live.at = now;
            live.course.paid_until = live.course.window(now).1;
        } else if cost <= self.has(terms.money) {
            self.charge(terms.money, cost);
            for _ in 0..live.course.owed(at) {
                live.course.pay(live.course.paid_until, 1, terms.price, terms.money);
            }
            live.at = at;
        } else if live.grace_until.is_some() {
            return self.end(live, at);
        } else {
            live.grace_until = Some(at + shop.grace_days * DAY);
            live.at = at;
            self.live = Some(live);
            return;
        }
        (live.grace_until, live.instead) = (None, None);
        self.live = Some(live);
    }

    /// To the plan that was asked for.
    fn go_over(&mut self, live: Live, plan: &Plan, shop: &Shop, at: i64) {
        let same = plan.terms.interval == live.course.interval;
        let anchor = if same { live.course.anchor } else { at };
        let course = self.to_buy(plan, at).unwrap_or_else(|| self.fresh(plan, shop, anchor, at));
        let fee = prorated(plan, &course, at);
        let mut next = live.to(plan, course, at);
        if !next.course.is_paid(at) && fee <= self.has(plan.terms.money) {
            self.charge(plan.terms.money, fee);
            next.course.pay(at, 1, fee, plan.terms.money);
        }
        if next.course.is_paid(at) {
            self.leave(live, at, None);
        } else {
            // The old quotas go on where they were counted, and whoever goes back finds them there.
            let instead = live.instead.unwrap_or((live.plan, live.course));
            let (plan, course) = instead.clone();
            self.left.insert(plan, Left { course, at, given_back: false });
            next.grace_until = live.grace_until.or(Some(at + shop.grace_days * DAY));
            next.instead = Some(instead);
        }
        self.live = Some(next);
    }

    /// From now on; but the default plan is had by everybody, by the calendar month.
    fn fresh(&mut self, plan: &Plan, shop: &Shop, anchor: i64, now: i64) -> Course {
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
    fn to_buy(&self, plan: &Plan, now: i64) -> Option<Course> {
        let given_back = self.left.get(&plan.key).is_some_and(|left| left.given_back);
        self.left_of(plan, now)
            .filter(|course| given_back || course.is_paid(now) || plan.terms.price == 0)
    }

    /// What was left of a plan and goes on.
    fn left_of(&self, plan: &Plan, now: i64) -> Option<Course> {
        let course = self.open(plan.key, now)?;
        Some(course.clone().resumed(now)).filter(|course| course.interval == plan.terms.interval)
    }

    fn open(&self, plan: PlanKey, now: i64) -> Option<&Course> {
        let left = self.left.get(&plan)?;
        let is_open = now < left.course.window(left.at).1 || left.course.is_paid(now);
        Some(&left.course).filter(|_| is_open)
    }

    fn bill(&mut self, plan: &Plan, shop: &Shop, now: i64) -> Result<Bill, No> {
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
    fn take(&mut self, plan: &Plan, bill: Bill, shop: &Shop, now: i64) {
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

    pub(super) fn subscribe(&mut self, plan: Option<Plan>, shop: &Shop, now: i64) -> Answer {
        if self.live.is_some() {
            return Err(No::because("already_subscribed"));
        }
        let plan = plan.ok_or(No::because("plan_not_found"))?;
        let paid = self.left_of(&plan, now).filter(|course| course.is_paid(now));
        if !plan.is_active && paid.as_ref().is_none_or(|course| course.payments.is_empty()) {
            return Err(No::because("plan_inactive"));
        }
        let may_try = plan.terms.trial_days > 0 && plan.terms.price > 0;
        let bill = if paid.is_none() && may_try && !self.tried.contains(&plan.key.no) {
            let bucket = self.new_bucket();
            let course = Course::trial(now, plan.terms.trial_days, plan.terms.interval, bucket);
            Bill { way: Way::Start, at: now, course, fee: 0, unused: 0 }
        } else {
            self.bill(&plan, shop, now)?
        };
        self.must_be_free(&plan, &bill)?;
        if bill.course.is_trial(now) {
            self.tried.insert(plan.key.no);
        }
        self.take(&plan, bill, shop, now);
        Ok(self.seen())
    }

    fn must_be_free(&self, plan: &Plan, bill: &Bill) -> Result<(), No> {
        let due = bill.fee - bill.unused - self.has(plan.terms.money);
        if due > 0 { Err(No { code: "payment_required", due: Some(due) }) } else { Ok(()) }
    }

    pub(super) fn cancel(&mut self, immediate: bool, now: i64) -> Answer {
        let Some(mut live) = self.live.take() else {
            let last = self.over.last().filter(|_| immediate);
            return last.cloned().map(Some).ok_or(No::because("not_subscribed"));
        };
        if immediate {
            self.end(live, now);
            return Ok(self.over.last().cloned());
        }
        live.ends = true;
        self.live = Some(live);
        Ok(self.seen())
    }

    pub(super) fn resume(&mut self) -> Answer {
        let live = self.live.as_mut().ok_or(No::because("not_subscribed"))?;
        live.ends = false;
        Ok(self.seen())
    }

    pub(super) fn change(
        &mut self,
        plan: Option<Plan>,
        at_once: bool,
        shop: &Shop,
        now: i64,
    ) -> Answer {
        let live = self.live.as_mut().ok_or(No::because("not_subscribed"))?;
        let plan = plan.ok_or(No::because("plan_not_found"))?;
        let is_own = live.plan == plan.key;
        if !is_own && !plan.is_active {
            return Err(No::because("plan_inactive"));
        }
        if !at_once {
            live.pending = Some(plan.key).filter(|_| !is_own);
            live.ends = false;
        } else if is_own {
            return Err(No::because("already_subscribed"));
        } else {
            let bill = self.bill(&plan, shop, now)?;
            self.must_be_free(&plan, &bill)?;
            self.take(&plan, bill, shop, now);
        }
        Ok(self.seen())
    }

    /// What is due, and what for.
    pub(super) fn quote(
        &mut self,
        plan: &Plan,
        shop: &Shop,
        now: i64,
    ) -> Result<(i64, &'static str), No> {
        let bill = self.bill(plan, shop, now)?;
        if !plan.is_active && !matches!(bill.way, Way::Renewal(_)) {
            return Err(No::because("plan_inactive"));
        }
        let due = bill.fee - bill.unused - self.has(plan.terms.money);
        let reason = match bill.way {
            Way::Start => "start",
            Way::Renewal(_) => "renewal",
            Way::Change => "change",
        };
        if due > 0 { Ok((due, reason)) } else { Err(No::because("nothing_due")) }
    }

    /// Money comes, and buys what it is enough for.
    pub(super) fn pay(&mut self, plan: &Plan, paid: Paid, shop: &Shop, now: i64) -> Answer {
        let money = plan.terms.money;
        *self.received.entry(money).or_default() += paid.amount;
        *self.credit.entry(money).or_default() += paid.amount;
        let mut quoted = *plan;
        quoted.terms.price = quoted.terms.price.min(paid.price);
        if let Some(bill) = self.bill_for(&quoted, paid, shop, now) {
            self.take(plan, bill, shop, now);
            return Ok(self.seen());
        }
        Ok(None)
    }

    /// What is paid for, as far as there is enough; a change as of when it was quoted.
    fn bill_for(&mut self, plan: &Plan, paid: Paid, shop: &Shop, now: i64) -> Option<Bill> {
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

    pub(super) fn grant(&mut self, plan: &Plan, trial_days: u32, reset: bool, now: i64) -> Answer {
        let live = self.live.take();
        let own =
            live.as_ref().filter(|live| live.plan == plan.key).map(|live| live.course.clone());
        let going = own.or_else(|| self.left_of(plan, now));
        let goes_on = |course: &Course| {
            !reset
                && trial_days == 0
                && !course.is_trial(now)
                && course.interval == plan.terms.interval
        };
        let course = match going.filter(goes_on) {
            Some(course) => {
                let mut course = course.resumed(now);
                course.paid_until = course.paid_until.max(course.window(now).1);
                course
            }
            None if trial_days > 0 => {
                self.tried.insert(plan.key.no);
                Course::trial(now, trial_days, plan.terms.interval, self.new_bucket())
            }
            None => {
                let mut course = Course::unpaid(now, plan.terms.interval, self.new_bucket(), now);
                course.pay(now, 1, 0, plan.terms.money);
                course
            }
        };
        self.live = Some(match live {
            Some(live) => {
                let next = live.to(plan, course, now);
                self.leave(live, now, None);
                next
            }
            None => Live::begun(plan, course, now),
        });
        Ok(self.seen())
    }

    pub(super) fn seen(&self) -> Option<Seen> {
        self.live.as_ref().map(Live::seen)
    }

    /// Which plan's quotas hold, in which window, counted where.
    pub(super) fn governing(&self, shop: &Shop, now: i64) -> Governing {
        if let Some(live) = &self.live {
            let (plan, course) = match &live.instead {
                Some((plan, course)) => (plan, course),
                None => (&live.plan, &live.course),
            };
            let plan = shop.very(*plan).or_else(|| shop.default_plan());
            return Governing::new(plan, course.window(now), course.bucket);
        }
        let plan = shop.default_plan();
        let left = plan.and_then(|plan| self.open(plan.key, now));
        match left {
            Some(course) => Governing::new(plan, course.window(now), course.bucket),
            None => Governing::new(plan, calendar::month(now), NOBODYS),
        }
    }
}

impl Live {
    fn begun(plan: &Plan, course: Course, now: i64) -> Self {
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
    fn to(&self, plan: &Plan, course: Course, now: i64) -> Self {
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

    fn seen(&self) -> Seen {
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

/// A plan's price for the rest of the window; nothing where it is free or paid.
fn prorated(plan: &Plan, course: &Course, at: i64) -> i64 {
    if plan.terms.price == 0 || course.is_paid(at) {
        return 0;
    }
    let (start, end) = course.window(at);
    share(plan.terms.price, end - at, end - start)
}

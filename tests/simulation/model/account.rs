//! One user: what is had now, what was left, what is owned, and what the user does.

use std::collections::{BTreeMap, BTreeSet};

use super::super::calendar;
use super::super::command::{Money, PlanNo};
use super::bill::{Bill, NOBODYS, Way};
use super::course::Course;
use super::live::{Live, Stay};
use super::meter::Meter;
use super::metered::{Metered, Place};
use super::shop::{Plan, PlanKey, Shop};
use super::statements::Statement;
use super::{Answer, Governing, No, Paid, Seen};

#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    pub(super) live: Option<Live>,
    /// The last one last.
    pub(super) stays: Vec<Stay>,
    tried: BTreeSet<PlanNo>,
    pub(super) credit: BTreeMap<Money, i64>,
    pub(super) buckets: u64,
    /// What is over, the last one last.
    pub(super) over: Vec<Seen>,
    pub(super) over_of: Vec<PlanKey>,
    /// What all plans that were taken cost, less what was given back of them.
    charged: BTreeMap<Money, i64>,
    received: BTreeMap<Money, i64>,
    /// What was paid for usage.
    pub(super) billed: BTreeMap<Money, i64>,
    pub(super) meter: Meter,
    /// Since when phases of prices follow one another.
    pub(super) clock: Option<i64>,
    pub(super) metered: BTreeMap<Place, Metered>,
    pub(super) statements: Vec<Statement>,
}

impl Account {
    /// Every coin that came is in a plan, was for usage, or is credit still.
    pub(super) fn assert_adds_up(&self) {
        for money in Money::ALL {
            let of = |sums: &BTreeMap<Money, i64>| sums.get(&money).copied().unwrap_or(0);
            let (received, charged, has) = (of(&self.received), of(&self.charged), self.has(money));
            let billed = of(&self.billed);
            assert_eq!(
                received,
                charged + billed + has,
                "{money:?}: received, charged, billed, credit"
            );
            assert!(has >= 0, "{money:?}: nobody owes credit");
        }
    }

    /// Credit becomes a plan, or a plan credit.
    pub(super) fn charge(&mut self, money: Money, amount: i64) {
        *self.charged.entry(money).or_default() += amount;
        *self.credit.entry(money).or_default() -= amount;
    }

    pub(super) fn has(&self, money: Money) -> i64 {
        self.credit.get(&money).copied().unwrap_or(0)
    }

    pub(super) fn subscribe(&mut self, plan: Option<Plan>, shop: &Shop, now: i64) -> Answer {
        if self.live.is_some() {
            return Err(No::because("already_subscribed"));
        }
        let plan = plan.ok_or(No::because("plan_not_found"))?;
        let paid = self.left_of(&plan, now).filter(|course| course.is_paid(now));
        let is_bought = |course: &Course| course.unused(now).next().is_some();
        if !plan.is_active && !paid.as_ref().is_some_and(is_bought) {
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

    /// Money comes.
    pub(super) fn receive(&mut self, money: Money, amount: i64) {
        *self.received.entry(money).or_default() += amount;
        *self.credit.entry(money).or_default() += amount;
    }

    /// Money comes, and buys what it is enough for. Says whether it bought anything.
    pub(super) fn pay(&mut self, plan: &Plan, paid: Paid, shop: &Shop, now: i64) -> bool {
        self.receive(plan.terms.money, paid.amount);
        if self.went_elsewhere(plan, paid.beside, shop) {
            return false;
        }
        let mut quoted = *plan;
        if quoted.terms.interval == paid.interval {
            quoted.terms.price = quoted.terms.price.min(paid.price);
        }
        let Some(bill) = self.bill_for(&quoted, paid, shop, now) else { return false };
        self.take(plan, bill, shop, now);
        true
    }

    /// The plan that the user has.
    pub(super) fn plan(&self) -> Option<PlanKey> {
        self.live.as_ref().map(|live| live.plan)
    }

    /// Whether the user has taken another plan since one was quoted, and one that costs something.
    fn went_elsewhere(&self, quoted: &Plan, beside: Option<PlanKey>, shop: &Shop) -> bool {
        let Some(has) = self.plan() else { return false };
        let costs = shop.very(has).is_none_or(|plan| plan.terms.price > 0);
        costs && has != quoted.key && Some(has) != beside
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

    /// Which plan's quotas held at an instant, or hold then, in which window, counted where. What was left is as it is
    /// now: plans by their terms, the default plan by the settings.
    pub(super) fn governing(&self, shop: &Shop, t: i64) -> Governing {
        if let Some(live) = self.live.as_ref().filter(|live| live.since <= t) {
            let (plan, course) = match &live.instead {
                Some((plan, course)) => (plan, course),
                None => (&live.plan, &live.course),
            };
            let plan = shop.very(*plan).or_else(|| shop.default_plan());
            return Governing::new(plan, course.window(t), course.bucket);
        }
        let then = self.stays.iter().rev().find(|stay| stay.since <= t && t < stay.until);
        if let Some(stay) = then {
            let plan = shop.very(stay.plan);
            return Governing::new(plan, stay.course.window(t), stay.course.bucket);
        }
        let plan = shop.default_plan();
        match plan.and_then(|plan| self.open(plan.key, t)) {
            Some(course) => Governing::new(plan, course.window(t), course.bucket),
            None => Governing::new(plan, calendar::month(t), NOBODYS),
        }
    }
}

//! What time brings to a user.

use super::super::calendar::DAY;
use super::Seen;
use super::account::Account;
use super::bill::prorated;
use super::live::{Live, Stay};
use super::shop::{Plan, Shop};

impl Account {
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

    pub(super) fn end(&mut self, live: Live, at: i64) {
        let seen = Seen { status: "canceled", canceled_at: Some(at), pending: None, ..live.seen() };
        self.over.push(seen);
        self.over_of.push(live.plan);
        self.leave(live, at, None);
    }

    /// Remembers what was had: not the plan that was never paid, if there was another instead.
    pub(super) fn leave(&mut self, live: Live, at: i64, given_back: Option<i64>) {
        let (since, until) = (live.since, at);
        let (plan, course, at) = match live.instead {
            Some((plan, course)) => (plan, course, at),
            None => (live.plan, live.course, live.at),
        };
        let course = match given_back {
            Some(from) => course.given_back(from, at),
            None => course,
        };
        self.stays.push(Stay { plan, since, until, course, at, given_back: given_back.is_some() });
    }

    /// With the plan that it is to: for nothing, from credit, or not.
    fn go_on(&mut self, mut live: Live, shop: &Shop, at: i64, now: i64) {
        let plan = shop.very(live.plan).expect("a live subscription never loses its plan");
        let Plan { terms, .. } = plan;
        let cost = terms.price * live.course.owed(at);
        if terms.price == 0 {
            let until = if live.ends || live.pending.is_some() { at } else { now };
            live.at = until;
            live.course.paid_until = live.course.window(until).1;
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
            let since = live.since;
            let instead = live.instead.unwrap_or((live.plan, live.course));
            let (plan, course) = instead.clone();
            self.stays.push(Stay { plan, since, until: at, course, at, given_back: false });
            next.grace_until = live.grace_until.or(Some(at + shop.grace_days * DAY));
            next.instead = Some(instead);
        }
        self.live = Some(next);
    }
}

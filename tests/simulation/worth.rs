//! Nobody has a dearer plan than what was paid or given. It is reckoned from outside: by what users are seen to have, by
//! what plans cost at their cheapest, and by what the provider says was paid. The model has no part in it.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::calendar::Interval;
use super::command::{Command, Money, PlanNo, User};
use super::model::{Governing, Seen};

/// Worth is counted in millionths of a hundredth, always downwards.
const FINE: i128 = 1_000_000;

#[derive(Default)]
pub(super) struct Worth {
    /// What governs in the place of a plan that is gone.
    default: Option<PlanNo>,
    plans: HashMap<PlanNo, Offered>,
    users: HashMap<User, Had>,
}

/// A plan as it is offered.
struct Offered {
    money: Money,
    price: i64,
    interval: Interval,
    /// The least that it ever cost by each interval.
    least: HashMap<Interval, i64>,
}

/// What a user had.
#[derive(Default)]
struct Had {
    worth: BTreeMap<Money, i128>,
    /// What is had and paid since it was looked at.
    paid: Option<Having>,
    /// Until when plans were given.
    given: HashMap<PlanNo, i64>,
    /// What was had at all.
    plans: HashSet<PlanNo>,
    /// How much may have been rounded in favour of the user, in hundredths.
    rounded: i64,
    last: Option<Seen>,
    /// What is left as credit, less all that was paid: it goes down as something is bought, also where money comes.
    left: BTreeMap<Money, i64>,
}

struct Having {
    plan: PlanNo,
    since: i64,
    until: i64,
    window: i64,
}

impl Worth {
    /// An admin has done something.
    pub(super) fn offer(&mut self, command: &Command) {
        match *command {
            Command::Make { plan, draft } => {
                let (money, price, interval) = (draft.money, draft.price, draft.interval);
                let least = HashMap::from([(interval, price)]);
                self.plans.insert(plan, Offered { money, price, interval, least });
            }
            Command::SetPrice { plan, price } => {
                self.change(plan, |offered| offered.price = price);
            }
            Command::SetInterval { plan, interval } => {
                self.change(plan, |offered| offered.interval = interval);
            }
            Command::SetDefault { plan } => self.default = plan,
            Command::Delete { plan } => {
                self.plans.remove(&plan);
                for had in self.users.values_mut() {
                    had.given.remove(&plan);
                    had.plans.remove(&plan);
                }
            }
            _ => {}
        }
    }

    fn change(&mut self, plan: PlanNo, change: impl FnOnce(&mut Offered)) {
        let Some(offered) = self.plans.get_mut(&plan) else { return };
        change(offered);
        let least = offered.least.entry(offered.interval).or_insert(offered.price);
        *least = offered.price.min(*least);
    }

    /// A user has this, and that was paid and is credit.
    pub(super) fn see(
        &mut self,
        user: User,
        (seen, governing): (Option<&Seen>, &Governing),
        command: &Command,
        now: i64,
        money: impl Fn(Money) -> (i64, i64),
    ) -> Result<(), String> {
        let had = self.users.entry(user).or_default();
        had.settle(&self.plans, now);
        let governs = governing.plan.filter(|_| seen.is_some_and(|seen| seen.status == "past_due"));
        let governs = governs.filter(|plan| self.default != Some(*plan));
        if let Some(plan) = governs.filter(|plan| least(&self.plans, *plan) > 0) {
            had.must_have_had(plan, &money).map_err(|what| format!("u{user} {what}"))?;
        }
        if had.last.as_ref() != seen {
            // A fee, and what was given back.
            had.rounded += 2;
            had.last = seen.cloned();
        }
        had.left = Money::ALL.into_iter().map(|of| (of, money(of).1 - money(of).0)).collect();
        if let Some(seen) = seen {
            if given(command) == Some(seen.plan) {
                let until = had.given.entry(seen.plan).or_default();
                *until = seen.paid_until.max(*until);
            }
            had.have(seen, now);
        }
        for (of, worth) in &had.worth {
            let ((paid, credit), had_for) = (money(*of), worth / FINE);
            if had_for + i128::from(credit) > i128::from(paid + had.rounded) {
                return Err(format!(
                    "u{user} had plans worth {had_for} {of:?} and has {credit}, and paid {paid} of it"
                ));
            }
        }
        Ok(())
    }
}

impl Had {
    /// Adds up what was had until now.
    fn settle(&mut self, plans: &HashMap<PlanNo, Offered>, now: i64) {
        let Some(having) = self.paid.take() else { return };
        let Some(offered) = plans.get(&having.plan) else { return };
        let seconds = i128::from((having.until.min(now) - having.since).max(0));
        let worth = i128::from(least(plans, having.plan)) * seconds * FINE;
        *self.worth.entry(offered.money).or_default() += worth / i128::from(having.window);
    }

    /// Whoever waits for a payment has the quotas of what was had before; unless the plan that was pending was paid from
    /// credit since, and is over again.
    fn must_have_had(
        &self,
        plan: PlanNo,
        money: &impl Fn(Money) -> (i64, i64),
    ) -> Result<(), String> {
        let was_pending = self.last.as_ref().is_some_and(|last| last.pending == Some(plan));
        let left = |of: Money| money(of).1 - money(of).0;
        let is_spent = self.left.iter().any(|(of, before)| left(*of) < *before);
        if self.plans.contains(&plan) || (was_pending && is_spent) {
            return Ok(());
        }
        Err(format!("is governed by p{plan}, which was never paid or given"))
    }

    fn have(&mut self, seen: &Seen, now: i64) {
        if seen.status == "past_due" {
            return;
        }
        self.plans.insert(seen.plan);
        if seen.status != "active" {
            return;
        }
        let since = self.given.get(&seen.plan).copied().unwrap_or(now).max(now);
        let (start, end) = seen.window;
        let until = seen.paid_until.min(end);
        self.paid = Some(Having { plan: seen.plan, since, until, window: end - start });
    }
}

/// The least that a plan ever cost by its interval.
fn least(plans: &HashMap<PlanNo, Offered>, plan: PlanNo) -> i64 {
    let offered = plans.get(&plan);
    offered.and_then(|offered| offered.least.get(&offered.interval)).copied().unwrap_or(0)
}

/// Which plan an admin may have given.
pub(super) fn given(command: &Command) -> Option<PlanNo> {
    match command {
        Command::Grant { plan, .. } | Command::GrantAll { plan, .. } => Some(*plan),
        Command::PowerCut { during, .. } => given(during),
        _ => None,
    }
}

//! What the document says, as simply as it can be said: users and plans in memory, nothing kept, nobody else there.

mod account;
mod course;
mod shop;

use std::collections::BTreeMap;

use super::calendar::{DAY, Window};
use super::command::{Command, Draft, Money, PlanNo, User};
use account::Account;
use shop::{Plan, PlanKey, Shop, Terms};

/// A subscription as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) plan: PlanNo,
    pub(super) version: u64,
    pub(super) status: &'static str,
    pub(super) window: Window,
    pub(super) anchor: i64,
    pub(super) paid_until: i64,
    pub(super) ends: bool,
    pub(super) canceled_at: Option<i64>,
    pub(super) trial_end: Option<i64>,
    pub(super) pending: Option<PlanNo>,
    pub(super) created_at: i64,
}

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct No {
    pub(super) code: &'static str,
    pub(super) due: Option<i64>,
}

impl No {
    pub(super) fn because(code: &'static str) -> Self {
        Self { code, due: None }
    }
}

type Answer = Result<Option<Seen>, No>;

/// What holds for a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Governing {
    pub(super) plan: Option<PlanNo>,
    pub(super) quota: Option<u64>,
    pub(super) window: Window,
    /// What usage is counted in; what it is called says nothing.
    pub(super) bucket: u64,
}

impl Governing {
    fn new(plan: Option<Plan>, window: Window, bucket: u64) -> Self {
        let (no, quota) = (plan.map(|plan| plan.key.no), plan.map(|plan| plan.terms.quota));
        Self { plan: no, quota, window, bucket }
    }
}

/// What was quoted, and waits to be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quote {
    pub(super) user: User,
    pub(super) plan: PlanNo,
    pub(super) generation: u64,
    pub(super) money: Money,
    pub(super) paid: Paid,
    pub(super) reason: &'static str,
}

/// Money for what was quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paid {
    pub(super) amount: i64,
    pub(super) price: i64,
    pub(super) quoted_at: i64,
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Has(Option<Seen>),
    Quoted(Quote),
    Done,
    No(No),
}

impl Outcome {
    /// Only what all subscriptions of a user that began in the same second have alike.
    pub(super) fn of_the_last(self) -> Self {
        match self {
            Self::Has(Some(seen)) if seen.status == "canceled" => Self::Has(Some(Seen {
                status: seen.status,
                created_at: seen.created_at,
                ..Seen::default()
            })),
            other => other,
        }
    }
}

/// How many subscriptions a plan has, by status.
pub(super) type Counts = BTreeMap<(PlanNo, &'static str), u64>;

#[derive(Clone, Debug)]
pub(super) struct Model {
    shop: Shop,
    accounts: Vec<Account>,
    pub(super) now: i64,
}

impl Model {
    pub(super) fn new(users: User, plans: PlanNo, now: i64) -> Self {
        let accounts = vec![Account::default(); users];
        Self { shop: Shop::empty(plans), accounts, now }
    }

    pub(super) fn seen(&self, user: User) -> Option<Seen> {
        self.accounts[user].seen()
    }

    pub(super) fn governing(&self, user: User) -> Governing {
        self.accounts[user].governing(&self.shop, self.now)
    }

    pub(super) fn credit(&self, user: User, money: Money) -> i64 {
        self.accounts[user].has(money)
    }

    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::new();
        let over = self.accounts.iter().flat_map(|account| &account.over_of);
        let live = self.accounts.iter().filter_map(|account| account.live.as_ref());
        let all = over.map(|plan| (*plan, "canceled"));
        for (plan, status) in all.chain(live.map(|live| (live.plan, live.status()))) {
            if self.shop.very(plan).is_some() {
                *counts.entry((plan.no, status)).or_default() += 1;
            }
        }
        counts
    }

    /// When time brings something to a user next.
    pub(super) fn next(&self, user: User) -> Option<i64> {
        self.accounts[user].next()
    }

    /// Lets time go by; what it brings is there at once.
    pub(super) fn go_to(&mut self, t: i64) {
        self.now = self.now.max(t);
        for account in &mut self.accounts {
            account.settle(&self.shop, self.now);
            account.assert_adds_up();
        }
    }

    /// Does what is neither time's nor the machine's.
    pub(super) fn act(&mut self, command: &Command, quote: Option<Quote>) -> Outcome {
        let (shop, now) = (&self.shop, self.now);
        let answer = match *command {
            Command::Subscribe { user, plan } => {
                self.accounts[user].subscribe(shop.plan(plan), shop, now)
            }
            Command::Cancel { user, immediate } => self.accounts[user].cancel(immediate, now),
            Command::Resume { user } => self.accounts[user].resume(),
            Command::Change { user, plan, now: at_once } => {
                self.accounts[user].change(shop.plan(plan), at_once, shop, now)
            }
            Command::Grant { user, plan, trial_days, reset_usage } => match shop.plan(plan) {
                Some(plan) => self.accounts[user].grant(&plan, trial_days, reset_usage, now),
                None => Err(No::because("plan_not_found")),
            },
            Command::GrantAll { users, plan } => {
                let Some(plan) = shop.plan(plan) else { return not_found() };
                for account in self.accounts.iter_mut().take(users) {
                    if let Err(no) = account.grant(&plan, 0, false, now) {
                        return Outcome::No(no);
                    }
                }
                return Outcome::Done;
            }
            Command::Quote { user, plan } => return self.quote(user, plan),
            Command::Pay { .. } => match quote {
                Some(quote) => self.pay(quote),
                None => return Outcome::Done,
            },
            _ => return self.manage(command),
        };
        answer.map_or_else(Outcome::No, Outcome::Has)
    }

    fn quote(&mut self, user: User, plan: PlanNo) -> Outcome {
        let Some(plan) = self.shop.plan(plan) else { return not_found() };
        let account = &mut self.accounts[user];
        match account.quote(&plan, &self.shop, self.now) {
            Ok((amount, reason)) => Outcome::Quoted(Quote {
                user,
                plan: plan.key.no,
                generation: plan.key.generation,
                money: plan.terms.money,
                paid: Paid { amount, price: plan.terms.price, quoted_at: self.now },
                reason,
            }),
            Err(no) => Outcome::No(no),
        }
    }

    fn pay(&mut self, quote: Quote) -> Answer {
        let key = PlanKey { no: quote.plan, generation: quote.generation };
        let plan = self.shop.very(key).ok_or(No::because("plan_not_found"))?;
        self.accounts[quote.user].pay(&plan, quote.paid, &self.shop, self.now)
    }

    /// What an admin does to plans and settings.
    fn manage(&mut self, command: &Command) -> Outcome {
        match *command {
            Command::SetPrice { plan, price } => self.edit(plan, |terms| terms.price = price),
            Command::SetTrial { plan, days } => self.edit(plan, |terms| terms.trial_days = days),
            Command::SetInterval { plan, interval } => {
                self.edit(plan, |terms| terms.interval = interval)
            }
            Command::SetQuota { plan, quota } => self.edit(plan, |terms| terms.quota = quota),
            Command::Toggle { plan } => match &mut self.shop.plans[plan] {
                Some(plan) => {
                    plan.is_active = !plan.is_active;
                    plan.version += 1;
                    Outcome::Done
                }
                None => not_found(),
            },
            Command::Make { plan, draft } => self.make(plan, draft),
            Command::Delete { plan } => self.delete(plan),
            Command::SetGrace { days } => {
                self.shop.grace_days = i64::from(days);
                Outcome::Done
            }
            Command::SetDefault { plan } => {
                if plan.is_some_and(|plan| self.shop.plan(plan).is_none()) {
                    return Outcome::No(No::because("invalid_request"));
                }
                self.shop.default_plan = plan;
                Outcome::Done
            }
            _ => Outcome::Done,
        }
    }

    fn edit(&mut self, no: PlanNo, edit: impl FnOnce(&mut Terms)) -> Outcome {
        let Some(plan) = self.shop.plan(no) else { return not_found() };
        let mut terms = plan.terms;
        edit(&mut terms);
        let takes = terms.quota < plan.terms.quota || terms.interval != plan.terms.interval;
        if takes && self.is_had(plan.key) {
            return Outcome::No(No::because("rejected"));
        }
        if terms != plan.terms {
            self.shop.plans[no] = Some(Plan { terms, version: plan.version + 1, ..plan });
        }
        Outcome::Done
    }

    fn make(&mut self, no: PlanNo, draft: Draft) -> Outcome {
        if self.shop.plan(no).is_some() {
            return Outcome::No(No::because("plan_exists"));
        }
        let key = PlanKey { no, generation: self.shop.deleted[no] };
        let plan = Plan { key, version: 1, terms: draft.into(), is_active: true };
        self.shop.plans[no] = Some(plan);
        Outcome::Done
    }

    fn delete(&mut self, no: PlanNo) -> Outcome {
        let Some(plan) = self.shop.plan(no) else { return not_found() };
        if self.is_had(plan.key) {
            return Outcome::No(No::because("rejected"));
        }
        if self.is_awaited(plan.key) {
            return Outcome::No(No::because("plan_awaited"));
        }
        if self.shop.default_plan == Some(no) {
            return Outcome::No(No::because("plan_is_default"));
        }
        self.shop.plans[no] = None;
        self.shop.deleted[no] += 1;
        Outcome::Done
    }

    fn is_awaited(&self, plan: PlanKey) -> bool {
        let live = self.accounts.iter().filter_map(|account| account.live.as_ref());
        live.into_iter().any(|live| live.pending == Some(plan))
    }

    fn is_had(&self, plan: PlanKey) -> bool {
        let live = self.accounts.iter().filter_map(|account| account.live.as_ref());
        live.into_iter().any(|live| live.plan == plan)
    }
}

fn not_found() -> Outcome {
    Outcome::No(No::because("plan_not_found"))
}

/// The most that a subscription may wait for a payment.
pub(super) const LONGEST_GRACE: i64 = 90 * DAY;

//! What the document says, as simply as it can be said: users and plans in memory, nothing kept, nobody else there.

mod account;
mod bill;
mod catalog;
mod course;
mod live;
mod meter;
mod metered;
mod orders;
mod payments;
mod shop;
mod statements;
mod turn;

use std::collections::{BTreeMap, BTreeSet};

use super::calendar::{DAY, Interval, Window};
use super::command::{Command, Metric, Money, PlanNo, User};
use account::Account;
use orders::Order;
use shop::{Limit, Plan, PlanKey, Shop, Terms};

pub(super) use meter::{Allowed, EventId, Report, Totals};
pub(super) use metered::{Phase, Place, Segment};
pub(super) use orders::{AtTill, OrderNo, SeenOrder};
pub(super) use payments::Begun;

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
    /// Of requests and images.
    pub(super) quotas: [Option<u64>; 2],
    pub(super) window: Window,
    /// What usage is counted in; what it is called says nothing.
    pub(super) bucket: u64,
}

impl Governing {
    fn new(plan: Option<Plan>, window: Window, bucket: u64) -> Self {
        let quota = |metric| plan.and_then(|plan| plan.terms.limit(metric).quota);
        let quotas = [quota(Metric::Requests), quota(Metric::Images)];
        Self { plan: plan.map(|plan| plan.key.no), quotas, window, bucket }
    }

    fn limit(&self, metric: Metric) -> Limit {
        match metric {
            Metric::Requests => Limit { quota: self.quotas[0], is_billed: false },
            Metric::Images => Limit { quota: self.quotas[1], is_billed: true },
            Metric::Minutes => Limit::NONE,
        }
    }
}

/// What is paid for: a plan, or a statement of the user's by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PaidFor {
    Plan(PlanKey),
    Statement(usize),
}

/// What is to be paid.
#[derive(Clone, Copy, Debug)]
struct Quote {
    user: User,
    of: PaidFor,
    money: Money,
    paid: Paid,
    reason: &'static str,
}

/// Money for what was quoted.
#[derive(Clone, Copy, Debug)]
struct Paid {
    amount: i64,
    price: i64,
    interval: Interval,
    /// The plan that the user had then.
    beside: Option<PlanKey>,
    quoted_at: i64,
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Has(Option<Seen>),
    /// A payment was asked for, and stands so.
    Started(OrderNo, &'static str),
    /// The provider does not answer.
    Unavailable,
    /// An event counts or had counted, and quotas are used so far.
    Recorded {
        is_new: bool,
        usage: Vec<Report>,
    },
    /// So many events count and had counted, and which do not.
    Batch {
        accepted: u64,
        duplicates: u64,
        rejected: Vec<(usize, String)>,
    },
    MayUse(Vec<Allowed>),
    Done,
    No(No),
}

impl Outcome {
    /// In a few words.
    pub(super) fn kind(&self) -> String {
        match self {
            Self::Has(_) => "has".to_owned(),
            Self::Started(_, status) => format!("started {status}"),
            Self::Unavailable => "unavailable".to_owned(),
            Self::Recorded { is_new: true, .. } => "recorded".to_owned(),
            Self::Recorded { is_new: false, .. } => "recorded before".to_owned(),
            Self::Batch { rejected, .. } if rejected.is_empty() => "batch".to_owned(),
            Self::Batch { .. } => "batch in part".to_owned(),
            Self::MayUse(all) if all.iter().all(|one| one.allowed) => "may use".to_owned(),
            Self::MayUse(_) => "may not use".to_owned(),
            Self::Done => "done".to_owned(),
            Self::No(no) => no.code.to_owned(),
        }
    }

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
    orders: Vec<Order>,
    pub(super) now: i64,
}

impl Model {
    pub(super) fn new(users: User, plans: PlanNo, now: i64) -> Self {
        let accounts = vec![Account::default(); users];
        Self { shop: Shop::empty(plans), accounts, orders: Vec::new(), now }
    }

    pub(super) fn seen(&self, user: User) -> Option<Seen> {
        self.accounts[user].seen()
    }

    pub(super) fn governing(&self, user: User) -> Governing {
        self.accounts[user].governing(&self.shop, self.now)
    }

    /// How far the quotas of the window are used that holds.
    pub(super) fn usage(&self, user: User) -> Vec<Report> {
        self.accounts[user].meter.reports(&self.governing(user), Metric::ALL)
    }

    /// The ids of events that are remembered.
    pub(super) fn remembered(&self, user: User) -> BTreeSet<EventId> {
        self.accounts[user].meter.remembered()
    }

    /// All that was ever used.
    pub(super) fn totals(&self, user: User) -> Totals {
        let totals = self.accounts[user].meter.totals.iter();
        totals.filter(|(_, total)| **total > 0).map(|(key, total)| (*key, *total)).collect()
    }

    /// All that was used so long ago that it may be cleared away.
    pub(super) fn past(&self, user: User) -> &Totals {
        &self.accounts[user].meter.past
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
        }
    }

    /// Every coin that came to anybody is in a plan or is credit still.
    pub(super) fn assert_adds_up(&self) {
        self.accounts.iter().for_each(Account::assert_adds_up);
    }

    /// Does what is neither time's nor the machine's; the provider answers at once.
    pub(super) fn act(&mut self, command: &Command) -> Outcome {
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
            Command::GrantAll { users, plan } => return self.grant_all(users, plan),
            Command::Ask { .. } | Command::AskForStatement { .. } | Command::Tell { .. } => {
                return match self.begin(command) {
                    Begun::Done(outcome) => outcome,
                    Begun::Asked(no, question) => self.finish(no, question),
                };
            }
            Command::Use { .. } | Command::UseMany { .. } | Command::MayUse { .. } => {
                return self.meter(command);
            }
            Command::SetBook { .. } => return Outcome::Done,
            Command::Work => {
                self.accounts.iter_mut().for_each(|account| account.meter.forget(now));
                return Outcome::Done;
            }
            _ => return self.manage(command),
        };
        answer.map_or_else(Outcome::No, Outcome::Has)
    }

    fn grant_all(&mut self, users: User, plan: PlanNo) -> Outcome {
        let Some(plan) = self.shop.plan(plan) else { return not_found() };
        for account in self.accounts.iter_mut().take(users) {
            if let Err(no) = account.grant(&plan, 0, false, self.now) {
                return Outcome::No(no);
            }
        }
        Outcome::Done
    }

    fn quote(&mut self, user: User, plan: PlanNo) -> Result<Quote, No> {
        let plan = self.shop.plan(plan).ok_or(No::because("plan_not_found"))?;
        let (amount, reason) = self.accounts[user].quote(&plan, &self.shop, self.now)?;
        let Terms { price, interval, .. } = plan.terms;
        let beside = self.accounts[user].plan();
        let paid = Paid { amount, price, interval, beside, quoted_at: self.now };
        let of = PaidFor::Plan(plan.key);
        Ok(Quote { user, of, money: plan.terms.money, paid, reason })
    }

    fn quote_statement(&self, user: User, no: usize) -> Result<Quote, No> {
        let (amount, money) = self.accounts[user].owed(no)?;
        let paid =
            Paid { amount, price: 0, interval: Interval::Month, beside: None, quoted_at: self.now };
        Ok(Quote { user, of: PaidFor::Statement(no), money, paid, reason: "statement" })
    }

    fn meter(&mut self, command: &Command) -> Outcome {
        let (shop, now) = (&self.shop, self.now);
        match command {
            Command::Use { user, event, own } => {
                match self.accounts[*user].record(event, *own, shop, now) {
                    Ok((is_new, usage)) => Outcome::Recorded { is_new, usage },
                    Err(No { code: "too_late" | "too_early", .. }) => {
                        Outcome::No(No::because("invalid_request"))
                    }
                    Err(no) => Outcome::No(no),
                }
            }
            Command::UseMany { events } => {
                let (mut accepted, mut duplicates, mut rejected) = (0, 0, Vec::new());
                for (index, (user, event)) in events.iter().enumerate() {
                    match self.accounts[*user].record(event, false, shop, now) {
                        Ok((true, _)) => accepted += 1,
                        Ok((false, _)) => duplicates += 1,
                        Err(no) => rejected.push((index, no.code.to_owned())),
                    }
                }
                Outcome::Batch { accepted, duplicates, rejected }
            }
            Command::MayUse { user, amounts } => {
                Outcome::MayUse(self.accounts[*user].may_use(amounts, shop, now))
            }
            _ => Outcome::Done,
        }
    }
}

fn not_found() -> Outcome {
    Outcome::No(No::because("plan_not_found"))
}

/// The most that a subscription may wait for a payment.
pub(super) const LONGEST_GRACE: i64 = 90 * DAY;

//! Chance that does things: from a seed always the same.

use std::collections::HashMap;

use super::calendar::{DAY, Interval};
use super::command::{
    Amounts, Cast, Command, Draft, Event, Metric, Money, News, PlanNo, TillEvent, User,
};
use crate::provider::till::{Differs, Fault};

/// The commands of a seed: plans first, and then anything.
pub(super) fn commands(seed: u64, cast: Cast, steps: usize) -> Vec<Command> {
    let mut chance = Chance { rng: fastrand::Rng::with_seed(seed), cast, told: HashMap::new() };
    let mut all: Vec<Command> =
        (0..cast.plans).map(|plan| Command::Make { plan, draft: chance.draft(plan) }).collect();
    if seed % 20 == 7 {
        // More than the worker takes at once.
        all.push(Command::GrantAll { users: 130, plan: chance.plan() });
    }
    while all.len() < steps {
        let next = chance.command();
        // What waited for its instant is worked there and then, mostly.
        let worked =
            matches!(next, Command::Wait { .. } | Command::WaitFor { .. }) && chance.one_in(3);
        all.push(next);
        if worked {
            all.push(Command::Work);
        }
    }
    all
}

struct Chance {
    rng: fastrand::Rng,
    cast: Cast,
    /// The last event that was told of each id, to be told again.
    told: HashMap<u8, (User, Event)>,
}

impl Chance {
    fn one_in(&mut self, n: u32) -> bool {
        self.rng.u32(0..n) == 0
    }

    fn one_of<T: Copy>(&mut self, some: &[T]) -> T {
        some[self.rng.usize(0..some.len())]
    }

    fn user(&mut self) -> User {
        self.rng.usize(0..self.cast.users)
    }

    fn plan(&mut self) -> PlanNo {
        self.rng.usize(0..self.cast.plans)
    }

    fn price(&mut self) -> i64 {
        self.one_of(&[0, 0, 1, 999, 1_000, 49_000, 49_055, 149_000, 470_400])
    }

    fn interval(&mut self) -> Interval {
        self.one_of(&[
            Interval::Day,
            Interval::Week,
            Interval::Month,
            Interval::Month,
            Interval::Month,
            Interval::Year,
        ])
    }

    /// The first two are free, so that there is always something to go back to.
    fn draft(&mut self, plan: PlanNo) -> Draft {
        let price = if plan < 2 { 0 } else { self.price() };
        let money = if self.one_in(5) { Money::Usd } else { Money::Rub };
        let trial_days = if self.one_in(2) { self.one_of(&[1, 7, 14, 45, 366]) } else { 0 };
        Draft { price, money, interval: self.interval(), trial_days, quota: self.rng.u64(0..1000) }
    }

    fn command(&mut self) -> Command {
        match self.rng.u32(0..100) {
            0..72 => self.of_people(),
            72..93 => self.of_time(),
            93..99 => self.of_an_admin(),
            _ => Command::Restart,
        }
    }

    /// What users and the provider do; the power may go in the middle.
    fn of_people(&mut self) -> Command {
        let command = self.of_a_user_or_the_till();
        let is_short = !matches!(
            command,
            Command::AtTill { .. } | Command::Slowly { .. } | Command::Tell { times: 2.., .. }
        );
        if is_short && self.one_in(60) {
            let (at_sync, seed) = (self.rng.u64(1..7), self.rng.u64(..));
            return Command::PowerCut { at_sync, seed, during: Box::new(command) };
        }
        command
    }

    fn of_a_user_or_the_till(&mut self) -> Command {
        match self.rng.u32(0..100) {
            0..48 => self.of_a_user(),
            48..53 => self.ask(),
            53..56 => self.ask_for_statement(),
            56..66 => self.at_till(),
            66..76 => self.tell(),
            76..78 => self.slowly(),
            78..94 => {
                let (user, event) = self.event();
                Command::Use { user, event, own: self.one_in(3) }
            }
            94..97 => {
                let events = (0..self.rng.usize(1..8)).map(|_| self.event());
                Command::UseMany { events: events.collect() }
            }
            _ => Command::MayUse { user: self.user(), amounts: self.amounts() },
        }
    }

    fn of_a_user(&mut self) -> Command {
        let (user, plan) = (self.user(), self.plan());
        match self.rng.u32(0..100) {
            0..28 => Command::Subscribe { user, plan },
            28..43 => Command::Cancel { user, immediate: true },
            43..53 => Command::Cancel { user, immediate: false },
            53..60 => Command::Resume { user },
            60..81 => Command::Change { user, plan, now: true },
            81..92 => Command::Change { user, plan, now: false },
            _ => {
                let trial_days = if self.one_in(3) { self.one_of(&[1, 30, 400]) } else { 0 };
                Command::Grant { user, plan, trial_days, reset_usage: self.one_in(3) }
            }
        }
    }

    fn ask(&mut self) -> Command {
        let fault = if self.one_in(4) {
            self.one_of(&[Fault::Down, Fault::Silent, Fault::Refuses])
        } else {
            Fault::None
        };
        Command::Ask { user: self.user(), plan: self.plan(), fault }
    }

    fn ask_for_statement(&mut self) -> Command {
        let fault = if self.one_in(8) { Fault::Silent } else { Fault::None };
        let statement = if self.one_in(3) { self.rng.usize(0..6) } else { 0 };
        Command::AskForStatement { user: self.user(), statement, fault }
    }

    /// The newest mostly.
    fn order(&mut self) -> usize {
        if self.one_in(3) { self.rng.usize(0..12) } else { 0 }
    }

    fn at_till(&mut self) -> Command {
        let event = match self.rng.u32(0..100) {
            0..60 => TillEvent::Pays,
            60..66 => TillEvent::Holds,
            66..76 => TillEvent::Cancels,
            76..82 => TillEvent::Differs(self.one_of(&[
                Differs::Amount,
                Differs::Currency,
                Differs::Owner,
            ])),
            82..87 => TillEvent::Mends,
            87..96 => {
                TillEvent::GivesBack { quarters: self.rng.i64(1..=4), is_done: !self.one_in(3) }
            }
            _ => TillEvent::GaveBack,
        };
        Command::AtTill { order: self.order(), event }
    }

    fn tell(&mut self) -> Command {
        let news = match self.rng.u32(0..100) {
            0..50 => News::Payment("payment.succeeded"),
            50..60 => News::Payment("payment.canceled"),
            60..66 => News::Payment("payment.waiting_for_capture"),
            66..70 => News::Payment("payout.succeeded"),
            70..95 => News::Refund(self.rng.usize(0..3)),
            _ => News::Stranger,
        };
        let faults = [Fault::Down, Fault::Silent, Fault::AfterFirst];
        let fault = if self.one_in(8) { self.one_of(&faults) } else { Fault::None };
        let times = if fault == Fault::None && self.one_in(10) { 3 } else { 1 };
        Command::Tell { order: self.order(), news, times, fault }
    }

    fn slowly(&mut self) -> Command {
        let (user, plan) = (self.user(), self.plan());
        let first = if self.one_in(2) {
            Command::Ask { user, plan, fault: Fault::None }
        } else {
            let news = News::Payment("payment.succeeded");
            Command::Tell { order: self.order(), news, times: 1, fault: Fault::None }
        };
        let mut meanwhile = Vec::new();
        for _ in 0..self.rng.usize(1..4) {
            meanwhile.push(match self.rng.u32(0..6) {
                0 => self.of_a_user(),
                1 => self.ask(),
                2 | 3 => Command::AtTill { order: 0, event: TillEvent::Pays },
                4 => self.tell(),
                _ => Command::Reconcile { fault: Fault::None },
            });
        }
        Command::Slowly { first: Box::new(first), meanwhile }
    }

    /// A new one, or one that was told before.
    fn event(&mut self) -> (User, Event) {
        let id = if self.one_in(2) { Some(self.rng.u8(0..12)) } else { None };
        let before = id.and_then(|id| self.told.get(&id).cloned());
        if let Some(before) = before.filter(|_| !self.one_in(3)) {
            return before;
        }
        let offset = match self.rng.u32(0..10) {
            0..5 => None,
            5 => Some(self.one_of(&[0, 1, 300, 301])),
            6 => Some(-self.one_of(&[0, 1, 35 * DAY, 35 * DAY + 1])),
            _ => Some(-self.rng.i64(0..36 * DAY)),
        };
        let event = Event { id, amounts: self.amounts(), offset, enforce: !self.one_in(3) };
        let told = (self.user(), event);
        if let Some(id) = id {
            self.told.insert(id, told.clone());
        }
        told
    }

    fn amounts(&mut self) -> Amounts {
        let mut amounts = Amounts::new();
        for _ in 0..self.one_of(&[1, 1, 1, 2, 3]) {
            let metric = self.one_of(&Metric::ALL);
            let most = self.one_of(&[1, 30_000_000, 300_000_000, 900_000_000]);
            let amount = self.rng.i64(0..=most);
            let is_whole = metric != Metric::Minutes && !self.one_in(4);
            amounts.insert(metric, if is_whole { amount / 1_000_000 * 1_000_000 } else { amount });
        }
        amounts
    }

    fn of_time(&mut self) -> Command {
        match self.rng.u32(0..100) {
            0..30 => Command::WaitFor { user: self.user(), offset: self.one_of(&[-1, 0, 0, 1]) },
            30..45 => Command::Wait { seconds: self.rng.i64(1..3 * DAY) },
            45..57 => Command::Wait { seconds: self.rng.i64(1..40 * DAY) },
            57..60 => Command::Wait { seconds: self.rng.i64(1..800 * DAY) },
            60..75 => Command::Wait { seconds: self.rng.i64(1..100) },
            75..79 => {
                let (at_sync, seed) = (self.rng.u64(1..7), self.rng.u64(..));
                let during = if self.one_in(2) { Command::Work } else { self.reconcile() };
                Command::PowerCut { at_sync, seed, during: Box::new(during) }
            }
            79..90 => self.reconcile(),
            _ => Command::Work,
        }
    }

    fn reconcile(&mut self) -> Command {
        let faults = [Fault::Down, Fault::Silent, Fault::Refuses];
        let fault = if self.one_in(5) { self.one_of(&faults) } else { Fault::None };
        Command::Reconcile { fault }
    }

    fn of_an_admin(&mut self) -> Command {
        let plan = self.plan();
        match self.rng.u32(0..100) {
            0..18 => Command::SetPrice { plan, price: self.price() },
            18..25 => Command::SetBook { price: self.one_of(&[1, 7, 50, 333]) },
            25..32 => Command::SetTrial { plan, days: self.one_of(&[0, 1, 7, 45]) },
            32..38 => Command::SetInterval { plan, interval: self.interval() },
            38..45 => Command::SetQuota { plan, quota: self.rng.u64(0..1000) },
            45..58 => Command::Toggle { plan },
            58..72 => Command::Delete { plan },
            72..84 => Command::Make { plan, draft: self.draft(plan) },
            84..92 => Command::SetGrace { days: self.one_of(&[0, 1, 3, 3, 10, 90]) },
            _ => {
                let plan = if self.one_in(4) { None } else { Some(plan) };
                Command::SetDefault { plan }
            }
        }
    }
}

//! What can be done, and chance that does it.

use super::calendar::{DAY, Interval};

/// By number: what they are called is `u3` and `p5`.
pub(super) type User = usize;
pub(super) type PlanNo = usize;

/// What plans are paid in; both have two digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Money {
    Rub,
    Usd,
}

impl Money {
    pub(super) const ALL: [Self; 2] = [Self::Rub, Self::Usd];

    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Rub => "RUB",
            Self::Usd => "USD",
        }
    }
}

/// A plan to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft {
    /// In hundredths, as all amounts are.
    pub(super) price: i64,
    pub(super) money: Money,
    pub(super) interval: Interval,
    pub(super) trial_days: u32,
    pub(super) quota: u64,
}

/// One thing that somebody does, or that happens.
#[derive(Clone, Debug)]
pub(super) enum Command {
    Subscribe {
        user: User,
        plan: PlanNo,
    },
    Cancel {
        user: User,
        immediate: bool,
    },
    Resume {
        user: User,
    },
    Change {
        user: User,
        plan: PlanNo,
        now: bool,
    },
    /// Asks what a plan costs, to pay it later.
    Quote {
        user: User,
        plan: PlanNo,
    },
    /// Pays one of the quotes that wait, however old it is.
    Pay {
        quote: usize,
    },
    Grant {
        user: User,
        plan: PlanNo,
        trial_days: u32,
        reset_usage: bool,
    },
    /// Gives a plan to so many users.
    GrantAll {
        users: User,
        plan: PlanNo,
    },
    Wait {
        seconds: i64,
    },
    /// Until so many seconds behind what is due next for a user.
    WaitFor {
        user: User,
        offset: i64,
    },
    Work,
    SetPrice {
        plan: PlanNo,
        price: i64,
    },
    SetTrial {
        plan: PlanNo,
        days: u32,
    },
    SetInterval {
        plan: PlanNo,
        interval: Interval,
    },
    SetQuota {
        plan: PlanNo,
        quota: u64,
    },
    Toggle {
        plan: PlanNo,
    },
    Make {
        plan: PlanNo,
        draft: Draft,
    },
    Delete {
        plan: PlanNo,
    },
    SetGrace {
        days: u32,
    },
    SetDefault {
        plan: Option<PlanNo>,
    },
    /// Stops cleanly and starts again.
    Restart,
    /// The power goes at the nth sync from now on, or behind the command if that has fewer; then a new start.
    PowerCut {
        at_sync: u64,
        seed: u64,
        during: Box<Command>,
    },
}

/// How many there are in one simulation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cast {
    pub(super) users: User,
    pub(super) plans: PlanNo,
}

/// The commands of a seed: plans first, and then anything.
pub(super) fn commands(seed: u64, cast: Cast, steps: usize) -> Vec<Command> {
    let mut chance = Chance { rng: fastrand::Rng::with_seed(seed), cast };
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
            0..75 => self.of_a_user(),
            75..94 => self.of_time(),
            94..99 => self.of_an_admin(),
            _ => Command::Restart,
        }
    }

    fn of_a_user(&mut self) -> Command {
        let (user, plan) = (self.user(), self.plan());
        let command = match self.rng.u32(0..100) {
            0..20 => Command::Subscribe { user, plan },
            20..31 => Command::Cancel { user, immediate: true },
            31..38 => Command::Cancel { user, immediate: false },
            38..43 => Command::Resume { user },
            43..58 => Command::Change { user, plan, now: true },
            58..66 => Command::Change { user, plan, now: false },
            66..82 => Command::Quote { user, plan },
            // The newest mostly.
            82..95 => {
                Command::Pay { quote: if self.one_in(4) { self.rng.usize(0..10) } else { 0 } }
            }
            _ => {
                let trial_days = if self.one_in(3) { self.one_of(&[1, 30, 400]) } else { 0 };
                Command::Grant { user, plan, trial_days, reset_usage: self.one_in(3) }
            }
        };
        if self.one_in(60) {
            let (at_sync, seed) = (self.rng.u64(1..7), self.rng.u64(..));
            return Command::PowerCut { at_sync, seed, during: Box::new(command) };
        }
        command
    }

    fn of_time(&mut self) -> Command {
        match self.rng.u32(0..100) {
            0..40 => Command::WaitFor { user: self.user(), offset: self.one_of(&[-1, 0, 0, 1]) },
            40..60 => Command::Wait { seconds: self.rng.i64(1..3 * DAY) },
            60..75 => Command::Wait { seconds: self.rng.i64(1..40 * DAY) },
            75..79 => Command::Wait { seconds: self.rng.i64(1..800 * DAY) },
            79..88 => Command::Wait { seconds: self.rng.i64(1..100) },
            88..91 => {
                let (at_sync, seed) = (self.rng.u64(1..7), self.rng.u64(..));
                Command::PowerCut { at_sync, seed, during: Box::new(Command::Work) }
            }
            _ => Command::Work,
        }
    }

    fn of_an_admin(&mut self) -> Command {
        let plan = self.plan();
        match self.rng.u32(0..100) {
            0..25 => Command::SetPrice { plan, price: self.price() },
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

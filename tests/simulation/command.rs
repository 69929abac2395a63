//! What can be done.

use std::collections::BTreeMap;

use super::calendar::Interval;
use crate::provider::till::{Differs, Fault};

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

/// What is metered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Metric {
    /// Blocked at the plan's quota.
    Requests,
    /// Billed past half of it.
    Images,
    /// Without a quota.
    Minutes,
}

impl Metric {
    pub(super) const ALL: [Self; 3] = [Self::Requests, Self::Images, Self::Minutes];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Images => "images",
            Self::Minutes => "audio_minutes",
        }
    }

    /// How much more than the book's price it costs, so that each costs something else.
    pub(super) fn dearer(self) -> i64 {
        match self {
            Self::Requests => 0,
            Self::Images => 1,
            Self::Minutes => 2,
        }
    }
}

/// How much of what, in millionths.
pub(super) type Amounts = BTreeMap<Metric, i64>;

/// Usage as somebody tells of it.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// The few ids that there are come again and again.
    pub(super) id: Option<u8>,
    pub(super) amounts: Amounts,
    /// When it was, in seconds from now.
    pub(super) offset: Option<i64>,
    pub(super) enforce: bool,
}

/// What happens at the provider.
#[derive(Clone, Copy, Debug)]
pub(super) enum TillEvent {
    Pays,
    /// The money is there, and not taken yet.
    Holds,
    Cancels,
    /// From now on it says something of the payment that is not so.
    Differs(Differs),
    /// And no longer.
    Mends,
    /// So many quarters of what is left of a payment go back, now or soon.
    GivesBack {
        quarters: i64,
        is_done: bool,
    },
    /// All that was to go back has.
    GaveBack,
}

/// What a webhook says, of which nothing is believed.
#[derive(Clone, Copy, Debug)]
pub(super) enum News {
    /// An event of the payment, whether it happened or not.
    Payment(&'static str),
    /// A refund of it, whether there is one or not.
    Refund(usize),
    /// Of a payment that nobody ordered.
    Stranger,
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
    /// Asks for a payment for a plan.
    Ask {
        user: User,
        plan: PlanNo,
        fault: Fault,
    },
    /// Asks for a payment for an own statement, however old: 0 is the last one.
    AskForStatement {
        user: User,
        statement: usize,
        fault: Fault,
    },
    /// Something happens to a payment that was asked for, however long ago: 0 is the last one.
    AtTill {
        order: usize,
        event: TillEvent,
    },
    /// The provider calls, or somebody else does.
    Tell {
        order: usize,
        news: News,
        /// So many at once.
        times: usize,
        fault: Fault,
    },
    /// The worker asks the provider about all that is pending.
    Reconcile {
        fault: Fault,
    },
    /// While the provider thinks about the first, others do something.
    Slowly {
        first: Box<Command>,
        meanwhile: Vec<Command>,
    },
    /// Records usage.
    Use {
        user: User,
        event: Event,
        /// The user tells of it, and no product.
        own: bool,
    },
    /// Records usage of several users at once.
    UseMany {
        events: Vec<(User, Event)>,
    },
    /// Asks whether so much more may be used.
    MayUse {
        user: User,
        amounts: Amounts,
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
    /// What is used costs something else from now on.
    SetBook {
        price: i64,
    },
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

//! Payments that were asked for: where each stands here, and where at the provider.

use std::collections::BTreeMap;

use super::super::calendar::DAY;
use super::super::command::{Money, PlanNo, TillEvent, User};
use super::{Paid, PaidFor, Quote};
use crate::provider::till::{Differs, Fault};

/// The provider is asked to take a payment on for so long.
const ORDERED_FOR: i64 = 23 * 3_600;
/// And is asked how it stands for so long.
const WAITED_FOR: i64 = 7 * DAY;

/// In the order in which they were asked for.
pub(in super::super) type OrderNo = usize;

#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) user: User,
    pub(super) of: PaidFor,
    pub(super) money: Money,
    pub(super) paid: Paid,
    reason: &'static str,
    pub(super) status: &'static str,
    /// The provider's word for it.
    said: Option<&'static str>,
    /// Whether it is known here how the provider calls it.
    pub(super) is_known: bool,
    pub(super) is_credit: bool,
    booked_at: i64,
    ask_at: Option<i64>,
    asked: u32,
    /// What is known to have gone back, by the number of the refund.
    back: BTreeMap<usize, i64>,
    pub(super) at_till: Option<AtTill>,
}

/// How it is with the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct AtTill {
    pub(in super::super) status: &'static str,
    pub(in super::super) differs: Option<Differs>,
    pub(in super::super) refunds: Vec<(i64, &'static str)>,
}

/// As it is seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct SeenOrder {
    pub(in super::super) user: User,
    pub(in super::super) amount: i64,
    pub(in super::super) money: Money,
    pub(in super::super) reason: String,
    pub(in super::super) status: &'static str,
    pub(in super::super) said: Option<String>,
    pub(in super::super) is_known: bool,
    pub(in super::super) is_credit: bool,
    pub(in super::super) back: i64,
    pub(in super::super) ask_at: Option<i64>,
    pub(in super::super) at_till: Option<AtTill>,
    /// The plan that the user had when it was quoted.
    pub(in super::super) beside: Option<PlanNo>,
}

/// What the provider says when it is asked.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Told {
    pub(super) status: &'static str,
    /// Whether it says of the payment what was ordered.
    pub(super) fits: bool,
}

/// Why it does not say.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum NotTold {
    Silent,
    Refused,
}

impl SeenOrder {
    /// In a few words.
    pub(in super::super) fn kind(&self) -> String {
        let more = match self.status {
            "succeeded" if self.back > 0 => return "order refunded in part".to_owned(),
            _ if self.is_credit => " as credit",
            _ => "",
        };
        format!("order {}{more}", self.status)
    }
}

impl AtTill {
    fn told(&self) -> Told {
        Told { status: self.status, fits: self.differs.is_none() }
    }

    /// Lets something happen at the provider.
    fn happens(&mut self, event: TillEvent, amount: i64) {
        let is_open = matches!(self.status, "pending" | "waiting_for_capture");
        match event {
            TillEvent::Pays if is_open => self.status = "succeeded",
            TillEvent::Holds if is_open => self.status = "waiting_for_capture",
            TillEvent::Cancels if is_open => self.status = "canceled",
            TillEvent::Differs(differs) => self.differs = Some(differs),
            TillEvent::Mends => self.differs = None,
            TillEvent::GivesBack { quarters, is_done } if self.status == "succeeded" => {
                let rest = amount - self.refunds.iter().map(|(amount, _)| amount).sum::<i64>();
                let back = (rest * quarters + 3) / 4;
                if back > 0 {
                    self.refunds.push((back, if is_done { "succeeded" } else { "pending" }));
                }
            }
            TillEvent::GaveBack => {
                self.refunds.iter_mut().for_each(|(_, status)| *status = "succeeded");
            }
            _ => {}
        }
    }
}

impl Order {
    pub(super) fn ask(quote: Quote, now: i64) -> Self {
        Self {
            user: quote.user,
            of: quote.of,
            money: quote.money,
            paid: quote.paid,
            reason: quote.reason,
            status: "pending",
            said: None,
            is_known: false,
            is_credit: false,
            booked_at: now,
            ask_at: Some(now + 15),
            asked: 0,
            back: BTreeMap::new(),
            at_till: None,
        }
    }

    /// Whether it waits for the very thing that is asked for.
    pub(super) fn is_for(&self, quote: &Quote) -> bool {
        let wanted = (quote.user, quote.of, quote.money, quote.paid.amount);
        self.status == "pending" && (self.user, self.of, self.money, self.paid.amount) == wanted
    }

    pub(super) fn seen(&self) -> SeenOrder {
        SeenOrder {
            user: self.user,
            amount: self.paid.amount,
            money: self.money,
            reason: self.reason.to_owned(),
            status: self.status,
            said: self.said.map(str::to_owned),
            is_known: self.is_known,
            is_credit: self.is_credit,
            back: self.back.values().sum(),
            ask_at: self.ask_at,
            at_till: self.at_till.clone(),
            beside: self.paid.beside.map(|plan| plan.no),
        }
    }

    /// Lets something happen at the provider. Nobody pays who was not told where: the provider has said so, or
    /// `is_told` on its way.
    pub(super) fn happens(&mut self, event: TillEvent, is_told: bool) {
        let is_payable = self.is_known || is_told;
        if let Some(at_till) = self.at_till.as_mut().filter(|_| is_payable) {
            at_till.happens(event, self.paid.amount);
        }
    }

    pub(super) fn is_due(&self, now: i64) -> bool {
        self.ask_at.is_some_and(|ask_at| ask_at <= now)
    }

    pub(super) fn is_over_time(&self, now: i64) -> bool {
        let most = if self.is_known { WAITED_FOR } else { ORDERED_FOR };
        now - self.booked_at >= most
    }

    /// The provider is asked to take it on.
    pub(super) fn take_on(&mut self, fault: Fault) -> Result<Told, NotTold> {
        match fault {
            Fault::Down => return Err(NotTold::Silent),
            Fault::Refuses => return Err(NotTold::Refused),
            Fault::None | Fault::Silent | Fault::AfterFirst => {}
        }
        let fresh = AtTill { status: "pending", differs: None, refunds: Vec::new() };
        let told = self.at_till.get_or_insert(fresh).told();
        if fault == Fault::Silent { Err(NotTold::Silent) } else { Ok(told) }
    }

    /// The provider is asked how it stands.
    pub(super) fn look(&self, fault: Fault) -> Result<Told, NotTold> {
        match (&self.at_till, fault) {
            (_, Fault::Down | Fault::Silent) | (None, _) => Err(NotTold::Silent),
            (Some(at_till), _) => Ok(at_till.told()),
        }
    }

    /// It is open.
    pub(super) fn note(&mut self, told: Told, now: i64) {
        if !self.is_known {
            self.asked = 0;
        }
        self.know(told.status);
        self.wait(now);
    }

    /// The provider said nothing that counts, now that it was due to be asked.
    pub(super) fn postpone(&mut self, is_hopeless: bool, now: i64) {
        if !self.is_due(now) {
            return;
        }
        if is_hopeless && self.is_over_time(now) {
            self.end("canceled");
        } else {
            self.wait(now);
        }
    }

    /// It is asked about again after a pause, each twice as long as the one before.
    fn wait(&mut self, now: i64) {
        self.ask_at = Some(now + (30 << self.asked.min(7)).min(3_600));
        self.asked += 1;
    }

    /// The provider does not take it on.
    pub(super) fn fail(&mut self) {
        if !self.is_known && self.ask_at.is_some() {
            self.said = Some("invalid_request");
            self.end("failed");
        }
    }

    pub(super) fn know(&mut self, said: &'static str) {
        (self.is_known, self.said) = (true, Some(said));
    }

    pub(super) fn end(&mut self, status: &'static str) {
        (self.status, self.ask_at) = (status, None);
    }

    /// Some of it went back, which is told once.
    pub(super) fn give_back(&mut self, refund: usize) {
        let refunds = self.at_till.as_ref().map(|at_till| &at_till.refunds);
        let Some((amount, "succeeded")) = refunds.and_then(|all| all.get(refund)) else { return };
        if !matches!(self.status, "succeeded" | "refunded") {
            return;
        }
        self.back.insert(refund, *amount);
        if self.back.values().sum::<i64>() == self.paid.amount {
            self.status = "refunded";
        }
    }
}

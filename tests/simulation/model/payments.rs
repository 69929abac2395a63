//! What becomes of payments, whoever is told of them and however often.

use super::super::command::{Command, News, TillEvent, User};
use super::orders::{NotTold, Order, OrderNo, SeenOrder, Told};
use super::{Model, No, Outcome, PaidFor, Quote};
use crate::provider::till::Fault;

/// A command that may wait for the provider.
#[derive(Clone, Debug)]
pub(in super::super) enum Begun {
    Done(Outcome),
    Asked(OrderNo, Question),
}

/// What was asked, with the answer that is on its way.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Question {
    TakeOn(Result<Told, NotTold>),
    Stands { told: Told, news: News, times: usize, fault: Fault },
}

impl Model {
    /// Which order is meant: 0 is the last one.
    pub(in super::super) fn order_no(&self, nth_last: usize) -> Option<OrderNo> {
        self.orders.len().checked_sub(1 + nth_last)
    }

    pub(in super::super) fn user_of(&self, no: OrderNo) -> User {
        self.orders[no].user
    }

    pub(in super::super) fn order(&self, no: OrderNo) -> SeenOrder {
        self.orders[no].seen()
    }

    /// The orders of a user.
    pub(in super::super) fn orders_of(&self, user: User) -> Vec<(OrderNo, SeenOrder)> {
        let all = self.orders.iter().enumerate();
        all.filter(|(_, order)| order.user == user).map(|(no, order)| (no, order.seen())).collect()
    }

    /// Lets something happen at the provider; `is_told` says that somebody knows where to pay, though it is not noted.
    pub(in super::super) fn at_till(&mut self, no: OrderNo, event: TillEvent, is_told: bool) {
        self.orders[no].happens(event, is_told);
    }

    /// Does a command as far as it goes without an answer of the provider.
    pub(in super::super) fn begin(&mut self, command: &Command) -> Begun {
        match *command {
            Command::Ask { fault, .. } | Command::AskForStatement { fault, .. } => {
                match self.quote_of(command) {
                    Some(quote) => self.begin_order(quote, fault),
                    None => Begun::Done(Outcome::Done),
                }
            }
            Command::Tell { order, news, times, fault } => {
                let no = self.order_no(order);
                let known = no.filter(|no| self.orders[*no].is_known);
                let Some(no) = known.filter(|_| is_of_a_payment(news)) else {
                    return Begun::Done(Outcome::Done);
                };
                match self.orders[no].look(fault) {
                    Ok(told) => Begun::Asked(no, Question::Stands { told, news, times, fault }),
                    Err(_) => Begun::Done(Outcome::Unavailable),
                }
            }
            _ => Begun::Done(self.act(command)),
        }
    }

    /// What a command asks to pay for; nothing where there is no such statement.
    fn quote_of(&mut self, command: &Command) -> Option<Result<Quote, No>> {
        match *command {
            Command::Ask { user, plan, .. } => Some(self.quote(user, plan)),
            Command::AskForStatement { user, statement, .. } => {
                let no = self.statement_no(user, statement)?;
                Some(self.quote_statement(user, no))
            }
            _ => None,
        }
    }

    fn begin_order(&mut self, quote: Result<Quote, No>, fault: Fault) -> Begun {
        let now = self.now;
        let no = match quote {
            Ok(quote) => self.book(quote),
            Err(no) => return Begun::Done(Outcome::No(no)),
        };
        let order = &mut self.orders[no];
        if !order.is_known && order.is_over_time(now) {
            order.end("canceled");
        }
        if order.is_known || order.status != "pending" {
            return Begun::Done(self.started(no));
        }
        Begun::Asked(no, Question::TakeOn(order.take_on(fault)))
    }

    /// Notes that a payment is asked for, or finds it.
    fn book(&mut self, quote: Quote) -> OrderNo {
        if let Some(known) = self.orders.iter().position(|order| order.is_for(&quote)) {
            self.orders[known].paid.beside = quote.paid.beside;
            return known;
        }
        self.orders.push(Order::ask(quote, self.now));
        self.orders.len() - 1
    }

    /// The answer comes.
    pub(in super::super) fn finish(&mut self, no: OrderNo, question: Question) -> Outcome {
        match question {
            Question::TakeOn(Ok(told)) => {
                self.hear(no, told);
                self.started(no)
            }
            Question::TakeOn(Err(NotTold::Refused)) => {
                self.orders[no].fail();
                self.started(no)
            }
            Question::TakeOn(Err(NotTold::Silent)) => Outcome::Unavailable,
            Question::Stands { told, news, times, fault } => {
                for _ in 0..times {
                    self.hear(no, told);
                }
                let News::Refund(refund) = news else { return Outcome::Done };
                if fault == Fault::AfterFirst {
                    return Outcome::Unavailable;
                }
                self.orders[no].give_back(refund);
                Outcome::Done
            }
        }
    }

    fn started(&self, no: OrderNo) -> Outcome {
        let order = &self.orders[no];
        if order.is_known {
            Outcome::Started(no, order.status)
        } else {
            Outcome::No(No::because("payment_refused"))
        }
    }

    /// What the provider says of a payment, once however often it is said.
    fn hear(&mut self, no: OrderNo, told: Told) {
        let now = self.now;
        let order = &mut self.orders[no];
        if !told.fits {
            return order.postpone(true, now);
        }
        match (order.status, told.status) {
            ("succeeded" | "refunded", _) => {}
            (_, "succeeded") => self.come(no),
            ("pending", "canceled") => {
                order.know("canceled");
                order.end("canceled");
            }
            ("pending", _) if order.is_over_time(now) => order.end("canceled"),
            ("pending", _) => order.note(told, now),
            _ => {}
        }
    }

    /// The money came, also where nobody waited any more.
    fn come(&mut self, no: OrderNo) {
        let order = &mut self.orders[no];
        let account = &mut self.accounts[order.user];
        let plan = match order.of {
            PaidFor::Plan(plan) => self.shop.very(plan),
            PaidFor::Statement(_) => None,
        };
        let bought = match (plan, order.of) {
            (Some(plan), _) => account.pay(&plan, order.paid, &self.shop, self.now),
            (None, PaidFor::Statement(no)) => account.settle_statement(no, order.paid.amount),
            (None, PaidFor::Plan(_)) => {
                account.receive(order.money, order.paid.amount);
                false
            }
        };
        order.know("succeeded");
        order.end("succeeded");
        order.is_credit = !bought;
    }

    /// What the provider is asked about now, first those that buy nothing.
    pub(in super::super) fn due(&self) -> (Vec<OrderNo>, Vec<OrderNo>) {
        let due = (0..self.orders.len()).filter(|no| self.orders[*no].is_due(self.now));
        due.partition(|no| {
            let at_till = self.orders[*no].at_till.as_ref();
            at_till.is_none_or(|at_till| at_till.status != "succeeded")
        })
    }

    /// Asks the provider about one that is due.
    pub(in super::super) fn reconcile(&mut self, no: OrderNo, fault: Fault) {
        let now = self.now;
        let order = &mut self.orders[no];
        let answer = if order.is_known {
            order.look(fault)
        } else if order.is_over_time(now) {
            return order.end("canceled");
        } else {
            order.take_on(fault)
        };
        match answer {
            Ok(told) => self.hear(no, told),
            Err(NotTold::Refused) => order.fail(),
            Err(NotTold::Silent) => order.postpone(false, now),
        }
    }

    /// All that may be so after the power went in the middle of a command.
    pub(in super::super) fn cut_short(&self, command: &Command) -> Vec<Self> {
        let mut after = self.clone();
        let begun = after.begin(command);
        let mut all = vec![self.clone()];
        let mut booked = self.clone();
        if let Some(Ok(quote)) = booked.quote_of(command) {
            booked.book(quote);
            all.push(booked);
        }
        all.push(after.clone());
        if let Begun::Asked(no, question) = begun {
            if let Question::Stands { told, news, times, .. } = question {
                let mut heard = after.clone();
                let fault = Fault::AfterFirst;
                heard.finish(no, Question::Stands { told, news, times, fault });
                all.push(heard);
            }
            after.finish(no, question);
            all.push(after);
        }
        // What was done is likelier.
        all.reverse();
        all
    }
}

fn is_of_a_payment(news: News) -> bool {
    match news {
        News::Payment(event) => event.starts_with("payment."),
        News::Refund(_) => true,
        News::Stranger => false,
    }
}

//! Money: payments that users ask for, what the provider calls, and what it says when it is asked.

use std::collections::HashMap;

use planwright_domain::payment::transaction::{Booked, Slice, Transaction};
use planwright_domain::payment::{Notification, PaymentDraft};
use planwright_domain::plan::plan_id::PlanId;
use planwright_service::payments::{payment_webhooks, reconciliation, transactions};
use planwright_service::{Error, payments};
use planwright_store::{Document, Key, Part, Scan, Snapshot, Space, Store};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::command::{Command, Money, News, PlanNo, User};
use super::super::model::{AtTill, OrderNo, Outcome, SeenOrder};
use super::{House, hundredths, id, name, shown};
use crate::provider::till::{Fault, refund_id};

/// A transaction as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Kept(Booked);

impl Document for Kept {
    const SCHEMA: u16 = 1;
}

impl House {
    pub(super) async fn pay(&self, command: &Command) -> Result<Outcome, Error> {
        let (Command::Ask { fault, .. }
        | Command::AskForStatement { fault, .. }
        | Command::Tell { fault, .. }
        | Command::Reconcile { fault }) = command
        else {
            return Ok(Outcome::Done);
        };
        self.till.fail(*fault);
        let paid = self.try_pay(command).await;
        self.till.fail(Fault::None);
        paid
    }

    async fn try_pay(&self, command: &Command) -> Result<Outcome, Error> {
        match *command {
            Command::Ask { user, plan, .. } => self.ask(user, Some(id(plan)), None).await,
            Command::AskForStatement { user, statement, .. } => {
                match self.statement_id(user, statement) {
                    Some(id) => self.ask(user, None, Some(id)).await,
                    None => Ok(Outcome::Done),
                }
            }
            Command::Tell { order, news, times: 1, .. } => self.tell(order, news).await,
            Command::Tell { order, news, .. } => {
                let tell = || self.tell(order, news);
                let told = tokio::try_join!(tell(), tell(), tell());
                told.map(|(told, _, _)| told)
            }
            _ => {
                Box::pin(reconciliation::work_all(self.app(), self.at())).await?;
                Ok(Outcome::Done)
            }
        }
    }

    async fn ask(
        &self,
        user: User,
        plan_id: Option<PlanId>,
        statement_id: Option<String>,
    ) -> Result<Outcome, Error> {
        let return_url = "https://shop.example/paid".to_owned();
        let draft = PaymentDraft { plan_id, statement_id, return_url };
        let started = Box::pin(payments::start(self.app(), &self.of(user), &draft)).await?;
        self.learn(user).await;
        let known = self.transactions.lock().unwrap();
        let no = known.iter().position(|known| *known == started.transaction_id);
        Ok(Outcome::Started(no.unwrap(), started.status.as_str()))
    }

    async fn tell(&self, nth_last: usize, news: News) -> Result<Outcome, Error> {
        let payment_id = self.payment_id(nth_last).unwrap_or_else(|| "none".to_owned());
        let body = match news {
            News::Payment(event) => json!({"event": event, "object": {"id": payment_id}}),
            News::Refund(nth) => {
                let object = json!({"id": refund_id(&payment_id, nth), "payment_id": payment_id});
                json!({"event": "refund.succeeded", "object": object})
            }
            News::Stranger => json!({"event": "payment.succeeded", "object": {"id": "none"}}),
        };
        let told: Notification = serde_json::from_value(body).unwrap();
        Box::pin(payment_webhooks::hear(self.app(), &told.checked().unwrap(), self.at())).await?;
        Ok(Outcome::Done)
    }

    /// What the provider calls a payment that was taken on.
    fn payment_id(&self, nth_last: usize) -> Option<String> {
        let known = self.transactions.lock().unwrap();
        let key = known.get(known.len().checked_sub(1 + nth_last)?)?;
        self.till.ordered(key).pop().map(|payment| payment.id)
    }

    /// Learns what the transactions are called that a user has asked for.
    pub(in super::super) async fn learn(&self, user: User) {
        let all = self.transactions_of(user).await;
        let mut known = self.transactions.lock().unwrap();
        for transaction in all {
            if !known.contains(&transaction.id) {
                known.push(transaction.id);
            }
        }
    }

    async fn transactions_of(&self, user: User) -> Vec<Transaction> {
        let (mut all, by) = (Vec::new(), self.of(user));
        loop {
            let slice = Slice { limit: Slice::LARGEST, skip: all.len() };
            let some = transactions::own(self.app(), &by, slice).await.unwrap();
            let is_last = some.len() < Slice::LARGEST;
            all.extend(some);
            if is_last {
                return all;
            }
        }
    }

    /// The orders of a user.
    pub(in super::super) async fn orders_of(&self, user: User) -> Vec<(OrderNo, SeenOrder)> {
        self.learn(user).await;
        let (asked_at, beside) = (self.asked_at().await, self.beside().await);
        let mut orders = Vec::new();
        for transaction in self.transactions_of(user).await {
            let known = self.transactions.lock().unwrap();
            let no = known.iter().position(|known| *known == transaction.id).unwrap();
            let ask_at = asked_at.iter().find(|(id, _)| *id == transaction.id);
            let kept = (ask_at.map(|(_, at)| *at), beside.get(&transaction.id).copied());
            orders.push((no, self.seen_order(user, &transaction, kept)));
        }
        orders.sort_by_key(|(no, _)| *no);
        orders
    }

    fn seen_order(
        &self,
        user: User,
        transaction: &Transaction,
        (ask_at, beside): (Option<i64>, Option<PlanNo>),
    ) -> SeenOrder {
        let code = transaction.currency.code();
        let text = |name: &str| transaction.metadata.get(name).cloned().unwrap_or_default();
        SeenOrder {
            user,
            amount: hundredths(&transaction.amount.to_string()),
            money: Money::ALL.into_iter().find(|money| money.code() == code).unwrap(),
            reason: text("reason"),
            status: transaction.status.as_str(),
            said: transaction.provider_status.clone(),
            is_known: transaction.payment_id.is_some(),
            is_credit: text("taken_as") == "credit",
            back: if transaction.metadata.contains_key("refunded_amount") {
                hundredths(&text("refunded_amount"))
            } else {
                0
            },
            ask_at,
            at_till: self.at_till(transaction),
            beside,
        }
    }

    fn at_till(&self, transaction: &Transaction) -> Option<AtTill> {
        let mut ordered = self.till.ordered(&transaction.id);
        let payment = ordered.pop()?;
        assert!(ordered.is_empty(), "the same money is asked for twice");
        let is_its = transaction.payment_id.as_ref().is_none_or(|id| *id == payment.id);
        assert!(is_its, "its payment is another one");
        let refunds = payment.refunds.iter();
        let refunds = refunds.map(|(amount, status)| (hundredths(&amount.to_string()), *status));
        let (status, differs) = (payment.status, payment.differs);
        Some(AtTill { status, differs, refunds: refunds.collect() })
    }

    /// When the provider is asked about each transaction next, as it is kept.
    async fn asked_at(&self) -> Vec<(String, i64)> {
        let all = Key::in_space(&Space::Host, "payment-due").prefix();
        let snapshot = self.app().store().snapshot().await.unwrap();
        let due = snapshot.scan(&all, Scan::first(usize::MAX)).await.unwrap();
        let due = due.iter().map(|(key, _)| match key.parts().as_slice() {
            [Part::Number(at), _, Part::Text(id)] => (id.clone(), i64::try_from(*at).unwrap()),
            _ => panic!("{key}"),
        });
        due.collect()
    }

    /// The plans that users had when something was quoted, by the transactions.
    async fn beside(&self) -> HashMap<String, PlanNo> {
        let space = Space::Tenant(self.tenant.to_string());
        let all = Key::in_space(&space, "transaction").prefix();
        let snapshot = self.app().store().snapshot().await.unwrap();
        let mut found = HashMap::new();
        for (_, record) in snapshot.scan(&all, Scan::first(usize::MAX)).await.unwrap() {
            let Kept(booked) = record.decode().unwrap();
            if let Some(plan) = booked.beside {
                let no = plan.id.as_str().trim_start_matches('p').parse().unwrap();
                found.insert(booked.transaction.id, no);
            }
        }
        found
    }

    /// Has it be so at the till.
    pub(in super::super) fn set_at_till(&self, no: OrderNo, at_till: &AtTill) {
        let key = self.transactions.lock().unwrap()[no].clone();
        self.till.change(&key, |payment| {
            (payment.status, payment.differs) = (at_till.status, at_till.differs);
            let refunds = at_till.refunds.iter();
            let amount = |amount: i64| shown(amount).parse::<Decimal>().unwrap();
            payment.refunds = refunds.map(|(of, status)| (amount(*of), *status)).collect();
        });
    }

    /// The next question is answered when it is let; until then nobody needs an answer.
    pub(in super::super) fn slow(&self) {
        self.till.slow();
    }

    pub(in super::super) async fn is_asked(&self) {
        self.till.is_asked().await;
    }

    pub(in super::super) fn answer(&self) {
        self.till.answer();
    }

    /// What the provider says came of a user.
    pub(in super::super) fn paid(&self, user: User, money: Money) -> i64 {
        hundredths(&self.till.paid(&name(user), money.code()).to_string())
    }

    /// Orders that were paid, by the provider and by what is kept.
    pub(in super::super) async fn paid_orders(&self, user: User) -> [Vec<OrderNo>; 2] {
        let orders = self.orders_of(user).await;
        let of = |is_paid: fn(&SeenOrder) -> bool| {
            orders.iter().filter(|(_, order)| is_paid(order)).map(|(no, _)| *no).collect()
        };
        let by_till =
            of(|order| order.at_till.as_ref().is_some_and(|at_till| at_till.status == "succeeded"));
        [by_till, of(|order| matches!(order.status, "succeeded" | "refunded"))]
    }
}

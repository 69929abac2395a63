//! A payment provider in this process, for tests without a server: its memory of keys goes by a clock that is set, it
//! fails as it is told, and it can be kept from answering while something else happens.

use std::sync::{Arc, Mutex, MutexGuard};

use planwright_domain::payment::payment_settings::{Credentials, Secret};
use planwright_domain::payment::{PaymentOrder, PaymentTold, RefundTold};
use planwright_service::Payments;
use planwright_service::payments::provider::{Answering, PaymentProvider, ProviderError};
use rust_decimal::Decimal;
use tokio::sync::Notify;

/// For how long the same key is the same payment.
const REMEMBERED_SECONDS: i64 = 24 * 60 * 60;

/// The provider; its clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Till(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Told when somebody waits for an answer that is slow.
    asked: Notify,
    /// Told when that answer may go.
    answered: Notify,
}

#[derive(Default)]
struct State {
    now: i64,
    payments: Vec<Payment>,
    fault: Fault,
    /// How many questions came since the fault was switched on.
    questions: u32,
    is_slow: bool,
}

/// What goes wrong until it is switched off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    #[default]
    None,
    /// Nothing is done, and nothing answered.
    Down,
    /// Orders are taken on, and nothing is answered.
    Silent,
    /// The first question is answered, and no other one.
    AfterFirst,
    /// No order is taken on, now or later.
    Refuses,
}

/// What the provider says of a payment that is not so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Differs {
    Amount,
    Currency,
    Owner,
}

/// A payment that was taken on.
#[derive(Clone, Debug)]
pub(crate) struct Payment {
    pub(crate) id: String,
    pub(crate) order: PaymentOrder,
    made_at: i64,
    /// In the provider's words.
    pub(crate) status: &'static str,
    pub(crate) differs: Option<Differs>,
    /// What was given back, or is to be: how much, and how far that is.
    pub(crate) refunds: Vec<(Decimal, &'static str)>,
}

/// How a refund of a payment is called.
pub(crate) fn refund_id(payment_id: &str, nth: usize) -> String {
    format!("{payment_id}-r{nth}")
}

impl Till {
    /// For an app that takes payments here.
    pub(crate) fn payments(&self) -> Payments {
        let secret_key = Secret::new("of the till".to_owned());
        Payments {
            provider: Arc::new(self.clone()),
            shop: Some(Credentials { shop_id: "till".to_owned(), secret_key }),
            return_hosts: Vec::new(),
        }
    }

    pub(crate) fn set_time(&self, now: i64) {
        self.state().now = now;
    }

    pub(crate) fn fail(&self, fault: Fault) {
        let mut state = self.state();
        (state.fault, state.questions) = (fault, 0);
    }

    /// The next question is answered when it is let.
    pub(crate) fn slow(&self) {
        self.state().is_slow = true;
    }

    /// Waits until somebody waits for a slow answer, which is known here already.
    pub(crate) async fn is_asked(&self) {
        self.0.asked.notified().await;
    }

    /// Lets a slow answer go; none is slow from now on.
    pub(crate) fn answer(&self) {
        let was_asked = !std::mem::take(&mut self.state().is_slow);
        if was_asked {
            self.0.answered.notify_one();
        }
    }

    /// The payments that were ordered under a key: one, as long as it is remembered.
    pub(crate) fn ordered(&self, key: &str) -> Vec<Payment> {
        let state = self.state();
        state.payments.iter().filter(|payment| payment.order.key == key).cloned().collect()
    }

    /// Lets something happen to a payment.
    pub(crate) fn change(&self, key: &str, change: impl FnOnce(&mut Payment)) {
        let mut state = self.state();
        let payment = state.payments.iter_mut().find(|payment| payment.order.key == key);
        change(payment.expect("it was ordered"));
    }

    /// What came of a user in a currency.
    pub(crate) fn paid(&self, user_id: &str, currency: &str) -> Decimal {
        let state = self.state();
        let is_its = |payment: &&Payment| {
            payment.status == "succeeded"
                && payment.order.currency.code() == currency
                && payment.order.metadata["user_id"] == user_id
        };
        state.payments.iter().filter(is_its).map(|payment| payment.order.amount).sum()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    async fn asked<T>(
        &self,
        question: impl FnOnce(&mut State) -> Result<T, ProviderError>,
    ) -> Result<T, ProviderError> {
        let (answer, is_slow) = {
            let mut state = self.state();
            let (fault, before) = (state.fault, state.questions);
            state.questions += 1;
            let answer = match fault {
                Fault::Down => Err(no_answer()),
                Fault::Silent => question(&mut state).and(Err(no_answer())),
                Fault::AfterFirst if before > 0 => Err(no_answer()),
                Fault::AfterFirst | Fault::Refuses | Fault::None => question(&mut state),
            };
            (answer, std::mem::take(&mut state.is_slow))
        };
        if is_slow {
            self.0.asked.notify_one();
            self.0.answered.notified().await;
        }
        answer
    }
}

impl State {
    fn take_on(&mut self, order: &PaymentOrder) -> Result<PaymentTold, ProviderError> {
        if self.fault == Fault::Refuses {
            let (code, reason) = ("invalid_request".to_owned(), "it refuses".to_owned());
            return Err(ProviderError::Refused { code, reason });
        }
        let now = self.now;
        let is_it = |payment: &&Payment| {
            payment.order.key == order.key && now < payment.made_at + REMEMBERED_SECONDS
        };
        if let Some(known) = self.payments.iter().find(is_it) {
            return Ok(known.told());
        }
        let payment = Payment {
            id: format!("payment-{}", self.payments.len()),
            order: order.clone(),
            made_at: now,
            status: "pending",
            differs: None,
            refunds: Vec::new(),
        };
        self.payments.push(payment.clone());
        Ok(payment.told())
    }

    fn refund(&self, id: &str) -> Result<RefundTold, ProviderError> {
        let all = self.payments.iter().flat_map(|payment| {
            payment.refunds.iter().enumerate().map(move |(nth, refund)| (payment, nth, refund))
        });
        let mut of_id = all.filter(|(payment, nth, _)| refund_id(&payment.id, *nth) == id);
        let (payment, _, (amount, status)) = of_id.next().ok_or_else(unknown)?;
        Ok(RefundTold {
            id: id.to_owned(),
            payment_id: payment.id.clone(),
            status: (*status).to_owned(),
            amount: *amount,
            currency: payment.order.currency.code().to_owned(),
        })
    }
}

impl Payment {
    fn told(&self) -> PaymentTold {
        let order = self.order.clone();
        let mut told = PaymentTold {
            id: self.id.clone(),
            status: self.status.to_owned(),
            amount: order.amount,
            currency: order.currency.code().to_owned(),
            metadata: order.metadata,
            confirmation_url: Some(format!("https://till.example/pay/{}", self.id)),
        };
        match self.differs {
            Some(Differs::Amount) => told.amount += Decimal::ONE,
            Some(Differs::Currency) => told.currency = "EUR".to_owned(),
            Some(Differs::Owner) => {
                told.metadata.insert("user_id".to_owned(), "mallory".to_owned());
            }
            None => {}
        }
        told
    }
}

impl PaymentProvider for Till {
    fn create_payment<'a>(
        &'a self,
        _shop: &'a Credentials,
        order: &'a PaymentOrder,
    ) -> Answering<'a, PaymentTold> {
        Box::pin(self.asked(|state| state.take_on(order)))
    }

    fn payment<'a>(&'a self, _shop: &'a Credentials, id: &'a str) -> Answering<'a, PaymentTold> {
        Box::pin(self.asked(move |state| {
            let found = state.payments.iter().find(|payment| payment.id == id);
            found.map(Payment::told).ok_or_else(unknown)
        }))
    }

    fn refund<'a>(&'a self, _shop: &'a Credentials, id: &'a str) -> Answering<'a, RefundTold> {
        Box::pin(self.asked(move |state| state.refund(id)))
    }
}

fn no_answer() -> ProviderError {
    ProviderError::Unavailable { reason: "the till says nothing".to_owned() }
}

fn unknown() -> ProviderError {
    ProviderError::Unknown { reason: "not at this till".to_owned() }
}

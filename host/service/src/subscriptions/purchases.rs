//! Taking a plan: what it costs, and doing it once that is paid. Whether nothing is due, the user's credit is enough
//! or a payment came, it is the same deed.

use planwright_domain::Refusal;
use planwright_domain::money::Currency;
use planwright_domain::period::{Interval, Window};
use planwright_domain::subscription::course::Course;
use planwright_domain::subscription::fee_charge::{Money, Sale};
use planwright_domain::subscription::life::{Held, Offer, PlanKey};
use planwright_domain::subscription::quoted::{Has, still_buys};
use planwright_domain::time::Timestamp;
use planwright_store::{ChangeSet, Snapshot, Store};
use rust_decimal::Decimal;

use crate::app::App;
use crate::documents::PlanRecord;
use crate::error::Error;
use crate::ids;
use crate::keys::Keys;
use crate::plans::plan_lookup;
use crate::request::Request;
use crate::subscriptions::account::Account;
use crate::subscriptions::fees::{self, Bill, Way};
use crate::subscriptions::{self, fee_charges};

/// What taking a plan would cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quote {
    /// More than 0.
    pub(crate) amount_due: Decimal,
    /// The plan's.
    pub(crate) currency: Currency,
    /// `start`, `renewal` or `change`.
    pub(crate) reason: &'static str,
    /// The plan's generation: its id may be used again before the payment comes.
    pub(crate) plan_generation: u64,
    /// The plan's price, which holds until the payment comes.
    pub(crate) price: Decimal,
    /// The plan's.
    pub(crate) interval: Interval,
    /// The version of the plan's record that this rests on.
    pub(crate) plan_record_version: u64,
    /// The plan's.
    pub(crate) plan_name: String,
    /// The subscription that it renews or changes.
    pub(crate) subscription_id: Option<String>,
    /// The plan of that.
    pub(crate) beside: Option<PlanKey>,
}

/// What a plan costs the caller now: its fee, or a renewal of it, or the difference to the plan that the caller has.
///
/// # Errors
/// No such plan, one that is not active and not the caller's own, or nothing due.
pub(crate) async fn quote<S: Store>(
    app: &App<S>,
    by: &Request,
    plan_id: &str,
) -> Result<Quote, Error> {
    let (tenant, user_id) = (&by.caller.tenant, &by.caller.user_id);
    let snapshot = subscriptions::settled(app, tenant, user_id, by.now).await?;
    let (version, plan) = plan_lookup::load(&snapshot, by, plan_id).await?;
    let mut account = Account::read(app, &snapshot, tenant, user_id).await?;
    let bill = fees::bill(app, &snapshot, &mut account, &plan, by.now).await?;
    if !plan.plan.is_active && !matches!(bill.way, Way::Renewal(_)) {
        return Err(Refusal::PlanInactive { id: plan.plan.id.to_string() }.into());
    }
    let amount_due = bill.due();
    if amount_due <= Decimal::ZERO {
        return Err(Refusal::NothingDue { plan: plan.plan.id.to_string() }.into());
    }
    Ok(Quote {
        amount_due,
        currency: bill.currency,
        reason: bill.way.reason().as_str(),
        plan_generation: plan.generation,
        price: plan.plan.price,
        interval: plan.plan.interval,
        plan_record_version: version,
        plan_name: plan.plan.name,
        subscription_id: account.held().map(|held| held.subscription.id.clone()),
        beside: account.held().map(Held::plan),
    })
}

/// Money that came for a plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payment<'a> {
    /// Of whom.
    pub(crate) user_id: &'a str,
    /// What was paid for.
    pub(crate) plan_id: &'a str,
    /// As the quote said.
    pub(crate) plan_generation: u64,
    /// As the quote said.
    pub(crate) price: Decimal,
    /// What the price was quoted for.
    pub(crate) interval: Option<Interval>,
    /// As the quote said.
    pub(crate) beside: Option<&'a PlanKey>,
    /// When it was quoted.
    pub(crate) quoted_at: Timestamp,
    /// More than 0.
    pub(crate) amount: Decimal,
    /// As the quote said.
    pub(crate) currency: Currency,
    /// By which it came.
    pub(crate) transaction_id: &'a str,
}

impl Payment<'_> {
    fn money(&self) -> Money {
        Money { amount: self.amount, transaction_id: Some(self.transaction_id.to_owned()) }
    }
}

/// Writes into a change set what a payment brings: it starts, renews or changes to the plan that was paid for. The
/// price that was quoted holds, though it may have gone up since; what is over is credit. A payment that is not enough
/// any more, since what was counted on is spent or more is owed, renews what it is enough for, and else is credit:
/// nothing is given then. It is credit, too, for whoever took another plan since. The caller takes `snapshot` from
/// [`subscriptions::settled`] and commits, with whatever marks the payment as done, and starts again from there on a
/// conflict.
///
/// # Errors
/// No such plan any more, or a pricing plugin that fails: nothing is written then.
pub(crate) async fn take_payment<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    by: &Request,
    payment: Payment<'_>,
    change: &mut ChangeSet,
) -> Result<Option<Held>, Error> {
    let (version, plan) = plan_lookup::load(snapshot, by, payment.plan_id).await?;
    if plan.generation != payment.plan_generation {
        return Err(plan_lookup::not_found(payment.plan_id).into());
    }
    let tenant = &by.caller.tenant;
    let mut account = Account::read(app, snapshot, tenant, payment.user_id).await?;
    change.expect_version(&Keys::of(tenant).plan(&plan.plan.id), version);
    let bill = if still_wanted(snapshot, &account, &plan, &payment, change).await? {
        match bill_of(app, snapshot, &mut account, &plan, &payment, by.now).await {
            Ok(bill) => bill.paid_with(payment.amount),
            // Such as what was paid since in another currency.
            Err(Error::Refused(_)) => None,
            Err(error) => return Err(error),
        }
    } else {
        let (id, user_id) = (payment.transaction_id, payment.user_id);
        tracing::info!(%tenant, id, user_id, "the user has another plan since: what was paid is credit");
        None
    };
    if let Some(bill) = bill.filter(|bill| bill.currency == payment.currency) {
        let taken = take(app, snapshot, account, (&plan, bill), payment.money(), by.now, change);
        return Box::pin(taken).await.map(Some);
    }
    account.credit(snapshot, payment.currency).await?;
    account.take_money(payment.currency, payment.money());
    account.write_credit_only(app, change, by.now);
    Ok(None)
}

/// Whether a payment buys its plan for whoever has what the user has now; the change set expects what that rests on, but
/// for the account.
async fn still_wanted<N: Snapshot>(
    snapshot: &N,
    account: &Account,
    plan: &PlanRecord,
    payment: &Payment<'_>,
    change: &mut ChangeSet,
) -> Result<bool, Error> {
    let quoted = PlanKey { id: plan.plan.id.clone(), generation: plan.generation };
    let Some(has) = account.held().map(Held::plan) else { return Ok(true) };
    let key = Keys::of(&account.tenant).plan(&has.id);
    let record = snapshot.get(&key).await?;
    change.expect_as_read(&key, record.as_ref().map(|record| record.version));
    let record = record.map(|record| record.decode::<PlanRecord>()).transpose()?;
    let is_free = record.is_some_and(|record| record.plan.price.is_zero());
    Ok(still_buys(&quoted, payment.beside, Some(Has { plan: &has, is_free })))
}

/// What a payment is for, at the price that was quoted where it is dearer now. A change is reckoned for the instant of
/// the quote, if the user has the same plan since: what is unused melts by the second, and is not had twice.
async fn bill_of<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    account: &mut Account,
    plan: &PlanRecord,
    payment: &Payment<'_>,
    now: Timestamp,
) -> Result<Bill, Error> {
    let mut plan = plan.clone();
    // The price of a day buys no year.
    if payment.interval == Some(plan.plan.interval) {
        plan.plan.price = plan.plan.price.min(payment.price);
    }
    let quoted_at = payment.quoted_at;
    if account.held().is_some_and(|held| held.since <= quoted_at) {
        let bill = Box::pin(fees::bill(app, snapshot, account, &plan, quoted_at)).await?;
        if bill.way == Way::Change && bill.course.window.holds(now) {
            return Ok(bill);
        }
    }
    Box::pin(fees::bill(app, snapshot, account, &plan, now)).await
}

/// Does what a bill is for, with the money that came, if any. Together with the user's credit it is enough.
pub(crate) async fn take<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    mut account: Account,
    (plan, bill): (&PlanRecord, Bill),
    money: Money,
    now: Timestamp,
    change: &mut ChangeSet,
) -> Result<Held, Error> {
    let offer = Offer { plan: &plan.plan, generation: plan.generation };
    let bought = || bought(&bill, now);
    let (after, window) = match (bill.way, account.held().cloned()) {
        (Way::Renewal(windows), Some(held)) => {
            let grace_days = account.settings.record.settings.grace_days;
            let start = held.subscription.paid_until;
            let after = held.renewed(windows, bill.fee, bill.currency, grace_days, now)?;
            let end = after.subscription.paid_until;
            (after, Window { start, end })
        }
        (Way::Change, Some(held)) => {
            let given_back = (bill.unused > Decimal::ZERO).then_some(bill.at);
            let (course, window) = bought()?;
            let (after, stay) = held.switched(offer, course, now, given_back)?;
            account.history.note_stay(stay);
            (after, window)
        }
        (Way::Start | Way::Renewal(_) | Way::Change, _) => {
            let (id, (course, window)) = (ids::fresh(app.entropy.as_ref(), "sub_"), bought()?);
            (Held::begin(id, &account.user_id, offer, course, now), window)
        }
    };
    let sale = Sale {
        user_id: &account.user_id,
        reason: bill.way.reason(),
        plan: &plan.plan,
        subscription_id: &after.subscription.id,
        window,
        asked: bill.asked,
        money: money.clone(),
        at: now,
    };
    match fee_charges::charge(app.entropy.as_ref(), sale) {
        Some(charge) => account.charge(charge),
        None => account.take_money(bill.currency, money),
    }
    account.open_window(app, snapshot, &after, now).await?;
    account.write(app, change, &after, now);
    Ok(after)
}

/// The course of a bill once it is paid, and what of it that pays for.
fn bought(bill: &Bill, now: Timestamp) -> Result<(Course, Window), Refusal> {
    let course = bill.course.clone();
    // A course that was left may be paid still.
    if course.covers(now) {
        let window = Window { start: now, end: course.paid_until };
        return Ok((course, window));
    }
    let course = course.bought(bill.at, bill.fee, bill.currency)?;
    let window = Window { start: bill.at, end: course.paid_until };
    Ok((course, window))
}

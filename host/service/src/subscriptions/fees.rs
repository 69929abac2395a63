//! What a plan costs a user now. All money is the pricing plugin's, and this is the one place where it is asked for
//! fees; a plan whose price is 0 costs nothing, and needs no asking.

use planwright_domain::Refusal;
use planwright_domain::money::Currency;
use planwright_domain::period::{self, Interval, Window};
use planwright_domain::plan::Plan;
use planwright_domain::plan::review::ReviewContext;
use planwright_domain::plugin::hook::Hook;
use planwright_domain::refusal::{Due, FieldError};
use planwright_domain::statement::asked::Asked;
use planwright_domain::subscription::course::{Course, Paid};
use planwright_domain::subscription::fee::{FeeItem, FeeQuestion, Leaving, Reason};
use planwright_domain::subscription::fee_charge::{AskedFee, ChargeReason, reckoned};
use planwright_domain::subscription::life::Held;
use planwright_domain::time::{self, Timestamp};
use planwright_plugin_host::PluginError;
use planwright_store::{Snapshot, Store};
use rust_decimal::Decimal;

use crate::app::App;
use crate::documents::PlanRecord;
use crate::error::Error;
use crate::keys::Keys;
use crate::plugins::priced_by::pricer;
use crate::subscriptions::account::Account;

/// What a plan is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// There is no subscription.
    Start,
    /// It is the plan that the user has, and this many windows are to be paid.
    Renewal(u32),
    /// The user has another plan.
    Change,
}

impl Way {
    pub(crate) fn reason(self) -> ChargeReason {
        match self {
            Self::Start => ChargeReason::Start,
            Self::Renewal(_) => ChargeReason::Renewal,
            Self::Change => ChargeReason::Change,
        }
    }
}

/// What taking a plan costs, before anything is done.
pub(crate) struct Bill {
    pub(crate) way: Way,
    /// The instant that it is reckoned for.
    pub(crate) at: Timestamp,
    /// The course that the plan is taken on, this fee not paid yet.
    pub(crate) course: Course,
    pub(crate) currency: Currency,
    pub(crate) fee: Decimal,
    /// What of the plan that is left is given back.
    pub(crate) unused: Decimal,
    /// What the user has already.
    pub(crate) credit: Decimal,
    /// The questions and answers that the fee and the unused rest come from.
    pub(crate) asked: Vec<AskedFee>,
}

impl Bill {
    /// What answers come to.
    fn of(
        way: Way,
        at: Timestamp,
        (course, currency): (Course, Currency),
        credit: Decimal,
        asked: Vec<AskedFee>,
    ) -> Self {
        let (fee, unused) = reckoned(&asked);
        Self { way, at, course, currency, fee, unused, credit, asked }
    }

    /// What costs nothing, and is asked of nobody.
    pub(crate) fn free(course: Course, currency: Currency, at: Timestamp) -> Self {
        Self::of(Way::Start, at, (course, currency), Decimal::ZERO, Vec::new())
    }

    /// What is to be paid with money; 0 or less if nothing is.
    pub(crate) fn due(&self) -> Decimal {
        self.fee - self.unused - self.credit
    }

    /// The same as far as it is paid with so much money: of several windows those that it is enough for.
    pub(crate) fn paid_with(mut self, money: Decimal) -> Option<Self> {
        let has = self.credit + self.unused + money;
        if let Way::Renewal(windows) = self.way {
            let each = self.fee / Decimal::from(windows);
            let of = |windows: &u32| each * Decimal::from(*windows);
            let windows = (1..=windows).rev().find(|windows| of(windows) <= has)?;
            (self.way, self.fee) = (Way::Renewal(windows), of(&windows));
            self.asked = times(self.asked, windows);
        }
        Some(self).filter(|bill| bill.fee <= has)
    }

    /// Whether it takes effect without a payment.
    pub(crate) fn must_be_free(&self, plan: &Plan) -> Result<(), Refusal> {
        let (amount_due, currency) = (self.due(), self.currency);
        if amount_due > Decimal::ZERO {
            let plan_id = plan.id.clone();
            return Err(Refusal::PaymentRequired(Due { plan_id, amount_due, currency }));
        }
        Ok(())
    }
}

/// What a plan costs a user whose account has nothing due.
pub(crate) async fn bill<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    account: &mut Account,
    plan: &PlanRecord,
    now: Timestamp,
) -> Result<Bill, Error> {
    let currency = plan.plan.currency;
    let credit = account.credit(snapshot, currency).await?;
    let Some(held) = account.held().cloned() else {
        let (course, asked) = start(app, account, plan, now).await?;
        return Ok(Bill::of(Way::Start, now, (course, currency), credit, asked));
    };
    if held.subscription.plan_id == plan.plan.id && held.plan_generation == plan.generation {
        let course = held.course();
        let (windows, last) = course.owed(now)?;
        let each = renewal(app, account, &plan.plan, last, now).await?;
        let asked = times(each, windows);
        return Ok(Bill::of(Way::Renewal(windows), now, (course, currency), credit, asked));
    }
    let course = match course_to_buy(account, plan, now)? {
        Some(course) => course,
        None => fresh_course(account, &plan.plan, now, now)?,
    };
    let asked = change(app, snapshot, account, &held, &plan.plan, &course, now).await?;
    Ok(Bill::of(Way::Change, now, (course, currency), credit, asked))
}

/// The same for another number of windows.
pub(crate) fn times(asked: Vec<AskedFee>, windows: u32) -> Vec<AskedFee> {
    asked.into_iter().map(|one| one.times(windows)).collect()
}

/// What a plan costs whoever has none: nothing, where it was left and is paid still.
async fn start<S: Store>(
    app: &App<S>,
    account: &mut Account,
    plan: &PlanRecord,
    now: Timestamp,
) -> Result<(Course, Vec<AskedFee>), Error> {
    let is_had = |course: &Course| course.covers(now) || plan.plan.price.is_zero();
    if let Some(course) = open_course(account, plan, now)?.filter(is_had) {
        return Ok((course, Vec::new()));
    }
    let course = fresh_course(account, &plan.plan, now, now)?;
    let asked = window_fee(app, account, &plan.plan, Reason::Start, course.window, now).await?;
    Ok((course, asked))
}

/// A course that begins now, on an anchor. Whoever has no subscription has the default plan by the calendar month, and
/// goes on with that month and its usage: subscribing to it is no fresh quota.
pub(crate) fn fresh_course(
    account: &mut Account,
    plan: &Plan,
    anchor: Timestamp,
    now: Timestamp,
) -> Result<Course, Refusal> {
    let is_had = plan.price.is_zero() && plan.interval == Interval::Month;
    if is_had && account.settings.default_plan_is(&plan.id) {
        let month = period::calendar_month(now)?;
        return Course::unpaid(month.start, now, plan.interval, 0);
    }
    Course::unpaid(anchor, now, plan.interval, account.history.new_epoch())
}

/// The same as [`open_course`], if the rest of its window may be had for the rest of the fee, or for nothing: what was
/// left unpaid begins anew, since its quotas were there for nothing.
pub(crate) fn course_to_buy(
    account: &Account,
    plan: &PlanRecord,
    now: Timestamp,
) -> Result<Option<Course>, Refusal> {
    let stay = account.history.open_stay(&plan.plan.id, plan.generation, now);
    let was_given_back = stay.is_some_and(|stay| stay.given_back);
    let open = open_course(account, plan, now)?;
    Ok(open.filter(|course| was_given_back || course.covers(now) || plan.plan.price.is_zero()))
}

/// What the user left of a plan, and goes on with.
pub(crate) fn open_course(
    account: &Account,
    plan: &PlanRecord,
    now: Timestamp,
) -> Result<Option<Course>, Refusal> {
    let open = account.history.open_course(&plan.plan.id, plan.generation, now);
    let is_its = |course: &&Course| course.interval == plan.plan.interval;
    open.filter(is_its).map(|course| course.clone().resumed(now)).transpose()
}

/// What a window more of a plan costs.
pub(crate) async fn renewal<S: Store>(
    app: &App<S>,
    account: &Account,
    plan: &Plan,
    window: Window,
    now: Timestamp,
) -> Result<Vec<AskedFee>, Error> {
    window_fee(app, account, plan, Reason::Renewal, window, now).await
}

/// What a window costs from its start on, for whoever leaves no other plan.
async fn window_fee<S: Store>(
    app: &App<S>,
    account: &Account,
    plan: &Plan,
    reason: Reason,
    window: Window,
    now: Timestamp,
) -> Result<Vec<AskedFee>, Error> {
    if plan.price.is_zero() {
        return Ok(Vec::new());
    }
    let question = FeeQuestion { reason, plan: plan.clone(), window, effective_at: window.start };
    let asked = ask(app, account, question, now).await?;
    Ok(vec![AskedFee { asked, windows: 1, gives_back: false }])
}

/// What a change costs at an instant, and what it gives back. Each payment that is not used up is put to the plugin
/// by itself: what was paid ahead may have been another price.
pub(crate) async fn change<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    account: &Account,
    held: &Held,
    plan: &Plan,
    course: &Course,
    at: Timestamp,
) -> Result<Vec<AskedFee>, Error> {
    let paid: Vec<&Paid> = held.paid.iter().filter(|paid| at < paid.window.end).collect();
    // What is paid already costs nothing.
    let is_free = plan.price.is_zero() || course.covers(at);
    if is_free && paid.is_empty() {
        return Ok(Vec::new());
    }
    let key = Keys::of(&account.tenant).plan(&held.subscription.plan_id);
    let left = match snapshot.get(&key).await? {
        Some(record) => record.decode::<PlanRecord>()?.plan,
        None => plan.clone(),
    };
    let nothing = Paid { amount: Decimal::ZERO, currency: left.currency, window: held.window() };
    let paid = if paid.is_empty() { vec![&nothing] } else { paid };
    let mut all = Vec::new();
    for paid in paid {
        let left = Plan { currency: paid.currency, ..left.clone() };
        let leaving = Leaving { plan: left, paid: paid.amount, window: paid.window };
        let question = FeeQuestion {
            reason: Reason::Change(Box::new(leaving)),
            plan: plan.clone(),
            window: course.window,
            effective_at: at,
        };
        // The fee counts once, however many payments are given back.
        let windows = u32::from(!is_free && all.is_empty());
        let asked = ask(app, account, question, at).await?;
        all.push(AskedFee { asked, windows, gives_back: true });
    }
    Ok(all)
}

/// Puts a question to the plugin that decides, and keeps it with the answer.
async fn ask<S: Store>(
    app: &App<S>,
    account: &Account,
    question: FeeQuestion,
    at: Timestamp,
) -> Result<Asked<FeeQuestion, Vec<FeeItem>>, Error> {
    // What is kept of an instant is whole seconds: asked again, the plugin is told the same.
    let at = time::whole(at);
    let context = ReviewContext {
        tenant: account.tenant.clone(),
        user_id: Some(account.user_id.clone()),
        at,
    };
    let plugin = app.only_plugin(&account.bindings, Hook::Pricing, at).await?;
    let answer = plugin.price_fee(&context, &question).await.map_err(of_the_plan)?;
    Ok(Asked { pricer: pricer(&plugin)?, at, question, answer })
}

/// A plugin that has no price for a plan says so to whoever chose the plan.
fn of_the_plan(error: PluginError) -> Error {
    match error {
        PluginError::Refused { code, message, .. } => {
            Refusal::Rejected(vec![FieldError::new("plan_id", &code, &message)]).into()
        }
        fault => fault.into(),
    }
}

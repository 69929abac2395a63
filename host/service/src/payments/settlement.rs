//! What the provider says of a payment becomes of its transaction: once, however often and in whatever order it is
//! said, and whoever hears it. Nothing here asks anybody but the store and the pricing plugin.

use planwright_domain::payment::transaction::Booked;
use planwright_domain::payment::transaction_steps::{Clocks, Step};
use planwright_domain::payment::{PaymentTold, RefundTold};
use planwright_domain::statement::Documented;
use planwright_domain::subscription::fee_charge::Money;
use planwright_domain::tenant::caller::{Caller, Role, TenantId};
use planwright_domain::time::Timestamp;
use planwright_domain::webhook::event;
use planwright_store::{ChangeSet, Store, StoreError};

use crate::app::App;
use crate::error::Error;
use crate::keys::Keys;
use crate::payments::transaction_records;
use crate::request::Request;
use crate::retry::retrying;
use crate::statements::statement_records;
use crate::subscriptions;
use crate::subscriptions::account::Account;
use crate::subscriptions::purchases::{self, Payment};
use crate::tenants::clocks;
use crate::webhooks::outbox::Listeners;

/// Takes what the provider says of a transaction's payment. What does not match it in all is left alone, and the log
/// says so.
pub(crate) async fn hear<S: Store>(
    app: &App<S>,
    tenant: &TenantId,
    id: &str,
    told: &PaymentTold,
    real: Timestamp,
) -> Result<(), Error> {
    retrying(app.entropy.as_ref(), || Box::pin(try_hear(app, tenant, id, told, real))).await
}

async fn try_hear<S: Store>(
    app: &App<S>,
    tenant: &TenantId,
    id: &str,
    told: &PaymentTold,
    real: Timestamp,
) -> Result<(), Error> {
    let (version, before) = load(app, tenant, id).await?;
    let mismatches = before.mismatches(tenant, told);
    if !mismatches.is_empty() {
        let (payment, fields) = (&told.id, mismatches.join(", "));
        tracing::warn!(%tenant, id, payment, fields, "a payment is not its transaction's: nothing is done");
        return postpone(app, tenant, (version, before), true, real).await;
    }
    let at = at(app, tenant, real).await?;
    let after = match before.step(told, real) {
        Step::Nothing => return Ok(()),
        Step::Note => before.clone().noted(told, at),
        Step::GiveUp => before.clone().given_up(at),
        Step::Cancel => before.clone().canceled(told, at),
        Step::Pay => return pay(app, tenant, (version, before), told, at).await,
    };
    let status = after.transaction.status.as_str();
    tracing::info!(%tenant, id, status, payment = told.id, said = told.status, "heard of a payment");
    commit(app, tenant, (version, &before), &after).await
}

/// The money came: it does what it was paid for, in the same commit that says so.
async fn pay<S: Store>(
    app: &App<S>,
    tenant: &TenantId,
    (version, before): (u64, Booked),
    told: &PaymentTold,
    at: Clocks,
) -> Result<(), Error> {
    let transaction = &before.transaction;
    let (id, user_id) = (&transaction.id, &transaction.user_id);
    let by = Request {
        caller: Caller::new(tenant.clone(), user_id, Role::User),
        now: at.tenant,
        received_at: at.real,
        request_id: String::new(),
        claim: None,
        if_match: None,
    };
    let snapshot = subscriptions::settled(app, tenant, user_id, at.tenant).await?;
    let mut change = ChangeSet::new();
    let after = match &before.statement_id {
        Some(statement) => {
            let is_settled = settle(app, &snapshot, &by, &before, statement, &mut change).await?;
            let paid = before.clone();
            if is_settled { paid.settled(told, at) } else { paid.paid(told, None, at) }
        }
        None => {
            let taken = Box::pin(take_plan(app, &snapshot, &by, &before, &mut change)).await?;
            before.clone().paid(told, taken, at)
        }
    };
    replace(app, &snapshot, tenant, (version, &before), &after, &mut change).await?;
    app.store.commit(change).await?;
    tracing::info!(%tenant, id, payment = told.id, "a payment came");
    Ok(())
}

/// Does what money for a plan was paid for. Gives the subscription; without one the money is the user's credit.
async fn take_plan<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    by: &Request,
    booked: &Booked,
    change: &mut ChangeSet,
) -> Result<Option<String>, Error> {
    let transaction = &booked.transaction;
    let payment = Payment {
        user_id: &transaction.user_id,
        plan_id: transaction.plan_id.as_ref().map_or("", |id| id.as_str()),
        plan_generation: booked.plan_generation,
        price: booked.price,
        interval: booked.interval,
        beside: booked.beside.as_ref(),
        quoted_at: transaction.created_at,
        amount: transaction.amount,
        currency: transaction.currency,
        transaction_id: &transaction.id,
    };
    match purchases::take_payment(app, snapshot, by, payment, change).await {
        Ok(held) => Ok(held.map(|held| held.subscription.id)),
        Err(Error::Refused(refusal)) => {
            let (tenant, id) = (&by.caller.tenant, &transaction.id);
            tracing::warn!(%tenant, id, %refusal, "what was paid for is not to be had: it is credit");
            *change = ChangeSet::new();
            give_credit(app, snapshot, by, booked, change).await?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Settles the statement that was paid for. Gives whether it does: what was paid for one that is not open any more, or
/// for another sum, is the user's credit.
async fn settle<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    by: &Request,
    booked: &Booked,
    statement_id: &str,
    change: &mut ChangeSet,
) -> Result<bool, Error> {
    let (tenant, transaction) = (&by.caller.tenant, &booked.transaction);
    let keys = Keys::of(tenant);
    let (version, before) = statement_records::load(snapshot, &keys, statement_id).await?;
    if before.statement.payable() != Some((transaction.amount, transaction.currency)) {
        let id = &transaction.id;
        tracing::warn!(%tenant, id, statement_id, "what was paid for is settled already: it is credit");
        give_credit(app, snapshot, by, booked, change).await?;
        return Ok(false);
    }
    let statement = before.statement.clone().settled();
    let listeners = Listeners::read(snapshot, tenant).await?;
    let events = event::of_statement(Some(&before.statement), &statement);
    listeners.tell(app, change, &events, by.now);
    let after = Documented { statement, ..before };
    statement_records::put(change, &keys, Some(version), &after);
    Ok(true)
}

/// Makes the money the user's credit.
async fn give_credit<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    by: &Request,
    booked: &Booked,
    change: &mut ChangeSet,
) -> Result<(), Error> {
    let transaction = &booked.transaction;
    let (user_id, currency) = (&transaction.user_id, transaction.currency);
    let mut account = Account::read(app, snapshot, &by.caller.tenant, user_id).await?;
    account.credit(snapshot, currency).await?;
    let transaction_id = Some(transaction.id.clone());
    account.take_money(currency, Money { amount: transaction.amount, transaction_id });
    account.write_credit_only(app, change, by.now);
    Ok(())
}

/// Takes that money was given back, of a payment that was paid. What does not match is left alone.
pub(crate) async fn hear_refund<S: Store>(
    app: &App<S>,
    tenant: &TenantId,
    id: &str,
    told: &RefundTold,
    real: Timestamp,
) -> Result<(), Error> {
    retrying(app.entropy.as_ref(), || async {
        let (version, before) = load(app, tenant, id).await?;
        match before.clone().refunded(told, at(app, tenant, real).await?) {
            Ok(None) => Ok(()),
            Ok(Some(after)) => {
                tracing::info!(%tenant, id, refund = told.id, "money was given back");
                commit(app, tenant, (version, &before), &after).await
            }
            Err(field) => {
                let refund = &told.id;
                tracing::warn!(%tenant, id, refund, field, "a refund is not its transaction's: nothing is done");
                Ok(())
            }
        }
    })
    .await
}

/// The provider does not take the payment on, and says why.
pub(crate) async fn fail<S: Store>(
    app: &App<S>,
    tenant: &TenantId,
    id: &str,
    reason: &str,
    real: Timestamp,
) -> Result<(), Error> {
    // If it was taken on meanwhile, somebody else was told so.
    let is_open = |booked: &Booked| booked.transaction.payment_id.is_none();
    alter(app, tenant, id, real, is_open, |booked, at| booked.failed(reason, at)).await
}

/// Nobody waits for the payment any more.
pub(crate) async fn give_up<S: Store>(
    app: &App<S>,
    tenant: &TenantId,
    id: &str,
    real: Timestamp,
) -> Result<(), Error> {
    let is_over = |booked: &Booked| booked.is_over_time(real);
    tracing::info!(%tenant, id, "a payment is waited for no more");
    alter(app, tenant, id, real, is_over, Booked::given_up).await
}

/// The provider was asked and said nothing that counts: it is asked again later. `is_hopeless` says that it will not
/// say anything else, so that some time nobody waits any more.
pub(crate) async fn ask_again<S: Store>(
    app: &App<S>,
    tenant: &TenantId,
    id: &str,
    is_hopeless: bool,
    real: Timestamp,
) -> Result<(), Error> {
    retrying(app.entropy.as_ref(), || async {
        postpone(app, tenant, load(app, tenant, id).await?, is_hopeless, real).await
    })
    .await
}

/// Asks later, if it is due now.
async fn postpone<S: Store>(
    app: &App<S>,
    tenant: &TenantId,
    (version, before): (u64, Booked),
    is_hopeless: bool,
    real: Timestamp,
) -> Result<(), Error> {
    if before.ask_at.is_none_or(|ask_at| ask_at > real) {
        return Ok(());
    }
    let at = at(app, tenant, real).await?;
    let after = if is_hopeless && before.is_over_time(real) {
        before.clone().given_up(at)
    } else {
        before.clone().asked_again(real)
    };
    commit(app, tenant, (version, &before), &after).await
}

/// Changes a pending transaction of which something still holds.
async fn alter<S: Store>(
    app: &App<S>,
    tenant: &TenantId,
    id: &str,
    real: Timestamp,
    holds: impl Fn(&Booked) -> bool,
    change: impl Fn(Booked, Clocks) -> Booked,
) -> Result<(), Error> {
    retrying(app.entropy.as_ref(), || async {
        let (version, before) = load(app, tenant, id).await?;
        if before.ask_at.is_none() || !holds(&before) {
            return Ok(());
        }
        let after = change(before.clone(), at(app, tenant, real).await?);
        commit(app, tenant, (version, &before), &after).await
    })
    .await
}

async fn load<S: Store>(app: &App<S>, tenant: &TenantId, id: &str) -> Result<(u64, Booked), Error> {
    let snapshot = app.store.snapshot().await?;
    Ok(transaction_records::load(&snapshot, tenant, id).await?)
}

async fn commit<S: Store>(
    app: &App<S>,
    tenant: &TenantId,
    before: (u64, &Booked),
    after: &Booked,
) -> Result<(), Error> {
    let mut change = ChangeSet::new();
    let snapshot = app.store.snapshot().await?;
    replace(app, &snapshot, tenant, before, after, &mut change).await?;
    app.store.commit(change).await?;
    Ok(())
}

/// Writes what became of a transaction, and tells whoever listens.
async fn replace<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    tenant: &TenantId,
    (version, before): (u64, &Booked),
    after: &Booked,
    change: &mut ChangeSet,
) -> Result<(), StoreError> {
    transaction_records::replace(change, tenant, (version, before), after);
    if let Some(event) = event::of_transaction(before, after) {
        let listeners = Listeners::read(snapshot, tenant).await?;
        listeners.tell(app, change, &[event], after.transaction.updated_at);
    }
    Ok(())
}

async fn at<S: Store>(app: &App<S>, tenant: &TenantId, real: Timestamp) -> Result<Clocks, Error> {
    Ok(Clocks { real, tenant: clocks::time(app, tenant, real).await? })
}

//! Payments: a transaction is committed first, then the provider is asked to take the payment on, then what it said
//! is committed. Whatever breaks off in between, the transaction stays pending, and `reconciliation` goes on with it.

pub mod payment_webhooks;
pub mod provider;
pub mod reconciliation;
mod settlement;
mod shops;
pub(crate) mod transaction_records;
pub mod transactions;

use planwright_domain::Refusal;
use planwright_domain::payment::return_url;
use planwright_domain::payment::transaction::{Booked, TransactionStatus};
use planwright_domain::payment::transaction_steps::{Clocks, Owed};
use planwright_domain::payment::{PaidFor, PaymentDraft, PaymentStarted};
use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_store::{ChangeSet, Key, Snapshot, Store};

use self::provider::ProviderError;
use crate::app::App;
use crate::documents::PendingTransaction;
use crate::error::Error;
use crate::keys::{Keys, TransactionKeys};
use crate::once::once;
use crate::request::Request;
use crate::subscriptions::purchases;
use crate::{ids, statements};

/// Asks the caller's money for a plan or an open statement, and says where to pay. While a payment for the same thing
/// and amount is pending, it is that one.
///
/// # Errors
/// No such plan or statement, a plan that is not active, nothing due, a page that users may not come back to; or a provider that
/// does not answer: asking again goes on with the same payment.
pub async fn start<S: Store>(
    app: &App<S>,
    by: &Request,
    draft: &PaymentDraft,
) -> Result<PaymentStarted, Error> {
    let tenant = &by.caller.tenant;
    let (payments, shop) = shops::of(app, &app.store.snapshot().await?, tenant).await?;
    let return_url = return_url::read(&draft.return_url, &payments.return_hosts)?;
    // What a repeat is answered is the payment as it stands then.
    let id: String =
        once(app, by, || Box::pin(try_book(app, by, draft, &return_url, &shop.shop_id))).await?;
    let snapshot = app.store.snapshot().await?;
    let (_, booked) = transaction_records::load(&snapshot, tenant, &id).await?;
    if let Some(started) = PaymentStarted::of(&booked) {
        return Ok(started);
    }
    if booked.transaction.status == TransactionStatus::Pending {
        order(app, tenant, &booked, by.received_at).await?;
    }
    let snapshot = app.store.snapshot().await?;
    let (_, booked) = transaction_records::load(&snapshot, tenant, &id).await?;
    Ok(PaymentStarted::of(&booked).ok_or(Refusal::PaymentRefused)?)
}

/// Commits that the money is asked for, unless it is already. Gives the transaction's id.
async fn try_book<S: Store>(
    app: &App<S>,
    by: &Request,
    draft: &PaymentDraft,
    return_url: &str,
    shop_id: &str,
) -> Result<String, Error> {
    let id = ids::fresh(app.entropy.as_ref(), "txn_");
    let (booked, rests_on) = match draft.paid_for()? {
        PaidFor::Plan(plan_id) => for_plan(app, by, id, plan_id, return_url).await?,
        PaidFor::Statement(statement) => for_statement(app, by, id, statement, return_url).await?,
    };
    let booked = booked.by_shop(shop_id);
    let tenant = &by.caller.tenant;
    let pending = TransactionKeys::of(tenant).pending(&booked);
    let snapshot = app.store.snapshot().await?;
    let mut change = ChangeSet::new();
    let (key, version) = rests_on;
    change.expect_version(&key, version);
    let id = if let Some(record) = snapshot.get(&pending).await? {
        let id = record.decode::<PendingTransaction>()?.transaction_id;
        let (version, before) = transaction_records::load(&snapshot, tenant, &id).await?;
        if before.beside == booked.beside {
            return Ok(id);
        }
        let after = before.clone().quoted_again(&booked, clocks(by));
        transaction_records::replace(&mut change, tenant, (version, &before), &after);
        id
    } else {
        transaction_records::begin(&mut change, tenant, &booked);
        booked.transaction.id
    };
    app.commit(by, change, &id).await?;
    Ok(id)
}

/// A transaction, and the record that it rests on.
type Begun = (Booked, (Key, u64));

/// Money for a plan. Whoever deletes the plan sees the payment or is seen.
async fn for_plan<S: Store>(
    app: &App<S>,
    by: &Request,
    id: String,
    plan_id: &PlanId,
    return_url: &str,
) -> Result<Begun, Error> {
    let quote = purchases::quote(app, by, plan_id.as_str()).await?;
    let owed = Owed {
        user_id: by.caller.user_id.clone(),
        plan_id: plan_id.clone(),
        plan_name: quote.plan_name,
        plan_generation: quote.plan_generation,
        price: quote.price,
        interval: quote.interval,
        subscription_id: quote.subscription_id,
        beside: quote.beside,
        amount: quote.amount_due,
        currency: quote.currency,
        reason: quote.reason,
    };
    let rests_on = (Keys::of(&by.caller.tenant).plan(plan_id), quote.plan_record_version);
    Ok((Booked::ask(id, owed, return_url, clocks(by)), rests_on))
}

/// Money for a statement of the caller's that is open. Whoever settles it sees the payment or is seen.
async fn for_statement<S: Store>(
    app: &App<S>,
    by: &Request,
    id: String,
    statement_id: &str,
    return_url: &str,
) -> Result<Begun, Error> {
    let keys = Keys::of(&by.caller.tenant);
    let snapshot = app.store.snapshot().await?;
    let found = statements::find_own(&snapshot, by, statement_id).await?;
    let (version, statement) = (found.0, found.1.statement);
    let Some((_, currency)) = statement.payable() else {
        let status = statement.status.as_str();
        return Err(Refusal::StatementNotOpen { id: statement.id, status }.into());
    };
    let booked = Booked::ask_for(id, &statement, currency, return_url, clocks(by));
    Ok((booked, (keys.statement(&statement.id), version)))
}

fn clocks(by: &Request) -> Clocks {
    Clocks { real: by.received_at, tenant: by.now }
}

/// Has the provider take a payment on, and keeps what it says. It may be asked again and again: it is one payment.
pub(crate) async fn order<S: Store>(
    app: &App<S>,
    tenant: &TenantId,
    booked: &Booked,
    real: Timestamp,
) -> Result<(), Error> {
    if !booked.may_be_ordered(real) {
        // The provider has forgotten the key by now, or will while it is asked.
        return settlement::give_up(app, tenant, &booked.transaction.id, real).await;
    }
    let snapshot = app.store.snapshot().await?;
    let (payments, shop) = shops::of_payment(app, &snapshot, tenant, booked).await?;
    let order = booked.order(tenant);
    let id = &booked.transaction.id;
    match payments.provider.create_payment(&shop, &order).await {
        Ok(told) => settlement::hear(app, tenant, id, &told, real).await,
        Err(ProviderError::Refused { code, reason }) => {
            tracing::warn!(%tenant, id, code, reason, "the provider does not take a payment on");
            settlement::fail(app, tenant, id, &code, real).await
        }
        Err(error) => Err(error.into()),
    }
}

//! Payments that nobody told the end of: the provider is asked about each that is pending, again and again in growing
//! pauses. It heals whatever broke off between the steps of a payment, and hears what no webhook brought.

use std::sync::{Mutex, PoisonError};

use planwright_domain::time::Timestamp;
use planwright_store::{CommitError, Scan, Snapshot, Store, StoreError};

use crate::app::App;
use crate::documents::TransactionPlace;
use crate::error::Error;
use crate::keys::HostKeys;
use crate::payments::provider::ProviderError;
use crate::payments::{self, settlement, shops, transaction_records};

/// How many are read at once.
const BATCH: usize = 100;

/// Asks about all that is due by the real clock. Gives how many that were. One that cannot be worked keeps no other
/// waiting.
///
/// # Errors
/// When the store does not answer.
pub async fn work_all<S: Store>(app: &App<S>, real: Timestamp) -> Result<u64, Error> {
    let mut after = None;
    let mut worked = 0;
    loop {
        let scan = Scan { after, ..Scan::first(BATCH) };
        let snapshot = app.store.snapshot().await?;
        let batch = snapshot.scan(&HostKeys::payment_dues(), scan).await?;
        after = batch.last().map(|(key, _)| key.clone());
        let mut due = Vec::new();
        for (key, record) in &batch {
            let at = HostKeys::read_payment_due(key).ok_or_else(|| StoreError::Corrupt {
                reason: format!("{key} does not say when it is due"),
            })?;
            if i64::try_from(at).is_ok_and(|at| at <= real.as_second()) {
                due.push(record.decode::<TransactionPlace>()?);
            }
        }
        let is_last = due.len() < BATCH;
        worked += u64::try_from(due.len()).unwrap_or(u64::MAX);
        work_batch(app, due, real).await?;
        if is_last {
            return Ok(worked);
        }
    }
}

/// In some lanes side by side.
async fn work_batch<S: Store>(
    app: &App<S>,
    due: Vec<TransactionPlace>,
    real: Timestamp,
) -> Result<(), Error> {
    let due = Mutex::new(due.into_iter());
    let next = || due.lock().unwrap_or_else(PoisonError::into_inner).next();
    let lane = async || {
        while let Some(place) = next() {
            work_one(app, &place, real).await?;
        }
        Ok(())
    };
    tokio::try_join!(lane(), lane(), lane(), lane()).map(drop)
}

/// Asks about one, or has it taken on if nobody knows whether it was; a store that fails ends the round.
async fn work_one<S: Store>(
    app: &App<S>,
    place: &TransactionPlace,
    real: Timestamp,
) -> Result<(), Error> {
    let TransactionPlace { tenant, transaction_id: id } = place;
    let failed = match ask(app, place, real).await {
        Ok(()) => return Ok(()),
        Err(Error::Store(StoreError::Unavailable { reason })) => {
            return Err(StoreError::Unavailable { reason }.into());
        }
        Err(Error::Commit(error @ (CommitError::Full | CommitError::Busy))) => {
            return Err(error.into());
        }
        Err(error) => error,
    };
    tracing::warn!(%tenant, id, error = %failed, "a payment stays pending; it is asked about again later");
    // What a fault that passes has hidden may be money.
    let is_hopeless = matches!(
        failed,
        Error::NoShop
            | Error::Provider(ProviderError::Unknown { .. } | ProviderError::Refused { .. })
    );
    settlement::ask_again(app, tenant, id, is_hopeless, real).await
}

async fn ask<S: Store>(
    app: &App<S>,
    place: &TransactionPlace,
    real: Timestamp,
) -> Result<(), Error> {
    let TransactionPlace { tenant, transaction_id: id } = place;
    let snapshot = app.store.snapshot().await?;
    let (_, booked) = transaction_records::load(&snapshot, tenant, id).await?;
    if booked.ask_at.is_none_or(|ask_at| ask_at > real) {
        // Somebody else was first.
        return Ok(());
    }
    let Some(payment_id) = &booked.transaction.payment_id else {
        return payments::order(app, tenant, &booked, real).await;
    };
    let (payments, shop) = shops::of_payment(app, &snapshot, tenant, &booked).await?;
    let told = payments.provider.payment(&shop, payment_id).await?;
    settlement::hear(app, tenant, id, &told, real).await
}

//! What a provider calls to say that something happened. Nothing of it is believed: the provider is asked again, with
//! the credentials of the shop whose payment it is, and only that answer counts.

use planwright_domain::payment::{Notification, Standing};
use planwright_domain::time::Timestamp;
use planwright_store::{Snapshot, Store};

use crate::app::App;
use crate::documents::TransactionPlace;
use crate::error::Error;
use crate::keys::HostKeys;
use crate::payments::provider::ProviderError;
use crate::payments::{settlement, shops, transaction_records};

/// Hears what happened. A payment that is not known here (yet) is left alone: if it is one of ours whose beginning was
/// not kept yet, the provider is asked about it soon (`reconciliation`).
///
/// # Errors
/// A provider or a store that does not answer: the provider is to say it again.
pub async fn hear<S: Store>(
    app: &App<S>,
    notification: &Notification,
    real: Timestamp,
) -> Result<(), Error> {
    let Some(payment_id) = notification.payment_id() else { return Ok(()) };
    let snapshot = app.store.snapshot().await?;
    let Some(record) = snapshot.get(&HostKeys::payment(payment_id)).await? else {
        tracing::info!(payment = payment_id, "a webhook tells of a payment that is not known here");
        return Ok(());
    };
    let TransactionPlace { tenant, transaction_id } = record.decode()?;
    let (_, booked) = transaction_records::load(&snapshot, &tenant, &transaction_id).await?;
    let (payments, shop) = shops::of_payment(app, &snapshot, &tenant, &booked).await?;
    let told = payments.provider.payment(&shop, payment_id).await;
    let Some(told) = known(told)? else { return Ok(()) };
    settlement::hear(app, &tenant, &transaction_id, &told, real).await?;
    let Some(refund_id) = notification.refund_id() else { return Ok(()) };
    let Some(refund) = known(payments.provider.refund(&shop, refund_id).await)? else {
        return Ok(());
    };
    if refund.id != refund_id || refund.standing() != Standing::Succeeded {
        return Ok(());
    }
    settlement::hear_refund(app, &tenant, &transaction_id, &refund, real).await
}

/// What a webhook tells of and the provider does not know is made up.
fn known<T>(told: Result<T, ProviderError>) -> Result<Option<T>, Error> {
    match told {
        Ok(told) => Ok(Some(told)),
        Err(ProviderError::Unknown { reason } | ProviderError::Refused { reason, .. }) => {
            tracing::warn!(reason, "a webhook tells of what the provider does not know");
            Ok(None)
        }
        Err(error @ ProviderError::Unavailable { .. }) => Err(error.into()),
    }
}

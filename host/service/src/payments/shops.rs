//! With whose credentials the provider is asked.

use planwright_domain::payment::payment_settings::Credentials;
use planwright_domain::payment::transaction::Booked;
use planwright_domain::tenant::caller::TenantId;
use planwright_store::{Snapshot, Store};

use crate::app::{App, Payments};
use crate::error::Error;
use crate::tenants::kept_settings::Kept;

/// Who takes a tenant's payments, and by which shop: the tenant's own, or else the host's.
pub(crate) async fn of<'a, S: Store, N: Snapshot>(
    app: &'a App<S>,
    snapshot: &N,
    tenant: &TenantId,
) -> Result<(&'a Payments, Credentials), Error> {
    let payments = app.payments.as_ref().ok_or(Error::NoShop)?;
    let own = Kept::read(snapshot, tenant).await?.record.payments().credentials();
    let shop = own.or_else(|| payments.shop.clone()).ok_or(Error::NoShop)?;
    Ok((payments, shop))
}

/// The same for a payment that was begun: by its own shop, whatever the settings are now. Where its key is gone, the
/// payment waits: what was paid is not lost by a change of the configuration.
pub(crate) async fn of_payment<'a, S: Store, N: Snapshot>(
    app: &'a App<S>,
    snapshot: &N,
    tenant: &TenantId,
    booked: &Booked,
) -> Result<(&'a Payments, Credentials), Error> {
    let Some(shop_id) = &booked.shop_id else { return of(app, snapshot, tenant).await };
    let payments = app.payments.as_ref().ok_or(Error::NoShop)?;
    let own = Kept::read(snapshot, tenant).await?.record.payments().credentials_of(shop_id);
    let hosts = || payments.shop.clone().filter(|shop| shop.shop_id == *shop_id);
    let gone = || Error::OtherShop { shop_id: shop_id.clone() };
    Ok((payments, own.or_else(hosts).ok_or_else(gone)?))
}

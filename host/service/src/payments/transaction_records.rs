//! Transactions as they are kept: each with its places in lists, and, while it is pending, its place among what is
//! pending, its plan's count, and when the provider is asked about it.

use planwright_domain::payment::transaction::{Booked, TransactionStatus};
use planwright_domain::tenant::caller::TenantId;
use planwright_store::{ChangeSet, Key, Snapshot, StoreError};

use crate::documents::{PendingTransaction, TransactionEntry, TransactionPlace, TransactionRecord};
use crate::keys::{HostKeys, Keys, TransactionKeys};

/// A transaction and the version of its record, if it is there.
pub(crate) async fn find<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
    id: &str,
) -> Result<Option<(u64, Booked)>, StoreError> {
    let Some(record) = snapshot.get(&TransactionKeys::of(tenant).transaction(id)).await? else {
        return Ok(None);
    };
    Ok(Some((record.version, record.decode::<TransactionRecord>()?.booked)))
}

/// A transaction that something leads to.
pub(crate) async fn load<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
    id: &str,
) -> Result<(u64, Booked), StoreError> {
    let missing = || StoreError::Corrupt { reason: format!("the transaction '{id}' is missing") };
    find(snapshot, tenant, id).await?.ok_or_else(missing)
}

/// Writes a transaction that was not there. No other one for the same thing and amount may be pending.
pub(crate) fn begin(change: &mut ChangeSet, tenant: &TenantId, booked: &Booked) {
    let keys = TransactionKeys::of(tenant);
    change.expect_absent(&keys.transaction(&booked.transaction.id));
    change.expect_absent(&keys.pending(booked));
    put_in(change, tenant, booked);
}

/// Writes what became of a transaction, expecting it to be as it was read.
pub(crate) fn replace(
    change: &mut ChangeSet,
    tenant: &TenantId,
    (version, before): (u64, &Booked),
    after: &Booked,
) {
    let keys = TransactionKeys::of(tenant);
    change.expect_version(&keys.transaction(&before.transaction.id), version);
    take_out(change, tenant, before);
    put_in(change, tenant, after);
}

fn put_in(change: &mut ChangeSet, tenant: &TenantId, booked: &Booked) {
    let keys = TransactionKeys::of(tenant);
    let transaction_id = booked.transaction.id.clone();
    let record = TransactionRecord { booked: booked.clone() };
    change.put(&keys.transaction(&transaction_id), &record).add(&counter_of(tenant, booked), 1);
    for key in keys.places(booked) {
        change.put(&key, &TransactionEntry::of(booked));
    }
    let place = TransactionPlace { tenant: tenant.clone(), transaction_id };
    if let Some(id) = &booked.transaction.payment_id {
        change.put(&HostKeys::payment(id), &place);
    }
    if let Some(due) = due(tenant, booked) {
        change.put(&due, &place);
    }
    if booked.transaction.status == TransactionStatus::Pending {
        let transaction_id = place.transaction_id;
        change.put(&keys.pending(booked), &PendingTransaction { transaction_id });
        count(change, tenant, booked, 1);
    }
}

/// Takes a transaction out of where another state of it is not.
fn take_out(change: &mut ChangeSet, tenant: &TenantId, booked: &Booked) {
    change.add(&counter_of(tenant, booked), -1);
    if let Some(due) = due(tenant, booked) {
        change.delete(&due);
    }
    if booked.transaction.status == TransactionStatus::Pending {
        change.delete(&TransactionKeys::of(tenant).pending(booked));
        count(change, tenant, booked, -1);
    }
}

fn count(change: &mut ChangeSet, tenant: &TenantId, booked: &Booked, amount: i64) {
    if let Some(counter) = counter(tenant, booked) {
        change.add(&counter, amount);
    }
}

/// What counts it among those for its plan and in its status.
pub(crate) fn counter_of(tenant: &TenantId, booked: &Booked) -> Key {
    let transaction = &booked.transaction;
    TransactionKeys::of(tenant).count(transaction.plan_id.as_ref(), transaction.status)
}

/// What counts it while it is pending.
pub(crate) fn counter(tenant: &TenantId, booked: &Booked) -> Option<Key> {
    let plan_id = booked.transaction.plan_id.as_ref()?;
    Some(Keys::of(tenant).pending_payments(plan_id, booked.plan_generation))
}

/// Where it is among what the provider is to be asked about.
pub(crate) fn due(tenant: &TenantId, booked: &Booked) -> Option<Key> {
    Some(HostKeys::payment_due(booked.ask_at?, tenant, &booked.transaction.id))
}

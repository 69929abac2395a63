//! What the price catalog holds as a snapshot has it: regions, products, user groups and billing plans, each with its
//! number, and who names them.

use planwright_domain::Refusal;
use planwright_domain::billing_plan::BillingPlan;
use planwright_domain::billing_plan::entry::Kind;
use planwright_domain::billing_plan::product::Product;
use planwright_domain::billing_plan::region::Region;
use planwright_domain::billing_plan::user_group::UserGroup;
use planwright_domain::refusal::FieldError;
use planwright_store::{ChangeSet, Scan, Snapshot, StoreError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::documents::EntryRecord;
use crate::error::Error;
use crate::keys::Keys;

/// A thing that the catalog holds under a number.
pub(crate) trait Entry: Serialize + DeserializeOwned + Send + Sync {
    const KIND: Kind;
    /// How many a tenant may have: all of a kind are read at once.
    const MOST: usize;

    fn id(&self) -> u64;

    /// What people call it, and what is unique in its kind where that must be.
    fn name(&self) -> &str;
}

impl Entry for Region {
    const KIND: Kind = Kind::Region;
    const MOST: usize = 1_000;

    fn id(&self) -> u64 {
        self.id
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Entry for Product {
    const KIND: Kind = Kind::Product;
    const MOST: usize = 5_000;

    fn id(&self) -> u64 {
        self.id
    }

    fn name(&self) -> &str {
        &self.external_id
    }
}

impl Entry for UserGroup {
    const KIND: Kind = Kind::UserGroup;
    const MOST: usize = 1_000;

    fn id(&self) -> u64 {
        self.id
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Entry for BillingPlan {
    const KIND: Kind = Kind::BillingPlan;
    const MOST: usize = 500;

    fn id(&self) -> u64 {
        self.id
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// A thing and the version of its record, if there is one of this number.
pub(crate) async fn find<T: Entry, N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    id: u64,
) -> Result<Option<(u64, T)>, StoreError> {
    let Some(record) = snapshot.get(&keys.entry(T::KIND, id)).await? else { return Ok(None) };
    Ok(Some((record.version, record.decode::<EntryRecord<T>>()?.entry)))
}

/// The thing of this number.
pub(crate) async fn get<T: Entry, N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    id: u64,
) -> Result<T, Error> {
    let found = find(snapshot, keys, id).await?;
    let not_found = || Refusal::EntryNotFound { kind: T::KIND, id: id.to_string() };
    Ok(found.ok_or_else(not_found)?.1)
}

/// All things of a kind, in the order of their numbers.
pub(crate) async fn all<T: Entry, N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
) -> Result<Vec<T>, StoreError> {
    let records = snapshot.scan(&keys.entries(T::KIND), Scan::first(usize::MAX)).await?;
    let entries = records.iter().map(|(_, record)| Ok(record.decode::<EntryRecord<T>>()?.entry));
    entries.collect()
}

/// Expects a thing to be there when the change is committed, for what names it from outside of the catalog.
///
/// Gives whether it is there.
pub(crate) async fn expect_there<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    kind: Kind,
    id: u64,
    change: &mut ChangeSet,
) -> Result<bool, StoreError> {
    let key = keys.entry(kind, id);
    let Some(record) = snapshot.get(&key).await? else { return Ok(false) };
    change.expect_version(&key, record.version);
    Ok(true)
}

/// Counts a use of one thing out and of another in.
pub(crate) fn count_move(
    change: &mut ChangeSet,
    keys: &Keys,
    kind: Kind,
    before: Option<u64>,
    after: Option<u64>,
) {
    if before == after {
        return;
    }
    if let Some(id) = before {
        change.add(&keys.entry_uses(kind, id), -1);
    }
    if let Some(id) = after {
        change.add(&keys.entry_uses(kind, id), 1);
    }
}

/// What is refused of a field that names what is not there.
pub(crate) fn unknown(kind: Kind, field: &str, id: u64) -> Refusal {
    let message = format!("{field}: there is no {} {id}. Make it first.", kind.as_str());
    Refusal::unfit(FieldError::new(field, "unknown_id", &message))
}

/// What names a thing, for people: as many as fit a sentence.
pub(crate) fn listed(what: &str, names: &[&str]) -> String {
    const MOST: usize = 5;
    let shown: Vec<String> = names.iter().take(MOST).map(|name| format!("'{name}'")).collect();
    let more = if names.len() > MOST { " and others" } else { "" };
    format!("{what} {}{more}", shown.join(", "))
}

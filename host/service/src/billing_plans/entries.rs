//! The one way into the price catalog: regions, products, user groups and billing plans as one snapshot holds them,
//! and a change of them that is committed whole.
//!
//! Its admins change it rarely, and one after another: a change expects the counter of changes as it was, so that
//! names stay unique, numbers are given once and nothing that is named goes, without an index for each. What names
//! things from elsewhere (users, settings, plans) does not move that counter; it expects the record that it names and
//! counts itself in, and a deletion expects the count to be 0.

use planwright_domain::Refusal;
use planwright_domain::audit::AuditEntry;
use planwright_domain::billing_plan::entry::{Kind, Numbers};
use planwright_domain::refusal::FieldError;
use planwright_store::{ChangeSet, Snapshot, Store, StoreError};
use serde::Serialize;

use crate::app::App;
use crate::audit::Deed;
use crate::billing_plans::entry_records::{self, Entry};
use crate::documents::EntryRecord;
use crate::error::Error;
use crate::keys::Keys;
use crate::request::Request;

/// The catalog as a snapshot holds it, and what is to become of it.
pub(crate) struct Edit<'a, S: Store> {
    pub(crate) app: &'a App<S>,
    pub(crate) by: &'a Request,
    pub(crate) keys: Keys,
    pub(crate) snapshot: S::Snapshot,
    pub(crate) change: ChangeSet,
    /// How often the catalog was changed before.
    changes: i64,
    told: Vec<AuditEntry>,
}

impl<'a, S: Store> Edit<'a, S> {
    pub(crate) async fn begin(app: &'a App<S>, by: &'a Request) -> Result<Self, StoreError> {
        let keys = Keys::of(&by.caller.tenant);
        let snapshot = app.store.snapshot().await?;
        let mut change = ChangeSet::new();
        let counter = keys.entry_changes();
        let changes = snapshot.counter(&counter).await?;
        change.expect_counter(&counter, changes);
        Ok(Self { app, by, keys, snapshot, change, changes, told: Vec::new() })
    }

    /// What the counter of changes will hold.
    pub(crate) fn changes(&self) -> i64 {
        self.changes.saturating_add(i64::try_from(self.told.len()).unwrap_or(i64::MAX))
    }

    pub(crate) async fn get<T: Entry>(&self, id: u64) -> Result<T, Error> {
        entry_records::get(&self.snapshot, &self.keys, id).await
    }

    pub(crate) async fn find<T: Entry>(&self, id: u64) -> Result<Option<T>, StoreError> {
        Ok(entry_records::find(&self.snapshot, &self.keys, id).await?.map(|(_, entry)| entry))
    }

    pub(crate) async fn all<T: Entry>(&self) -> Result<Vec<T>, StoreError> {
        entry_records::all(&self.snapshot, &self.keys).await
    }

    /// All things of a kind, to which one more is added.
    pub(crate) async fn all_with_room<T: Entry>(&self) -> Result<Vec<T>, Error> {
        let all = self.all::<T>().await?;
        if all.len() >= T::MOST {
            let most = u64::try_from(T::MOST).unwrap_or(u64::MAX);
            return Err(Refusal::TooManyEntries { kind: T::KIND, most }.into());
        }
        Ok(all)
    }

    pub(crate) async fn numbers(&self, kind: Kind) -> Result<Numbers, StoreError> {
        let last = self.snapshot.counter(&self.keys.entry_numbers(kind)).await?;
        // Never below 0: it is only added to.
        Ok(Numbers::after(u64::try_from(last).unwrap_or(0)))
    }

    /// Has the numbers that were given never be given again.
    pub(crate) fn keep_numbers(&mut self, kind: Kind, numbers: &Numbers) {
        let taken = i64::try_from(numbers.taken()).unwrap_or(i64::MAX);
        if taken > 0 {
            self.change.add(&self.keys.entry_numbers(kind), taken);
        }
    }

    pub(crate) fn put<T: Entry + Clone>(&mut self, entry: &T) {
        let key = self.keys.entry(T::KIND, entry.id());
        self.change.put(&key, &EntryRecord { entry: entry.clone() });
    }

    pub(crate) fn count_use(&mut self, kind: Kind, id: u64, more: i64) {
        if more != 0 {
            self.change.add(&self.keys.entry_uses(kind, id), more);
        }
    }

    /// How often a thing is named.
    pub(crate) async fn uses(&self, kind: Kind, id: u64) -> Result<i64, StoreError> {
        self.snapshot.counter(&self.keys.entry_uses(kind, id)).await
    }

    pub(crate) async fn is_used(&self, kind: Kind, id: u64) -> Result<bool, StoreError> {
        Ok(self.uses(kind, id).await? > 0)
    }

    /// Deletes what nothing names, then either.
    pub(crate) fn delete<T: Entry>(&mut self, entry: &T) {
        self.delete_named(entry, 0);
    }

    /// Deletes what is named so often, then either, and by this change not any more.
    pub(crate) fn delete_named<T: Entry>(&mut self, entry: &T, uses: i64) {
        let key = self.keys.entry(T::KIND, entry.id());
        let counter = self.keys.entry_uses(T::KIND, entry.id());
        self.change.expect_counter(&counter, uses).delete(&key);
    }

    pub(crate) fn tell<T: Serialize>(&mut self, deed: Deed<'_, T>) {
        let entry = self.app.audit_entry(self.by, deed);
        self.told.push(entry);
    }

    /// Tells of one thing that was made, changed or deleted.
    pub(crate) fn tell_entry<T: Entry>(&mut self, before: Option<&T>, after: Option<&T>) {
        let Some(entry) = after.or(before) else { return };
        let (done, did) = match (before, after) {
            (None, _) => ("created", "Created"),
            (_, None) => ("deleted", "Deleted"),
            _ => ("updated", "Updated"),
        };
        let kind = T::KIND.as_str();
        self.tell(Deed {
            action: &format!("{kind}_{done}"),
            entity_type: kind,
            entity_id: &entry.id().to_string(),
            description: format!("{did} {} '{}'", T::KIND.noun().to_lowercase(), entry.name()),
            before,
            after,
            warnings: &[],
        });
    }

    pub(crate) async fn commit<R: Serialize>(self, result: &R) -> Result<(), Error> {
        let Self { app, by, keys, mut change, told, snapshot: _, changes: _ } = self;
        let audit = keys.audit();
        for entry in &told {
            change.append(&audit, entry);
        }
        change.add(&keys.entry_changes(), i64::try_from(told.len()).unwrap_or(i64::MAX));
        app.commit(by, change, result).await
    }
}

/// What is refused of a name that another thing of its kind has.
pub(crate) fn taken(field: &str, name: &str) -> Refusal {
    let message = format!("{field} '{name}' is taken. Choose another one.");
    Refusal::unfit(FieldError::new(field, "taken", &message))
}

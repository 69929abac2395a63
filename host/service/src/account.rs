//! All that is kept of one user's subscriptions: the live one, the past, the credit. It is read from one snapshot,
//! decided on, and written with everything that leads to it: lists, counts, what is due, what is told of it.

use std::collections::BTreeMap;

use planwright_domain::caller::TenantId;
use planwright_domain::event;
use planwright_domain::history::History;
use planwright_domain::life::Held;
use planwright_domain::money::Currency;
use planwright_domain::subscription::Status;
use planwright_domain::time::Timestamp;
use planwright_store::{ChangeSet, Key, Snapshot, Store, StoreError};
use rust_decimal::Decimal;

use crate::app::App;
use crate::documents::{
    CreditEntryRecord, CreditRecord, DueRecord, HistoryRecord, LiveSubscription, PlanSubscription,
    SubscriptionRecord,
};
use crate::error::Error;
use crate::ids;
use crate::keys::{HostKeys, Keys, Timeline};
use crate::outbox::Listeners;
use crate::plugin_tables::Pinned;
use crate::settings::Kept;
use crate::tenants;

/// What the due index calls a subscription.
pub(crate) const SUBSCRIPTION: &str = "subscription";

/// A user's subscriptions as a snapshot holds them, and what is to become of them.
pub(crate) struct Account {
    pub(crate) tenant: TenantId,
    pub(crate) user_id: String,
    timeline: Timeline,
    /// The plugins that decide for the tenant.
    pub(crate) bindings: Pinned,
    /// What the tenant's admin decided.
    pub(crate) settings: Kept,
    /// The live subscription, and the version of its record.
    pub(crate) live: Option<(u64, Held)>,
    history_was: (Option<u64>, History),
    /// To be changed as decided.
    pub(crate) history: History,
    credits: BTreeMap<&'static str, Credit>,
    /// Who is told what becomes of it.
    listeners: Listeners,
}

struct Credit {
    version: Option<u64>,
    currency: Currency,
    was: Decimal,
    is: Decimal,
}

/// Why credit moves.
#[derive(Clone, Copy)]
pub(crate) struct Moved<'a> {
    pub(crate) reason: &'a str,
    pub(crate) subscription_id: Option<&'a str>,
    pub(crate) transaction_id: Option<&'a str>,
    pub(crate) at: Timestamp,
}

impl Account {
    pub(crate) async fn read<S: Store>(
        app: &App<S>,
        snapshot: &S::Snapshot,
        tenant: &TenantId,
        user_id: &str,
    ) -> Result<Self, Error> {
        let history_was = match snapshot.get(&Keys::of(tenant).history(user_id)).await? {
            Some(record) => (Some(record.version), record.decode::<HistoryRecord>()?.history),
            None => (None, History::default()),
        };
        let live = live(snapshot, tenant, user_id).await?;
        Ok(Self {
            tenant: tenant.clone(),
            user_id: user_id.to_owned(),
            timeline: tenants::timeline(app, tenant).await?,
            bindings: app.bindings(snapshot, tenant).await?,
            settings: Kept::read(snapshot, tenant).await?,
            live: live.map(|(version, record)| (version, record.held)),
            history: history_was.1.clone(),
            history_was,
            credits: BTreeMap::new(),
            listeners: Listeners::read(snapshot, tenant).await?,
        })
    }

    /// The live subscription.
    pub(crate) fn held(&self) -> Option<&Held> {
        self.live.as_ref().map(|(_, held)| held)
    }

    /// What the user has in a currency.
    pub(crate) async fn credit<N: Snapshot>(
        &mut self,
        snapshot: &N,
        currency: Currency,
    ) -> Result<Decimal, StoreError> {
        if let Some(known) = self.credits.get(currency.code()) {
            return Ok(known.is);
        }
        let key = Keys::of(&self.tenant).credit(&self.user_id, currency);
        let (version, is) = match snapshot.get(&key).await? {
            Some(record) => (Some(record.version), record.decode::<CreditRecord>()?.balance),
            None => (None, Decimal::ZERO),
        };
        self.credits.insert(currency.code(), Credit { version, currency, was: is, is });
        Ok(is)
    }

    /// Says what the user has then; what there was must have been read.
    pub(crate) fn set_credit(&mut self, currency: Currency, balance: Decimal) {
        if let Some(credit) = self.credits.get_mut(currency.code()) {
            credit.is = balance;
        }
    }

    /// Writes what became of the account, expecting all of it to be as it was read. `after` is the live
    /// subscription, or the one that was.
    pub(crate) fn write<S: Store>(
        &self,
        app: &App<S>,
        change: &mut ChangeSet,
        after: &Held,
        reason: &str,
        now: Timestamp,
    ) {
        let keys = Keys::of(&self.tenant);
        let pointer = keys.live_subscription(&self.user_id);
        self.expect(change, &keys);
        if let Some(before) = self.held() {
            self.take_out(change, before);
        }
        self.put_in(change, after);
        if after.subscription.status.is_live() {
            let subscription_id = after.subscription.id.clone();
            change.put(&pointer, &LiveSubscription { subscription_id });
        } else {
            change.delete(&pointer);
        }
        if self.history != self.history_was.1 {
            let history = self.history.clone();
            change.put(&keys.history(&self.user_id), &HistoryRecord { history });
        }
        let subscription_id = Some(after.subscription.id.as_str());
        let moved = Moved { reason, subscription_id, transaction_id: None, at: now };
        self.write_credits(app, change, moved);
        let events = event::of_subscription(self.held(), after);
        self.listeners.tell(app, change, &events, now);
    }

    /// Writes what the user has then and nothing else, expecting all of the account to be as it was read.
    pub(crate) fn write_credit_only<S: Store>(
        &self,
        app: &App<S>,
        change: &mut ChangeSet,
        moved: Moved<'_>,
    ) {
        self.expect(change, &Keys::of(&self.tenant));
        self.write_credits(app, change, moved);
    }

    /// What everything that is decided on an account rests on.
    fn expect(&self, change: &mut ChangeSet, keys: &Keys) {
        // What it costs was asked of these.
        self.bindings.expect(change);
        self.settings.expect(change);
        match &self.live {
            Some((version, held)) => {
                change.expect_version(&keys.subscription(&held.subscription.id), *version)
            }
            None => change.expect_absent(&keys.live_subscription(&self.user_id)),
        };
        change.expect_as_read(&keys.history(&self.user_id), self.history_was.0);
    }

    fn write_credits<S: Store>(&self, app: &App<S>, change: &mut ChangeSet, moved: Moved<'_>) {
        for credit in self.credits.values() {
            self.write_credit(app, change, credit, moved);
        }
    }

    fn write_credit<S: Store>(
        &self,
        app: &App<S>,
        change: &mut ChangeSet,
        credit: &Credit,
        moved: Moved<'_>,
    ) {
        let keys = Keys::of(&self.tenant);
        let key = keys.credit(&self.user_id, credit.currency);
        change.expect_as_read(&key, credit.version);
        if credit.is == credit.was {
            return;
        }
        let id = ids::fresh(app.entropy.as_ref(), "crd_");
        let entry = CreditEntryRecord {
            amount: credit.is - credit.was,
            reason: moved.reason.to_owned(),
            subscription_id: moved.subscription_id.map(str::to_owned),
            transaction_id: moved.transaction_id.map(str::to_owned),
            at: moved.at,
        };
        change
            .put(&key, &CreditRecord { balance: credit.is })
            .put(&keys.credit_entry(&self.user_id, credit.currency, moved.at, &id), &entry);
    }

    /// Writes a subscription with its places in lists, in its plan's count, and among what is due.
    fn put_in(&self, change: &mut ChangeSet, held: &Held) {
        let keys = Keys::of(&self.tenant);
        let record = SubscriptionRecord { held: held.clone() };
        let place = PlanSubscription {
            subscription_id: held.subscription.id.clone(),
            status: held.subscription.status,
        };
        for key in places(&keys, held) {
            change.put(&key, &place);
        }
        change
            .put(&keys.subscription(&held.subscription.id), &record)
            .add(&count(&keys, held, held.subscription.status), 1);
        if let Some(awaited) = pending_changes(&keys, held) {
            change.add(&awaited, 1);
        }
        if let Some(due) = due(&self.timeline, &self.tenant, held) {
            change.put(&due, &due_record(held));
        }
    }

    /// Takes a subscription out of them.
    fn take_out(&self, change: &mut ChangeSet, held: &Held) {
        let keys = Keys::of(&self.tenant);
        for key in places(&keys, held) {
            change.delete(&key);
        }
        change.add(&count(&keys, held, held.subscription.status), -1);
        if let Some(awaited) = pending_changes(&keys, held) {
            change.add(&awaited, -1);
        }
        if let Some(due) = due(&self.timeline, &self.tenant, held) {
            change.delete(&due);
        }
    }
}

/// A user's live subscription with the version of its record, if there is one.
pub(crate) async fn live<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
    user_id: &str,
) -> Result<Option<(u64, SubscriptionRecord)>, StoreError> {
    let keys = Keys::of(tenant);
    let Some(pointer) = snapshot.get(&keys.live_subscription(user_id)).await? else {
        return Ok(None);
    };
    let id = pointer.decode::<LiveSubscription>()?.subscription_id;
    let record = snapshot.get(&keys.subscription(&id)).await?.ok_or_else(|| {
        let reason = format!("the live subscription '{id}' of user '{user_id}' is missing");
        StoreError::Corrupt { reason }
    })?;
    Ok(Some((record.version, record.decode()?)))
}

/// Where lists have a subscription.
pub(crate) fn places(keys: &Keys, held: &Held) -> [Key; 3] {
    let subscription = &held.subscription;
    let (id, at) = (&subscription.id, subscription.created_at);
    [
        keys.plan_subscription(&subscription.plan_id, held.plan_generation, at, id),
        keys.every_subscription(at, id),
        keys.user_subscription(&subscription.user_id, at, id),
    ]
}

/// Where it is among what is due, if time brings it something.
pub(crate) fn due(timeline: &Timeline, tenant: &TenantId, held: &Held) -> Option<Key> {
    let at = held.next_due()?;
    Some(HostKeys::due(timeline, at, tenant, SUBSCRIPTION, &held.subscription.id))
}

/// What is kept there.
pub(crate) fn due_record(held: &Held) -> DueRecord {
    let subscription = &held.subscription;
    DueRecord {
        plan_id: subscription.plan_id.clone(),
        pending_plan_id: subscription.pending_plan_id.clone(),
    }
}

/// Where it is counted for the plan that it goes on with, if that is another one.
pub(crate) fn pending_changes(keys: &Keys, held: &Held) -> Option<Key> {
    let plan = held.subscription.pending_plan_id.as_ref()?;
    Some(keys.pending_changes(plan, held.pending_generation?))
}

fn count(keys: &Keys, held: &Held, status: Status) -> Key {
    keys.subscribers(&held.subscription.plan_id, held.plan_generation, status)
}

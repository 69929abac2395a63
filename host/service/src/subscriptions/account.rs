//! All that is kept of one user's subscriptions: the live one, the past, the credit. It is read from one snapshot,
//! decided on, and written with everything that leads to it: lists, counts, what is due, what is told of it.

use std::collections::BTreeMap;

use planwright_domain::money::Currency;
use planwright_domain::period;
use planwright_domain::subscription::Status;
use planwright_domain::subscription::fee_charge::{FeeCharge, Money};
use planwright_domain::subscription::history::History;
use planwright_domain::subscription::life::Held;
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_domain::webhook::event;
use planwright_store::{ChangeSet, Key, Snapshot, Store, StoreError};
use rust_decimal::Decimal;

use crate::app::App;
use crate::documents::{
    CreditEntryRecord, CreditRecord, DueRecord, HistoryRecord, LiveSubscription, PlanSubscription,
    SubscriptionRecord, UserRecord,
};
use crate::error::Error;
use crate::keys::{HostKeys, Keys, Timeline, WindowPlace};
use crate::plugins::plugin_tables::Pinned;
use crate::plugins::priced_by::PricedBy;
use crate::statements::billing_windows::OpenWindows;
use crate::subscriptions::fee_charges;
use crate::subscriptions::subscription_records;
use crate::tenants::kept_settings::Kept;
use crate::webhooks::outbox::Listeners;
use crate::{ids, tenants, users};

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
    /// In the order of happening.
    moves: Vec<Move>,
    /// The window whose statement says what was charged; there is one where anything was.
    billed_in: Option<(WindowPlace, OpenWindows)>,
    /// Who prices for the tenant.
    priced_by: PricedBy,
    /// Whether anything is known of the user.
    user_is_known: bool,
    /// Who is told what becomes of it.
    listeners: Listeners,
}

struct Credit {
    version: Option<u64>,
    currency: Currency,
    is: Decimal,
}

/// A movement of credit, or money that was charged as it came.
struct Move {
    currency: Currency,
    /// 0 where credit stays as it is.
    amount: Decimal,
    why: Why,
}

/// Why money moves.
enum Why {
    /// A fee was charged.
    Charge(Box<FeeCharge>),
    /// Money came, and nothing of it was charged.
    Payment { transaction_id: Option<String> },
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
        let live = subscription_records::live(snapshot, tenant, user_id).await?;
        let bindings = app.bindings(snapshot, tenant).await?;
        let user_is_known = history_was.0.is_some()
            || snapshot.record_version(&Keys::of(tenant).user(user_id)).await?.is_some();
        Ok(Self {
            tenant: tenant.clone(),
            user_id: user_id.to_owned(),
            timeline: tenants::timeline(app, tenant).await?,
            priced_by: PricedBy::read(snapshot, &bindings).await?,
            bindings,
            settings: Kept::read(snapshot, tenant).await?,
            live: live.map(|(version, record)| (version, record.held)),
            history: history_was.1.clone(),
            history_was,
            credits: BTreeMap::new(),
            moves: Vec::new(),
            billed_in: None,
            user_is_known,
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
        self.credits.insert(currency.code(), Credit { version, currency, is });
        Ok(is)
    }

    /// A fee is charged. What the user has in its currency must have been read.
    pub(crate) fn charge(&mut self, charge: FeeCharge) {
        let (currency, amount) = (charge.currency, charge.moves());
        self.move_credit(Move { currency, amount, why: Why::Charge(Box::new(charge)) });
    }

    /// Money becomes credit, as nothing of it is charged. What the user has in its currency must have been read.
    pub(crate) fn take_money(&mut self, currency: Currency, money: Money) {
        let Money { amount, transaction_id } = money;
        if !amount.is_zero() {
            self.move_credit(Move { currency, amount, why: Why::Payment { transaction_id } });
        }
    }

    fn move_credit(&mut self, moved: Move) {
        if let Some(credit) = self.credits.get_mut(moved.currency.code()) {
            credit.is += moved.amount;
        }
        self.moves.push(moved);
    }

    /// Sees to it that what was charged comes on a statement: on that of the window that the user is in then. `after` is
    /// the live subscription, or the one that was.
    pub(crate) async fn open_window<S: Store>(
        &mut self,
        app: &App<S>,
        snapshot: &S::Snapshot,
        after: &Held,
        now: Timestamp,
    ) -> Result<(), Error> {
        if !self.moves.iter().any(|moved| matches!(moved.why, Why::Charge(_))) {
            return Ok(());
        }
        let (usage_epoch, window) = if after.subscription.status.is_live() {
            let course = after.governing().course;
            (course.usage_epoch, course.window)
        } else {
            (0, period::calendar_month(now)?)
        };
        let place = WindowPlace { user_id: self.user_id.clone(), usage_epoch, start: window.start };
        let mut windows = OpenWindows::begin(app, &self.tenant).await?;
        windows.open(snapshot, &place, window).await?;
        self.billed_in = Some((place, windows));
        Ok(())
    }

    /// Writes what became of the account, expecting all of it to be as it was read. `after` is the live
    /// subscription, or the one that was.
    pub(crate) fn write<S: Store>(
        &self,
        app: &App<S>,
        change: &mut ChangeSet,
        after: &Held,
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
        self.write_money(app, change, now);
        if !self.user_is_known {
            users::put(change, &keys, &self.user_id, None, &UserRecord::default());
        }
        if let Some((_, windows)) = &self.billed_in {
            windows.write(change);
        }
        let events = event::of_subscription(self.held(), after);
        self.listeners.tell(app, change, &events, now);
    }

    /// Writes what the user has then and nothing else, expecting all of the account to be as it was read.
    pub(crate) fn write_credit_only<S: Store>(
        &self,
        app: &App<S>,
        change: &mut ChangeSet,
        now: Timestamp,
    ) {
        self.expect(change, &Keys::of(&self.tenant));
        self.write_money(app, change, now);
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

    /// Writes what moved, and what the user has then.
    fn write_money<S: Store>(&self, app: &App<S>, change: &mut ChangeSet, now: Timestamp) {
        let keys = Keys::of(&self.tenant);
        for credit in self.credits.values() {
            let key = keys.credit(&self.user_id, credit.currency);
            change.expect_as_read(&key, credit.version);
            let moves = |one: &&Move| one.currency == credit.currency && !one.amount.is_zero();
            if self.moves.iter().any(|one| moves(&one)) {
                change.put(&key, &CreditRecord { balance: credit.is });
            }
        }
        for moved in &self.moves {
            self.write_move(app, change, &keys, moved, now);
        }
    }

    fn write_move<S: Store>(
        &self,
        app: &App<S>,
        change: &mut ChangeSet,
        keys: &Keys,
        moved: &Move,
        now: Timestamp,
    ) {
        let mut entry = CreditEntryRecord {
            amount: moved.amount,
            reason: "payment".to_owned(),
            subscription_id: None,
            transaction_id: None,
            charge_id: None,
            statement_id: None,
            at: now,
        };
        let id = match &moved.why {
            Why::Charge(charge) => {
                if let Some((place, _)) = &self.billed_in {
                    fee_charges::write(change, keys, place, charge);
                }
                self.priced_by.mark(change);
                entry.reason = charge.reason.as_str().to_owned();
                entry.subscription_id = Some(charge.subscription_id.clone());
                entry.transaction_id.clone_from(&charge.transaction_id);
                entry.charge_id = Some(charge.id.clone());
                charge.credit_entry_id.clone()
            }
            Why::Payment { transaction_id } => {
                entry.transaction_id.clone_from(transaction_id);
                entry.subscription_id = self.held().map(|held| held.subscription.id.clone());
                Some(ids::fresh(app.entropy.as_ref(), "crd_"))
            }
        };
        if let Some(id) = id {
            change.put(&keys.credit_entry(&self.user_id, moved.currency, now, &id), &entry);
        }
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

//! Which rules a record has to keep, by its family.

use planwright_domain::billing_plan::entry::Kind;
use planwright_domain::payment::payment_settings::PaymentSetup;
use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::tenant::caller::{TenantId, is_user_id};
use planwright_domain::usage::usage_event::Teller;
use planwright_store::{Key, Part, Record, Snapshot, Space, StoreError};

use super::{Walk, plans, subscriptions};
use crate::documents::{
    DueRecord, HistoryRecord, LiveSubscription, PlanRecord, PlanSubscription, SettingsRecord,
    SubscriptionRecord, TenantRecord,
};
use crate::keys::{Family, HostKeys, Keys, Timeline};
use crate::subscriptions::account::{self, places};

pub(super) type Problems = Result<Vec<String>, StoreError>;

pub(super) fn unknown() -> Vec<String> {
    vec!["No record of this release has such a key.".to_owned()]
}

pub(super) fn misplaced() -> Vec<String> {
    vec!["What it holds belongs under another key.".to_owned()]
}

pub(super) fn unreadable(error: &StoreError) -> Vec<String> {
    vec![format!("It cannot be read: {error}.")]
}

impl<N: Snapshot> Walk<'_, N> {
    /// What is wrong with a record, whatever it is.
    pub(super) async fn record(&mut self, key: &Key, record: &Record) -> Problems {
        let Some(keys) = self.keys else {
            return match self.space {
                Space::Host => self.host_record(key, record).await,
                Space::Tenant(_) => Ok(unknown()),
            };
        };
        let owner = self.owner();
        match (Family::of(key), &owner) {
            (Some(Family::Plugin), Some(owner)) => return self.plugin(owner, key, record).await,
            (Some(Family::Binding), Some(owner)) => return self.binding(owner, key, record).await,
            (Some(Family::PricedBy), Some(owner)) => {
                return self.priced_by(owner, key, record).await;
            }
            _ => {}
        }
        match Family::of(key) {
            Some(Family::Plan) => self.plan(keys, key, record).await,
            Some(Family::Subscription) => self.subscription(keys, key, record).await,
            Some(
                Family::PlanSubscription | Family::EverySubscription | Family::UserSubscription,
            ) => self.place(keys, key, record).await,
            Some(Family::LiveSubscription) => self.live(keys, key, record).await,
            Some(Family::User) => self.user(keys, key, record).await,
            Some(Family::Entry) => self.entry(keys, key, record).await,
            Some(Family::Settings) => self.settings(keys, key, record).await,
            Some(Family::History) => Ok(history(keys, key, record)),
            Some(Family::Credit) => self.credit(keys, key, record).await,
            Some(Family::CreditEntry) => self.credit_entry(keys, key, record).await,
            Some(Family::FeeCharge) => self.fee_charge(keys, key, record).await,
            Some(Family::UnbilledCharge) => self.unbilled_charge(keys, key, record).await,
            Some(Family::Answer) => self.answer(keys, key, record).await,
            Some(Family::ExpiringAnswer) => self.expiring(keys, key, record).await,
            Some(Family::ApiKey) => self.api_key(keys, key, record).await,
            Some(Family::Webhooks) => Ok(self.webhooks(keys, key, record)),
            Some(Family::WebhookHealth) => self.webhook_health(keys, key, record).await,
            Some(Family::WebhookDelivery) => self.delivery(keys, key, record).await,
            Some(Family::Transaction) => self.transaction(key, record).await,
            Some(Family::EveryTransaction | Family::UserTransaction) => {
                self.transaction_entry(key, record).await
            }
            Some(Family::PendingTransaction) => self.pending_transaction(key, record).await,
            Some(Family::UsageEvent) => self.usage_event(Teller::Product, keys, key, record).await,
            Some(Family::UsageWindow) => self.usage_window(keys, key, record).await,
            Some(Family::OwnUsageEvent) => self.usage_event(Teller::User, keys, key, record).await,
            Some(
                family @ (Family::BillingWindow
                | Family::AdjustmentDue
                | Family::Statement
                | Family::EveryStatement
                | Family::UserStatement),
            ) => self.billing(family, keys, key, record).await,
            Some(
                Family::CatalogChanges
                | Family::PlanGeneration
                | Family::Subscribers
                | Family::PendingPayments
                | Family::PendingChanges
                | Family::UserCount
                | Family::TransactionCount
                | Family::Audit
                | Family::Tenant
                | Family::Plugin
                | Family::PluginCount
                | Family::PluginUses
                | Family::Binding
                | Family::BindingGeneration
                | Family::Component
                | Family::ComponentPart
                | Family::ComponentUpload
                | Family::Uncompiled
                | Family::Due
                | Family::Clock
                | Family::WebhookDeliveries
                | Family::WebhookMissed
                | Family::WebhookDue
                | Family::WebhooksWaiting
                | Family::WebhookDone
                | Family::Payment
                | Family::PaymentDue
                | Family::Usage
                | Family::ExpiringUsageEvents
                | Family::ExpiringUsage
                | Family::QuotaThreshold
                | Family::EntryNumbers
                | Family::EntryUses
                | Family::EntryChanges
                | Family::MeteredEvents
                | Family::Segment
                | Family::StatementDue
                | Family::PricedBy,
            )
            | None => Ok(unknown()),
        }
    }

    async fn plan(&mut self, keys: &Keys, key: &Key, record: &Record) -> Problems {
        let plan = match record.decode::<PlanRecord>() {
            Ok(plan) => plan,
            Err(error) => return Ok(unreadable(&error)),
        };
        let id = &plan.plan.id;
        if *key != keys.plan(id) {
            return Ok(misplaced());
        }
        let deletions = self.snapshot.counter(&keys.plan_generation(id)).await?;
        let mut found = plans::disagreements(&plan, deletions, self.told.as_ref());
        found.extend(self.names(keys, Kind::BillingPlan, plan.plan.billing_plan_id, 1).await?);
        Ok(found)
    }

    async fn subscription(&mut self, keys: &Keys, key: &Key, record: &Record) -> Problems {
        let record = match record.decode::<SubscriptionRecord>() {
            Ok(record) => record,
            Err(error) => return Ok(unreadable(&error)),
        };
        let subscription = &record.held.subscription;
        let (id, plan_id) = (&subscription.id, &subscription.plan_id);
        if *key != keys.subscription(id) {
            return Ok(misplaced());
        }
        let counter = keys.subscribers(plan_id, record.held.plan_generation, subscription.status);
        let awaited = account::pending_changes(keys, &record.held);
        for counter in [Some(counter), awaited].into_iter().flatten() {
            *self.counted.entry(counter).or_default() += 1;
        }
        let [of_plan, of_all, of_user] = places(keys, &record.held);
        let history: Option<HistoryRecord> =
            self.find(&keys.history(&subscription.user_id)).await?;
        let around = subscriptions::Around {
            places: [
                self.find(&of_plan).await?,
                self.find(&of_all).await?,
                self.find(&of_user).await?,
            ],
            is_due: self.is_due(&record).await?,
            epochs: history.map(|record| record.history.epochs()),
            live: self.find(&keys.live_subscription(&subscription.user_id)).await?,
            plan: self.find(&keys.plan(plan_id)).await?,
            deletions: self.snapshot.counter(&keys.plan_generation(plan_id)).await?,
        };
        Ok(subscriptions::disagreements(&record, &around))
    }

    /// Whether the index of what is due has a subscription's next instant.
    async fn is_due(&self, record: &SubscriptionRecord) -> Result<bool, StoreError> {
        let Space::Tenant(name) = self.space else { return Ok(false) };
        let Some(tenant) = TenantId::new(name) else { return Ok(false) };
        let timeline = self.timeline(&tenant).await?;
        let Some(key) = account::due(&timeline, &tenant, &record.held) else { return Ok(false) };
        let due: Option<DueRecord> = self.find(&key).await?;
        Ok(due == Some(account::due_record(&record.held)))
    }

    /// By whose clock a tenant lives.
    pub(super) async fn timeline(&self, tenant: &TenantId) -> Result<Timeline, StoreError> {
        let record: Option<TenantRecord> = self.find(&HostKeys::tenant(tenant)).await?;
        let is_sandbox = record.is_some_and(|record| record.tenant.sandbox);
        Ok(if is_sandbox { Timeline::Sandbox(tenant.clone()) } else { Timeline::Real })
    }

    async fn place(&self, keys: &Keys, key: &Key, record: &Record) -> Problems {
        let place = match record.decode::<PlanSubscription>() {
            Ok(place) => place,
            Err(error) => return Ok(unreadable(&error)),
        };
        let listed = keys.subscription(&place.subscription_id);
        let subscription: Option<SubscriptionRecord> = self.find(&listed).await?;
        let is_its =
            subscription.as_ref().is_some_and(|found| places(keys, &found.held).contains(key));
        let problem = subscriptions::place_disagreement(&place, subscription.as_ref(), is_its);
        Ok(problem.into_iter().collect())
    }

    async fn live(&self, keys: &Keys, key: &Key, record: &Record) -> Problems {
        let live = match record.decode::<LiveSubscription>() {
            Ok(live) => live,
            Err(error) => return Ok(unreadable(&error)),
        };
        let pointed_to = keys.subscription(&live.subscription_id);
        let subscription: Option<SubscriptionRecord> = self.find(&pointed_to).await?;
        let is_its = subscription
            .as_ref()
            .is_some_and(|found| keys.live_subscription(&found.held.subscription.user_id) == *key);
        let problem = subscriptions::live_disagreement(&live, subscription.as_ref(), is_its);
        Ok(problem.into_iter().collect())
    }

    async fn settings(&mut self, keys: &Keys, key: &Key, record: &Record) -> Problems {
        let record = match record.decode::<SettingsRecord>() {
            Ok(record) => record,
            Err(error) => return Ok(unreadable(&error)),
        };
        if *key != keys.settings() {
            return Ok(misplaced());
        }
        let region = record.settings.region_id;
        let mut found = self.names(keys, Kind::Region, region, 1).await?;
        if record.settings.payments.yookassa.is_some() != record.shop_secret_key.is_some() {
            found.push("A shop and its secret key come and go together.".to_owned());
        }
        let (earlier, most) = (record.earlier_shops.len(), PaymentSetup::MOST_EARLIER);
        if earlier > most {
            found.push(format!("It has {earlier} shops of before, and {most} are the most."));
        }
        if let Some(id) = record.settings.default_plan {
            let plan: Option<PlanRecord> = self.find(&keys.plan(&id)).await?;
            if plan.is_none() {
                found.push(format!("Its default plan '{id}' is not there."));
            }
        }
        Ok(found)
    }

    /// What the audit log and the subscriptions tell of, and what is not there.
    pub(super) async fn what_is_missing(&mut self) -> Result<(), StoreError> {
        self.plugin_counters_missing().await?;
        self.webhook_counters_missing().await?;
        self.usage_counters_missing().await?;
        self.charges_missing();
        self.tallies_missing().await?;
        let Some(keys) = self.keys else { return Ok(()) };
        self.entry_counters_missing(keys).await?;
        self.money_adds_up(keys);
        for (key, counted) in &self.counted {
            if self.snapshot.counter(key).await? == 0 {
                let problem = format!("It holds 0, and {counted} subscriptions are counted by it.");
                self.report.add(key, [problem]);
            }
        }
        for (key, counted) in &self.pending_counted {
            if self.snapshot.counter(key).await? == 0 {
                let problem = format!("It holds 0, and {counted} payments are pending.");
                self.report.add(key, [problem]);
            }
        }
        let Some(told) = &self.told else { return Ok(()) };
        let key = keys.entry_changes();
        if told.entry_changes != 0 && self.snapshot.counter(&key).await? == 0 {
            let changes = told.entry_changes;
            let problem = format!("It holds 0, and the audit log tells of {changes} changes.");
            self.report.add(&key, [problem]);
        }
        let key = keys.catalog_changes();
        if told.changes != 0 && self.snapshot.counter(&key).await? == 0 {
            let changes = told.changes;
            let problem = format!("It holds 0, and the audit log tells of {changes} changes.");
            self.report.add(&key, [problem]);
        }
        for (id, plan) in &told.plans {
            let Ok(id) = PlanId::new(id) else { continue };
            let key = keys.plan(&id);
            if plan.is_there && self.snapshot.get(&key).await?.is_none() {
                let problem = "It is not there, and the audit log tells that it is.".to_owned();
                self.report.add(&key, [problem]);
            }
            let key = keys.plan_generation(&id);
            let deleted = plan.deleted;
            if deleted != 0 && self.snapshot.counter(&key).await? == 0 {
                let problem =
                    format!("It holds 0, and the audit log tells of {deleted} deletions.");
                self.report.add(&key, [problem]);
            }
        }
        Ok(())
    }
}

fn history(keys: &Keys, key: &Key, record: &Record) -> Vec<String> {
    let parts = key.parts();
    let Some(Part::Text(user)) = parts.first().filter(|_| parts.len() == 1) else {
        return unknown();
    };
    if !is_user_id(user) || *key != keys.history(user) {
        return misplaced();
    }
    let history = match record.decode::<HistoryRecord>() {
        Ok(record) => record.history,
        Err(error) => return unreadable(&error),
    };
    let problem = |epoch: u64| {
        format!("It tells of usage epoch {epoch}, and of {} in all.", history.epochs())
    };
    let epochs = history.stays().iter().map(|stay| stay.course.usage_epoch);
    epochs.filter(|epoch| *epoch > history.epochs()).map(problem).collect()
}

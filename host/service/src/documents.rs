//! What the store holds: the domain's values, and the few shapes that only serve to find them.

use planwright_domain::tenant::api_key::ApiKey;
use std::collections::BTreeMap;

use planwright_domain::decimal;
use planwright_domain::payment::payment_settings::{Credentials, PaymentSetup, Secret};
use planwright_domain::payment::transaction::{Booked, TransactionStatus};
use planwright_domain::period::Window;
use planwright_domain::plan::Plan;
use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::statement::segment::Segment;
use planwright_domain::subscription::Status;
use planwright_domain::subscription::fee_charge::FeeCharge;
use planwright_domain::subscription::history::History;
use planwright_domain::subscription::life::Held;
use planwright_domain::tenant::Tenant;
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::tenant::clock::Clock;
use planwright_domain::tenant::settings::Settings;
use planwright_domain::time::{self, Timestamp};
use planwright_domain::usage::Limit;
use planwright_domain::usage::metric::Metric;
use planwright_domain::usage::quantity::Quantity;
use planwright_domain::usage::quota_threshold::Threshold;
use planwright_domain::usage::usage_event::Teller;
use planwright_domain::user::UserFacts;
use planwright_store::Document;
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::keys::WindowPlace;

/// A plan, and how many plans of its id came before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlanRecord {
    pub(crate) generation: u64,
    pub(crate) plan: Plan,
}

impl PlanRecord {
    /// Differs whenever the plan does, also from a plan that had the id before.
    pub(crate) fn tag(&self) -> String {
        format!("\"{}-{}\"", self.generation, self.plan.version)
    }
}

impl Document for PlanRecord {
    const SCHEMA: u16 = 1;
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SubscriptionRecord {
    pub(crate) held: Held,
}

impl Document for SubscriptionRecord {
    const SCHEMA: u16 = 1;
}

/// Points from a user to the live subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LiveSubscription {
    pub(crate) subscription_id: String,
}

impl Document for LiveSubscription {
    const SCHEMA: u16 = 1;
}

/// An entry in a list of subscriptions, a plan's, a user's or the tenant's; the status is kept beside it, so that a filter need not
/// read them all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlanSubscription {
    pub(crate) subscription_id: String,
    pub(crate) status: Status,
}

impl Document for PlanSubscription {
    const SCHEMA: u16 = 1;
}

/// What is known of a user: what credentials last said, and what an admin noted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UserRecord {
    #[serde(flatten)]
    pub(crate) facts: UserFacts,
    /// The group that credentials last named; one that is noted comes before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<String>,
}

impl Document for UserRecord {
    const SCHEMA: u16 = 1;
}

/// A thing of the price catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct EntryRecord<T> {
    pub(crate) entry: T,
}

impl<T: Serialize + DeserializeOwned> Document for EntryRecord<T> {
    const SCHEMA: u16 = 1;
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TenantRecord {
    pub(crate) tenant: Tenant,
}

impl Document for TenantRecord {
    const SCHEMA: u16 = 1;
}

/// An API key, and the hash that it is found by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ApiKeyRecord {
    pub(crate) hash: String,
    pub(crate) api_key: ApiKey,
}

impl Document for ApiKeyRecord {
    const SCHEMA: u16 = 1;
}

/// Points from an API key's hash to the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ApiKeyPlace {
    pub(crate) tenant: TenantId,
    pub(crate) id: String,
}

impl Document for ApiKeyPlace {
    const SCHEMA: u16 = 1;
}

/// A tenant's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SettingsRecord {
    pub(crate) settings: Settings,
    /// Whether an admin or a pack has chosen a default plan, or that there be none; no pack does it again.
    pub(crate) default_plan_is_chosen: bool,
    /// The secret key of the tenant's shop, apart from what answers and the audit log show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shop_secret_key: Option<Secret>,
    /// Shops that there were before, with their keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) earlier_shops: Vec<Credentials>,
}

impl SettingsRecord {
    /// How the tenant takes payments, with the secret.
    pub(crate) fn payments(&self) -> PaymentSetup {
        let secret_key = self.shop_secret_key.clone();
        let earlier = self.earlier_shops.clone();
        PaymentSetup { settings: self.settings.payments.clone(), secret_key, earlier }
    }
}

impl Document for SettingsRecord {
    const SCHEMA: u16 = 1;
}

/// What is remembered of a user's subscriptions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct HistoryRecord {
    pub(crate) history: History,
}

impl Document for HistoryRecord {
    const SCHEMA: u16 = 1;
}

/// What a user has in a currency: the sum of all movements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CreditRecord {
    #[serde(with = "decimal")]
    pub(crate) balance: Decimal,
}

impl Document for CreditRecord {
    const SCHEMA: u16 = 1;
}

/// A movement of a user's credit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CreditEntryRecord {
    /// More than 0 where the user has more by it.
    #[serde(with = "decimal")]
    pub(crate) amount: Decimal,
    /// What moved it: `start`, `renewal`, `change`, `statement`, or `payment` where nothing was charged of the money that
    /// came.
    pub(crate) reason: String,
    /// The subscription that it was moved for.
    pub(crate) subscription_id: Option<String>,
    /// The transaction whose money it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) transaction_id: Option<String>,
    /// The statement that it was used on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) statement_id: Option<String>,
    /// The fee that was charged with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) charge_id: Option<String>,
    #[serde(with = "time::seconds")]
    pub(crate) at: Timestamp,
}

impl Document for CreditEntryRecord {
    const SCHEMA: u16 = 1;
}

/// A fee that was charged, and the window whose statement has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FeeChargeRecord {
    pub(crate) charge: FeeCharge,
    pub(crate) usage_epoch: u64,
    #[serde(with = "time::seconds")]
    pub(crate) window_start: Timestamp,
}

impl FeeChargeRecord {
    pub(crate) fn window(&self) -> WindowPlace {
        WindowPlace {
            user_id: self.charge.user_id.clone(),
            usage_epoch: self.usage_epoch,
            start: self.window_start,
        }
    }
}

impl Document for FeeChargeRecord {
    const SCHEMA: u16 = 1;
}

/// Points to a fee that is on no statement yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UnbilledCharge {
    pub(crate) charge_id: String,
    #[serde(with = "time::seconds")]
    pub(crate) at: Timestamp,
}

impl Document for UnbilledCharge {
    const SCHEMA: u16 = 1;
}

/// Something is due; the key says what and when. The plan it concerns is kept beside it, so that what is due on
/// one plan is found without reading the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DueRecord {
    pub(crate) plan_id: PlanId,
    /// The plan that it goes on with, where that is another one.
    pub(crate) pending_plan_id: Option<PlanId>,
}

impl Document for DueRecord {
    const SCHEMA: u16 = 1;
}

/// A sandbox's time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClockRecord {
    /// Where it stands; the real time until somebody sets it.
    #[serde(with = "time::optional_seconds")]
    pub(crate) now: Option<Timestamp>,
}

impl ClockRecord {
    /// The time, where it stands still.
    pub(crate) fn standing(&self) -> Option<Timestamp> {
        self.now.map(Clock::standing)
    }
}

impl Document for ClockRecord {
    const SCHEMA: u16 = 1;
}

/// A transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct TransactionRecord {
    pub(crate) booked: Booked,
}

impl Document for TransactionRecord {
    const SCHEMA: u16 = 1;
}

/// An entry in a list of transactions, a user's or the tenant's, with what filters look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TransactionEntry {
    pub(crate) transaction_id: String,
    pub(crate) status: TransactionStatus,
    pub(crate) plan_id: Option<PlanId>,
}

impl TransactionEntry {
    pub(crate) fn of(booked: &Booked) -> Self {
        let transaction = &booked.transaction;
        Self {
            transaction_id: transaction.id.clone(),
            status: transaction.status,
            plan_id: transaction.plan_id.clone(),
        }
    }
}

impl Document for TransactionEntry {
    const SCHEMA: u16 = 1;
}

/// Points to a transaction that is pending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PendingTransaction {
    pub(crate) transaction_id: String,
}

impl Document for PendingTransaction {
    const SCHEMA: u16 = 1;
}

/// Points from outside of a tenant to one of its transactions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TransactionPlace {
    pub(crate) tenant: TenantId,
    pub(crate) transaction_id: String,
}

impl Document for TransactionPlace {
    const SCHEMA: u16 = 1;
}

/// An event that was counted: what it said, and what it was counted as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UsageEventRecord {
    pub(crate) counted: BTreeMap<Metric, Counted>,
    /// Where what of it is priced was counted, too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) segments: BTreeMap<Metric, Segment>,
    pub(crate) usage_epoch: u64,
    pub(crate) window: Window,
    /// As it was said.
    #[serde(with = "time::optional_seconds")]
    pub(crate) timestamp: Option<Timestamp>,
    /// As it was said.
    pub(crate) metadata: BTreeMap<String, String>,
    /// From when on it may be forgotten.
    pub(crate) expires_at: i64,
    /// The list of events that has it.
    pub(crate) listed_in: String,
}

/// An amount of a metric, and the limit that was there when it was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counted {
    pub(crate) amount: Quantity,
    pub(crate) limit: Limit,
}

impl Document for UsageEventRecord {
    const SCHEMA: u16 = 1;
}

/// Events that were recorded together, by their users; the key says from when on they may be forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExpiringUsageEvents {
    /// Those that products told.
    pub(crate) events: BTreeMap<String, Vec<String>>,
    /// Those that users told themselves.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) own: BTreeMap<String, Vec<String>>,
}

impl ExpiringUsageEvents {
    pub(crate) fn of(&self, teller: Teller) -> &BTreeMap<String, Vec<String>> {
        match teller {
            Teller::User => &self.own,
            Teller::Product => &self.events,
        }
    }

    pub(crate) fn add(&mut self, teller: Teller, user_id: &str, event_id: &str) {
        let events = match teller {
            Teller::User => &mut self.own,
            Teller::Product => &mut self.events,
        };
        events.entry(user_id.to_owned()).or_default().push(event_id.to_owned());
    }

    /// Each with who told it, and whose it is.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Teller, &String, &String)> {
        [Teller::User, Teller::Product].into_iter().flat_map(move |teller| {
            self.of(teller).iter().flat_map(move |(user_id, events)| {
                events.iter().map(move |event_id| (teller, user_id, event_id))
            })
        })
    }
}

impl Document for ExpiringUsageEvents {
    const SCHEMA: u16 = 1;
}

/// A window in which something was used; the key says whose and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UsageWindow {
    /// From when on its counters may be cleared away.
    pub(crate) expires_at: i64,
}

impl Document for UsageWindow {
    const SCHEMA: u16 = 1;
}

/// What was told of a user's quota in a window; the key says whose and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ToldThreshold {
    /// This one, and all below it.
    pub(crate) up_to: Threshold,
}

impl Document for ToldThreshold {
    const SCHEMA: u16 = 1;
}

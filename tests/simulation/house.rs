//! The real thing: the use cases over the store, with the standard plugins, on a disk that the power can leave.

use std::sync::{Arc, OnceLock};

use planwright_domain::caller::{Caller, Role, TenantId};
use planwright_domain::grant::Grant;
use planwright_domain::life::When;
use planwright_domain::money::Currency;
use planwright_domain::plan::PlanId;
use planwright_domain::refusal::Refusal;
use planwright_domain::subscription::{Status, Subscription};
use planwright_domain::time::Timestamp;
use planwright_plugin_host::{Bindings, Hook, PluginHost};
use planwright_service::purchases::{self, Payment};
use planwright_service::{
    App, Error, Plugins, Request, check, governing, plan_stats, plans, settings, subscriptions,
    tenants, worker,
};
use planwright_store::{ChangeSet, Document, Key, Options, RedbStore, Snapshot, Space, Store};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::command::{Command, Draft, Money, PlanNo, User};
use super::model::{Counts, Governing, No, Outcome, Paid, Quote, Seen};
use crate::harness::SeededEntropy;
use crate::plugins::{IDENTITY, PRICING, VALIDATION, candidate, host};
use crate::store::disk::{Disk, Fault};

/// Memory for the pages of one of many stores.
const CACHE_BYTES: usize = 4 << 20;

pub(super) struct House {
    app: Option<App<RedbStore>>,
    disk: Disk,
    tenant: TenantId,
    pub(super) now: i64,
}

/// What came of a command: an outcome, or nobody knows.
pub(super) type Answer = Option<Outcome>;

impl House {
    pub(super) async fn open(now: i64) -> Self {
        let (disk, tenant) = (Disk::new(), TenantId::default());
        let mut house = Self { app: None, disk, tenant, now };
        house.start().await;
        tenants::ensure_default(house.app(), house.at()).await.unwrap();
        house
    }

    async fn start(&mut self) {
        let disk = self.disk.clone();
        let options = Options { cache_bytes: CACHE_BYTES, ..Options::default() };
        let store = RedbStore::with_backend(move || disk.connect(), options).unwrap();
        let (host, defaults) = standard().await.clone();
        let plugins = Plugins { host, defaults, most: 0 };
        self.app = Some(App::new(store, plugins, entropy()));
    }

    /// Stops cleanly and starts again.
    pub(super) async fn restart(&mut self) {
        self.app = None;
        self.start().await;
    }

    /// From now on the power goes at a sync.
    pub(super) fn doom(&self, at_sync: u64, seed: u64) {
        self.disk.fail(Fault::PowerCut { at_sync }, seed);
    }

    /// The power goes, if it has not gone, and comes back.
    pub(super) async fn come_back(&mut self) {
        self.disk.cut_power();
        self.app = None;
        self.disk.power_on();
        self.start().await;
    }

    fn app(&self) -> &App<RedbStore> {
        self.app.as_ref().unwrap()
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_second(self.now).unwrap()
    }

    fn by(&self, user: &str) -> Request {
        Request {
            caller: Caller::new(self.tenant.clone(), user, Role::Admin),
            now: self.at(),
            received_at: self.at(),
            request_id: "simulation".to_owned(),
            claim: None,
            if_match: None,
        }
    }

    fn of(&self, user: User) -> Request {
        self.by(&name(user))
    }

    /// Does what is neither time's nor the machine's.
    pub(super) async fn act(&self, command: &Command, quote: Option<Quote>) -> Answer {
        outcome(self.try_act(command, quote).await)
    }

    async fn try_act(&self, command: &Command, quote: Option<Quote>) -> Result<Outcome, Error> {
        let app = self.app();
        let one = match *command {
            Command::Subscribe { user, plan } => {
                Box::pin(subscriptions::start(app, &self.of(user), &id(plan))).await?
            }
            Command::Cancel { user, immediate } => {
                subscriptions::cancel(app, &self.of(user), immediate).await?
            }
            Command::Resume { user } => subscriptions::resume(app, &self.of(user)).await?,
            Command::Change { user, plan, now } => {
                let when = if now { When::Now } else { When::PeriodEnd };
                Box::pin(subscriptions::change(app, &self.of(user), &id(plan), when)).await?
            }
            Command::Grant { user, plan, trial_days, reset_usage } => {
                self.give(user, plan, trial_days, reset_usage).await?
            }
            Command::GrantAll { users, plan } => {
                for user in 0..users {
                    self.give(user, plan, 0, false).await?;
                }
                return Ok(Outcome::Done);
            }
            Command::Quote { user, plan } => return self.quote(user, plan).await,
            Command::Pay { .. } => {
                let Some(quote) = quote else { return Ok(Outcome::Done) };
                return self.pay(quote).await;
            }
            _ => return self.manage(command).await,
        };
        Ok(Outcome::Has(Some(seen(&one))))
    }

    async fn give(
        &self,
        user: User,
        plan: PlanNo,
        trial_days: u32,
        reset_usage: bool,
    ) -> Result<Subscription, Error> {
        let grant = Grant { plan_id: id(plan), trial_days, reset_usage };
        let by = self.by("root");
        let granted = Box::pin(subscriptions::grant(self.app(), &by, &name(user), &grant)).await?;
        Ok(granted.subscription)
    }

    async fn quote(&self, user: User, plan: PlanNo) -> Result<Outcome, Error> {
        let quote =
            Box::pin(purchases::quote(self.app(), &self.of(user), id(plan).as_str())).await?;
        let money = Money::ALL.into_iter().find(|money| money.code() == quote.currency.code());
        Ok(Outcome::Quoted(Quote {
            user,
            plan,
            generation: quote.plan_generation,
            money: money.unwrap(),
            paid: Paid {
                amount: hundredths(&quote.amount_due.to_string()),
                price: hundredths(&quote.price.to_string()),
                quoted_at: self.now,
            },
            reason: quote.reason,
        }))
    }

    /// A payment as it comes from the provider.
    async fn pay(&self, quote: Quote) -> Result<Outcome, Error> {
        let (by, user, plan) = (self.of(quote.user), name(quote.user), id(quote.plan));
        let settled = subscriptions::settled(self.app(), &self.tenant, &user, self.at());
        let snapshot = settled.await?;
        let payment = Payment {
            user_id: &user,
            plan_id: plan.as_str(),
            plan_generation: quote.generation,
            price: shown(quote.paid.price).parse().unwrap(),
            quoted_at: Timestamp::from_second(quote.paid.quoted_at).unwrap(),
            amount: shown(quote.paid.amount).parse().unwrap(),
            currency: Currency::from_code(quote.money.code()).unwrap(),
            transaction_id: None,
        };
        let mut change = ChangeSet::new();
        let taken = purchases::take_payment(self.app(), &snapshot, &by, payment, &mut change);
        let held = Box::pin(taken).await?;
        self.app().store().commit(change).await?;
        // What is paid in part may be over already.
        let now = match held {
            Some(_) => subscriptions::get(self.app(), &by).await?,
            None => None,
        };
        Ok(Outcome::Has(now.as_ref().map(seen)))
    }

    /// What an admin does to plans and settings.
    async fn manage(&self, command: &Command) -> Result<Outcome, Error> {
        let (app, by) = (self.app(), self.by("root"));
        match *command {
            Command::Make { plan, draft } => {
                plans::create(app, &by, self::draft(plan, draft)).await?;
            }
            Command::SetPrice { plan, price } => {
                let price: Value = serde_json::from_str(&shown(price)).unwrap();
                self.patch(plan, json!({"price": price})).await?;
            }
            Command::SetTrial { plan, days } => {
                self.patch(plan, json!({"trial_days": days})).await?;
            }
            Command::SetInterval { plan, interval } => {
                self.patch(plan, json!({"interval": interval.name()})).await?;
            }
            Command::SetQuota { plan, quota } => {
                self.patch(plan, json!({"quotas": {"requests": quota}})).await?;
            }
            Command::Toggle { plan } => {
                plans::toggle(app, &by, id(plan).as_str()).await?;
            }
            Command::Delete { plan } => {
                plans::delete(app, &by, id(plan).as_str()).await?;
            }
            Command::SetGrace { days } => self.set(json!({"grace_days": days})).await?,
            Command::SetDefault { plan } => {
                let plan = plan.map(|plan| id(plan).to_string());
                self.set(json!({"default_plan": plan})).await?;
            }
            _ => {
                worker::work_all(app, self.at()).await?;
            }
        }
        Ok(Outcome::Done)
    }

    async fn patch(&self, plan: PlanNo, patch: Value) -> Result<(), Error> {
        let patch = serde_json::from_str(&patch.to_string()).unwrap();
        plans::update(self.app(), &self.by("root"), id(plan).as_str(), patch).await?;
        Ok(())
    }

    async fn set(&self, patch: Value) -> Result<(), Error> {
        let patch = serde_json::from_value(patch).unwrap();
        settings::update(self.app(), &self.by("root"), &patch).await?;
        Ok(())
    }

    pub(super) async fn seen(&self, user: User) -> Option<Seen> {
        let live = subscriptions::get(self.app(), &self.of(user)).await.unwrap();
        live.as_ref().map(seen)
    }

    pub(super) async fn governing(&self, user: User) -> Governing {
        let user = name(user);
        let now = governing::now(self.app(), &self.tenant, &user, self.at());
        let (_, governing) = Box::pin(now).await.unwrap();
        let window = (governing.window.start.as_second(), governing.window.end.as_second());
        let plan = governing.plan.as_ref();
        Governing {
            plan: plan.map(|plan| number(plan.id.as_str())),
            quota: plan.and_then(|plan| plan.quotas.get("requests").copied()),
            window,
            bucket: governing.usage_epoch,
        }
    }

    pub(super) async fn credit(&self, user: User, money: Money) -> i64 {
        let space = Space::Tenant(self.tenant.to_string());
        let key = Key::in_space(&space, "credit").text(&name(user)).text(money.code()).key();
        let snapshot = self.app().store().snapshot().await.unwrap();
        let record = snapshot.get(&key).await.unwrap();
        record.map_or(0, |record| {
            let text = record.decode::<Balance>().unwrap().balance.to_string();
            hundredths(text.trim_matches('"'))
        })
    }

    pub(super) async fn counts(&self) -> Counts {
        let filter = plan_stats::PlanFilter::default();
        let stats = plan_stats::list(self.app(), &self.by("root"), &filter).await.unwrap();
        let mut counts = Counts::new();
        for one in stats {
            let past_due = one.total_subscriptions
                - one.active_subscriptions
                - one.trialing_subscriptions
                - one.canceled_subscriptions;
            for (status, count) in [
                (Status::Active, one.active_subscriptions),
                (Status::Trialing, one.trialing_subscriptions),
                (Status::Canceled, one.canceled_subscriptions),
                (Status::PastDue, past_due),
            ] {
                if count > 0 {
                    counts.insert((number(one.plan.id.as_str()), status.as_str()), count);
                }
            }
        }
        counts
    }

    /// What `check` says of the store.
    pub(super) async fn disagreements(&self) -> String {
        let report = check::run(self.app().store(), |_| {}).await.unwrap();
        if report.is_clean() { String::new() } else { format!("{:#?}", report.disagreements) }
    }
}

/// One plugin host for all; compiled code is shared, as in a server.
async fn standard() -> &'static (PluginHost, Bindings) {
    static STANDARD: OnceCell<(PluginHost, Bindings)> = OnceCell::const_new();
    let load = async || {
        let host = host();
        let load = async |hook, component| {
            host.load(candidate(hook, component, "{}"), Timestamp::UNIX_EPOCH).await.unwrap()
        };
        let validation = load(Hook::Validation, VALIDATION).await;
        let defaults = Bindings {
            identity: load(Hook::Identity, IDENTITY).await,
            standard_validation: Arc::clone(&validation),
            validation: vec![validation],
            pricing: load(Hook::Pricing, PRICING).await,
            templates: Vec::new(),
        };
        (host, defaults)
    };
    STANDARD.get_or_init(load).await
}

/// One stream for all: a new start must not make the ids of the one before again.
fn entropy() -> Arc<SeededEntropy> {
    static ENTROPY: OnceLock<Arc<SeededEntropy>> = OnceLock::new();
    Arc::clone(ENTROPY.get_or_init(Arc::default))
}

#[derive(serde::Serialize, Deserialize)]
struct Balance {
    balance: Value,
}

impl Document for Balance {
    const SCHEMA: u16 = 1;
}

/// An outcome; nothing if it is not known, since the power went.
fn outcome(answer: Result<Outcome, Error>) -> Answer {
    match answer {
        Ok(outcome) => Some(outcome),
        Err(Error::Refused(refusal)) => Some(Outcome::No(no(&refusal))),
        Err(Error::Store(_) | Error::Commit(_)) => None,
        Err(error) => panic!("{error}"),
    }
}

fn no(refusal: &Refusal) -> No {
    let due = match refusal {
        Refusal::PaymentRequired(due) => Some(hundredths(&due.amount_due.to_string())),
        _ => None,
    };
    No { code: refusal.code(), due }
}

fn name(user: User) -> String {
    format!("u{user}")
}

fn id(plan: PlanNo) -> PlanId {
    PlanId::new(&format!("p{plan}")).unwrap()
}

fn number(plan_id: &str) -> PlanNo {
    plan_id.trim_start_matches('p').parse().unwrap()
}

fn draft(plan: PlanNo, draft: Draft) -> planwright_domain::plan::PlanDraft {
    let text = format!(
        r#"{{"id":"p{plan}","name":"P{plan}","price":{},"currency":"{}","interval":"{}","trial_days":{},"quotas":{{"requests":{}}}}}"#,
        shown(draft.price),
        draft.money.code(),
        draft.interval.name(),
        draft.trial_days,
        draft.quota,
    );
    serde_json::from_str(&text).unwrap()
}

/// `490.55`.
fn shown(hundredths: i64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn hundredths(text: &str) -> i64 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = part.trim_end_matches('0');
    assert!(part.len() <= 2, "{text} is finer than the currency");
    whole.parse::<i64>().unwrap() * 100 + format!("{part:0<2}").parse::<i64>().unwrap()
}

fn seen(subscription: &Subscription) -> Seen {
    let second = |t: Timestamp| t.as_second();
    let window = (subscription.current_period_start, subscription.current_period_end);
    Seen {
        plan: number(subscription.plan_id.as_str()),
        version: subscription.plan_version,
        status: subscription.status.as_str(),
        window: (second(window.0), second(window.1)),
        anchor: second(subscription.anchor),
        paid_until: second(subscription.paid_until),
        ends: subscription.cancel_at_period_end,
        canceled_at: subscription.canceled_at.map(second),
        trial_end: subscription.trial_end.map(second),
        pending: subscription.pending_plan_id.as_ref().map(|id| number(id.as_str())),
        created_at: second(subscription.created_at),
    }
}

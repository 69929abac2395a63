//! The real thing: the use cases over the store, with the standard plugins, on a disk that the power can leave, and a
//! till for a payment provider.

mod deeds;
mod payments;
mod sight;
mod statements;
mod usage;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::refusal::Refusal;
use planwright_domain::tenant::caller::{Caller, Role, TenantId};
use planwright_domain::time::Timestamp;
use planwright_plugin_host::{Bindings, Hook, PluginHost};
use planwright_service::{App, Error, Plugins, Request, tenants};
use planwright_store::{Options, RedbStore};
use tokio::sync::OnceCell;

use super::command::{Command, PlanNo, User};
use super::model::{No, Outcome};
use crate::harness::SeededEntropy;
use crate::plugins::{IDENTITY, PRICING, VALIDATION, candidate, host};
use crate::provider::till::Till;
use crate::store::disk::{Disk, Fault};

/// Memory for the pages of one of many stores.
const CACHE_BYTES: usize = 4 << 20;

/// A house; its clones are the same one, for what is done side by side.
#[derive(Clone)]
pub(super) struct House {
    app: Option<Arc<App<RedbStore>>>,
    disk: Disk,
    till: Till,
    tenant: TenantId,
    /// What transactions are called, in the order in which they were asked for.
    transactions: Arc<Mutex<Vec<String>>>,
    /// What the statements of each user are called that were seen, in the order in which they were made.
    statements: Arc<Mutex<HashMap<User, Vec<String>>>>,
    now: i64,
}

/// What came of a command: an outcome, or nobody knows.
pub(super) type Answer = Option<Outcome>;

impl House {
    /// With a book of this price.
    pub(super) async fn open(now: i64, price: i64) -> Self {
        let mut house = Self {
            app: None,
            disk: Disk::new(),
            till: Till::default(),
            tenant: TenantId::default(),
            transactions: Arc::default(),
            statements: Arc::default(),
            now,
        };
        house.go_to(now);
        house.start().await;
        tenants::ensure_default(house.app(), house.at()).await.unwrap();
        house.price(price).await.unwrap();
        house.settle_where().await;
        house
    }

    pub(super) fn go_to(&mut self, now: i64) {
        self.now = now;
        self.till.set_time(now);
    }

    async fn start(&mut self) {
        let disk = self.disk.clone();
        let options = Options { cache_bytes: CACHE_BYTES, ..Options::default() };
        let store = RedbStore::with_backend(move || disk.connect(), options).unwrap();
        let (host, defaults) = standard().await.clone();
        let plugins = Plugins { host, defaults, most: 0 };
        let app = App::new(store, plugins, entropy()).with_payments(self.till.payments());
        self.app = Some(Arc::new(app));
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
    pub(super) async fn act(&self, command: &Command) -> Answer {
        outcome(match command {
            Command::Ask { .. }
            | Command::AskForStatement { .. }
            | Command::Tell { .. }
            | Command::Reconcile { .. } => self.pay(command).await,
            Command::Use { .. } | Command::UseMany { .. } | Command::MayUse { .. } => {
                self.meter(command).await
            }
            _ => self.deed(command).await,
        })
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

/// An outcome; nothing if it is not known, since the power went.
fn outcome(answer: Result<Outcome, Error>) -> Answer {
    match answer {
        Ok(outcome) => Some(outcome),
        Err(Error::Refused(refusal)) => Some(Outcome::No(no(&refusal))),
        Err(Error::Provider(_)) => Some(Outcome::Unavailable),
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

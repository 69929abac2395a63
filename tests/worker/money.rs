//! What payments, credit and plans come to, through the use cases, with a provider in this process.

use std::sync::Arc;

use planwright_domain::Refusal;
use planwright_domain::payment::transaction::{Slice, Transaction, TransactionStatus};
use planwright_domain::payment::{Notification, PaymentDraft};
use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::subscription::grant::Grant;
use planwright_domain::subscription::life::When;
use planwright_domain::tenant::caller::{Caller, Role, TenantId};
use planwright_domain::tenant::settings::SettingsPatch;
use planwright_domain::time::Timestamp;
use planwright_plugin_host::{Bindings, Hook};
use planwright_service::payments::{payment_webhooks, transactions};
use planwright_service::subscriptions::entitlements;
use planwright_service::subscriptions::governing::Governing;
use planwright_service::tenants::settings;
use planwright_service::{
    App, Error, Plugins, Request, check, payments, plans, subscriptions, tenants, worker,
};
use planwright_store::{Options, RedbStore, Store};
use serde_json::json;

use super::{DAY, NOW};
use crate::harness::SeededEntropy;
use crate::plugins::{IDENTITY, PRICING, VALIDATION, candidate, host};
use crate::provider::till::Till;

/// A service without a server, at an instant.
struct House {
    app: App<RedbStore>,
    till: Till,
    now: i64,
    _folder: tempfile::TempDir,
}

fn id(plan: &str) -> PlanId {
    PlanId::new(plan).unwrap()
}

/// `pro 0..28 by 1`: the plan, the window and the number that usage is counted by.
fn said(governing: &Governing) -> String {
    let Governing { plan, window, usage_epoch, .. } = governing;
    let day = |t: Timestamp| (t.as_second() - NOW).div_euclid(DAY);
    let plan = plan.as_ref().map_or("nothing", |plan| plan.id.as_str());
    format!("{plan} {}..{} by {usage_epoch}", day(window.start), day(window.end))
}

impl House {
    /// With plans by their names and prices.
    async fn with(prices: &[(&str, u32)]) -> Self {
        let (host, folder) = (host(), tempfile::tempdir().unwrap());
        let store = RedbStore::open(folder.path().join("store"), Options::default()).unwrap();
        let at = Timestamp::from_second(NOW).unwrap();
        let load = async |hook, component| host.load(candidate(hook, component, "{}"), at).await;
        let validation = load(Hook::Validation, VALIDATION).await.unwrap();
        let defaults = Bindings {
            identity: load(Hook::Identity, IDENTITY).await.unwrap(),
            standard_validation: Arc::clone(&validation),
            validation: vec![validation],
            pricing: load(Hook::Pricing, PRICING).await.unwrap(),
            templates: Vec::new(),
        };
        let entropy = Arc::new(SeededEntropy::default());
        let till = Till::default();
        let app = App::new(store, Plugins { host, defaults, most: 0 }, entropy);
        let app = app.with_payments(till.payments());
        tenants::ensure_default(&app, at).await.unwrap();
        let house = Self { app, till, now: NOW, _folder: folder };
        for (plan, price) in prices {
            let quotas = json!({"requests": price * 10 + 100});
            let draft = json!({
                "id": plan, "name": plan, "price": price, "interval": "month", "quotas": quotas,
            });
            let draft = serde_json::from_value(draft).unwrap();
            plans::create(&house.app, &house.by("root"), draft).await.unwrap();
        }
        house
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_second(self.now).unwrap()
    }

    fn by(&self, user: &str) -> Request {
        Request {
            caller: Caller::new(TenantId::default(), user, Role::Admin),
            now: self.at(),
            received_at: self.at(),
            request_id: "test".to_owned(),
            claim: None,
            if_match: None,
        }
    }

    /// Moves on to a day after the first.
    async fn go_to(&mut self, day: i64) {
        self.now = NOW + day * DAY;
        worker::work_all(&self.app, self.at()).await.unwrap();
    }

    /// What Bob is asked for a plan: `start 490`, or why nothing is to be paid.
    async fn quote(&self, plan: &str) -> String {
        match self.ask(plan).await {
            Ok(asked) => format!("{} {}", asked.metadata["reason"], asked.amount.normalize()),
            Err(Error::Refused(refusal)) => refusal.code().to_owned(),
            Err(error) => panic!("{error}"),
        }
    }

    async fn ask(&self, plan: &str) -> Result<Transaction, Error> {
        let return_url = "https://shop.example/paid".to_owned();
        let draft = PaymentDraft { plan_id: Some(id(plan)), statement_id: None, return_url };
        let started = payments::start(&self.app, &self.by("bob"), &draft).await?;
        let mut all = self.transactions().await;
        all.retain(|transaction| transaction.id == started.transaction_id);
        Ok(all.remove(0))
    }

    async fn transactions(&self) -> Vec<Transaction> {
        let slice = Slice { limit: Slice::LARGEST, skip: 0 };
        transactions::own(&self.app, &self.by("bob"), slice).await.unwrap()
    }

    /// Bob pays what he was asked for a plan, or is asked now.
    async fn pay(&self, plan: &str, amount: u32) -> Transaction {
        let asked = self.transactions().await.into_iter().find(|transaction| {
            transaction.status == TransactionStatus::Pending
                && transaction.plan_id == Some(id(plan))
                && transaction.amount == amount.into()
        });
        let asked = match asked {
            Some(asked) => asked,
            None => self.ask(plan).await.unwrap(),
        };
        assert_eq!(asked.amount, amount.into());
        self.till.change(&asked.id, |payment| payment.status = "succeeded");
        let object = json!({"id": asked.payment_id});
        let told = json!({"event": "payment.succeeded", "object": object});
        let told: Notification = serde_json::from_value(told).unwrap();
        payment_webhooks::hear(&self.app, &told, self.at()).await.unwrap();
        let mut all = self.transactions().await;
        all.retain(|transaction| transaction.id == asked.id);
        assert_eq!(all[0].status, TransactionStatus::Succeeded);
        all.remove(0)
    }

    async fn change(&self, plan: &str, when: When) {
        subscriptions::change(&self.app, &self.by("bob"), &id(plan), when).await.unwrap();
    }

    async fn give(&self, plan: &str, reset_usage: bool) {
        let grant = Grant { plan_id: id(plan), trial_days: 0, reset_usage };
        subscriptions::grant(&self.app, &self.by("root"), "bob", &grant).await.unwrap();
    }

    /// `pro active 0..28 paid 28`, in days after the first.
    async fn stands(&self) -> String {
        let Some(one) = subscriptions::get(&self.app, &self.by("bob")).await.unwrap() else {
            return "none".to_owned();
        };
        let day = |t: Timestamp| (t.as_second() - NOW) / DAY;
        let (start, end) = (day(one.current_period_start), day(one.current_period_end));
        let (status, paid) = (one.status.as_str(), day(one.paid_until));
        format!("{} {status} {start}..{end} paid {paid}", one.plan_id)
    }

    async fn governing(&self) -> Governing {
        let tenant = TenantId::default();
        let found = entitlements::now(&self.app, &tenant, "bob", self.at()).await.unwrap().1;
        Governing::clone(&found)
    }

    async fn governs(&self) -> String {
        said(&self.governing().await)
    }

    async fn assert_agrees(&self) {
        let report = check::run(self.app.store(), |_| {}).await.unwrap();
        assert!(report.is_clean(), "{:#?}", report.disagreements);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_paid_is_used_up_or_credit_and_credit_pays_renewals() {
    let mut house = House::with(&[("starter", 490), ("pro", 1490)]).await;
    assert_eq!(house.quote("starter").await, "start 490");
    house.pay("starter", 490).await;
    assert_eq!(house.stands().await, "starter active 0..28 paid 28");
    // Paid ahead: the window stays on its anchor.
    assert_eq!(house.quote("starter").await, "renewal 490");
    house.pay("starter", 490).await;
    assert_eq!(house.stands().await, "starter active 0..28 paid 59");
    // Half of the first month is left, and the second is whole: 1490 - 245 - 490.
    house.go_to(14).await;
    assert_eq!(house.quote("pro").await, "change 755");
    house.pay("pro", 755).await;
    assert_eq!(house.stands().await, "pro active 14..42 paid 42");
    // Back in the same instant: half a month of starter is 245 of the 1490 that come back.
    house.change("starter", When::Now).await;
    assert_eq!(house.stands().await, "starter active 0..28 paid 28");
    assert_eq!(house.quote("pro").await, "nothing_due", "1490 - 245 - 1245 of credit");
    // The credit of 1245 pays two renewals; what is missing for the third is 490 - 265.
    house.go_to(28).await;
    assert_eq!(house.stands().await, "starter active 28..59 paid 59");
    house.go_to(60).await;
    assert_eq!(house.stands().await, "starter active 59..89 paid 89");
    house.go_to(89).await;
    assert_eq!(house.stands().await, "starter past_due 89..120 paid 89");
    assert_eq!(house.quote("starter").await, "renewal 225");
    house.pay("starter", 225).await;
    assert_eq!(house.stands().await, "starter active 89..120 paid 120");
    house.assert_agrees().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_has_what_was_quoted_though_the_price_has_changed_since() {
    for (then, expected_credit) in [(590, "start 590"), (390, "start 290")] {
        let mut house = House::with(&[("starter", 490), ("other", 590)]).await;
        assert_eq!(house.quote("starter").await, "start 490");
        let patch = serde_json::from_value(json!({"price": then})).unwrap();
        plans::update(&house.app, &house.by("root"), "starter", patch).await.unwrap();
        house.pay("starter", 490).await;
        assert_eq!(house.stands().await, "starter active 0..28 paid 28");
        // What was too much is credit, also when the subscription is over.
        subscriptions::cancel(&house.app, &house.by("bob"), true).await.unwrap();
        house.go_to(40).await;
        let other = if then == 590 { "start 590" } else { "start 490" };
        assert_eq!(house.quote("other").await, other);
        assert_eq!(house.quote("starter").await, expected_credit);
        house.assert_agrees().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_quoted_for_a_month_buys_no_year() {
    let house = House::with(&[("starter", 490)]).await;
    assert_eq!(house.quote("starter").await, "start 490");
    let patch = serde_json::from_value(json!({"interval": "year", "price": 4900})).unwrap();
    plans::update(&house.app, &house.by("root"), "starter", patch).await.unwrap();
    house.pay("starter", 490).await;
    assert_eq!(house.stands().await, "none");
    assert_eq!(house.quote("starter").await, "start 4410");
    house.assert_agrees().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_comes_late_starts_what_was_paid_for() {
    let mut house = House::with(&[("starter", 490), ("pro", 1490)]).await;
    house.give("starter", false).await;
    house.go_to(29).await;
    assert_eq!(house.quote("starter").await, "renewal 490");
    house.go_to(40).await;
    assert_eq!(house.stands().await, "none");
    house.pay("starter", 490).await;
    assert_eq!(house.stands().await, "starter active 40..71 paid 71");
    // Whoever pays to go on does not leave.
    subscriptions::cancel(&house.app, &house.by("bob"), false).await.unwrap();
    house.pay("starter", 490).await;
    let one = subscriptions::get(&house.app, &house.by("bob")).await.unwrap().unwrap();
    assert!(!one.cancel_at_period_end);
    house.assert_agrees().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_governs_by_its_window_and_usage_begins_at_0_only_where_it_may() {
    let mut house = House::with(&[("free", 0), ("gift", 0), ("pro", 1490)]).await;
    assert_eq!(house.governs().await, "nothing -5..23 by 0", "the calendar month");
    let patch: SettingsPatch = serde_json::from_value(json!({"default_plan": "free"})).unwrap();
    settings::update(&house.app, &house.by("root"), &patch).await.unwrap();
    assert_eq!(house.governs().await, "free -5..23 by 0");

    // Whoever subscribes to the default plan has had its quotas: they are no fresh ones.
    subscriptions::start(&house.app, &house.by("bob"), &id("free")).await.unwrap();
    assert_eq!(house.governs().await, "free -5..23 by 0");
    // Away and back, by changes and by cancelling: the same window, the same number.
    house.change("gift", When::Now).await;
    assert_eq!(house.governs().await, "gift 0..28 by 1");
    house.change("free", When::Now).await;
    assert_eq!(house.governs().await, "free -5..23 by 0");
    subscriptions::cancel(&house.app, &house.by("bob"), true).await.unwrap();
    assert_eq!(house.governs().await, "free -5..23 by 0");
    subscriptions::start(&house.app, &house.by("bob"), &id("gift")).await.unwrap();
    assert_eq!(house.governs().await, "gift 0..28 by 1");
    // An admin may let it begin again.
    house.give("gift", false).await;
    assert_eq!(house.governs().await, "gift 0..28 by 1");
    house.go_to(1).await;
    house.give("gift", true).await;
    assert_eq!(house.governs().await, "gift 1..29 by 3", "another number; which one says nothing");

    // A dearer plan that is not paid gives nothing, nor a fresh quota of the old one to whoever goes back.
    house.change("pro", When::PeriodEnd).await;
    house.go_to(29).await;
    assert_eq!(house.stands().await, "pro past_due 29..60 paid 29");
    assert_eq!(house.governs().await, "gift 29..60 by 3");
    house.change("gift", When::Now).await;
    assert_eq!(house.governs().await, "gift 29..60 by 3");
    house.change("pro", When::PeriodEnd).await;
    house.go_to(60).await;
    assert_eq!(house.stands().await, "pro past_due 60..90 paid 60");
    assert_eq!(house.quote("pro").await, "renewal 1490");
    house.pay("pro", 1490).await;
    assert_eq!(house.governing().await.plan.unwrap().id, id("pro"));
    house.assert_agrees().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_governed_then_is_known_for_usage_that_comes_late() {
    let mut house = House::with(&[("free", 0), ("gift", 0), ("tried", 490)]).await;
    let patch = serde_json::from_value(json!({"trial_days": 7})).unwrap();
    plans::update(&house.app, &house.by("root"), "tried", patch).await.unwrap();
    let start = async |house: &House, plan: &str| {
        subscriptions::start(&house.app, &house.by("bob"), &id(plan)).await.unwrap();
    };
    house.go_to(2).await;
    start(&house, "tried").await;
    house.go_to(4).await;
    subscriptions::cancel(&house.app, &house.by("bob"), true).await.unwrap();
    house.go_to(5).await;
    start(&house, "tried").await;
    house.go_to(6).await;
    house.change("free", When::Now).await;
    house.go_to(20).await;
    house.change("gift", When::Now).await;
    house.go_to(35).await;
    for (day, expected) in [
        (0, "nothing -5..23 by 0"),
        (2, "tried 2..9 by 1"),
        // Nobody's for a day, and then the same free days.
        (4, "nothing -5..23 by 0"),
        (5, "tried 2..9 by 1"),
        (6, "free 6..34 by 2"),
        (19, "free 6..34 by 2"),
        (20, "gift 20..48 by 3"),
        (35, "gift 20..48 by 3"),
    ] {
        let t = Timestamp::from_second(NOW + day * DAY).unwrap();
        let snapshot = house.app.store().snapshot().await.unwrap();
        let tenant = TenantId::default();
        let then = entitlements::then(&snapshot, &tenant, "bob", t).await.unwrap();
        assert_eq!(said(&then), expected, "day {day}");
    }
    // Of a subscription that goes on, too.
    house.go_to(60).await;
    let t = Timestamp::from_second(NOW + 47 * DAY).unwrap();
    let snapshot = house.app.store().snapshot().await.unwrap();
    let then = entitlements::then(&snapshot, &TenantId::default(), "bob", t).await.unwrap();
    assert_eq!(
        (said(&then), house.governs().await),
        ("gift 20..48 by 3".to_owned(), "gift 48..79 by 3".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_quoted_that_cannot_be_bought() {
    let house = House::with(&[("free", 0), ("pro", 1490)]).await;
    assert_eq!(house.quote("free").await, "nothing_due");
    assert_eq!(house.quote("nowhere").await, "plan_not_found");
    plans::toggle(&house.app, &house.by("root"), "pro").await.unwrap();
    assert_eq!(house.quote("pro").await, Refusal::PlanInactive { id: String::new() }.code());
    // Whoever has it renews it all the same.
    house.give("pro", false).await;
    assert_eq!(house.quote("pro").await, "renewal 1490");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_buys_what_it_is_enough_for_when_it_comes_and_else_is_credit() {
    let mut house = House::with(&[("starter", 490), ("more", 1000), ("pro", 1490)]).await;
    let patch: SettingsPatch = serde_json::from_value(json!({"grace_days": 90})).unwrap();
    settings::update(&house.app, &house.by("root"), &patch).await.unwrap();
    // What was given back is counted on by the next quote, and spent before it is paid.
    house.pay("more", 1000).await;
    house.change("starter", When::Now).await;
    assert_eq!(house.quote("pro").await, "change 490");
    house.go_to(28).await;
    assert_eq!(house.stands().await, "starter active 28..59 paid 59");
    assert_eq!(house.pay("pro", 490).await.metadata["taken_as"], "credit");
    assert_eq!(house.stands().await, "starter active 28..59 paid 59");
    assert_eq!(house.quote("pro").await, "change 490", "1490 - 490 - 20 - 490");
    // Quoted for one window, and paid when two are owed; credit pays the first.
    house.go_to(60).await;
    assert_eq!(house.stands().await, "starter active 59..89 paid 89");
    house.go_to(90).await;
    assert_eq!(house.quote("starter").await, "renewal 470");
    house.go_to(121).await;
    house.pay("starter", 470).await;
    assert_eq!(house.stands().await, "starter past_due 120..150 paid 120");
    house.assert_agrees().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_costs_what_was_quoted_though_the_old_plan_goes_on_until_it_is_paid() {
    let mut house = House::with(&[("starter", 490), ("pro", 1490)]).await;
    house.pay("starter", 490).await;
    house.go_to(14).await;
    assert_eq!(house.quote("pro").await, "change 1245");
    house.go_to(15).await;
    // From the quote on: what is left of the old plan is not had twice.
    house.pay("pro", 1245).await;
    assert_eq!(house.stands().await, "pro active 14..42 paid 42");
    assert_eq!(house.quote("pro").await, "renewal 1490", "nothing is credit");
    // A plan that is left and paid still costs nothing.
    subscriptions::cancel(&house.app, &house.by("bob"), true).await.unwrap();
    assert_eq!(house.quote("pro").await, "nothing_due");
    house.assert_agrees().await;
}

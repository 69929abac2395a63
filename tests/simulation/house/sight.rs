//! What is to be seen of it, as users and admins see it, and of what they do not see as it is kept.

use planwright_domain::subscription::{Status, Subscription};
use planwright_domain::time::Timestamp;
use planwright_service::plans::plan_stats;
use planwright_service::subscriptions::entitlements;
use planwright_service::{check, subscriptions};
use planwright_store::{Document, Key, Snapshot, Space, Store};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::command::{Money, User};
use super::super::model::{Counts, Governing, Seen};
use super::{House, hundredths, name, number};

impl House {
    pub(in super::super) async fn seen(&self, user: User) -> Option<Seen> {
        let live = subscriptions::get(self.app(), &self.of(user)).await.unwrap();
        live.as_ref().map(seen)
    }

    pub(in super::super) async fn governing(&self, user: User) -> Governing {
        let user = name(user);
        let now = entitlements::now(self.app(), &self.tenant, &user, self.at());
        let (_, governing) = Box::pin(now).await.unwrap();
        let window = (governing.window.start.as_second(), governing.window.end.as_second());
        let plan = governing.plan.as_ref();
        let quota = |metric| plan.and_then(|plan| plan.quotas.get(metric).copied());
        Governing {
            plan: plan.map(|plan| number(plan.id.as_str())),
            quotas: ["requests", "images"].map(quota),
            window,
            bucket: governing.usage_epoch,
        }
    }

    pub(in super::super) async fn credit(&self, user: User, money: Money) -> i64 {
        let space = Space::Tenant(self.tenant.to_string());
        let key = Key::in_space(&space, "credit").text(&name(user)).text(money.code()).key();
        let snapshot = self.app().store().snapshot().await.unwrap();
        let record = snapshot.get(&key).await.unwrap();
        record.map_or(0, |record| {
            let text = record.decode::<Balance>().unwrap().balance.to_string();
            hundredths(text.trim_matches('"'))
        })
    }

    pub(in super::super) async fn counts(&self) -> Counts {
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
    pub(in super::super) async fn disagreements(&self) -> String {
        let report = check::run(self.app().store(), |_| {}).await.unwrap();
        if report.is_clean() { String::new() } else { format!("{:#?}", report.disagreements) }
    }
}

#[derive(Serialize, Deserialize)]
struct Balance {
    balance: Value,
}

impl Document for Balance {
    const SCHEMA: u16 = 1;
}

pub(super) fn seen(subscription: &Subscription) -> Seen {
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

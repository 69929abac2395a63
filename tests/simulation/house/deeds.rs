//! What users and admins do but for money and usage.

use planwright_domain::plan::PlanDraft;
use planwright_domain::subscription::Subscription;
use planwright_domain::subscription::grant::Grant;
use planwright_domain::subscription::life::When;
use planwright_service::statements::statement_run;
use planwright_service::tenants::settings;
use planwright_service::{Error, plans, subscriptions, worker};
use serde_json::{Value, json};

use super::super::command::{Command, Draft, PlanNo, User};
use super::super::model::Outcome;
use super::sight::seen;
use super::{House, id, name, shown};

impl House {
    pub(super) async fn deed(&self, command: &Command) -> Result<Outcome, Error> {
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
                let quotas = json!({"requests": quota, "images": quota / 2});
                self.patch(plan, json!({"quotas": quotas})).await?;
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
            Command::SetBook { price } => self.price(price).await?,
            _ => {
                worker::work_all(app, self.at()).await?;
                Box::pin(statement_run::work_all(app, self.at())).await?;
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
}

fn draft(plan: PlanNo, draft: Draft) -> PlanDraft {
    let text = format!(
        r#"{{"id":"p{plan}","name":"P{plan}","price":{},"currency":"{}","interval":"{}","trial_days":{},"quotas":{{"requests":{},"images":{}}},"overage":{{"images":"bill"}}}}"#,
        shown(draft.price),
        draft.money.code(),
        draft.interval.name(),
        draft.trial_days,
        draft.quota,
        draft.quota / 2,
    );
    serde_json::from_str(&text).unwrap()
}

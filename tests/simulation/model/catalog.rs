//! What an admin does to plans and settings, and when not.

use super::super::command::{Command, Draft, PlanNo};
use super::shop::{Plan, PlanKey, Terms};
use super::{Model, No, Outcome, PaidFor, not_found};

impl Model {
    /// What an admin does to plans and settings.
    pub(super) fn manage(&mut self, command: &Command) -> Outcome {
        match *command {
            Command::SetPrice { plan, price } => self.edit(plan, |terms| terms.price = price),
            Command::SetTrial { plan, days } => self.edit(plan, |terms| terms.trial_days = days),
            Command::SetInterval { plan, interval } => {
                self.edit(plan, |terms| terms.interval = interval)
            }
            Command::SetQuota { plan, quota } => self.edit(plan, |terms| terms.quota = quota),
            Command::Toggle { plan } => match &mut self.shop.plans[plan] {
                Some(plan) => {
                    plan.is_active = !plan.is_active;
                    plan.version += 1;
                    Outcome::Done
                }
                None => not_found(),
            },
            Command::Make { plan, draft } => self.make(plan, draft),
            Command::Delete { plan } => self.delete(plan),
            Command::SetGrace { days } => {
                self.shop.grace_days = i64::from(days);
                Outcome::Done
            }
            Command::SetDefault { plan } => {
                if plan.is_some_and(|plan| self.shop.plan(plan).is_none()) {
                    return Outcome::No(No::because("invalid_request"));
                }
                self.shop.default_plan = plan;
                Outcome::Done
            }
            _ => Outcome::Done,
        }
    }

    fn edit(&mut self, no: PlanNo, edit: impl FnOnce(&mut Terms)) -> Outcome {
        let Some(plan) = self.shop.plan(no) else { return not_found() };
        let mut terms = plan.terms;
        edit(&mut terms);
        let takes = terms.quota < plan.terms.quota || terms.interval != plan.terms.interval;
        if takes && self.is_had(plan.key) {
            return Outcome::No(No::because("rejected"));
        }
        if terms != plan.terms {
            self.shop.plans[no] = Some(Plan { terms, version: plan.version + 1, ..plan });
        }
        Outcome::Done
    }

    fn make(&mut self, no: PlanNo, draft: Draft) -> Outcome {
        if self.shop.plan(no).is_some() {
            return Outcome::No(No::because("plan_exists"));
        }
        let key = PlanKey { no, generation: self.shop.deleted[no] };
        let plan = Plan { key, version: 1, terms: draft.into(), is_active: true };
        self.shop.plans[no] = Some(plan);
        Outcome::Done
    }

    fn delete(&mut self, no: PlanNo) -> Outcome {
        let Some(plan) = self.shop.plan(no) else { return not_found() };
        if self.is_had(plan.key) || self.is_being_paid(plan.key) {
            return Outcome::No(No::because("rejected"));
        }
        if self.is_awaited(plan.key) {
            return Outcome::No(No::because("plan_awaited"));
        }
        if self.shop.default_plan == Some(no) {
            return Outcome::No(No::because("plan_is_default"));
        }
        self.shop.plans[no] = None;
        self.shop.deleted[no] += 1;
        Outcome::Done
    }

    fn is_awaited(&self, plan: PlanKey) -> bool {
        let live = self.accounts.iter().filter_map(|account| account.live.as_ref());
        live.into_iter().any(|live| live.pending == Some(plan))
    }

    fn is_had(&self, plan: PlanKey) -> bool {
        let live = self.accounts.iter().filter_map(|account| account.live.as_ref());
        live.into_iter().any(|live| live.plan == plan)
    }

    fn is_being_paid(&self, plan: PlanKey) -> bool {
        self.orders.iter().any(|order| order.status == "pending" && order.of == PaidFor::Plan(plan))
    }
}

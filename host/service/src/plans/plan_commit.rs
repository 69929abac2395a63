//! The one way into the catalog: a change of a plan is reviewed by the validation plugins and committed
//! with everything that the review rested on.

use planwright_domain::Refusal;
use planwright_domain::billing_plan::entry::Kind;
use planwright_domain::plan::Plan;
use planwright_domain::plan::review::{
    self, Finding, PlanChange, ReviewContext, SubscriptionCounts,
};
use planwright_domain::plugin::hook::Hook;
use planwright_domain::refusal::FieldError;
use planwright_domain::subscription::Status;
use planwright_domain::webhook::event::{Event, EventType};
use planwright_store::{ChangeSet, Key, Snapshot, Store, StoreError};

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::audit::Deed;
use crate::billing_plans::entry_records::count_move;
use crate::documents::PlanRecord;
use crate::error::Error;
use crate::keys::Keys;
use crate::plans::plan_surroundings::Surroundings;
use crate::request::Request;
use crate::subscriptions::subscription_records::subscription_counts;
use crate::tenants::kept_settings::Kept;
use crate::webhooks::outbox::Listeners;

/// What is done to a plan, as the audit log calls it.
pub(crate) enum Action {
    Created,
    Updated,
    Activated,
    Deactivated,
    Duplicated { from: String },
    Deleted,
}

const DELETED: &str = "plan_deleted";

/// Whether an entry of the audit log with this action tells of a change of a plan.
pub(crate) fn is_action(code: &str) -> bool {
    let codes = [
        Action::Created,
        Action::Updated,
        Action::Activated,
        Action::Deactivated,
        Action::Duplicated { from: String::new() },
        Action::Deleted,
    ];
    codes.iter().any(|action| action.code() == code)
}

/// Whether the plan was gone then.
pub(crate) fn is_deletion(code: &str) -> bool {
    code == DELETED
}

impl Action {
    fn code(&self) -> &'static str {
        match self {
            Self::Created => "plan_created",
            Self::Updated => "plan_updated",
            Self::Activated => "plan_activated",
            Self::Deactivated => "plan_deactivated",
            Self::Duplicated { .. } => "plan_duplicated",
            Self::Deleted => DELETED,
        }
    }

    fn event(&self) -> EventType {
        match self {
            Self::Created | Self::Duplicated { .. } => EventType::PlanCreated,
            Self::Updated => EventType::PlanUpdated,
            Self::Activated => EventType::PlanActivated,
            Self::Deactivated => EventType::PlanDeactivated,
            Self::Deleted => EventType::PlanDeleted,
        }
    }

    fn describe(&self, plan: &Plan) -> String {
        let name = &plan.name;
        match self {
            Self::Created => format!("Created plan '{name}'"),
            Self::Updated => format!("Updated plan '{name}'"),
            Self::Activated => format!("Activated plan '{name}'"),
            Self::Deactivated => format!("Deactivated plan '{name}'"),
            Self::Duplicated { from } => format!("Duplicated plan '{from}' as '{}'", plan.id),
            Self::Deleted => format!("Deleted plan '{name}'"),
        }
    }
}

/// A plan after a change went through, and what the validation plugins warn of.
#[derive(Serialize, Deserialize)]
pub struct Reviewed {
    /// The plan as it is now; as it was last, if it is deleted.
    pub plan: Plan,
    /// Its entity tag; of the plan as it was last, if it is deleted.
    pub tag: String,
    /// Findings that do not refuse.
    pub warnings: Vec<Finding>,
}

/// A plan about to be made, changed or deleted.
pub(crate) struct Change {
    /// The plan as it will be; as it was last, if it goes.
    plan: Plan,
    before: Option<(u64, PlanRecord)>,
    action: Action,
}

impl Change {
    pub(crate) fn make(plan: Plan, action: Action) -> Self {
        Self { plan, before: None, action }
    }

    /// `before` comes with the version of its record.
    pub(crate) fn alter(before: (u64, PlanRecord), plan: Plan, action: Action) -> Self {
        Self { plan, before: Some(before), action }
    }

    /// `before` comes with the version of its record.
    pub(crate) fn delete(before: (u64, PlanRecord)) -> Self {
        Self { plan: before.1.plan.clone(), before: Some(before), action: Action::Deleted }
    }

    fn before(&self) -> Option<&Plan> {
        self.before.as_ref().map(|(_, record)| &record.plan)
    }

    fn after(&self) -> Option<&Plan> {
        match self.action {
            Action::Deleted => None,
            Action::Created
            | Action::Updated
            | Action::Activated
            | Action::Deactivated
            | Action::Duplicated { .. } => Some(&self.plan),
        }
    }

    /// Asks the validation plugins, and commits what they let through.
    ///
    /// The commit expects the plan as it was read, and where nothing rests on it, that nothing does still: the
    /// first subscription that arrives meanwhile makes it start again. One more where there are some changes
    /// no decision, and expecting their exact number would keep admins from ever changing a busy plan. The other
    /// way round, a subscription's commit expects the plan's record: whichever comes second sees the first.
    pub(crate) async fn review_and_commit<S: Store>(
        self,
        app: &App<S>,
        snapshot: &S::Snapshot,
        by: &Request,
    ) -> Result<Reviewed, Error> {
        let around = Surroundings::read(app, snapshot, by).await?;
        let mut change = ChangeSet::new();
        around.expect(&mut change);
        let (reviewed, event) =
            Box::pin(self.review_into(&mut change, app, snapshot, by, &around)).await?;
        let listeners = Listeners::read(snapshot, &by.caller.tenant).await?;
        listeners.tell(app, &mut change, &[event], by.now);
        app.commit(by, change, &reviewed).await?;
        Ok(reviewed)
    }

    /// Asks the validation plugins, and writes what they let through into a change set that expects what is around
    /// the plan. Gives what is to be told of it, too.
    pub(crate) async fn review_into<S: Store>(
        self,
        change: &mut ChangeSet,
        app: &App<S>,
        snapshot: &S::Snapshot,
        by: &Request,
        around: &Surroundings,
    ) -> Result<(Reviewed, Event), Error> {
        let keys = Keys::of(&by.caller.tenant);
        let (rests, warnings) = Box::pin(self.decide(app, snapshot, by, around)).await?;
        rests.expect(change);
        let tag = self.write(snapshot, &keys, change).await?;
        let (before, after) = (book_of(self.before()), book_of(self.after()));
        count_move(change, &keys, Kind::BillingPlan, before, after);
        let deed = Deed {
            action: self.action.code(),
            entity_type: "plan",
            entity_id: self.plan.id.as_str(),
            description: self.action.describe(&self.plan),
            before: self.before(),
            after: self.after(),
            warnings: &warnings,
        };
        change.append(&keys.audit(), &app.audit_entry(by, deed));
        let event = Event::of_plan(self.action.event(), &self.plan, self.before());
        Ok((Reviewed { plan: self.plan, tag, warnings }, event))
    }

    /// What [`Change::review_and_commit`] would say now, and nothing done.
    pub(crate) async fn rehearse<S: Store>(
        self,
        app: &App<S>,
        snapshot: &S::Snapshot,
        by: &Request,
        around: &Surroundings,
    ) -> Result<Reviewed, Error> {
        let (_, warnings) = self.decide(app, snapshot, by, around).await?;
        Ok(Reviewed { plan: self.plan, tag: String::new(), warnings })
    }

    /// Whether it may be done, and what that rests on.
    async fn decide<S: Store>(
        &self,
        app: &App<S>,
        snapshot: &S::Snapshot,
        by: &Request,
        around: &Surroundings,
    ) -> Result<(Rests, Vec<Finding>), Error> {
        let tenant = &by.caller.tenant;
        let mut rests = match &self.before {
            Some((_, before)) => Rests::read(snapshot, &Keys::of(tenant), before).await?,
            None => Rests::default(),
        };
        rests.book = self.named_book(snapshot, &Keys::of(tenant), around).await?;
        let warnings = self.review(app, by, &rests, around).await?;
        rests.metrics = self.after().and_then(|plan| around.metrics.rests_on(plan));
        if self.after().is_none() {
            let id = &self.plan.id;
            if rests.counts.live() > 0 {
                return Err(Refusal::PlanInUse { id: id.to_string() }.into());
            }
            rests.empty.push(self.awaited_by_none(snapshot, &Keys::of(tenant)).await?);
            let settings = Kept::read(snapshot, tenant).await?;
            if settings.default_plan_is(id) {
                return Err(Refusal::PlanIsDefault { id: id.to_string() }.into());
            }
            rests.settings = Some(settings);
        }
        Ok((rests, warnings))
    }

    async fn review<S: Store>(
        &self,
        app: &App<S>,
        by: &Request,
        rests: &Rests,
        around: &Surroundings,
    ) -> Result<Vec<Finding>, Error> {
        let context = ReviewContext {
            tenant: by.caller.tenant.clone(),
            user_id: Some(by.caller.user_id.clone()),
            at: by.now,
        };
        let change = PlanChange {
            before: self.before().cloned(),
            after: self.after().cloned(),
            subscriptions: rests.counts,
            pending_payments: rests.pending_payments,
            known_metrics: around.metrics.known.clone(),
        };
        let plugins = app.plugins_for(&around.bindings, Hook::Validation, by.now).await?;
        let findings = planwright_plugin_host::review_plan(&plugins, &context, &change).await?;
        Ok(review::warnings(findings)?)
    }

    /// The billing plan that the change is the first to name, which must be there.
    async fn named_book<N: Snapshot>(
        &self,
        snapshot: &N,
        keys: &Keys,
        around: &Surroundings,
    ) -> Result<Option<(Key, u64)>, Error> {
        let after = book_of(self.after());
        let is_new = |id: &u64| after != book_of(self.before()) && !around.made_books.contains(id);
        let Some(id) = after.filter(is_new) else { return Ok(None) };
        let key = keys.entry(Kind::BillingPlan, id);
        let Some(record) = snapshot.get(&key).await? else {
            let message = format!("billing_plan_id: there is no billing plan {id}. Make it first.");
            let error = FieldError::new("billing_plan_id", "unknown_id", &message);
            return Err(Refusal::Invalid(vec![error]).into());
        };
        Ok(Some((key, record.version)))
    }

    /// The counter of those who go on with a plan that goes, which must be 0.
    async fn awaited_by_none<N: Snapshot>(&self, snapshot: &N, keys: &Keys) -> Result<Key, Error> {
        let generation = self.before.as_ref().map_or(0, |(_, before)| before.generation);
        let counter = keys.pending_changes(&self.plan.id, generation);
        match u64::try_from(snapshot.counter(&counter).await?) {
            Ok(count) if count > 0 => {
                Err(Refusal::PlanAwaited { id: self.plan.id.to_string(), count }.into())
            }
            // Never below 0: every change that waits is counted in before it is counted out.
            _ => Ok(counter),
        }
    }

    /// Writes the plan, or takes it away; gives its tag.
    async fn write<N: Snapshot>(
        &self,
        snapshot: &N,
        keys: &Keys,
        change: &mut ChangeSet,
    ) -> Result<String, StoreError> {
        let key = keys.plan(&self.plan.id);
        let generations = keys.plan_generation(&self.plan.id);
        let generation = match &self.before {
            Some((version, before)) => {
                change.expect_version(&key, *version);
                before.generation
            }
            None => {
                let deleted = snapshot.counter(&generations).await?;
                change.expect_absent(&key).expect_counter(&generations, deleted);
                u64::try_from(deleted).unwrap_or(0)
            }
        };
        let record = PlanRecord { generation, plan: self.plan.clone() };
        match self.after() {
            Some(_) => change.put(&key, &record),
            None => change.delete(&key).add(&generations, 1),
        };
        change.add(&keys.catalog_changes(), 1);
        Ok(record.tag())
    }
}

fn book_of(plan: Option<&Plan>) -> Option<u64> {
    plan.and_then(|plan| plan.billing_plan_id)
}

/// Everything that rests on a plan.
#[derive(Default)]
struct Rests {
    counts: SubscriptionCounts,
    pending_payments: u64,
    /// The counters that were read as 0 and must still be: whether anything rests on the plan is what
    /// rules depend on.
    empty: Vec<Key>,
    /// Which plan is the default, where that matters.
    settings: Option<Kept>,
    /// The billing plan that is named from now on.
    book: Option<(Key, u64)>,
    /// The counter of changes of products, where their metrics are named.
    metrics: Option<(Key, i64)>,
}

impl Rests {
    async fn read<N: Snapshot>(
        snapshot: &N,
        keys: &Keys,
        plan: &PlanRecord,
    ) -> Result<Self, StoreError> {
        let counts = subscription_counts(snapshot, keys, plan).await?;
        let payments = keys.pending_payments(&plan.plan.id, plan.generation);
        let pending = snapshot.counter(&payments).await?;
        let mut empty = Vec::new();
        if counts.live() == 0 {
            let live = Status::ALL.into_iter().filter(|status| status.is_live());
            empty.extend(
                live.map(|status| keys.subscribers(&plan.plan.id, plan.generation, status)),
            );
        }
        if pending == 0 {
            empty.push(payments);
        }
        let pending_payments = u64::try_from(pending).unwrap_or(0);
        Ok(Self { counts, pending_payments, empty, ..Self::default() })
    }

    fn expect(&self, change: &mut ChangeSet) {
        for key in &self.empty {
            change.expect_counter(key, 0);
        }
        if let Some(settings) = &self.settings {
            settings.expect(change);
        }
        if let Some((key, version)) = &self.book {
            change.expect_version(key, *version);
        }
        if let Some((changes, holds)) = &self.metrics {
            change.expect_counter(changes, *holds);
        }
    }
}

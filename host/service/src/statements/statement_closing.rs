//! Closing a window: what was metered in it, what came late into earlier ones, and what of it is paid from credit make a
//! statement for each currency. It is prepared from one snapshot, and written expecting all that it rests on. An attempt
//! that fails is written, too: the window stays open, and is tried again.

use planwright_domain::money::Currency;
use planwright_domain::statement::billing_window::BillingWindow;
use planwright_domain::statement::closed_window::Closed;
use planwright_domain::statement::{Documented, Statement, UpcomingStatement};
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_domain::webhook::event;
use planwright_store::{ChangeSet, Store};

use crate::app::App;
use crate::documents::{CreditEntryRecord, CreditRecord};
use crate::error::Error;
use crate::keys::{Keys, Timeline, WindowPlace};
use crate::statements::statement_billing::{Billed, Billing, Draft, Grounds, Taken};
use crate::statements::statement_pricers::Run;
use crate::statements::{billing_windows, statement_records};
use crate::webhooks::outbox::Listeners;
use crate::{ids, tenants};

/// A window on its way into statements.
pub(crate) struct Closing {
    tenant: TenantId,
    timeline: Timeline,
    place: WindowPlace,
    version: u64,
    before: BillingWindow,
    /// The statement of the attempt that failed before.
    failed: Option<(u64, Documented)>,
    /// Who is told what becomes of it.
    listeners: Listeners,
    grounds: Grounds,
    outcome: Result<Billed, Failed>,
}

/// Why nothing is.
struct Failed {
    currency: Option<Currency>,
    reason: String,
}

/// Prepares the closing of a window; nothing if it is closed already. What others have taken is not taken again.
pub(crate) async fn prepare<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    run: &Run,
    (tenant, place): (&TenantId, &WindowPlace),
    taken: &Taken,
) -> Result<Option<Closing>, Error> {
    let keys = Keys::of(tenant);
    let found = billing_windows::find(snapshot, &keys, place).await?;
    let Some((version, before)) = found.filter(|(_, window)| window.is_open()) else {
        return Ok(None);
    };
    let failed = match before.failed_attempt() {
        Some(attempt) => {
            Some(statement_records::load(snapshot, &keys, &attempt.statement_id).await?)
        }
        None => None,
    };
    let mut billing = Billing {
        app,
        snapshot,
        run,
        tenant,
        place,
        window: &before,
        taken,
        keys,
        grounds: Grounds::default(),
        currency: None,
    };
    let outcome = match Box::pin(billing.bill()).await {
        Ok(billed) => Ok(billed),
        Err(error @ (Error::Refused(_) | Error::Plugin(_))) => {
            Err(Failed { currency: billing.currency, reason: error.to_string() })
        }
        Err(error) => return Err(error),
    };
    let grounds = billing.grounds;
    Ok(Some(Closing {
        tenant: tenant.clone(),
        timeline: tenants::timeline(app, tenant).await?,
        place: place.clone(),
        version,
        before,
        failed,
        listeners: Listeners::read(snapshot, tenant).await?,
        grounds,
        outcome,
    }))
}

impl Closing {
    /// The statements as they would be written, and what they take.
    pub(crate) fn upcoming(self, taken: &mut Taken) -> Vec<UpcomingStatement> {
        let (user_id, window) = (&self.place.user_id, self.before.window);
        match self.outcome {
            Ok(billed) => {
                taken.adjusted.extend(self.grounds.adjusted.into_iter().map(|it| it.place));
                for draft in &billed.drafts {
                    let credit = taken.credit.entry(draft.currency.code()).or_default();
                    *credit += draft.upcoming.credit_applied;
                }
                billed.drafts.into_iter().map(|draft| draft.upcoming).collect()
            }
            Err(Failed { currency, reason }) => {
                vec![UpcomingStatement::failed(user_id, window, currency, reason)]
            }
        }
    }

    /// Whether it is to be tried by an instant.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.before.due_at().is_some_and(|at| at <= now)
    }

    /// The same where it turns out to be larger than can be committed.
    pub(crate) fn too_large(self) -> Self {
        let currency = self.outcome.as_ref().map_or(None, |billed| billed.closed.currency);
        let reason = format!(
            "The statement and the prices that it rests on have more than the {} MiB that are kept at once. Give the \
             billing plan fewer tiers, or tiers fewer regions.",
            ChangeSet::MAX_BYTES >> 20
        );
        Self { outcome: Err(Failed { currency, reason }), ..self }
    }

    /// Writes the statements, or why there are none, expecting all that they rest on.
    pub(crate) fn write<S: Store>(&self, app: &App<S>, change: &mut ChangeSet, now: Timestamp) {
        self.grounds.expect(change);
        let after = match &self.outcome {
            Ok(billed) => self.write_billed(app, change, billed, now),
            Err(failed) => self.write_failed(app, change, failed, now),
        };
        let was = (Some(self.version), Some(&self.before));
        billing_windows::replace(change, (&self.timeline, &self.tenant), &self.place, was, &after);
    }

    fn write_billed<S: Store>(
        &self,
        app: &App<S>,
        change: &mut ChangeSet,
        billed: &Billed,
        now: Timestamp,
    ) -> BillingWindow {
        let mut statements = Vec::new();
        let mut failed = self.failed.as_ref();
        for draft in &billed.drafts {
            let its = failed.take_if(|(_, failed)| failed.statement.id == draft.id);
            let mut documented = self.statement(draft.id.clone(), its, &draft.upcoming, now);
            documented.1.questions.clone_from(&draft.questions);
            documented.1.charges.clone_from(&draft.charges);
            let id = self.put(app, change, documented, now);
            self.use_credit(app, change, draft, &id, now);
            statements.push(id);
        }
        if let Some((_, was)) = failed {
            // It failed for something that is not to be paid any more.
            let nothing = UpcomingStatement::empty(&self.place.user_id, self.before.window);
            let documented = self.statement(was.statement.id.clone(), failed, &nothing, now);
            statements.push(self.put(app, change, documented, now));
        }
        if let Some(priced_by) = &self.grounds.priced_by {
            priced_by.mark(change);
        }
        for (place, version) in &self.grounds.unbilled {
            change.expect_version(place, *version).delete(place);
        }
        for adjusted in &self.grounds.adjusted {
            let (mark, version) = &adjusted.mark;
            change.expect_version(mark, *version).delete(mark);
            let was = (Some(adjusted.version), Some(&adjusted.before));
            let whose = (&self.timeline, &self.tenant);
            billing_windows::replace(change, whose, &adjusted.place, was, &adjusted.after);
        }
        self.before.clone().closed(Closed { statements, ..billed.closed.clone() })
    }

    fn write_failed<S: Store>(
        &self,
        app: &App<S>,
        change: &mut ChangeSet,
        failed: &Failed,
        now: Timestamp,
    ) -> BillingWindow {
        let Failed { currency, reason } = failed;
        let (user_id, window) = (&self.place.user_id, self.before.window);
        let upcoming = UpcomingStatement::failed(user_id, window, *currency, reason.clone());
        let was = self.failed.as_ref();
        let id = was.map(|(_, was)| was.statement.id.clone());
        let id = id.unwrap_or_else(|| ids::fresh(app.entropy.as_ref(), "sta_"));
        let id = self.put(app, change, self.statement(id, was, &upcoming, now), now);
        let tenant = &self.tenant;
        tracing::warn!(%tenant, user_id, id, reason, "a statement failed; it is tried again");
        self.before.clone().failed(id, now)
    }

    /// A statement, in the place of the one that failed before, if it is that one, and the version of that.
    fn statement(
        &self,
        id: String,
        failed: Option<&(u64, Documented)>,
        upcoming: &UpcomingStatement,
        now: Timestamp,
    ) -> (Option<u64>, Documented) {
        let version = failed.map(|(version, _)| *version);
        let created_at = failed.map_or(now, |(_, was)| was.statement.created_at);
        let statement = Statement::written(id, upcoming.clone(), created_at);
        (version, Documented { statement, questions: Vec::new(), charges: Vec::new() })
    }

    /// Writes it, and tells of it.
    fn put<S: Store>(
        &self,
        app: &App<S>,
        change: &mut ChangeSet,
        (version, it): (Option<u64>, Documented),
        now: Timestamp,
    ) -> String {
        statement_records::put(change, &Keys::of(&self.tenant), version, &it);
        let failed = self.failed.as_ref().map(|(_, failed)| &failed.statement);
        let before = failed.filter(|failed| failed.id == it.statement.id);
        self.listeners.tell(app, change, &event::of_statement(before, &it.statement), now);
        it.statement.id
    }

    fn use_credit<S: Store>(
        &self,
        app: &App<S>,
        change: &mut ChangeSet,
        draft: &Draft,
        statement_id: &str,
        now: Timestamp,
    ) {
        let (keys, user_id) = (Keys::of(&self.tenant), &self.place.user_id);
        let (version, balance) = draft.credit;
        let used = draft.upcoming.credit_applied;
        let key = keys.credit(user_id, draft.currency);
        change.expect_as_read(&key, version);
        if used.is_zero() {
            return;
        }
        let entry = CreditEntryRecord {
            amount: -used,
            reason: "statement".to_owned(),
            subscription_id: None,
            transaction_id: None,
            charge_id: None,
            statement_id: Some(statement_id.to_owned()),
            at: now,
        };
        let id = ids::fresh(app.entropy.as_ref(), "crd_");
        change
            .put(&key, &CreditRecord { balance: balance - used })
            .put(&keys.credit_entry(user_id, draft.currency, now, &id), &entry);
    }
}

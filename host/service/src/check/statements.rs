//! What is metered and billed: segments against the windows that they are counted in, windows against what was billed of
//! them and against what is due, statements against their own lines, their lists, and the credit that they used.

use std::collections::{BTreeMap, BTreeSet};

use planwright_domain::billing_plan::entry::Kind;
use planwright_domain::statement::billing_window::{BillingWindow, Priced, WindowState};
use planwright_domain::statement::closed_window::{AskedIn, Closed};
use planwright_domain::statement::segment::Segment;
use planwright_domain::statement::{Documented, Statement, StatementStatus};
use planwright_domain::subscription::fee_charge::FeeCharge;
use planwright_domain::tenant::caller::is_user_id;
use planwright_store::{Key, Record, Snapshot, StoreError};
use rust_decimal::Decimal;

use super::Walk;
use super::records::{Problems, misplaced, unknown, unreadable};
use crate::documents::FeeChargeRecord;
use crate::keys::{Family, HostKeys, Keys, WindowPlace};
use crate::statements::statement_documents::{
    BillingWindowRecord, StatementEntry, StatementRecord, WindowMark,
};

/// What is gathered of statements on the way: windows and credit come before them.
#[derive(Default)]
pub(super) struct Gathered {
    /// Those that windows name.
    named: BTreeSet<String>,
    /// How much credit was used on each.
    credit: BTreeMap<String, Decimal>,
    /// Fees that were charged and are not among those that are on no statement, by their ids.
    charges: BTreeMap<String, Key>,
}

impl Gathered {
    /// Credit was moved for a statement.
    pub(super) fn moved(&mut self, statement_id: &str, amount: Decimal) {
        *self.credit.entry(statement_id.to_owned()).or_default() -= amount;
    }

    /// A fee was charged.
    pub(super) fn charge(&mut self, key: &Key, id: &str, is_unbilled: bool) {
        if !is_unbilled {
            self.charges.insert(id.to_owned(), key.clone());
        }
    }
}

impl<N: Snapshot> Walk<'_, N> {
    /// What is wrong with a record of what is metered and billed.
    pub(super) async fn billing(
        &mut self,
        family: Family,
        keys: &Keys,
        key: &Key,
        record: &Record,
    ) -> Problems {
        match family {
            Family::BillingWindow => self.billing_window(keys, key, record).await,
            Family::AdjustmentDue => self.adjustment_due(keys, key, record).await,
            Family::Statement => self.statement(keys, key, record).await,
            Family::EveryStatement | Family::UserStatement => {
                self.statement_entry(keys, key, record).await
            }
            _ => Ok(unknown()),
        }
    }

    async fn billing_window(&mut self, keys: &Keys, key: &Key, record: &Record) -> Problems {
        let window = match record.decode::<BillingWindowRecord>() {
            Ok(record) => record.window,
            Err(error) => return Ok(unreadable(&error)),
        };
        let place = Keys::read_window(key).filter(|place| {
            *key == keys.billing_window(place) && place.start == window.window.start
        });
        let Some(place) = place.filter(|place| is_user_id(&place.user_id)) else {
            return Ok(misplaced());
        };
        let mut found = self.epoch(&place.user_id, place.usage_epoch).await?;
        found.extend(self.priced(keys, &window.rests_on).await?);
        if !self.is_due_as_said(&place, &window).await? {
            found.push("It is missing among what is to be closed.".to_owned());
        }
        let failed = window.failed_attempt().map(|failed| &failed.statement_id);
        let statements = match &window.state {
            WindowState::Open { .. } => failed.into_iter().cloned().collect(),
            WindowState::Closed(closed) => {
                found.extend(self.billed(keys, &place, closed).await?);
                closed.statements.clone()
            }
        };
        for id in statements {
            let statement: Option<StatementRecord> = self.find(&keys.statement(&id)).await?;
            let status = statement.map(|record| record.documented.statement.status);
            match status {
                None => found.push(format!("It names the statement '{id}', which is not there.")),
                Some(status) if (status == StatementStatus::Failed) != window.is_open() => {
                    found.push(format!("It names the statement '{id}', which is {status:?}."));
                }
                Some(_) => {}
            }
            self.statements.named.insert(id);
        }
        Ok(found)
    }

    /// What usage is to be billed by is there, and counted as named.
    async fn priced(&mut self, keys: &Keys, rests_on: &Priced) -> Problems {
        let Priced { billing_plans, regions } = rests_on;
        let mut found = Vec::new();
        for (kind, ids) in [(Kind::BillingPlan, billing_plans), (Kind::Region, regions)] {
            for id in ids {
                found.extend(self.names(keys, kind, Some(*id), 1).await?);
            }
        }
        Ok(found)
    }

    async fn is_due_as_said(
        &self,
        place: &WindowPlace,
        window: &BillingWindow,
    ) -> Result<bool, StoreError> {
        let (Some(at), Some(tenant)) = (window.due_at(), self.tenant_id()) else {
            return Ok(window.due_at().is_none());
        };
        let timeline = self.timeline(&tenant).await?;
        let due = HostKeys::statement_due(&timeline, at, &tenant, place);
        Ok(self.find::<WindowMark>(&due).await?.is_some())
    }

    /// Counters hold what was billed, or more where something came late and is marked so. Those that were cleared away
    /// hold nothing: what is billed is on the statement.
    async fn billed(&self, keys: &Keys, place: &WindowPlace, closed: &Closed) -> Problems {
        if self.unlisted(keys, place).await?.is_some() {
            return Ok(Vec::new());
        }
        let is_marked = self.find::<WindowMark>(&keys.adjustment_due(place)).await?.is_some();
        let mut found = Vec::new();
        for billed in &closed.billed {
            let holds = self.snapshot.counter(&keys.segment(place, &billed.segment)).await?;
            let counted = billed.counted.millionths();
            if holds < counted || (holds != counted && !is_marked) {
                let (metric, phase) = (&billed.segment.metric, billed.segment.phase.as_str());
                found.push(format!(
                    "{counted} of '{metric}' in the phase {phase} are billed, and its counter holds {holds}."
                ));
            }
            if let Some(asked) = &billed.asked
                && !self.is_asked_in(keys, &billed.segment, asked).await?
            {
                let AskedIn { statement_id, question, line, .. } = asked;
                let (metric, phase) = (&billed.segment.metric, billed.segment.phase.as_str());
                found.push(format!(
                    "Line {line} of question {question} of the statement '{statement_id}' does not ask for '{metric}' in \
                     the phase {phase}."
                ));
            }
        }
        Ok(found)
    }

    /// Whether a kept question is about a segment.
    async fn is_asked_in(
        &self,
        keys: &Keys,
        segment: &Segment,
        asked: &AskedIn,
    ) -> Result<bool, StoreError> {
        let kept: Option<StatementRecord> = self.find(&keys.statement(&asked.statement_id)).await?;
        let question = kept.as_ref().and_then(|it| it.documented.questions.get(asked.question));
        let line = question.and_then(|asked_then| asked_then.question.lines.get(asked.line));
        Ok(line.is_some_and(|line| {
            line.external_id == segment.metric.as_str()
                && line.phases.iter().any(|phase| phase.phase_type == segment.phase)
        }))
    }

    /// What is wrong with a counter of a segment. Usage without an event id is in it and nowhere else, so it holds at
    /// least what events say, and no more than all that was used.
    pub(super) async fn segment_counter(&self, key: &Key, holds: i64) -> Problems {
        let is_its = |keys: &Keys| {
            Keys::read_segment(key).filter(|(place, segment)| *key == keys.segment(place, segment))
        };
        let Some((keys, (place, segment))) = self.keys.and_then(|keys| Some((keys, is_its(keys)?)))
        else {
            return Ok(vec!["No counter of this release has such a key.".to_owned()]);
        };
        let told = self.used.get(key).copied().unwrap_or(0);
        let mut found: Vec<String> = super::usage::too_little(holds, told).into_iter().collect();
        let WindowPlace { user_id, usage_epoch, start } = &place;
        let total = keys.usage(user_id, *usage_epoch, *start, &segment.metric);
        let total = self.snapshot.counter(&total).await?;
        if holds > total {
            found.push(format!("It holds {holds}, and {total} were used in all."));
        }
        found.extend(self.window_of(keys, &place).await?);
        let record: Option<BillingWindowRecord> = self.find(&keys.billing_window(&place)).await?;
        let Some(window) = record.map(|record| record.window) else { return Ok(found) };
        if window.is_open() && !window.rests_on.has(&segment) {
            found.push("Its window does not rest on what prices it.".to_owned());
        }
        if let WindowState::Closed(closed) = &window.state
            && closed.of(&segment).is_none()
            && self.find::<WindowMark>(&keys.adjustment_due(&place)).await?.is_none()
        {
            found.push("Its window is billed without it.".to_owned());
        }
        found.extend(self.unlisted(keys, &place).await?);
        Ok(found)
    }

    /// What is wrong with a counter of priced events.
    pub(super) async fn metered_events(&self, key: &Key, holds: i64) -> Problems {
        let place = Keys::read_window(key);
        let Some((keys, place)) =
            self.keys.zip(place).filter(|(keys, place)| *key == keys.metered_events(place))
        else {
            return Ok(vec!["No counter of this release has such a key.".to_owned()]);
        };
        let mut found: Vec<String> = self.window_of(keys, &place).await?.into_iter().collect();
        found.extend(self.unlisted(keys, &place).await?);
        if holds < 0 {
            found.push(format!("It holds {holds}, and nothing can be counted below 0."));
        }
        Ok(found)
    }

    async fn window_of(
        &self,
        keys: &Keys,
        place: &WindowPlace,
    ) -> Result<Option<String>, StoreError> {
        let window: Option<BillingWindowRecord> = self.find(&keys.billing_window(place)).await?;
        Ok(window.is_none().then(|| "No billing window has it.".to_owned()))
    }

    async fn adjustment_due(&self, keys: &Keys, key: &Key, record: &Record) -> Problems {
        if let Err(error) = record.decode::<WindowMark>() {
            return Ok(unreadable(&error));
        }
        let place = Keys::read_window(key).filter(|place| *key == keys.adjustment_due(place));
        let Some(place) = place else { return Ok(misplaced()) };
        let record: Option<BillingWindowRecord> = self.find(&keys.billing_window(&place)).await?;
        let is_closed = record.is_some_and(|record| !record.window.is_open());
        let problem = "It says that usage came late into a window that is not closed.";
        Ok(if is_closed { Vec::new() } else { vec![problem.to_owned()] })
    }

    async fn statement(&mut self, keys: &Keys, key: &Key, record: &Record) -> Problems {
        let documented = match record.decode::<StatementRecord>() {
            Ok(record) => record.documented,
            Err(error) => return Ok(unreadable(&error)),
        };
        let statement = &documented.statement;
        if *key != keys.statement(&statement.id) {
            return Ok(misplaced());
        }
        if let Some(currency) = statement.currency
            && statement.status == StatementStatus::Paid
        {
            self.flows.billed(&statement.user_id, currency, statement.due);
        }
        let mut found = documented.disagreements();
        found.extend(self.around(&documented));
        for charge in &documented.charges {
            found.extend(self.charge_of_statement(keys, charge).await?);
        }
        for place in keys.statement_places(statement) {
            let entry: Option<StatementEntry> = self.find(&place).await?;
            match entry {
                None => found.push(format!("It is missing in the list {}.", place.family())),
                Some(entry) if entry != StatementEntry::of(statement) => {
                    found.push(format!("The list {} says something else of it.", place.family()));
                }
                Some(_) => {}
            }
        }
        Ok(found)
    }

    /// A fee that was charged is on one statement, as it is kept.
    async fn charge_of_statement(&mut self, keys: &Keys, charge: &FeeCharge) -> Problems {
        let FeeCharge { id, user_id, at, .. } = charge;
        let mut found = Vec::new();
        if self.statements.charges.remove(id).is_none() {
            found.push(format!("The fee charge '{id}' is on another statement, too, or on none."));
        }
        let kept: Option<FeeChargeRecord> = self.find(&keys.fee_charge(user_id, *at, id)).await?;
        if kept.is_none_or(|kept| kept.charge != *charge) {
            found.push(format!("The fee charge '{id}' is not what is kept of it."));
        }
        Ok(found)
    }

    /// Every fee that was charged is on one statement, or among those that are on none.
    pub(super) fn charges_missing(&mut self) {
        let problem = "It is on no statement, and missing among those that are on none.";
        for key in std::mem::take(&mut self.statements.charges).into_values() {
            self.report.add(&key, [problem.to_owned()]);
        }
    }

    fn around(&self, documented: &Documented) -> Vec<String> {
        let Statement { id, credit_applied, .. } = &documented.statement;
        let mut found = Vec::new();
        if !self.statements.named.contains(id) {
            found.push("No billing window names it.".to_owned());
        }
        let used = self.statements.credit.get(id).copied().unwrap_or_default();
        if used != *credit_applied {
            found
                .push(format!("It uses {credit_applied} of credit, and {used} were moved for it."));
        }
        found
    }

    async fn statement_entry(&self, keys: &Keys, key: &Key, record: &Record) -> Problems {
        let id = match record.decode::<StatementEntry>() {
            Ok(entry) => entry.statement_id,
            Err(error) => return Ok(unreadable(&error)),
        };
        let statement: Option<StatementRecord> = self.find(&keys.statement(&id)).await?;
        Ok(match statement.map(|record| record.documented.statement) {
            None => vec![format!("It lists the statement '{id}', which is not there.")],
            Some(statement) if !keys.statement_places(&statement).contains(key) => {
                vec![format!("It lists the statement '{id}', whose place is elsewhere.")]
            }
            // What differs is reported where the statement lies.
            Some(_) => Vec::new(),
        })
    }

    /// What is to be closed, in the host's space.
    pub(super) async fn statement_due(&self, key: &Key, record: &Record) -> Problems {
        if let Err(error) = record.decode::<WindowMark>() {
            return Ok(unreadable(&error));
        }
        let Some((_, tenant, place)) = HostKeys::read_statement_due(key) else {
            return Ok(misplaced());
        };
        let keys = Keys::of(&tenant);
        let found: Option<BillingWindowRecord> = self.find(&keys.billing_window(&place)).await?;
        let timeline = self.timeline(&tenant).await?;
        let due = found.and_then(|record| record.window.due_at());
        let is_its =
            due.is_some_and(|at| *key == HostKeys::statement_due(&timeline, at, &tenant, &place));
        let user = &place.user_id;
        let problem = format!("A window of '{user}' of '{tenant}' is due, and not then.");
        Ok(if is_its { Vec::new() } else { vec![problem] })
    }

    /// A statement that something names.
    pub(super) async fn statement_of(&self, id: &str) -> Result<Option<Statement>, StoreError> {
        let Some(keys) = self.keys else { return Ok(None) };
        let found: Option<StatementRecord> = self.find(&keys.statement(id)).await?;
        Ok(found.map(|record| record.documented.statement))
    }
}

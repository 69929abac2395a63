//! Usage, as a product in front tells of it.

use std::collections::BTreeSet;

use planwright_domain::Refusal;
use planwright_domain::tenant::caller::Role;
use planwright_domain::usage::metric::Metric as Named;
use planwright_domain::usage::usage_event::{RejectedEvent, UsageCheck, UsageDraft, UsageEvent};
use planwright_domain::usage::{Allowance, OneOrEach, UsageReport};
use planwright_service::usage::usage_batches::BatchEvent;
use planwright_service::usage::{usage_batches, usage_events};
use planwright_service::{Error, usage};
use planwright_store::{Key, Part, Scan, Snapshot, Space, Store};
use serde_json::{Value, json};

use super::super::command::{Amounts, Command, Event, Metric, User};
use super::super::model::{Allowed, EventId, Outcome, Report, Totals};
use super::{House, name};

impl House {
    pub(super) async fn meter(&self, command: &Command) -> Result<Outcome, Error> {
        match command {
            Command::Use { user, event, own } => self.record(*user, event, *own).await,
            Command::UseMany { events } => self.record_many(events).await,
            Command::MayUse { user, amounts } => self.may_use(*user, amounts).await,
            _ => Ok(Outcome::Done),
        }
    }

    async fn record(&self, user: User, event: &Event, own: bool) -> Result<Outcome, Error> {
        let (event, user) = (self.read(event)?, name(user));
        let mut by = self.by(if own { &user } else { "gateway" });
        if own {
            by.caller.role = Role::User;
        }
        let recorded = Box::pin(usage_events::record(self.app(), &by, &user, &event)).await?;
        let usage = match recorded.usage {
            OneOrEach::One(one) => vec![report(&one)],
            OneOrEach::Each(reports) => sorted(reports.values().map(report).collect()),
        };
        Ok(Outcome::Recorded { is_new: recorded.is_new, usage })
    }

    async fn record_many(&self, events: &[(User, Event)]) -> Result<Outcome, Error> {
        let (mut good, mut rejected) = (Vec::new(), Vec::new());
        for (index, (user, event)) in events.iter().enumerate() {
            match self.read(event) {
                Ok(event) => good.push(BatchEvent { index, user_id: name(*user), event }),
                Err(refusal) => rejected.push(RejectedEvent::new(index, &refusal)),
            }
        }
        let by = self.by("gateway");
        let recorded = usage_batches::record(self.app(), &by, &good, &rejected);
        let outcome = Box::pin(recorded).await?;
        let rejected = outcome.rejected.into_iter().map(|one| (one.index, one.code));
        Ok(Outcome::Batch {
            accepted: outcome.accepted,
            duplicates: outcome.duplicates,
            rejected: rejected.collect(),
        })
    }

    async fn may_use(&self, user: User, amounts: &Amounts) -> Result<Outcome, Error> {
        let asked: UsageCheck = serde_json::from_value(asked(amounts)).unwrap();
        let (asked, _) = asked.read()?;
        let (by, user) = (self.by("gateway"), name(user));
        let allowances = Box::pin(usage::check(self.app(), &by, &user, &asked)).await?;
        let allowed = |metric: &Named, allowance: &Allowance| Allowed {
            metric: metric_of(metric.as_str()),
            allowed: allowance.allowed,
            used: allowance.current_usage.millionths(),
        };
        let mut all: Vec<Allowed> = match &allowances {
            OneOrEach::One(one) => {
                asked.amounts.keys().map(|metric| allowed(metric, one)).collect()
            }
            OneOrEach::Each(each) => {
                each.iter().map(|(metric, one)| allowed(&Named::named(metric), one)).collect()
            }
        };
        all.sort_by_key(|one| one.metric);
        Ok(Outcome::MayUse(all))
    }

    fn read(&self, event: &Event) -> Result<UsageEvent, Refusal> {
        let mut body = asked(&event.amounts);
        body["event_id"] = json!(event.id.map(|id| format!("e{id}")));
        body["timestamp"] = json!(event.offset.map(|offset| self.now + offset));
        body["enforce"] = json!(event.enforce);
        let draft: UsageDraft = serde_json::from_value(body).unwrap();
        draft.read(self.at()).map(|(event, _)| event)
    }

    /// How far the quotas of the window are used that holds.
    pub(in super::super) async fn usage(&self, user: User) -> Vec<Report> {
        let (user, now) = (name(user), self.at());
        let reports = usage::reports(self.app(), &self.tenant, &user, now).await.unwrap();
        let is_ours = |report: &&UsageReport| {
            Metric::ALL.iter().any(|metric| metric.name() == report.metric.as_str())
        };
        sorted(reports.iter().filter(is_ours).map(report).collect())
    }

    /// The ids of events that are remembered.
    pub(in super::super) async fn remembered(&self, user: User) -> BTreeSet<EventId> {
        let space = Space::Tenant(self.tenant.to_string());
        let snapshot = self.app().store().snapshot().await.unwrap();
        let mut ids = BTreeSet::new();
        for (family, own) in [("usage-event", false), ("own-usage-event", true)] {
            let all = Key::in_space(&space, family).text(&name(user)).prefix();
            for (key, _) in snapshot.scan(&all, Scan::first(usize::MAX)).await.unwrap() {
                let parts = key.parts();
                let [_, Part::Text(id)] = parts.as_slice() else { panic!("{key}") };
                ids.insert((own, id.trim_start_matches('e').parse().unwrap()));
            }
        }
        ids
    }

    /// All that was ever used, as it is kept.
    pub(in super::super) async fn totals(&self, user: User) -> Totals {
        let space = Space::Tenant(self.tenant.to_string());
        let all = Key::in_space(&space, "usage").text(&name(user)).prefix();
        let snapshot = self.app().store().snapshot().await.unwrap();
        let counters = snapshot.counters(&all, Scan::first(usize::MAX)).await.unwrap();
        let total = |(key, holds): &(Key, i64)| match key.parts().as_slice() {
            [_, Part::Number(bucket), Part::Number(start), Part::Text(metric)] => {
                ((*bucket, i64::try_from(*start).unwrap(), metric_of(metric)), *holds)
            }
            _ => panic!("{key}"),
        };
        counters.iter().filter(|(_, holds)| *holds != 0).map(total).collect()
    }
}

/// One amount as products say it most, or several.
fn asked(amounts: &Amounts) -> Value {
    let amount =
        |amount: &i64| Value::String(format!("{}.{:06}", amount / 1_000_000, amount % 1_000_000));
    if let (Some((metric, of)), 1) = (amounts.first_key_value(), amounts.len()) {
        return json!({"metric": metric.name(), "amount": amount(of)});
    }
    let each = amounts.iter().map(|(metric, of)| (metric.name().to_owned(), amount(of)));
    json!({"amounts": each.collect::<serde_json::Map<_, _>>()})
}

fn sorted(mut reports: Vec<Report>) -> Vec<Report> {
    reports.sort_by_key(|report| report.metric);
    reports
}

fn report(report: &UsageReport) -> Report {
    Report {
        metric: metric_of(report.metric.as_str()),
        used: report.current_usage.millionths(),
        quota: report.quota_limit,
        remaining: report.remaining.map(|remaining| remaining.millionths()),
        window: (report.period_start.as_second(), report.period_end.as_second()),
    }
}

fn metric_of(name: &str) -> Metric {
    Metric::ALL.into_iter().find(|metric| metric.name() == name).unwrap()
}

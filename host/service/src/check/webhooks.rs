//! Webhooks: endpoints with their secrets, deliveries with what counts them and what leads to them.

use std::collections::{BTreeMap, BTreeSet};

use planwright_domain::tenant::caller::TenantId;
use planwright_domain::webhook::delivery::{Delivery, DeliveryState};
use planwright_domain::webhook::webhook_refusal::MOST_ENDPOINTS;
use planwright_store::{Key, Part, Record, Snapshot, Space, StoreError};

use super::Walk;
use super::counters::differs;
use super::records::{Problems, misplaced, unknown, unreadable};
use crate::keys::{Family, HostKeys, Keys, WebhookPlace};
use crate::webhooks::webhook_documents::{
    DeliveryRecord, DoneDelivery, DueDelivery, WebhookHealth, WebhooksRecord,
};
use crate::webhooks::{delivery_log, webhook_secret};

/// What the records of a tenant's webhooks tell of its counters.
#[derive(Default)]
pub(super) struct Webhooks {
    endpoints: BTreeSet<String>,
    /// Deliveries by the counter that must count them.
    counted: BTreeMap<Key, i64>,
}

impl<N: Snapshot> Walk<'_, N> {
    pub(super) fn webhooks(&mut self, keys: &Keys, key: &Key, record: &Record) -> Vec<String> {
        let record = match record.decode::<WebhooksRecord>() {
            Ok(record) => record,
            Err(error) => return unreadable(&error),
        };
        if *key != keys.webhooks() {
            return misplaced();
        }
        let ids = record.endpoints.iter().map(|kept| kept.endpoint.id.clone());
        self.webhooks_told.endpoints = ids.collect();
        endpoint_disagreements(&record)
    }

    pub(super) async fn webhook_health(&self, keys: &Keys, key: &Key, record: &Record) -> Problems {
        if let Err(error) = record.decode::<WebhookHealth>() {
            return Ok(unreadable(&error));
        }
        let parts = key.parts();
        let Some(Part::Text(id)) = parts.first().filter(|_| parts.len() == 1) else {
            return Ok(misplaced());
        };
        let endpoints: Option<WebhooksRecord> = self.find(&keys.webhooks()).await?;
        let all = endpoints.unwrap_or_default().endpoints;
        let is_there = all.iter().any(|kept| kept.endpoint.id == *id);
        let problem = || format!("It is of webhook endpoint '{id}', which is not there.");
        Ok(if is_there { Vec::new() } else { vec![problem()] })
    }

    pub(super) async fn delivery(&mut self, keys: &Keys, key: &Key, record: &Record) -> Problems {
        let delivery = match record.decode::<DeliveryRecord>() {
            Ok(record) => record.delivery,
            Err(error) => return Ok(unreadable(&error)),
        };
        let (endpoint_id, state) = (&delivery.endpoint_id, delivery.state);
        if *key != keys.webhook_delivery(endpoint_id, state, &delivery.id) {
            return Ok(misplaced());
        }
        let counter = keys.webhook_delivery_count(endpoint_id, state);
        *self.webhooks_told.counted.entry(counter).or_default() += 1;
        let Space::Tenant(name) = self.space else { return Ok(unknown()) };
        let Some(tenant) = TenantId::new(name) else { return Ok(unknown()) };
        let place = delivery_log::place(&tenant, &delivery);
        let leads_here = match state {
            DeliveryState::Pending => self.find::<DueDelivery>(&place).await?.is_some(),
            DeliveryState::Delivered | DeliveryState::Failed => {
                self.find::<DoneDelivery>(&place).await?.is_some_and(|done| done.state == state)
            }
        };
        Ok(delivery_disagreements(&delivery, leads_here))
    }

    /// What is to be sent leads to a delivery that waits, and what is done to one that does not.
    pub(super) async fn delivery_place(&mut self, key: &Key, record: &Record) -> Problems {
        let (place, state) = if Family::of(key) == Some(Family::WebhookDue) {
            if let Err(error) = record.decode::<DueDelivery>() {
                return Ok(unreadable(&error));
            }
            self.tally(HostKeys::webhooks_waiting());
            (HostKeys::read_webhook_due(key), DeliveryState::Pending)
        } else {
            match record.decode::<DoneDelivery>() {
                Ok(done) => (HostKeys::read_webhook_done(key), done.state),
                Err(error) => return Ok(unreadable(&error)),
            }
        };
        let Some(WebhookPlace { tenant, endpoint_id, id, .. }) = place else {
            return Ok(misplaced());
        };
        let delivery = Keys::of(&tenant).webhook_delivery(&endpoint_id, state, &id);
        let found: Option<DeliveryRecord> = self.find(&delivery).await?;
        let state = state.as_str();
        Ok(match found {
            None => {
                vec![format!("Delivery '{id}' of '{tenant}' is not there, or is not {state}.")]
            }
            Some(found) if delivery_log::place(&tenant, &found.delivery) != *key => {
                vec![format!("Delivery '{id}' of '{tenant}' belongs at another time.")]
            }
            Some(_) => Vec::new(),
        })
    }

    /// What is wrong with a counter, if it is one of these.
    pub(super) fn webhook_counter(&self, key: &Key, holds: i64) -> Option<Option<String>> {
        match Family::of(key) {
            Some(Family::WebhookDeliveries) => {
                let counted = self.webhooks_told.counted.get(key).copied().unwrap_or(0);
                Some(differs(holds, counted, "deliveries are counted by it"))
            }
            Some(Family::WebhookMissed) => {
                let id = match key.parts().as_slice() {
                    [Part::Text(id)] => id.clone(),
                    _ => String::new(),
                };
                let is_there = self.webhooks_told.endpoints.contains(&id);
                let problem = || format!("It holds {holds} for webhook endpoint '{id}'.");
                Some((!is_there || holds < 0).then(problem))
            }
            _ => None,
        }
    }

    /// Deliveries that no counter counts.
    pub(super) async fn webhook_counters_missing(&mut self) -> Result<(), StoreError> {
        for (key, counted) in &self.webhooks_told.counted {
            if self.snapshot.counter(key).await? == 0 {
                let problem = format!("It holds 0, and {counted} deliveries are counted by it.");
                self.report.add(key, [problem]);
            }
        }
        Ok(())
    }
}

fn endpoint_disagreements(record: &WebhooksRecord) -> Vec<String> {
    let all = &record.endpoints;
    let mut problems = Vec::new();
    if all.len() > MOST_ENDPOINTS {
        problems
            .push(format!("It has {} endpoints, and {MOST_ENDPOINTS} are the most.", all.len()));
    }
    for kept in all {
        let id = &kept.endpoint.id;
        if all.iter().filter(|other| other.endpoint.id == *id).count() > 1 {
            problems.push(format!("It has endpoint '{id}' twice."));
        }
        let mut secrets = std::iter::once(&kept.secret).chain(&kept.old_secret);
        if !secrets.all(|secret| webhook_secret::is_secret(secret)) {
            problems.push(format!("A secret of endpoint '{id}' is none."));
        }
        if kept.old_secret.is_some() != kept.endpoint.old_secret_until.is_some() {
            problems.push(format!(
                "Endpoint '{id}' has an old secret without an end, or an end alone."
            ));
        }
    }
    problems
}

fn delivery_disagreements(delivery: &Delivery, leads_here: bool) -> Vec<String> {
    let mut problems = Vec::new();
    let is_pending = delivery.state == DeliveryState::Pending;
    if is_pending == delivery.done_at.is_some() {
        problems.push("Its state and the time at which it was done do not fit.".to_owned());
    }
    if !leads_here {
        let list = if is_pending { "to be sent" } else { "done" };
        problems.push(format!("It is missing among what is {list}."));
    }
    problems
}

#[cfg(test)]
mod tests {
    use planwright_domain::time::Timestamp;
    use planwright_domain::webhook::event::EventType;
    use planwright_domain::webhook::{Endpoint, Reach};

    use super::*;
    use crate::webhooks::webhook_documents::KeptEndpoint;

    fn kept(id: &str) -> KeptEndpoint {
        let draft = serde_json::from_str(r#"{"url":"https://a.example"}"#).unwrap();
        let reach = Reach { private_networks: false, http: false };
        let endpoint =
            Endpoint::from_draft(id.to_owned(), draft, reach, Timestamp::UNIX_EPOCH).unwrap();
        KeptEndpoint { endpoint, secret: webhook_secret::from_entropy([1; 32]), old_secret: None }
    }

    #[test]
    fn endpoints_are_few_each_is_one_and_each_can_sign() {
        let record = |endpoints| WebhooksRecord { endpoints };
        let no_secret = KeptEndpoint { secret: "whsec_x".to_owned(), ..kept("a") };
        let old = Some(webhook_secret::from_entropy([2; 32]));
        let without_end = KeptEndpoint { old_secret: old, ..kept("a") };
        let many: Vec<_> = (0..=MOST_ENDPOINTS).map(|at| kept(&at.to_string())).collect();
        for (record, expected) in [
            (record(vec![]), None),
            (record(vec![kept("a"), kept("b")]), None),
            (record(vec![kept("a"), kept("a")]), Some("twice")),
            (record(vec![no_secret]), Some("is none")),
            (record(vec![without_end]), Some("without an end")),
            (record(many), Some("are the most")),
        ] {
            let found = endpoint_disagreements(&record);
            assert_eq!(found.is_empty(), expected.is_none(), "{found:?}");
            assert!(found.iter().all(|one| one.contains(expected.unwrap_or(""))), "{found:?}");
        }
    }

    #[test]
    fn a_delivery_is_in_its_list_and_done_when_it_says_so() {
        let at = Timestamp::UNIX_EPOCH;
        let waits = Delivery::new("d".to_owned(), "e", "m", EventType::PlanCreated, at);
        let done = waits.clone().given_up(at);
        let half = Delivery { done_at: None, ..done.clone() };
        for (delivery, leads_here, expected) in [
            (&waits, true, None),
            (&done, true, None),
            (&waits, false, Some("to be sent")),
            (&done, false, Some("what is done")),
            (&half, true, Some("do not fit")),
        ] {
            let found = delivery_disagreements(delivery, leads_here).join(" ");
            assert_eq!(found.is_empty(), expected.is_none(), "{found}");
            assert!(found.contains(expected.unwrap_or("")), "{found}");
        }
    }
}

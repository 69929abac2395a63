//! Usage: counters against the events that are remembered to have moved them, and those events against the lists in
//! which they expire.

use planwright_domain::tenant::caller::{TenantId, is_user_id};
use planwright_domain::time::Timestamp;
use planwright_domain::usage::metric::Metric;
use planwright_domain::usage::usage_event::Teller;
use planwright_store::{Key, Part, Record, Snapshot, Space, StoreError};

use super::Walk;
use super::records::{Problems, misplaced, unknown, unreadable};
use crate::documents::{ExpiringUsageEvents, HistoryRecord, UsageEventRecord, UsageWindow};
use crate::keys::{HostKeys, Keys, WindowPlace};

impl<N: Snapshot> Walk<'_, N> {
    /// What is wrong with a counter of usage. Usage without an event id is in it and nowhere else, so it holds at least
    /// what events say.
    pub(super) async fn usage_counter(&self, key: &Key, holds: i64) -> Problems {
        let Some((keys, place)) = self.keys.and_then(|keys| Some((keys, counts(keys, key)?)))
        else {
            return Ok(vec!["No counter of this release has such a key.".to_owned()]);
        };
        let mut found = self.epoch(&place.user_id, place.usage_epoch).await?;
        let told = self.used.get(key).copied().unwrap_or(0);
        found.extend(too_little(holds, told));
        found.extend(self.unlisted(keys, &place).await?);
        Ok(found)
    }

    /// A counter of a window that nobody would clear away.
    pub(super) async fn unlisted(
        &self,
        keys: &Keys,
        place: &WindowPlace,
    ) -> Result<Option<String>, StoreError> {
        let window: Option<UsageWindow> = self.find(&keys.usage_window(place)).await?;
        Ok(window.is_none().then(|| "Its window is missing among those that expire.".to_owned()))
    }

    /// A window in which something was used is cleared away some time.
    pub(super) async fn usage_window(&self, keys: &Keys, key: &Key, record: &Record) -> Problems {
        let window = match record.decode::<UsageWindow>() {
            Ok(window) => window,
            Err(error) => return Ok(unreadable(&error)),
        };
        let place = Keys::read_window(key).filter(|place| *key == keys.usage_window(place));
        let (Some(place), Some(tenant)) = (place, self.tenant_id()) else {
            return Ok(misplaced());
        };
        if !is_user_id(&place.user_id) {
            return Ok(misplaced());
        }
        let mut found = self.epoch(&place.user_id, place.usage_epoch).await?;
        let timeline = self.timeline(&tenant).await?;
        let listed = HostKeys::expiring_usage(&timeline, window.expires_at, &tenant, &place);
        if self.find::<UsageWindow>(&listed).await? != Some(window) {
            found.push("It is missing in the list of windows that expire.".to_owned());
        }
        Ok(found)
    }

    /// A window that expires, in the host's space.
    pub(super) async fn expiring_usage(&self, key: &Key, record: &Record) -> Problems {
        let window = match record.decode::<UsageWindow>() {
            Ok(window) => window,
            Err(error) => return Ok(unreadable(&error)),
        };
        let Some((at, tenant, place)) = HostKeys::read_expiring_usage(key) else {
            return Ok(misplaced());
        };
        let timeline = self.timeline(&tenant).await?;
        if *key != HostKeys::expiring_usage(&timeline, at, &tenant, &place) {
            return Ok(misplaced());
        }
        let kept: Option<UsageWindow> = self.find(&Keys::of(&tenant).usage_window(&place)).await?;
        let is_its = window.expires_at == at && kept == Some(window);
        let user = &place.user_id;
        let problem = format!("A window of '{user}' of '{tenant}' expires, and not then.");
        Ok(if is_its { Vec::new() } else { vec![problem] })
    }

    /// A number that usage is counted by is one that its user's history has begun.
    pub(super) async fn epoch(&self, user_id: &str, epoch: u64) -> Problems {
        let Some(keys) = self.keys else { return Ok(unknown()) };
        let history: Option<HistoryRecord> = self.find(&keys.history(user_id)).await?;
        let begun = history.map_or(0, |record| record.history.epochs());
        let problem =
            || format!("It counts by usage epoch {epoch}, and '{user_id}' has begun {begun}.");
        Ok(if epoch > begun { vec![problem()] } else { Vec::new() })
    }

    pub(super) async fn usage_event(
        &mut self,
        teller: Teller,
        keys: &Keys,
        key: &Key,
        record: &Record,
    ) -> Problems {
        let event = match record.decode::<UsageEventRecord>() {
            Ok(event) => event,
            Err(error) => return Ok(unreadable(&error)),
        };
        let parts = key.parts();
        let [Part::Text(user_id), Part::Text(event_id)] = parts.as_slice() else {
            return Ok(misplaced());
        };
        if !is_user_id(user_id) || *key != keys.usage_event(teller, user_id, event_id) {
            return Ok(misplaced());
        }
        for (counter, counted) in event.counters(keys, user_id) {
            let told = self.used.entry(counter).or_default();
            *told = told.saturating_add(counted.amount.millionths());
        }
        for (counter, amount) in event.segment_counters(keys, user_id) {
            let told = self.used.entry(counter).or_default();
            *told = told.saturating_add(amount.millionths());
        }
        let mut found = self.epoch(user_id, event.usage_epoch).await?;
        if !self.is_listed(&event, (teller, user_id, event_id)).await? {
            found.push("It is missing in the list of events that expire.".to_owned());
        }
        Ok(found)
    }

    async fn is_listed(
        &self,
        event: &UsageEventRecord,
        (teller, user_id, event_id): (Teller, &str, &String),
    ) -> Result<bool, StoreError> {
        let Space::Tenant(name) = self.space else { return Ok(false) };
        let Some(tenant) = TenantId::new(name) else { return Ok(false) };
        let timeline = self.timeline(&tenant).await?;
        let (at, id) = (event.expires_at, &event.listed_in);
        let key = HostKeys::expiring_usage_events(&timeline, at, &tenant, id);
        let list: Option<ExpiringUsageEvents> = self.find(&key).await?;
        let has = |list: ExpiringUsageEvents| {
            list.of(teller).get(user_id).is_some_and(|events| events.contains(event_id))
        };
        Ok(list.is_some_and(has))
    }

    /// A list of events that expire, in the host's space.
    pub(super) async fn expiring_usage_events(&self, key: &Key, record: &Record) -> Problems {
        let list = match record.decode::<ExpiringUsageEvents>() {
            Ok(list) => list,
            Err(error) => return Ok(unreadable(&error)),
        };
        let parts = key.parts();
        let place = HostKeys::read_expiring_usage_events(key);
        let (Some((at, tenant)), Some(Part::Text(id))) = (place, parts.last()) else {
            return Ok(misplaced());
        };
        let timeline = self.timeline(&tenant).await?;
        let at = i64::try_from(at).unwrap_or(i64::MAX);
        if *key != HostKeys::expiring_usage_events(&timeline, at, &tenant, id) {
            return Ok(misplaced());
        }
        let keys = Keys::of(&tenant);
        let mut found = Vec::new();
        for (teller, user_id, event_id) in list.all() {
            let event: Option<UsageEventRecord> =
                self.find(&keys.usage_event(teller, user_id, event_id)).await?;
            let problem = match event {
                None => "which is not there",
                Some(event) if event.listed_in != *id || event.expires_at != at => {
                    "whose list is another"
                }
                Some(_) => continue,
            };
            found.push(format!("It lists event '{event_id}' of '{user_id}', {problem}."));
        }
        Ok(found)
    }

    /// Counters that events say were moved, and that hold nothing.
    pub(super) async fn usage_counters_missing(&mut self) -> Result<(), StoreError> {
        for (key, told) in &self.used {
            if self.snapshot.counter(key).await? == 0 {
                self.report.add(key, too_little(0, *told));
            }
        }
        Ok(())
    }
}

pub(super) fn too_little(holds: i64, told: i64) -> Option<String> {
    let problem = || format!("It holds {holds}, and the events that are remembered have {told}.");
    (holds < told || holds < 0).then(problem)
}

/// In which window a counter counts usage.
fn counts(keys: &Keys, key: &Key) -> Option<WindowPlace> {
    let parts = key.parts();
    let [Part::Text(user_id), Part::Number(usage_epoch), Part::Number(start), Part::Text(metric)] =
        parts.as_slice()
    else {
        return None;
    };
    let start = Timestamp::from_second(i64::try_from(*start).ok()?).ok()?;
    let is_its = *key == keys.usage(user_id, *usage_epoch, start, &Metric::named(metric));
    let place = WindowPlace { user_id: user_id.clone(), usage_epoch: *usage_epoch, start };
    (is_its && is_user_id(user_id)).then_some(place)
}

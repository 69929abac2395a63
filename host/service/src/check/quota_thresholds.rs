//! What was told of quotas: each of a tenant by whose clock it expires, and of usage that is counted.

use planwright_domain::tenant::caller::is_user_id;
use planwright_store::{Key, Record, Snapshot};

use super::Walk;
use super::records::{Problems, misplaced, unreadable};
use crate::documents::{HistoryRecord, ToldThreshold};
use crate::keys::{HostKeys, Keys, ThresholdPlace};

impl<N: Snapshot> Walk<'_, N> {
    /// What is wrong with one.
    pub(super) async fn quota_threshold(&self, key: &Key, record: &Record) -> Problems {
        if let Err(error) = record.decode::<ToldThreshold>() {
            return Ok(unreadable(&error));
        }
        let Some(place) = HostKeys::read_quota_threshold(key) else { return Ok(misplaced()) };
        let timeline = self.timeline(&place.tenant).await?;
        if !is_user_id(&place.user_id) || *key != HostKeys::quota_threshold(&timeline, &place) {
            return Ok(misplaced());
        }
        let ThresholdPlace { tenant, user_id, usage_epoch, start, metric, .. } = &place;
        let keys = Keys::of(tenant);
        let history: Option<HistoryRecord> = self.find(&keys.history(user_id)).await?;
        let begun = history.map_or(0, |record| record.history.epochs());
        let counter = keys.usage(user_id, *usage_epoch, *start, metric);
        let holds = self.snapshot.counter(&counter).await?;
        let mut found = Vec::new();
        if *usage_epoch > begun {
            found.push(format!(
                "It tells of usage epoch {usage_epoch}, and '{user_id}' of '{tenant}' has begun {begun}."
            ));
        }
        if holds <= 0 {
            found.push(format!(
                "It tells of usage of {metric}, and '{user_id}' of '{tenant}' has none."
            ));
        }
        Ok(found)
    }
}

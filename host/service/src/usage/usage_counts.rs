//! What counting an event writes: its amounts, and that it was counted.

use std::collections::BTreeMap;

use planwright_domain::statement::segment::Segment;
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::usage::Limit;
use planwright_domain::usage::metric::Metric;
use planwright_domain::usage::quantity::Quantity;
use planwright_domain::usage::usage_event::{REMEMBERED_SECONDS, Teller, UsageEvent};
use planwright_store::{ChangeSet, Key, Store};

use crate::app::App;
use crate::documents::{Counted, ExpiringUsageEvents, UsageEventRecord};
use crate::ids;
use crate::keys::{HostKeys, Keys, Timeline, WindowPlace};
use crate::request::Request;
use crate::subscriptions::governing::Governing;
use crate::usage::quota_thresholds::Total;

/// How many events one list of those that expire has at most: they are forgotten in one change set.
const MOST_IN_A_LIST: usize = 500;

impl UsageEventRecord {
    /// What is to be remembered of an event; `listed_in` and `expires_at` come with its list.
    pub(crate) fn new(
        event: &UsageEvent,
        governing: &Governing,
        segments: BTreeMap<Metric, Segment>,
    ) -> Self {
        let plan = governing.plan.as_ref();
        let counted = event.asked.amounts.iter().map(|(metric, amount)| {
            let counted = Counted { amount: *amount, limit: Limit::of(plan, metric) };
            (metric.clone(), counted)
        });
        Self {
            counted: counted.collect(),
            segments,
            usage_epoch: governing.usage_epoch,
            window: governing.window,
            timestamp: event.timestamp,
            metadata: event.metadata.clone(),
            expires_at: 0,
            listed_in: String::new(),
        }
    }

    /// Whether an event says the same.
    pub(crate) fn is_of(&self, event: &UsageEvent) -> bool {
        let counted = self.counted.iter().map(|(metric, counted)| (metric, &counted.amount));
        counted.eq(event.asked.amounts.iter())
            && self.timestamp == event.timestamp
            && self.metadata == event.metadata
    }

    /// How far quotas are used, by what these counters hold.
    pub(crate) fn totals<'a>(
        &'a self,
        user_id: &'a str,
        holds: &'a [i64],
    ) -> impl Iterator<Item = Total<'a>> {
        self.counted.iter().zip(holds).map(move |((metric, counted), holds)| Total {
            user_id,
            metric,
            usage_epoch: self.usage_epoch,
            window: self.window,
            limit: counted.limit,
            holds: Quantity::from_millionths(*holds),
        })
    }

    /// The counters that it was added to, and by how much.
    pub(crate) fn counters(&self, keys: &Keys, user_id: &str) -> Vec<(Key, Counted)> {
        let key = |metric| keys.usage(user_id, self.usage_epoch, self.window.start, metric);
        self.counted.iter().map(|(metric, counted)| (key(metric), *counted)).collect()
    }

    /// The segments that it was added to, and by how much.
    pub(crate) fn segment_counters(&self, keys: &Keys, user_id: &str) -> Vec<(Key, Quantity)> {
        let place = WindowPlace {
            user_id: user_id.to_owned(),
            usage_epoch: self.usage_epoch,
            start: self.window.start,
        };
        let amount = |metric| self.counted.get(metric).map(|counted| counted.amount);
        let each = self
            .segments
            .iter()
            .filter_map(|(metric, segment)| Some((keys.segment(&place, segment), amount(metric)?)));
        each.collect()
    }
}

/// Remembers events, so that they count once, and lists them with the time from which on they may be forgotten.
pub(crate) struct Remembering {
    timeline: Timeline,
    tenant: TenantId,
    teller: Teller,
    expires_at: i64,
    lists: Vec<(String, ExpiringUsageEvents, usize)>,
}

impl Remembering {
    pub(crate) fn begin(by: &Request, timeline: Timeline) -> Self {
        let tenant = by.caller.tenant.clone();
        let expires_at = by.now.as_second().saturating_add(REMEMBERED_SECONDS);
        let teller = Teller::of(by.caller.role);
        Self { timeline, tenant, teller, expires_at, lists: Vec::new() }
    }

    /// Writes that an event was counted, which nobody must have written meanwhile.
    pub(crate) fn remember<S: Store>(
        &mut self,
        app: &App<S>,
        change: &mut ChangeSet,
        user_id: &str,
        event_id: &str,
        record: UsageEventRecord,
    ) {
        if self.lists.last().is_none_or(|(_, _, length)| *length == MOST_IN_A_LIST) {
            let id = ids::fresh(app.entropy.as_ref(), "use_");
            self.lists.push((id, ExpiringUsageEvents::default(), 0));
        }
        let Some((id, list, length)) = self.lists.last_mut() else { return };
        *length += 1;
        list.add(self.teller, user_id, event_id);
        let record =
            UsageEventRecord { expires_at: self.expires_at, listed_in: id.clone(), ..record };
        let key = Keys::of(&self.tenant).usage_event(self.teller, user_id, event_id);
        change.expect_absent(&key).put(&key, &record);
    }

    /// Writes the lists.
    pub(crate) fn finish(self, change: &mut ChangeSet) {
        let Self { timeline, tenant, expires_at, lists, .. } = self;
        for (id, list, _) in lists {
            let key = HostKeys::expiring_usage_events(&timeline, expires_at, &tenant, &id);
            change.put(&key, &list);
        }
    }
}

//! A tenant's plans, parsed once and kept until one of them changes.
//!
//! A counter moves with every change of a plan. A reader that finds it where it was takes the plans that
//! were parsed before; so a list costs one look at a counter, and is exactly what the snapshot holds.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use planwright_domain::plan::Plan;
use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::tenant::caller::TenantId;
use planwright_store::{Scan, Snapshot, StoreError};

use crate::documents::PlanRecord;
use crate::keys::Keys;

/// The plans of a tenant as one snapshot holds them.
#[derive(Debug)]
pub struct PlanList {
    changes: i64,
    plans: Vec<PlanRecord>,
    active_json: Bytes,
}

impl PlanList {
    fn new(changes: i64, mut plans: Vec<PlanRecord>) -> Result<Self, StoreError> {
        plans.sort_by(|one, other| one.plan.list_order(&other.plan));
        let active: Vec<&Plan> =
            plans.iter().map(|record| &record.plan).filter(|plan| plan.is_active).collect();
        let active_json = serde_json::to_vec(&active)
            .map_err(|error| StoreError::Corrupt { reason: error.to_string() })?;
        Ok(Self { changes, active_json: active_json.into(), plans })
    }

    /// A JSON array of the plans that users see, in the order of lists.
    #[must_use]
    pub fn active_json(&self) -> Bytes {
        self.active_json.clone()
    }

    /// Whether there is such a plan.
    pub(crate) fn has(&self, id: &PlanId) -> bool {
        self.plans.iter().any(|record| record.plan.id == *id)
    }

    pub(crate) fn plans(&self) -> &[PlanRecord] {
        &self.plans
    }
}

/// The last list of each tenant.
#[derive(Default)]
pub(crate) struct PlanCache {
    lists: RwLock<HashMap<TenantId, Arc<PlanList>>>,
    /// Held while plans are parsed, so that a crowd that finds a change parses them once.
    parsing: tokio::sync::Mutex<()>,
}

impl PlanCache {
    /// The plans that a snapshot holds.
    pub(crate) async fn read<N: Snapshot>(
        &self,
        snapshot: &N,
        tenant: &TenantId,
    ) -> Result<Arc<PlanList>, StoreError> {
        let keys = Keys::of(tenant);
        let changes = snapshot.counter(&keys.catalog_changes()).await?;
        if let Some(known) = self.known(tenant, changes) {
            return Ok(known);
        }
        let _parsing = self.parsing.lock().await;
        if let Some(known) = self.known(tenant, changes) {
            return Ok(known);
        }
        let mut plans = Vec::new();
        for (_, record) in snapshot.scan(&keys.plans(), Scan::first(usize::MAX)).await? {
            plans.push(record.decode::<PlanRecord>()?);
        }
        let list = Arc::new(PlanList::new(changes, plans)?);
        self.keep(tenant, &list);
        Ok(list)
    }

    fn known(&self, tenant: &TenantId, changes: i64) -> Option<Arc<PlanList>> {
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
        lists.get(tenant).filter(|list| list.changes == changes).map(Arc::clone)
    }

    /// Keeps the newer of two: a reader with an old snapshot must not undo what a newer one found.
    fn keep(&self, tenant: &TenantId, list: &Arc<PlanList>) {
        let mut lists = self.lists.write().unwrap_or_else(PoisonError::into_inner);
        let newer = lists.get(tenant).is_some_and(|kept| kept.changes > list.changes);
        if !newer {
            lists.insert(tenant.clone(), Arc::clone(list));
        }
    }
}

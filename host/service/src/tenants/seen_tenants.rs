//! Which tenants there are, without asking the store each time.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use planwright_domain::tenant::caller::TenantId;

use crate::keys::Timeline;

/// Tenants that were seen in the store, and by whose clock each lives. No tenant is ever deleted or made a sandbox
/// later, so one that was seen once need not be looked for again, and every request but a tenant's first is spared
/// the look.
#[derive(Default)]
pub(crate) struct SeenTenants(RwLock<HashMap<TenantId, Timeline>>);

impl SeenTenants {
    pub(crate) fn timeline(&self, id: &TenantId) -> Option<Timeline> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    pub(crate) fn add(&self, id: &TenantId, timeline: Timeline) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), timeline);
    }
}

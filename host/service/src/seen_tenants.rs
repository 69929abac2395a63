//! Which tenants there are, without asking the store each time.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use planwright_domain::caller::TenantId;

/// Tenants that were seen in the store. No tenant is ever deleted, so one that was seen once need not be
/// looked for again, and every request but a tenant's first is spared the look.
#[derive(Default)]
pub(crate) struct SeenTenants(RwLock<HashSet<TenantId>>);

impl SeenTenants {
    pub(crate) fn has(&self, id: &TenantId) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    pub(crate) fn add(&self, id: &TenantId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
    }
}

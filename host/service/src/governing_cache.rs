//! What governs whom, decoded once and kept until something that it rests on changes.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use planwright_domain::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_store::{Snapshot, StoreError};
use quick_cache::Equivalent;
use quick_cache::sync::Cache;

use crate::governing::Governing;

/// How many users are kept; those that ask often stay.
const MOST: usize = 10_000;

/// The last answer for each user. Before one is given again, the snapshot is asked whether all it rests on is as it
/// was: none is ever stale.
pub(crate) struct GoverningCache(Cache<User, Arc<Governing>>);

#[derive(Clone, PartialEq, Eq)]
struct User {
    tenant: TenantId,
    id: String,
}

/// The same, borrowed.
struct Whose<'a>(&'a TenantId, &'a str);

impl Hash for User {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Whose(&self.tenant, &self.id).hash(state);
    }
}

impl Hash for Whose<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
        self.1.hash(state);
    }
}

impl Equivalent<User> for Whose<'_> {
    fn equivalent(&self, user: &User) -> bool {
        *self.0 == user.tenant && self.1 == user.id
    }
}

impl Default for GoverningCache {
    fn default() -> Self {
        Self(Cache::new(MOST))
    }
}

impl GoverningCache {
    /// What governs a user at an instant, if that is known and a snapshot agrees.
    pub(crate) async fn find<N: Snapshot>(
        &self,
        snapshot: &N,
        tenant: &TenantId,
        user_id: &str,
        now: Timestamp,
    ) -> Result<Option<Arc<Governing>>, StoreError> {
        let Some(known) = self.0.get(&Whose(tenant, user_id)) else { return Ok(None) };
        let holds = known.span.holds(now) && known.rests_on.holds(snapshot).await?;
        Ok(holds.then_some(known))
    }

    /// Keeps what governs a user now.
    pub(crate) fn keep(&self, tenant: &TenantId, user_id: &str, governing: &Arc<Governing>) {
        let user = User { tenant: tenant.clone(), id: user_id.to_owned() };
        self.0.insert(user, Arc::clone(governing));
    }
}

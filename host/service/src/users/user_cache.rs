//! What was found out about users, decoded once and kept until something that it rests on changes.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use planwright_domain::tenant::caller::TenantId;
use quick_cache::Equivalent;
use quick_cache::sync::Cache;

/// How many users are kept; those that ask often stay.
const MOST: usize = 10_000;

/// The last answer for each user. Before one is used again, whoever finds it asks the snapshot whether all it rests on is
/// as it was: none is ever stale.
pub(crate) struct UserCache<T>(Cache<User, Arc<T>>);

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

impl<T> Default for UserCache<T> {
    fn default() -> Self {
        Self(Cache::new(MOST))
    }
}

impl<T> UserCache<T> {
    /// What was kept last, whether or not it still holds.
    pub(crate) fn kept(&self, tenant: &TenantId, user_id: &str) -> Option<Arc<T>> {
        self.0.get(&Whose(tenant, user_id))
    }

    /// Keeps what holds for a user now.
    pub(crate) fn keep(&self, tenant: &TenantId, user_id: &str, found: &Arc<T>) {
        let user = User { tenant: tenant.clone(), id: user_id.to_owned() };
        self.0.insert(user, Arc::clone(found));
    }
}

//! Places for components that are received: each is in memory until it is stored.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use planwright_domain::plugin::Owner;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many are received at once; with the size of a component, this bounds their memory.
const ALL: usize = 8;
/// How many of one owner. Whoever sends nothing holds up only what else is sent for the same owner.
const OWN: usize = 2;
/// How long an upload waits for a place. What it sends is not read meanwhile.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct UploadPlaces {
    all: Arc<Semaphore>,
    /// Of those who have uploads under way.
    own: Mutex<HashMap<Owner, Arc<Semaphore>>>,
}

/// Is given back when it is dropped.
pub(crate) struct Place {
    _own: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl UploadPlaces {
    pub(crate) fn new() -> Self {
        Self { all: Arc::new(Semaphore::new(ALL)), own: Mutex::default() }
    }

    /// A place for an upload, once there is one; nothing if that takes too long.
    pub(crate) async fn take(&self, owner: &Owner) -> Option<Place> {
        let own = self.own(owner);
        let all = Arc::clone(&self.all);
        let place = async {
            // The own one first: who waits for it takes none of the others' places.
            let own = own.acquire_owned().await.ok()?;
            let of_all = all.acquire_owned().await.ok()?;
            Some(Place { _own: own, _of_all: of_all })
        };
        tokio::time::timeout(PATIENCE, place).await.ok().flatten()
    }

    fn own(&self, owner: &Owner) -> Arc<Semaphore> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        own.retain(|_, places| Arc::strong_count(places) > 1);
        let places = own.entry(owner.clone()).or_insert_with(|| Arc::new(Semaphore::new(OWN)));
        Arc::clone(places)
    }
}

#[cfg(test)]
mod tests {
    use planwright_domain::tenant::caller::TenantId;

    use super::*;

    fn tenant(id: &str) -> Owner {
        Owner::Tenant(TenantId::new(id).unwrap())
    }

    /// Whether there is a place now.
    async fn has_place(places: &UploadPlaces, owner: &Owner) -> Option<Place> {
        tokio::time::timeout(Duration::from_millis(20), places.take(owner)).await.ok().flatten()
    }

    #[tokio::test]
    async fn one_owner_holds_its_own_places_and_all_hold_no_more_than_there_are() {
        let places = UploadPlaces::new();
        let mut held = Vec::new();
        for id in ["a", "b", "c", "d"] {
            for _ in 0..OWN {
                held.push(has_place(&places, &tenant(id)).await.expect("an own place"));
            }
            assert!(has_place(&places, &tenant(id)).await.is_none(), "{id} has all of its own");
        }
        assert!(has_place(&places, &Owner::Host).await.is_none(), "all are taken");
        held.pop();
        assert!(has_place(&places, &Owner::Host).await.is_some());
    }

    #[tokio::test]
    async fn nothing_is_kept_of_who_is_done() {
        let places = UploadPlaces::new();
        for id in ["a", "b", "c"] {
            drop(has_place(&places, &tenant(id)).await.expect("a place"));
        }
        assert_eq!(places.own.lock().unwrap().len(), 1, "the last one's");
    }
}

//! Whose turn it is to be compiled. Compilations are the heaviest thing here, and come from anybody; so there are
//! two lanes. A small component is compiled beside whatever large one is under way, and one that takes long in
//! spite of its size leaves the light lane and goes on in the heavy one. In each lane an owner has one turn at a
//! time, so that whoever uploads a hundred components holds up nobody but themselves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Limits;
use crate::compiler::Pace;

/// The largest component in the light lane. One in Rust has some 100 KB; those with an interpreter in them have
/// ten megabytes and more.
const LIGHT_BYTES: usize = 1 << 20;
/// Compilations side by side in the light lane: so that one that takes long is beside the others, not before.
const LIGHT_TURNS: usize = 2;
/// For whom the host compiles what its own configuration names.
pub(crate) const ITSELF: &str = "";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    Light,
    Heavy,
}

impl Lane {
    fn of(bytes: usize) -> Self {
        if bytes <= LIGHT_BYTES { Self::Light } else { Self::Heavy }
    }

    fn threads(self) -> u8 {
        match self {
            Self::Light => 2,
            Self::Heavy => 1,
        }
    }

    fn work(self, limits: &Limits) -> Duration {
        match self {
            Self::Light => limits.compile_time.min(limits.light_compile_time),
            Self::Heavy => limits.compile_time,
        }
    }
}

/// Leave to compile one component; the next one's when it is dropped.
#[derive(Debug)]
pub struct Turn {
    lane: Lane,
    owner: String,
    _of_owner: Option<OwnedSemaphorePermit>,
    _of_lane: Option<OwnedSemaphorePermit>,
}

impl Turn {
    /// How much of the machine the compilation takes. What the host needs to start nobody waits beside, and so it
    /// does not stand back.
    pub(crate) fn pace(&self, limits: &Limits) -> Pace {
        let work = self.lane.work(limits);
        Pace {
            threads: self.lane.threads(),
            stands_back: self.owner != ITSELF,
            work,
            patience: work.saturating_mul(limits.compile_patience),
        }
    }

    /// Whether there is a lane in which it may take longer.
    pub(crate) fn may_go_heavy(&self, limits: &Limits) -> bool {
        self.lane == Lane::Light && self.lane.work(limits) < limits.compile_time
    }
}

pub(crate) struct Lanes {
    light: Arc<Semaphore>,
    heavy: Arc<Semaphore>,
    owners: Mutex<HashMap<(Lane, String), Weak<Semaphore>>>,
}

impl Lanes {
    pub(crate) fn new() -> Self {
        Self {
            light: Arc::new(Semaphore::new(LIGHT_TURNS)),
            heavy: Arc::new(Semaphore::new(1)),
            owners: Mutex::default(),
        }
    }

    /// Waits for the turn of a component of this size.
    pub(crate) async fn turn(&self, owner: &str, bytes: usize) -> Turn {
        self.wait(owner, Lane::of(bytes)).await
    }

    /// Leaves the light lane, and waits for a turn in the heavy one.
    pub(crate) async fn go_heavy(&self, turn: Turn) -> Turn {
        let owner = turn.owner.clone();
        drop(turn);
        self.wait(&owner, Lane::Heavy).await
    }

    async fn wait(&self, owner: &str, lane: Lane) -> Turn {
        // Nobody closes them, so each is a turn. The owner's own comes first: who waits for it is in no one's
        // way.
        let of_owner = self.owners_turns(lane, owner).acquire_owned().await.ok();
        let lane_turns = match lane {
            Lane::Light => &self.light,
            Lane::Heavy => &self.heavy,
        };
        let of_lane = Arc::clone(lane_turns).acquire_owned().await.ok();
        Turn { lane, owner: owner.to_owned(), _of_owner: of_owner, _of_lane: of_lane }
    }

    fn owners_turns(&self, lane: Lane, owner: &str) -> Arc<Semaphore> {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (lane, owner.to_owned());
        if let Some(turns) = owners.get(&key).and_then(Weak::upgrade) {
            return turns;
        }
        owners.retain(|_, turns| turns.strong_count() > 0);
        let turns = Arc::new(Semaphore::new(1));
        owners.insert(key, Arc::downgrade(&turns));
        turns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: usize = 20 << 20;
    const SMALL: usize = 100 << 10;

    /// Whether a turn is to be had now.
    async fn at_once(lanes: &Lanes, owner: &str, bytes: usize) -> Option<Turn> {
        tokio::select! {
            biased;
            turn = lanes.turn(owner, bytes) => Some(turn),
            () = tokio::task::yield_now() => None,
        }
    }

    #[tokio::test]
    async fn a_small_one_does_not_wait_for_a_large_one_even_of_its_own_owner() {
        let lanes = Lanes::new();
        let large = at_once(&lanes, "a", LARGE).await.unwrap();
        assert!(at_once(&lanes, "b", LARGE).await.is_none(), "the large ones wait for each other");
        assert!(at_once(&lanes, "a", SMALL).await.is_some());
        drop(large);
        assert!(at_once(&lanes, "b", LARGE).await.is_some());
    }

    #[tokio::test]
    async fn one_owner_does_not_fill_a_lane() {
        let lanes = Lanes::new();
        let first = at_once(&lanes, "a", SMALL).await.unwrap();
        assert!(at_once(&lanes, "a", SMALL).await.is_none(), "one at a time");
        let other = at_once(&lanes, "b", SMALL).await.unwrap();
        assert!(at_once(&lanes, "c", SMALL).await.is_none(), "the lane is full");
        drop((first, other));
        assert!(at_once(&lanes, "a", SMALL).await.is_some());
    }

    #[tokio::test]
    async fn one_that_takes_long_makes_way() {
        let lanes = Lanes::new();
        let hostile = at_once(&lanes, "a", SMALL).await.unwrap();
        let _other = at_once(&lanes, "b", SMALL).await.unwrap();
        let hostile = lanes.go_heavy(hostile).await;
        assert_eq!(hostile.lane, Lane::Heavy);
        assert!(at_once(&lanes, "c", SMALL).await.is_some());
        assert!(at_once(&lanes, "c", LARGE).await.is_none());
    }

    #[tokio::test]
    async fn what_is_uploaded_stands_back_and_what_the_host_starts_with_does_not() {
        let (lanes, limits) = (Lanes::new(), Limits::default());
        for (owner, bytes, stands_back, threads, seconds, heavier) in [
            ("a", SMALL, true, 2, 10, true),
            ("a", LARGE, true, 1, 240, false),
            (ITSELF, SMALL, false, 2, 10, true),
            (ITSELF, LARGE, false, 1, 240, false),
        ] {
            let turn = lanes.turn(owner, bytes).await;
            let work = Duration::from_secs(seconds);
            let expected = Pace { threads, stands_back, work, patience: work * 10 };
            assert_eq!(turn.pace(&limits), expected, "{owner} {bytes}");
            assert_eq!(turn.may_go_heavy(&limits), heavier, "{owner} {bytes}");
        }
        let short = Limits { compile_time: Duration::from_secs(1), ..limits };
        let turn = lanes.turn("a", SMALL).await;
        assert_eq!(turn.pace(&short).work, short.compile_time);
        assert!(!turn.may_go_heavy(&short), "it would have no more there");
    }
}

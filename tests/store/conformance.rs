//! What every engine promises. A case gets a store of its own; an engine takes part with one line at the
//! end of this file.

mod committing;
mod reading;
mod transfer;

use planwright_store::{
    ChangeSet, CommitError, Key, Loader, Options, RedbLoader, RedbStore, Snapshot, Store,
    StoreError,
};

use super::disk::Disk;
use super::{Item, open};

/// Where an engine keeps one store; empty at first.
trait Home {
    type Store: Store;
    type Loader: Loader;

    fn store(&self) -> Self::Store;

    /// Nobody may have the store open then.
    fn loader(&self) -> Result<Self::Loader, StoreError>;
}

impl Home for Disk {
    type Store = RedbStore;
    type Loader = RedbLoader;

    fn store(&self) -> RedbStore {
        open(self).unwrap()
    }

    fn loader(&self) -> Result<RedbLoader, StoreError> {
        RedbLoader::with_backend(self.connect().unwrap(), Options::default().cache_bytes)
    }
}

/// Commits one change set, and says with which version.
async fn commit<S: Store>(
    store: &S,
    build: impl FnOnce(&mut ChangeSet) -> &mut ChangeSet,
) -> Result<u64, CommitError> {
    let mut set = ChangeSet::new();
    build(&mut set);
    store.commit(set).await.map(|committed| committed.version)
}

async fn read<S: Store>(store: &S, key: &Key) -> Option<(u64, Item)> {
    let record = store.snapshot().await.unwrap().get(key).await.unwrap()?;
    Some((record.version, record.decode().unwrap()))
}

async fn holds<S: Store>(store: &S, counter: &Key) -> i64 {
    store.snapshot().await.unwrap().counter(counter).await.unwrap()
}

/// Makes a test of every case for an engine: a name, and where it keeps an empty store.
macro_rules! conforms {
    ($engine:ident, $home:expr) => {
        mod $engine {
            use super::{committing, reading, transfer, *};

            cases! { ($home.store()), committing:
                a_commit_says_what_its_counters_hold_and_a_record_may_keep_it
                a_refused_set_leaves_nothing
                a_set_at_fault_is_refused_and_says_why
                a_set_is_kept_if_and_only_if_all_it_expects_is_so
                an_engine_agrees_with_a_map
                counters_add_up_in_order_and_stop_at_their_ceilings
                versions_rise_and_a_record_made_again_never_has_an_old_one
            }
            cases! { ($home.store()), reading:
                a_log_cannot_be_passed_off_as_another_and_a_cut_or_a_gap_in_it_shows
                a_log_numbers_its_entries_and_binds_each_to_the_one_before
                a_record_is_read_as_it_was_written
                a_record_knows_whether_it_is_as_it_was_written
                a_record_of_a_newer_schema_is_refused_and_both_numbers_are_named
                a_scan_gives_what_is_under_its_prefix_in_order
                a_snapshot_goes_on_showing_its_moment
                bytes_that_are_no_json_are_kept_as_they_are
                every_space_and_every_log_is_found_in_order
                counters_are_listed_in_order_without_those_that_hold_0
                one_key_may_name_a_record_a_counter_and_a_log
            }
            cases! { ($home, $home), transfer:
                a_log_with_a_gap_keeps_it
                a_store_that_holds_something_takes_nothing_over
                what_is_carried_over_is_as_it_was_and_goes_on_from_there
                what_is_not_finished_is_not_kept
            }
        }
    };
}

macro_rules! cases {
    ($given:tt, $room:ident: $($case:ident)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                $room::$case$given.await;
            }
        )+
    };
}

conforms!(redb, Disk::new());

//! The store: what every engine promises (`conformance`), what the embedded one keeps when its disk fails
//! (`faults`), its file (`files`), and that it commits many change sets at once (`group_commit`).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod conformance;
pub(crate) mod disk;
mod faults;
mod files;
mod group_commit;
mod history;

use planwright_store::{Document, Key, Options, RedbStore, Space};
use serde::{Deserialize, Serialize};

use disk::Disk;

/// A record to put.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Item {
    value: u64,
}

impl Document for Item {
    const SCHEMA: u16 = 1;
}

fn item(value: u64) -> Item {
    Item { value }
}

/// A key of the tenant that most tests use.
fn key(family: &str, name: &str) -> Key {
    Key::in_space(&acme(), family).text(name).key()
}

fn acme() -> Space {
    Space::Tenant("acme".to_owned())
}

/// A store on a disk that can be made to fail.
fn open(disk: &Disk) -> Result<RedbStore, planwright_store::StoreError> {
    open_with(disk, Options::default())
}

fn open_with(disk: &Disk, options: Options) -> Result<RedbStore, planwright_store::StoreError> {
    let disk = disk.clone();
    RedbStore::with_backend(move || disk.connect(), options)
}

/// A seeded source of numbers (splitmix64): the same seed gives the same run.
#[derive(Clone, Debug)]
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

//! A disk in memory that loses what was not synced, refuses writes and syncs, and fills up.

use std::collections::BTreeSet;
use std::io::{Error, ErrorKind, Result};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use redb::StorageBackend;

use super::Chance;

/// A write of this size at such a multiple is kept whole or not at all.
const SECTOR: usize = 512;
/// Space is given out in blocks of this size.
const BLOCK: usize = 4096;

/// What goes wrong, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The power goes at the nth sync. Of what was written since the last one, a part chosen by chance
    /// is on the disk; nothing works until `power_on`.
    PowerCut { at_sync: u64 },
    /// The nth write fails, with a part of it written.
    Write { nth: u64 },
    /// The nth sync fails. A part chosen by chance of what it was to sync is on the disk, and never tried
    /// again, while reads go on to show all of it: so Linux does.
    Sync { nth: u64 },
}

/// A disk; its clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Disk(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Told when `held` or `syncing` changes.
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// What reads show.
    seen: Vec<u8>,
    /// What a power cut leaves.
    durable: Vec<u8>,
    /// What was written since the last sync.
    pending: Vec<Operation>,
    fault: Option<Fault>,
    chance: Chance,
    powered: bool,
    writes: u64,
    syncs: u64,
    blocks: BTreeSet<usize>,
    capacity: usize,
    held: bool,
    syncing: bool,
}

#[derive(Debug)]
enum Operation {
    Write { at: usize, bytes: Vec<u8> },
    SetLength(usize),
}

impl Disk {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared {
            state: Mutex::new(State {
                seen: Vec::new(),
                durable: Vec::new(),
                pending: Vec::new(),
                fault: None,
                chance: Chance(0),
                powered: true,
                writes: 0,
                syncs: 0,
                blocks: BTreeSet::new(),
                capacity: usize::MAX,
                held: false,
                syncing: false,
            }),
            changed: Condvar::new(),
        }))
    }

    pub(crate) fn connect(&self) -> Result<Self> {
        self.state().check_power()?;
        Ok(self.clone())
    }

    /// Lets something go wrong, counted from now, with a seed for what chance decides.
    pub(crate) fn fail(&self, fault: Fault, seed: u64) {
        let mut state = self.state();
        state.fault = Some(fault);
        state.chance = Chance(seed);
        state.writes = 0;
        state.syncs = 0;
    }

    /// Leaves room for so many more bytes.
    pub(crate) fn leave_free(&self, bytes: usize) {
        let mut state = self.state();
        state.capacity = (state.blocks.len() * BLOCK).saturating_add(bytes);
    }

    /// Takes the power now: what was not synced is lost.
    pub(crate) fn cut_power(&self) {
        let mut state = self.state();
        state.pending.clear();
        state.powered = false;
    }

    /// The machine comes back: what is seen is what was on the disk.
    pub(crate) fn power_on(&self) {
        let mut state = self.state();
        state.seen = state.durable.clone();
        state.pending.clear();
        state.fault = None;
        state.powered = true;
    }

    /// Lets syncs wait until `release`.
    pub(crate) fn hold(&self) {
        self.state().held = true;
    }

    pub(crate) fn release(&self) {
        self.state().held = false;
        self.0.changed.notify_all();
    }

    /// Waits until a sync waits; panics if none comes.
    pub(crate) fn wait_for_sync(&self) {
        let long = Duration::from_secs(30);
        let changed = &self.0.changed;
        let (state, waited) =
            changed.wait_timeout_while(self.state(), long, |state| !state.syncing).unwrap();
        drop(state);
        assert!(!waited.timed_out(), "nothing is synced");
    }

    pub(crate) fn writes(&self) -> u64 {
        self.state().writes
    }

    pub(crate) fn syncs(&self) -> u64 {
        self.state().syncs
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }
}

impl State {
    fn check_power(&self) -> Result<()> {
        if self.powered { Ok(()) } else { Err(Error::other("no power")) }
    }

    /// Takes the space that a write needs, if there is so much.
    fn take_blocks(&mut self, at: usize, length: usize) -> Result<()> {
        for block in at / BLOCK..(at + length).div_ceil(BLOCK) {
            if self.blocks.contains(&block) {
                continue;
            }
            if (self.blocks.len() + 1) * BLOCK > self.capacity {
                return Err(ErrorKind::StorageFull.into());
            }
            self.blocks.insert(block);
        }
        Ok(())
    }

    fn write(&mut self, at: usize, bytes: &[u8]) {
        put(&mut self.seen, at, bytes);
        self.pending.push(Operation::Write { at, bytes: bytes.to_vec() });
    }

    /// Brings a part of what is pending onto the disk: nothing, all, the first so many, or sectors here
    /// and there.
    fn keep_a_part(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let count = u64::try_from(pending.len()).unwrap();
        let (kept, torn) = match self.chance.below(4) {
            0 => (0, false),
            1 => (count, false),
            2 => (self.chance.below(count + 1), false),
            _ => (count, true),
        };
        for (operation, _) in pending.iter().zip(0..kept) {
            match operation {
                Operation::SetLength(length) => {
                    if !torn || self.chance.below(2) == 0 {
                        self.durable.resize(*length, 0);
                    }
                }
                Operation::Write { at, bytes } => {
                    for (index, sector) in bytes.chunks(SECTOR).enumerate() {
                        if !torn || self.chance.below(2) == 0 {
                            put(&mut self.durable, at + index * SECTOR, sector);
                        }
                    }
                }
            }
        }
    }
}

/// Writes what lies within the length.
fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
    let end = file.len().min(at + bytes.len());
    if let Some(target) = file.get_mut(at..end) {
        target.copy_from_slice(&bytes[..end - at]);
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64> {
        let state = self.state();
        state.check_power()?;
        Ok(u64::try_from(state.seen.len()).unwrap())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let state = self.state();
        state.check_power()?;
        let at = usize::try_from(offset).unwrap();
        let found = state.seen.get(at..at + out.len()).ok_or(ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(found);
        Ok(())
    }

    fn set_len(&self, length: u64) -> Result<()> {
        let mut state = self.state();
        state.check_power()?;
        let length = usize::try_from(length).unwrap();
        state.seen.resize(length, 0);
        state.blocks.retain(|block| block * BLOCK < length);
        state.pending.push(Operation::SetLength(length));
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let mut state = self.state();
        state.check_power()?;
        let at = usize::try_from(offset).unwrap();
        state.take_blocks(at, bytes.len())?;
        state.writes += 1;
        if state.fault == Some(Fault::Write { nth: state.writes }) {
            state.fault = None;
            state.write(at, &bytes[..bytes.len() / 2]);
            return Err(Error::other("a write failed"));
        }
        state.write(at, bytes);
        Ok(())
    }

    fn sync_data(&self) -> Result<()> {
        let mut state = self.state();
        state.syncing = true;
        self.0.changed.notify_all();
        let mut state = self.0.changed.wait_while(state, |state| state.held).unwrap();
        state.syncing = false;

        state.check_power()?;
        state.syncs += 1;
        let syncs = state.syncs;
        match state.fault {
            Some(Fault::PowerCut { at_sync }) if at_sync == syncs => {
                state.keep_a_part();
                state.powered = false;
                Err(Error::other("the power went"))
            }
            Some(Fault::Sync { nth }) if nth == syncs => {
                state.fault = None;
                state.keep_a_part();
                Err(Error::other("a sync failed"))
            }
            _ => {
                // Not a copy of what is seen: what a failed sync has lost stays lost.
                for operation in std::mem::take(&mut state.pending) {
                    match operation {
                        Operation::SetLength(length) => state.durable.resize(length, 0),
                        Operation::Write { at, bytes } => put(&mut state.durable, at, &bytes),
                    }
                }
                Ok(())
            }
        }
    }
}

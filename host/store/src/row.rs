//! Rows: all that a store keeps, one by one and as it is kept, on their way to another store.

use crate::layout::{
    corrupt, decode_entry, decode_head, decode_record, encode_entry, encode_head, encode_record,
};
use crate::{
    ChangeSet, Head, Key, LogEntry, LogScan, Prefix, Record, Scan, Snapshot, Space, StoreError,
};

/// One thing that a store keeps, with everything that reading it shows: versions, seals, sequence numbers and
/// hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A record.
    Record {
        /// Where it is kept.
        key: Key,
        /// With its version.
        record: Record,
    },
    /// A counter that does not hold 0.
    Counter {
        /// Where it is kept.
        key: Key,
        /// What it holds.
        holds: i64,
    },
    /// An entry of a log.
    Entry {
        /// The log's key.
        log: Key,
        /// With its sequence number and hashes.
        entry: LogEntry,
    },
    /// How far a log goes, as its store says beside it.
    Head {
        /// The log's key.
        log: Key,
        /// Its last entry's sequence number and hash.
        head: Head,
    },
}

const RECORD: u8 = b'r';
const COUNTER: u8 = b'c';
const ENTRY: u8 = b'e';
const HEAD: u8 = b'h';

impl Row {
    /// The longest that its bytes can be: what the largest change set may hold, and what goes with it.
    pub const MAX_BYTES: usize = ChangeSet::MAX_BYTES + 256;

    /// Its bytes: what it is (1 byte), the length of its key (2 bytes, big end first), the key, and what is
    /// kept there; before an entry its sequence number (8 bytes).
    pub fn encode(&self) -> Vec<u8> {
        let (kind, key, value) = match self {
            Self::Record { key, record } => {
                let Record { version, schema, .. } = record;
                (RECORD, key, encode_record(*version, *schema, record.seal(), record.bytes()))
            }
            Self::Counter { key, holds } => (COUNTER, key, holds.to_be_bytes().to_vec()),
            Self::Entry { log, entry } => {
                let value = encode_entry(entry.previous, entry.hash, &entry.body);
                (ENTRY, log, [&entry.sequence.to_be_bytes()[..], &value].concat())
            }
            Self::Head { log, head } => (HEAD, log, encode_head(*head)),
        };
        let key = key.as_bytes();
        // No key is longer than Key::MAX_BYTES, which fits.
        let length = u16::try_from(key.len()).unwrap_or(u16::MAX);
        [&[kind][..], &length.to_be_bytes(), key, &value].concat()
    }

    /// The row with these bytes.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`] if no row has them.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let (kind, key, value) =
            split(bytes).ok_or_else(|| corrupt("a row without what it is of"))?;
        let key = Key::from_bytes(key).ok_or_else(|| corrupt("a row with a key that is none"))?;
        match kind {
            RECORD => Ok(Self::Record { key, record: decode_record(value)? }),
            COUNTER => {
                let holds = value.try_into().map_err(|_| corrupt("a counter that is no number"))?;
                Ok(Self::Counter { key, holds: i64::from_be_bytes(holds) })
            }
            ENTRY => {
                let (sequence, value) =
                    value.split_first_chunk().ok_or_else(|| corrupt("an entry without a place"))?;
                let entry = decode_entry(u64::from_be_bytes(*sequence), value)?;
                Ok(Self::Entry { log: key, entry })
            }
            HEAD => Ok(Self::Head { log: key, head: decode_head(value)? }),
            other => Err(corrupt(&format!("a row of a kind, {other}, that is none"))),
        }
    }
}

fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (kind, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (key, value) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    Some((*kind, key, value))
}

/// Rows read at once. Few, since each may be as large as a change set, and seeking the next few costs little.
const PIECE: usize = 16;

/// Gives every row that a snapshot shows, always in the same order: space by space, and in each its logs,
/// records and counters by their keys. It holds few of them at once; behind each few others get their turn.
///
/// # Errors
///
/// What the snapshot says, and what `take` does, which ends it.
pub async fn export<N: Snapshot, E: From<StoreError>>(
    snapshot: &N,
    mut take: impl FnMut(Row) -> Result<(), E> + Send,
) -> Result<(), E> {
    let mut last: Option<Space> = None;
    while let Some(space) = snapshot.spaces(last.as_ref(), 1).await?.pop() {
        let all = Prefix::of_space(&space);
        logs(snapshot, &all, &mut take).await?;
        let record = |key, record| Row::Record { key, record };
        paged(|scan| snapshot.scan(&all, scan), record, &mut take).await?;
        let counter = |key, holds| Row::Counter { key, holds };
        paged(|scan| snapshot.counters(&all, scan), counter, &mut take).await?;
        last = Some(space);
    }
    Ok(())
}

async fn logs<N: Snapshot, E: From<StoreError>>(
    snapshot: &N,
    all: &Prefix,
    take: &mut (impl FnMut(Row) -> Result<(), E> + Send),
) -> Result<(), E> {
    let mut last: Option<Key> = None;
    while let Some(log) = snapshot.logs(all, last.as_ref(), 1).await?.pop() {
        let mut scan = LogScan::oldest(PIECE);
        loop {
            let piece = snapshot.log(&log, scan).await?;
            let Some(end) = piece.last().map(|entry| entry.sequence) else { break };
            for entry in piece {
                take(Row::Entry { log: log.clone(), entry })?;
            }
            tokio::task::yield_now().await;
            scan = scan.after(end);
        }
        let head = snapshot.log_head(&log).await?;
        if head != Head::of_empty(&log) {
            take(Row::Head { log: log.clone(), head })?;
        }
        last = Some(log);
    }
    Ok(())
}

/// Gives the rows of what is read piece by piece, each behind the last key of the one before.
async fn paged<V, E: From<StoreError>, F>(
    mut read: impl FnMut(Scan) -> F + Send,
    row: impl Fn(Key, V) -> Row + Send,
    take: &mut (impl FnMut(Row) -> Result<(), E> + Send),
) -> Result<(), E>
where
    F: Future<Output = Result<Vec<(Key, V)>, StoreError>> + Send,
{
    let mut scan = Scan::first(PIECE);
    loop {
        let piece = read(scan).await?;
        let Some(last) = piece.last().map(|(key, _)| key.clone()) else { return Ok(()) };
        for (key, value) in piece {
            take(row(key, value))?;
        }
        tokio::task::yield_now().await;
        scan = Scan::first(PIECE).after(last);
    }
}

//! What the host keeps for one instance of a plugin, and all that the instance can reach through it.

use std::sync::Arc;

use planwright_domain::time::Timestamp;
use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::Limits;
use crate::contract::planwright::plugin::log;
use crate::contract::planwright::plugin::log::Level;
use crate::randomness::Randomness;
use crate::stderr::Stderr;
use crate::text;

/// The data of a store: one instance's memory account, its log, its fixed time and its fixed randomness.
pub(crate) struct Guest {
    pub(crate) memory: MemoryAccount,
    pub(crate) now: Timestamp,
    pub(crate) randomness: Randomness,
    pub(crate) table: ResourceTable,
    pub(crate) stderr: Stderr,
    wasi: WasiCtx,
    log: Log,
}

impl Guest {
    /// For a plugin that messages call `subject`. Randomness comes from `seed` alone.
    pub(crate) fn new(limits: &Limits, subject: Arc<str>, seed: [u8; 32], now: Timestamp) -> Self {
        let stderr = Stderr::default();
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        Self {
            memory: MemoryAccount::new(limits),
            now,
            randomness: Randomness::new(seed),
            table,
            // No arguments, no environment, no folders, no network, standard input at its end.
            wasi: WasiCtx::builder().stderr(stderr.clone()).build(),
            stderr,
            log: Log {
                subject,
                messages: limits.log_messages,
                message_bytes: limits.log_message_bytes,
                bytes: limits.lifted_bytes,
                messages_left: limits.log_messages,
                bytes_left: limits.lifted_bytes,
                dropped: 0,
            },
        }
    }

    /// Makes the next call see its own time and the same randomness as any other call.
    pub(crate) fn begin_call(&mut self, now: Timestamp) {
        self.now = now;
        self.memory.refused = false;
        self.randomness.rewind();
        self.stderr.clear();
        self.log.rewind();
    }

    /// Says how much of the log of this call was dropped.
    pub(crate) fn end_call(&self) {
        if self.log.dropped > 0 {
            let (subject, dropped) = (&*self.log.subject, self.log.dropped);
            tracing::warn!(
                plugin = subject,
                dropped,
                "the plugin logs too much; the rest of this call was dropped"
            );
        }
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// What an instance may still log in this call.
struct Log {
    subject: Arc<str>,
    messages: u32,
    message_bytes: usize,
    bytes: usize,
    messages_left: u32,
    bytes_left: usize,
    dropped: u64,
}

/// Why a plugin that logs without end is stopped: carrying its messages over costs it little and the host much.
#[derive(Debug, thiserror::Error)]
#[error("the plugin floods the log")]
pub(crate) struct LogFlood;

impl Log {
    fn rewind(&mut self) {
        self.messages_left = self.messages;
        self.bytes_left = self.bytes;
        self.dropped = 0;
    }

    /// Whether a message of this length is still shown.
    fn admit(&mut self, length: usize) -> Result<bool, LogFlood> {
        self.bytes_left = self.bytes_left.checked_sub(length).ok_or(LogFlood)?;
        match self.messages_left.checked_sub(1) {
            Some(left) => {
                self.messages_left = left;
                Ok(true)
            }
            None => {
                self.dropped += 1;
                Ok(false)
            }
        }
    }
}

impl log::Host for Guest {
    fn log(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        if !self.log.admit(message.len())? {
            return Ok(());
        }
        let plugin = &*self.log.subject;
        let message = text::clean(&message, self.log.message_bytes);
        match level {
            Level::Debug => tracing::debug!(plugin, "{message}"),
            Level::Info => tracing::info!(plugin, "{message}"),
            Level::Warn => tracing::warn!(plugin, "{message}"),
            Level::Error => tracing::error!(plugin, "{message}"),
        }
        Ok(())
    }
}

/// Counts the memory of an instance, all of its linear memories together, and says no past the limit. A
/// plugin may take a no and carry on (a garbage collector does), so no is not yet a fault; but where a trap
/// follows, it was the cause.
pub(crate) struct MemoryAccount {
    used: usize,
    limit: usize,
    table_elements: usize,
    core_instances: usize,
    refused: bool,
}

impl MemoryAccount {
    fn new(limits: &Limits) -> Self {
        Self {
            used: 0,
            limit: limits.memory_bytes,
            table_elements: limits.table_elements,
            core_instances: limits.core_instances,
            refused: false,
        }
    }

    /// Whether the instance has taken less than half of what it may have.
    pub(crate) fn is_low(&self) -> bool {
        self.used < self.limit / 2
    }

    /// Whether the instance wanted more than it may have.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }
}

impl ResourceLimiter for MemoryAccount {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        let fits = used <= self.limit && maximum.is_none_or(|maximum| desired <= maximum);
        if fits {
            self.used = used;
        } else {
            self.refused = true;
        }
        Ok(fits)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let fits =
            desired <= self.table_elements && maximum.is_none_or(|maximum| desired <= maximum);
        self.refused |= !fits;
        Ok(fits)
    }

    fn instances(&self) -> usize {
        self.core_instances
    }

    fn memories(&self) -> usize {
        self.core_instances
    }

    fn tables(&self) -> usize {
        self.core_instances
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_of_an_instance_share_one_limit() {
        let mut account = MemoryAccount::new(&Limits { memory_bytes: 100, ..Limits::default() });
        assert!(account.memory_growing(0, 60, None).unwrap());
        assert!(account.memory_growing(0, 40, None).unwrap());
        assert!(!account.refused());
        assert!(!account.memory_growing(60, 61, None).unwrap());
        assert!(account.refused());
    }

    #[test]
    fn a_log_has_so_many_messages_and_so_many_bytes() {
        let limits = Limits { log_messages: 1, lifted_bytes: 100, ..Limits::default() };
        let now = Timestamp::UNIX_EPOCH;
        let mut guest = Guest::new(&limits, "x".into(), [0; 32], now);
        assert!(guest.log.admit(10).unwrap());
        assert!(!guest.log.admit(80).unwrap());
        assert!(guest.log.admit(11).is_err());
        guest.begin_call(now);
        assert!(guest.log.admit(100).unwrap());
    }

    #[test]
    fn a_table_has_a_limit_too() {
        let mut account = MemoryAccount::new(&Limits { table_elements: 10, ..Limits::default() });
        assert!(account.table_growing(0, 10, None).unwrap());
        assert!(!account.table_growing(10, 11, None).unwrap());
    }
}

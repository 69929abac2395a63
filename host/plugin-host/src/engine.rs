//! The one engine: what compiled code may do and how it is stopped.

use std::hash::{Hash, Hasher};
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::{Limits, PluginError};

/// How often time limits are looked at.
const TICK: Duration = Duration::from_millis(10);

/// Instances that can be alive at once. A slot for a memory costs address space (4 GiB), not memory.
const POOLED_INSTANCES: u32 = 128;

/// What a slot keeps of its memory for the next instance, zeroed, so that the kernel need not give it page by
/// page again. That halves the time of a fresh call where the kernel can say which pages were written (Linux
/// 6.7), and costs nothing to speak of elsewhere; more than this gains nothing.
const KEPT_BYTES: usize = 256 << 10;

/// Everything that code is compiled for. The process that compiles and the one that runs must agree on it
/// to the letter, so that both begin here. The same question has the same answer on every machine: no threads,
/// one kind of NaN, no relaxed SIMD.
pub(crate) fn settings(stack_bytes: usize) -> Config {
    let mut config = Config::new();
    config
        .concurrency_support(false)
        .consume_fuel(true)
        .epoch_interruption(true)
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .relaxed_simd_deterministic(true)
        .wasm_memory64(false)
        .max_wasm_stack(stack_bytes);
    config
}

/// The engine that runs plugins. Where the system does not give the address space for a pool, each instance
/// gets its memory when it starts, which is slower and otherwise the same.
pub(crate) fn running(limits: &Limits) -> Result<Engine, PluginError> {
    let mut config = settings(limits.stack_bytes);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits)));
    let engine = Engine::new(&config).or_else(|error| {
        tracing::info!("no pool of instances, memory is taken on demand: {error:#}");
        Engine::new(&settings(limits.stack_bytes))
    });
    let engine = engine.map_err(|error| {
        let source = std::io::Error::other(format!("{error:#}"));
        PluginError::io("start WebAssembly on this machine", source)
    })?;
    start_ticking(&engine)?;
    Ok(engine)
}

fn pool(limits: &Limits) -> PoolingAllocationConfig {
    let core_instances = u32::try_from(limits.core_instances).unwrap_or(u32::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(POOLED_INSTANCES)
        .total_core_instances(POOLED_INSTANCES * 16)
        .total_memories(POOLED_INSTANCES * 2)
        .total_tables(POOLED_INSTANCES * 4)
        .total_stacks(0)
        .linear_memory_keep_resident(KEPT_BYTES)
        .table_keep_resident(KEPT_BYTES / 64)
        .pagemap_scan(Enabled::Auto)
        .max_core_instances_per_component(core_instances)
        .max_memories_per_component(4)
        .max_tables_per_component(16)
        .max_tables_per_module(4)
        .max_memory_size(limits.memory_bytes)
        .table_elements(limits.table_elements);
    pool
}

/// Moves the engine's clock on until the engine is gone.
fn start_ticking(engine: &Engine) -> Result<(), PluginError> {
    let engine = engine.weak();
    let ticking = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(TICK);
        }
    };
    thread::Builder::new()
        .name("plugin-clock".to_owned())
        .spawn(ticking)
        .map(drop)
        .map_err(|error| PluginError::io("start the plugins' clock", error))
}

/// A time limit in ticks: never less than it says.
pub(crate) fn ticks(limit: Duration) -> u64 {
    let ticks = limit.as_millis().div_ceil(TICK.as_millis());
    u64::try_from(ticks).unwrap_or(u64::MAX).saturating_add(1)
}

/// What native code depends on: version, settings, and the processor's abilities.
pub(crate) fn fingerprint(engine: &Engine) -> [u8; 32] {
    struct Sha(Sha256);
    impl Hasher for Sha {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut hasher = Sha(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.0.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_limit_is_never_shorter_than_it_says() {
        for (limit, expected) in [(0, 1), (1, 2), (10, 2), (11, 3), (3_000, 301)] {
            assert_eq!(ticks(Duration::from_millis(limit)), expected, "{limit} ms");
        }
    }

    #[test]
    fn the_fingerprint_depends_on_the_settings_alone() {
        let engine = |config: &Config| Engine::new(config).unwrap();
        let same = settings(512 << 10);
        let mut other = settings(512 << 10);
        other.consume_fuel(false);
        let first = fingerprint(&engine(&same));
        assert_eq!(first, fingerprint(&engine(&same)));
        assert_ne!(first, fingerprint(&engine(&other)));
    }
}

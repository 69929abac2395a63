//! How much a plugin may take: of time, of memory, and of the host's attention.

use std::time::Duration;

/// Bounds for one plugin and for one call of it. The defaults leave the standard plugins a factor of a
/// hundred and more, and let interpreters (Python, JavaScript) breathe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a component.
    pub component_bytes: usize,
    /// Instructions of one call, roughly. Starting a fresh instance and configuring it have as much each.
    /// The same call takes the same number on every machine.
    pub fuel: u64,
    /// Wall-clock time of the same, for what fuel does not see. Fuel should run out well before it.
    pub call_time: Duration,
    /// Bytes of all linear memories of an instance together.
    pub memory_bytes: usize,
    /// Elements of a table.
    pub table_elements: usize,
    /// Core modules in an instance; a plugin has a handful, one in Python some dozens.
    pub core_instances: usize,
    /// Bytes of the WebAssembly stack.
    pub stack_bytes: usize,
    /// Bytes that cross from the plugin to the host in one answer, in one host call, and in all log messages
    /// of one call.
    pub lifted_bytes: usize,
    /// Handles to host things (streams, pollables) that an instance may hold.
    pub handles: usize,
    /// Log messages shown of one call; the rest is counted and dropped.
    pub log_messages: u32,
    /// Bytes of one log message; the rest is cut.
    pub log_message_bytes: usize,
    /// Findings in one answer of a validation plugin.
    pub findings: usize,
    /// Items in one answer of a pricing plugin, and steps in all of them together.
    pub fee_items: usize,
    #[allow(missing_docs, reason = "documented on fee_items")]
    pub fee_steps: usize,
    /// Bytes of a finding's code, field and message each, of a refusal's, and of a step's note.
    pub text_bytes: usize,
    /// Calls of one plugin at a time; the others wait.
    pub concurrent_calls: usize,
    /// How long a call waits for its turn before [`PluginError::Busy`](crate::PluginError::Busy).
    pub queue_time: Duration,
    /// Processor time of compiling one component.
    pub compile_time: Duration,
    /// The same for a small component among others: what takes longer goes on where it is in nobody's way.
    pub light_compile_time: Duration,
    /// How many times as long it may last by the clock on the wall, since others go first.
    pub compile_patience: u32,
    /// Address space of the process that compiles.
    pub compile_memory_bytes: u64,
    /// Bytes of native code of one component.
    pub compiled_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            component_bytes: 32 << 20,
            // Twice what the largest question about usage takes; a second at most.
            fuel: 400_000_000,
            call_time: Duration::from_secs(3),
            memory_bytes: 64 << 20,
            table_elements: 20_000,
            core_instances: 100,
            stack_bytes: 512 << 10,
            lifted_bytes: 1 << 20,
            handles: 1_000,
            log_messages: 50,
            log_message_bytes: 1_024,
            findings: 1_000,
            fee_items: 100,
            fee_steps: 1_000,
            text_bytes: 4_096,
            concurrent_calls: 4,
            queue_time: Duration::from_secs(2),
            compile_time: Duration::from_secs(240),
            light_compile_time: Duration::from_secs(10),
            compile_patience: 10,
            compile_memory_bytes: 1_536 << 20,
            compiled_bytes: 256 << 20,
        }
    }
}

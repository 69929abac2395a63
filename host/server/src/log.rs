//! The log, on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Starts it, once a process.
///
/// # Errors
/// A level that is none.
pub(crate) fn start(config: &LogConfig) -> Result<(), String> {
    let filter = EnvFilter::try_new(&config.level)
        .map_err(|error| format!("log.level '{}' is not a level: {error}", config.level))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Colours are for people; a file or a pipe gets plain text.
        .with_ansi(std::io::stderr().is_terminal());
    // Whoever starts a second server in one process keeps the first one's log.
    let _ = match config.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    Ok(())
}

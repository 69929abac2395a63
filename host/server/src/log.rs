//! The log, on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Starts it, once a process.
///
/// # Errors
/// A level that is none.
pub(crate) fn start(config: &LogConfig) -> Result<(), String> {
    let filter = filter(&config.level)?;
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

/// A word alone must be a level: the filter itself would take a misspelt one for a part of the program, and say
/// nothing of all others.
fn filter(level: &str) -> Result<EnvFilter, String> {
    let wrong = |reason: &str| format!("log.level '{level}' is not a level: {reason}");
    for word in level.split(',').map(str::trim).filter(|part| !part.contains('=')) {
        let known = ["off", "error", "warn", "info", "debug", "trace"];
        if !known.contains(&word.to_ascii_lowercase().as_str()) {
            return Err(wrong(&format!("'{word}' is none of {}", known.join(", "))));
        }
    }
    EnvFilter::try_new(level).map_err(|error| wrong(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_one_of_six_or_a_filter() {
        for (level, expected) in [
            ("info", true),
            ("WARN", true),
            ("warn,planwright_service=debug", true),
            ("inof", false),
            ("loud", false),
            ("", false),
            ("info,planwright_service", false),
            ("planwright_service=loud", false),
        ] {
            assert_eq!(filter(level).is_ok(), expected, "{level}");
        }
    }
}

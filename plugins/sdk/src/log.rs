//! Telling the operator something: the lines land in the host's log with the plugin's name. In native tests
//! they go to standard error.

use crate::bindings::vocabulary::planwright::plugin::log::Level;

/// For whoever works on the plugin.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// For whoever wonders what happened.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// Something is odd and the answer is still right.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

/// Something is wrong and the operator should look.
pub fn error(message: &str) {
    write(Level::Error, message);
}

/// Makes the words of a panic a line in the host's log: the trap that follows has none.
#[cfg(target_arch = "wasm32")]
pub(crate) fn panics() {
    std::panic::set_hook(Box::new(|panic| error(&panic.to_string())));
}

#[cfg(target_arch = "wasm32")]
fn write(level: Level, message: &str) {
    crate::bindings::vocabulary::planwright::plugin::log::log(level, message);
}

#[cfg(not(target_arch = "wasm32"))]
fn write(level: Level, message: &str) {
    eprintln!("{level:?}: {message}");
}

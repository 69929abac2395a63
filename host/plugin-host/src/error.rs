//! What goes wrong with a plugin, said so that whoever reads it knows which one and what to do next.

use std::fmt;
use std::io;

use crate::Hook;

/// Every way in which a plugin fails. `plugin` says which: its name and version where they are known, what
/// the loader called it before. No text in here is longer than a few lines, whatever the plugin says.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// The bytes are no WebAssembly component.
    #[error("{plugin} is not a WebAssembly component: {reason}")]
    NotAComponent {
        /// Which one.
        plugin: String,
        /// What it is instead, and what to do.
        reason: String,
    },
    /// It asks for something that no plugin gets.
    #[error(
        "{plugin} imports '{import}', which this host gives to no plugin: a plugin sees its arguments and \
         nothing else. Build it without what needs it, for planwright:plugin@0.1.0."
    )]
    ForbiddenImport {
        /// Which one.
        plugin: String,
        /// The first such import.
        import: String,
    },
    /// It does not export what its hook calls.
    #[error(
        "{plugin} is not a plugin for the hook '{hook}': {missing}. Build it for the world '{}' of \
         planwright:plugin@0.1.0.", hook.world()
    )]
    WrongWorld {
        /// Which one.
        plugin: String,
        /// What it was loaded for.
        hook: Hook,
        /// What is missing or of another type.
        missing: String,
    },
    /// It exports what no hook calls, or what several do.
    #[error("{plugin} is no plugin: {reason}")]
    NoHook {
        /// Which one.
        plugin: String,
        /// What it exports, and what to do.
        reason: String,
    },
    /// Its native code is not there: it was compiled for another version of the host, or taken away.
    #[error("{plugin} is being compiled for this server. Try again in a moment.")]
    NotCompiled {
        /// Which one.
        plugin: String,
    },
    /// It could not be compiled within its limits.
    #[error("{plugin} could not be compiled: {reason}")]
    Compile {
        /// Which one.
        plugin: String,
        /// Why.
        reason: String,
    },
    /// It does not take its settings.
    #[error("{plugin} refuses its settings: {}", messages.join(" "))]
    Settings {
        /// Which one.
        plugin: String,
        /// What it says is wrong with them.
        messages: Vec<String>,
    },
    /// It failed in a call.
    #[error("{plugin} failed: {kind}")]
    Trap {
        /// Which one.
        plugin: String,
        /// How.
        kind: TrapKind,
    },
    /// It says no, as its contract allows.
    #[error("{plugin} refuses: {message} ({code})")]
    Refused {
        /// Which one.
        plugin: String,
        /// For machines; the plugin's own.
        code: String,
        /// For people; the plugin's own.
        message: String,
    },
    /// It answered what its contract does not allow.
    #[error("{plugin} gave an answer that cannot be used: {reason}")]
    BadAnswer {
        /// Which one.
        plugin: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something the host would tell it does not fit the contract.
    #[error("{plugin} cannot be asked: {reason}")]
    BadQuestion {
        /// Which one.
        plugin: String,
        /// What does not fit, by its name.
        reason: String,
    },
    /// It has more calls than it can answer.
    #[error("{plugin} is busy: too many calls are waiting for it. Try again in a moment.")]
    Busy {
        /// Which one.
        plugin: String,
    },
    /// The host itself failed, not the plugin.
    #[error("the plugin host could not {doing}: {source}")]
    Io {
        /// What it was about to do.
        doing: String,
        /// Why not.
        source: io::Error,
    },
}

/// How a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrapKind {
    /// It used up its instructions.
    Fuel,
    /// It used up its time.
    Time,
    /// It wanted more memory than it may have.
    Memory,
    /// It called itself too deep.
    Stack,
    /// It sent more bytes than one call may, in its answer or to the log.
    Lifted,
    /// It gave up by itself: a panic, an abort, `unreachable`.
    Panic,
    /// It ended itself through `exit`.
    Exit,
    /// Any other fault: a bad pointer, a division by zero, a broken string.
    Fault,
    /// The host's own code failed while it served the call.
    Host,
}

impl TrapKind {
    /// For metrics; stable.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fuel => "fuel",
            Self::Time => "time",
            Self::Memory => "memory",
            Self::Stack => "stack",
            Self::Lifted => "lifted",
            Self::Panic => "panic",
            Self::Exit => "exit",
            Self::Fault => "fault",
            Self::Host => "host",
        }
    }
}

impl fmt::Display for TrapKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Fuel => {
                "it used up the instructions of one call. Look for a loop that does not end."
            }
            Self::Time => "it used up the time of one call. Look for a loop that does not end.",
            Self::Memory => "it wanted more memory than a plugin may have.",
            Self::Stack => "its calls nest too deep. Look for a recursion that does not end.",
            Self::Lifted => "it sent more data than one call may.",
            Self::Panic => "it panicked. The log has what it said.",
            Self::Exit => "it ended itself instead of answering.",
            Self::Fault => "it broke a rule of WebAssembly. The log has the details.",
            Self::Host => "the host failed while serving it. The log has the details.",
        })
    }
}

impl PluginError {
    /// Which plugin, where the fault is one's.
    #[must_use]
    pub fn plugin(&self) -> Option<&str> {
        match self {
            Self::NotAComponent { plugin, .. }
            | Self::ForbiddenImport { plugin, .. }
            | Self::WrongWorld { plugin, .. }
            | Self::NoHook { plugin, .. }
            | Self::NotCompiled { plugin }
            | Self::Compile { plugin, .. }
            | Self::Settings { plugin, .. }
            | Self::Trap { plugin, .. }
            | Self::Refused { plugin, .. }
            | Self::BadAnswer { plugin, .. }
            | Self::BadQuestion { plugin, .. }
            | Self::Busy { plugin } => Some(plugin),
            Self::Io { .. } => None,
        }
    }

    /// For machines; stable.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAComponent { .. } => "not_a_component",
            Self::ForbiddenImport { .. } => "forbidden_import",
            Self::WrongWorld { .. } => "wrong_world",
            Self::NoHook { .. } => "no_hook",
            Self::NotCompiled { .. } => "not_compiled",
            Self::Compile { .. } => "compile_failed",
            Self::Settings { .. } => "bad_settings",
            Self::Trap { .. } => "plugin_failed",
            Self::Refused { .. } => "plugin_refused",
            Self::BadAnswer { .. } => "bad_answer",
            Self::BadQuestion { .. } => "bad_question",
            Self::Busy { .. } => "plugin_busy",
            Self::Io { .. } => "plugin_host_io",
        }
    }

    pub(crate) fn io(doing: impl Into<String>, source: io::Error) -> Self {
        Self::Io { doing: doing.into(), source }
    }
}

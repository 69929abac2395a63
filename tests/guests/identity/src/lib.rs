//! An identity plugin that misbehaves as its settings say: `{"behaviour":"loop"}`. With `{}` it behaves.
#![forbid(unsafe_code)]

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use planwright_sdk::{Identity, Plugin, Refusal, log};
use serde::Deserialize;

/// What the plugin is told to do.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Settings {
    behaviour: Behaviour,
}

/// In settings: the names in kebab case, such as `loop-in-configure`.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Behaviour {
    /// Gives a good id, from the entropy.
    #[default]
    Behave,
    /// Computes for ever.
    Loop,
    /// Computes for ever while it is configured.
    LoopInConfigure,
    /// Takes memory until there is none.
    Allocate,
    /// Takes stack until there is none.
    Recurse,
    /// Panics, with a message.
    Panic,
    /// Panics while it is configured.
    PanicInConfigure,
    /// Executes an instruction that cannot be, without a message.
    Unreachable,
    /// Ends the program, and says that all went well.
    Exit,
    /// Gives an id outside the alphabet.
    WrongAlphabet,
    /// Gives an empty id.
    Empty,
    /// Gives an id of 129 characters.
    TooLong,
    /// Gives the same id for ever, so that the second one clashes.
    Same,
    /// Gives an id of 100 MB.
    Huge,
    /// Refuses, as a plugin may.
    Refuse,
    /// Refuses in words of 10 MB.
    RefuseAtLength,
    /// Logs a megabyte at a time, for ever.
    Log,
    /// Prints for ever.
    Print,
    /// Finds its settings wrong.
    RefuseSettings,
    /// Finds a million things wrong with its settings.
    RefuseSettingsAtLength,
    /// Answers otherwise the second time: what it saw before shows.
    Remember,
    /// Puts the clock, the randomness and the environment that it can see into the id.
    Peek,
}

/// The plugin.
pub struct Misbehaving;

impl Plugin for Misbehaving {
    type Settings = Settings;

    fn check(settings: &Settings) -> Vec<String> {
        match settings.behaviour {
            Behaviour::LoopInConfigure => compute_for_ever(),
            Behaviour::PanicInConfigure => panic!("asked to panic while configured"),
            Behaviour::RefuseSettings => vec!["These settings are refused, as asked.".to_owned()],
            Behaviour::RefuseSettingsAtLength => {
                vec!["These settings are refused, as asked.".to_owned(); 1_000_000]
            }
            _ => Vec::new(),
        }
    }
}

impl Identity for Misbehaving {
    fn new_id(
        settings: &Settings,
        kind: &str,
        name: &str,
        entropy: &[u8],
    ) -> Result<String, Refusal> {
        match settings.behaviour {
            Behaviour::Loop => compute_for_ever(),
            Behaviour::Allocate => allocate_for_ever(),
            Behaviour::Recurse => Ok(format!("depth_{}", recurse_for_ever(0))),
            Behaviour::Panic => panic!("asked to panic for '{name}'"),
            Behaviour::Unreachable => unreachable_instruction(),
            Behaviour::Exit => std::process::exit(0),
            Behaviour::WrongAlphabet => Ok("Not an id; DROP TABLE plans".to_owned()),
            Behaviour::Empty => Ok(String::new()),
            Behaviour::TooLong => Ok("x".repeat(129)),
            Behaviour::Same => Ok("always_the_same".to_owned()),
            Behaviour::Huge => Ok("x".repeat(100 * 1024 * 1024)),
            Behaviour::Refuse => {
                Err(Refusal::new("refused_as_asked", format!("No id for '{name}', as asked.")))
            }
            Behaviour::RefuseAtLength => {
                Err(Refusal::new("refused_at_length", "no ".repeat(10 * 1024 * 1024 / 3)))
            }
            Behaviour::Log => log_for_ever(),
            Behaviour::Print => print_for_ever(),
            Behaviour::Remember => Ok(remember()),
            Behaviour::Peek => Ok(peek()),
            Behaviour::Behave
            | Behaviour::LoopInConfigure
            | Behaviour::PanicInConfigure
            | Behaviour::RefuseSettings
            | Behaviour::RefuseSettingsAtLength => Ok(behave(kind, entropy)),
        }
    }
}

planwright_sdk::export_identity!(Misbehaving);

fn behave(kind: &str, entropy: &[u8]) -> String {
    let hex: String = entropy.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{kind}_{hex}")
}

fn compute_for_ever() -> ! {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

fn allocate_for_ever() -> ! {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; 1024 * 1024]));
    }
}

#[expect(unconditional_recursion, reason = "this is what it is for")]
fn recurse_for_ever(depth: u64) -> u64 {
    let below = recurse_for_ever(black_box(depth.wrapping_add(1)));
    black_box(below).wrapping_add(depth)
}

#[cfg(target_arch = "wasm32")]
fn unreachable_instruction() -> ! {
    core::arch::wasm32::unreachable()
}

#[cfg(not(target_arch = "wasm32"))]
fn unreachable_instruction() -> ! {
    std::process::abort()
}

fn log_for_ever() -> ! {
    let message = "log ".repeat(1024 * 1024 / 4);
    loop {
        log::error(&message);
    }
}

#[expect(clippy::print_stdout, reason = "the host must bear it")]
fn print_for_ever() -> ! {
    loop {
        println!("print");
    }
}

fn remember() -> String {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    format!("call_{}", CALLS.fetch_add(1, Ordering::Relaxed))
}

#[expect(clippy::disallowed_methods, reason = "it reaches for what the host must have taken away")]
fn peek() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let random = RandomState::new().hash_one(0);
    let environment = std::env::vars_os().count();
    format!("time_{}_random_{random}_environment_{environment}", now.as_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_id(settings: &Settings) -> Result<String, Refusal> {
        Misbehaving::new_id(settings, "plan", "Pro", &[0xab; 32])
    }

    #[test]
    fn it_behaves_unless_told_otherwise() {
        assert_eq!(new_id(&Settings::default()), Ok("plan_abababababababab".to_owned()));
        let refusal = new_id(&Settings { behaviour: Behaviour::Refuse }).unwrap_err();
        assert_eq!(refusal.message, "No id for 'Pro', as asked.");
    }
}

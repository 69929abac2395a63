//! The command line. Exit codes: 0 done, 1 refused or failed with the reason on standard error, 2 wrong usage.

mod check;
mod serve;
mod token;

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::server::COMPILE;

/// A billing core: plans, subscriptions, usage and prices behind a REST API, decided by plugins.
#[derive(Parser)]
#[command(
    name = "planwright",
    version,
    subcommand_negates_reqs = true,
    args_conflicts_with_subcommands = true
)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Arguments,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the REST API (the default command).
    #[command(after_help = serve::EXAMPLES, after_long_help = serve::long_help())]
    Serve(serve::Arguments),
    /// Print a token, and nothing else, signed with the data folder's secret.
    #[command(after_help = token::EXAMPLES)]
    Token(token::Arguments),
    /// Hold everything in a data folder against everything else, and say what disagrees.
    #[command(after_help = check::EXAMPLES)]
    Check(check::Arguments),
    /// Compile the component on standard input to standard output, within limits.
    #[command(name = COMPILE, hide = true)]
    Compile,
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let line = CommandLine::parse();
    let done = match line.command {
        Some(Command::Compile) => return planwright_plugin_host::compile_child(),
        Some(Command::Token(arguments)) => token::run(&arguments),
        Some(Command::Check(arguments)) => check::run(&arguments),
        Some(Command::Serve(arguments)) => serve::run(arguments),
        None => serve::run(line.serve),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("planwright: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// What a command could not do, as a person reads it.
type Failure = Box<dyn std::error::Error>;

/// The environment, but for what is no text; no setting is.
fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

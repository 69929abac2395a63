//! The command line. Exit codes: 0 done, 1 refused or failed with the reason on standard error, 2 wrong usage.

mod api_key;
mod apply;
mod backup;
mod catalog_files;
mod check;
mod export;
mod init_plans;
mod out;
mod place;
mod plugin;
mod remote;
mod replay;
mod restore;
mod serve;
mod templates;
mod tenant;
mod token;
mod values;
mod webhook;

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

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
    /// Write everything in a data folder into one file, of a running server or an idle folder.
    #[command(after_help = backup::EXAMPLES)]
    Backup(backup::Arguments),
    /// Make a data folder from a backup.
    #[command(after_help = restore::EXAMPLES)]
    Restore(restore::Arguments),
    /// Write a tenant's whole catalog as files, to be read, reviewed and applied elsewhere.
    #[command(after_help = export::EXAMPLES)]
    Export(export::Arguments),
    /// Show what files of a catalog would change, and apply them as a whole or not at all.
    #[command(after_help = apply::EXAMPLES)]
    Apply(apply::Arguments),
    /// Print what completes commands in a shell.
    #[command(
        after_help = "Examples:\n  planwright completions bash > ~/.local/share/bash-completion/completions/planwright"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Make and list tenants on a running server; needs the role operator.
    #[command(after_help = tenant::EXAMPLES)]
    Tenant(tenant::Arguments),
    /// Make, list and revoke API keys on a running server; needs the role admin.
    #[command(after_help = api_key::EXAMPLES)]
    ApiKey(api_key::Arguments),
    /// Upload plugins to a running server, and bind them; needs the role admin.
    #[command(after_help = plugin::EXAMPLES)]
    Plugin(plugin::Arguments),
    /// List and install packs of ready-made plans and price books on a running server; needs the role admin.
    #[command(after_help = templates::EXAMPLES)]
    Templates(templates::Arguments),
    /// Make webhook endpoints on a running server, and see what was sent to them; needs the role admin.
    #[command(after_help = webhook::EXAMPLES)]
    Webhook(webhook::Arguments),
    /// Ask again what statements rest on, on a running server; needs the role admin.
    #[command(after_help = replay::EXAMPLES)]
    Replay(replay::Arguments),
    /// Install the standard plans: free, starter, pro and business.
    #[command(after_help = init_plans::EXAMPLES)]
    InitPlans(init_plans::Arguments),
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    // The server calls itself to compile a component. Nobody types this, so the command line does not show it.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == COMPILE) {
        return planwright_plugin_host::compile_child();
    }
    let line = CommandLine::parse();
    let done = match line.command {
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            let mut line = CommandLine::command();
            clap_complete::generate(shell, &mut line, "planwright", &mut script);
            out::print(&String::from_utf8_lossy(&script))
        }
        Some(Command::Token(arguments)) => token::run(&arguments),
        Some(Command::Check(arguments)) => check::run(&arguments),
        Some(Command::Backup(arguments)) => backup::run(&arguments),
        Some(Command::Restore(arguments)) => restore::run(&arguments),
        Some(Command::Export(arguments)) => export::run(&arguments),
        Some(Command::Apply(arguments)) => apply::run(&arguments),
        Some(Command::Tenant(arguments)) => tenant::run(arguments),
        Some(Command::ApiKey(arguments)) => api_key::run(arguments),
        Some(Command::Plugin(arguments)) => plugin::run(arguments),
        Some(Command::Templates(arguments)) => templates::run(arguments),
        Some(Command::Webhook(arguments)) => webhook::run(arguments),
        Some(Command::Replay(arguments)) => replay::run(arguments),
        Some(Command::InitPlans(arguments)) => init_plans::run(&arguments),
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

/// The environment. What is no text is no setting of ours, and if it is to be one, that is said.
fn environment() -> Result<BTreeMap<String, String>, Failure> {
    let mut environment = BTreeMap::new();
    for (name, value) in std::env::vars_os() {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => drop(environment.insert(name, value)),
            Err(_) if name.starts_with("PLANWRIGHT_") => {
                return Err(format!("{name} is not UTF-8").into());
            }
            Err(_) => {}
        }
    }
    Ok(environment)
}

//! `planwright api-key`

use clap::{Args, Subcommand};
use planwright_service::edge::Clock;
use reqwest::Method;
use serde_json::{Value, json};

use super::Failure;
use super::remote::{OfTenant, Remote, cell, print_json, print_secret, print_table, time_cell};
use super::values::{RoleName, parse_ttl};
use crate::edge::SystemClock;

pub(super) const EXAMPLES: &str = "\
Examples:
  export PLANWRIGHT_TOKEN=$(planwright token --user me --role admin)
  KEY=$(planwright api-key create --name ci --role admin --ttl 90d)
  planwright api-key create --name shop --role service --user shop
  planwright api-key list
  planwright api-key revoke key_abcdefghijklmnop";

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make an API key, and print it alone: it is not shown again.
    #[command(after_help = EXAMPLES)]
    Create {
        /// What it is for.
        #[arg(long)]
        name: String,
        /// What it may do; no more than you may.
        #[arg(long)]
        role: RoleName,
        /// The user it speaks for [default: you].
        #[arg(long)]
        user: Option<String>,
        /// How long it holds, such as 90d [default: until it is revoked].
        #[arg(long, value_parser = parse_ttl)]
        ttl: Option<i64>,
        #[command(flatten)]
        of: OfTenant,
    },
    /// List the API keys, newest first.
    #[command(after_help = EXAMPLES)]
    List {
        #[command(flatten)]
        of: OfTenant,
    },
    /// Revoke an API key: it is refused from now on.
    #[command(after_help = EXAMPLES)]
    Revoke {
        /// The key's id, as the list shows it.
        id: String,
        #[command(flatten)]
        of: OfTenant,
    },
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        Command::Create { name, role, user, ttl, of } => {
            let end = ttl.map(|ttl| SystemClock.now().as_second().saturating_add(ttl));
            let role = role.as_str();
            let draft = json!({"name": name, "role": role, "user_id": user, "expires_at": end});
            let made = of.remote.ask(of.ask(Method::POST, &["api-keys"], Some(draft)))?;
            print_secret(&of.remote, &made, "made", "key")
        }
        Command::List { of } => {
            let keys = of.remote.list(&of.ask(Method::GET, &["api-keys"], None))?;
            show(&of.remote, keys)
        }
        Command::Revoke { id, of } => {
            of.remote.ask(of.ask(Method::DELETE, &["api-keys", &id], None))?;
            if of.remote.json {
                return print_json(&json!({"id": id, "revoked": true}));
            }
            eprintln!("revoked {id}");
            Ok(())
        }
    }
}

fn show(remote: &Remote, keys: Vec<Value>) -> Result<(), Failure> {
    if remote.json {
        return print_json(&keys.into());
    }
    let row = |key: &Value| {
        let text = |field| cell(key, field);
        let time = |field| time_cell(key, field);
        let named = [text("id"), text("name"), text("role"), text("user_id")];
        named.into_iter().chain([time("expires_at"), time("last_used_at")]).collect()
    };
    let titles = ["ID", "NAME", "ROLE", "USER", "EXPIRES", "LAST USED"];
    print_table(&titles, keys.iter().map(row).collect())
}

//! `planwright tenant`

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::Failure;
use super::remote::{Ask, Remote, cell, print_json, print_table, time_cell};

pub(super) const EXAMPLES: &str = "\
Examples:
  export PLANWRIGHT_TOKEN=$(planwright token --user me --role operator)
  planwright tenant create acme --name 'Acme Ltd.'
  planwright tenant create acme-test --sandbox
  planwright tenant list --json";

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a tenant.
    #[command(after_help = EXAMPLES)]
    Create {
        /// 1 to 63 of a-z, 0-9 and '-'.
        id: String,
        /// For people [default: the id].
        #[arg(long)]
        name: Option<String>,
        /// Let its time be set by hand, to try things out.
        #[arg(long)]
        sandbox: bool,
        #[command(flatten)]
        remote: Remote,
    },
    /// List all tenants.
    #[command(after_help = EXAMPLES)]
    List {
        #[command(flatten)]
        remote: Remote,
    },
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    let ask = |method, body| Ask { method, path: &["tenants"], tenant: None, body, query: None };
    match arguments.command {
        Command::Create { id, name, sandbox, remote } => {
            let name = name.unwrap_or_else(|| id.clone());
            let draft = json!({"id": id, "name": name, "sandbox": sandbox});
            let made = remote.ask(ask(Method::POST, Some(draft)))?;
            show(&remote, made)
        }
        Command::List { remote } => {
            let tenants = remote.list(&ask(Method::GET, None))?;
            show(&remote, tenants.into())
        }
    }
}

fn show(remote: &Remote, tenants: Value) -> Result<(), Failure> {
    if remote.json {
        return print_json(&tenants);
    }
    let rows = match tenants {
        Value::Array(tenants) => tenants.iter().map(row).collect(),
        tenant => vec![row(&tenant)],
    };
    print_table(&["ID", "NAME", "SANDBOX", "CREATED"], rows)
}

fn row(tenant: &Value) -> Vec<String> {
    let text = |field| cell(tenant, field);
    vec![text("id"), text("name"), text("sandbox"), time_cell(tenant, "created_at")]
}

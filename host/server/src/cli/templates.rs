//! `planwright templates`

use clap::{Args, Subcommand};
use planwright_domain::plan::template::Install;
use reqwest::Method;
use serde_json::Value;

use super::Failure;
use super::init_plans;
use super::remote::{OfTenant, cell, print_json, print_table};

pub(super) const EXAMPLES: &str = "\
Examples:
  planwright templates list
  planwright templates install saas-tiers
  planwright templates install cloud-hosting
  planwright templates install saas-tiers --group default --group annual --dry-run
  planwright templates install saas-tiers --force --tenant acme";

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the packs of ready-made plans and price books that can be installed.
    #[command(after_help = EXAMPLES)]
    List {
        #[command(flatten)]
        of: OfTenant,
    },
    /// Install a pack; what is there already is skipped.
    #[command(after_help = EXAMPLES)]
    Install {
        /// The pack's name, as the list shows it.
        pack: String,
        /// A group of the pack; again for more [default: those that the pack installs by default].
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<String>,
        /// Update what is there, under the same rules as by hand.
        #[arg(long)]
        force: bool,
        /// Say what would happen, and change nothing.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        of: OfTenant,
    },
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        Command::List { of } => {
            let packs = of.remote.list(&of.ask(Method::GET, &["template-packs"], None))?;
            show(&of, packs)
        }
        Command::Install { pack, groups, force, dry_run, of } => {
            let groups = (!groups.is_empty()).then_some(groups);
            let install = serde_json::to_value(Install { groups, force, dry_run })?;
            let path = ["template-packs", pack.as_str(), "install"];
            let done = of.remote.ask(of.ask(Method::POST, &path, Some(install)))?;
            init_plans::tell(&serde_json::from_value(done)?, of.remote.json)
        }
    }
}

fn show(of: &OfTenant, packs: Vec<Value>) -> Result<(), Failure> {
    if of.remote.json {
        return print_json(&packs.into());
    }
    let mut rows = Vec::new();
    for pack in &packs {
        let name = cell(pack, "name");
        if pack["available"] != true {
            rows.push(vec![name, "-".to_owned(), "-".to_owned(), cell(pack, "reason")]);
            continue;
        }
        for group in pack["groups"].as_array().into_iter().flatten() {
            let things = ["plans", "price_catalog"].map(|list| group[list].as_array());
            let things: Vec<&Value> = things.into_iter().flatten().flatten().collect();
            let installed = things.iter().filter(|thing| thing["installed"] == true).count();
            let counted = format!("{installed} of {}", things.len());
            rows.push(vec![name.clone(), cell(group, "name"), counted, cell(group, "title")]);
        }
    }
    print_table(&["PACK", "GROUP", "INSTALLED", "TITLE"], rows)
}

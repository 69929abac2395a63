//! `planwright apply`

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use planwright_domain::audit::Change;
use planwright_domain::catalog::catalog_change::{CatalogChange, CatalogChanges};
use planwright_domain::catalog::catalog_document::CatalogDocument;
use planwright_domain::tenant::caller::TenantId;
use planwright_service::catalog::{self, Put};
use reqwest::Method;

use super::Failure;
use super::catalog_files::CatalogFiles;
use super::out::{print, print_line};
use super::place::{Found, Place};
use super::remote::{Ask, Declined};
use super::values::parse_tenant;

pub(super) const EXAMPLES: &str = "\
Examples:
  planwright apply catalog --dry-run
  planwright apply catalog --server http://127.0.0.1:8080 --token \"$TOKEN\"
  planwright apply catalog --prune --yes --data-dir /var/lib/planwright --tenant acme

It shows what would change and asks. All of it is applied in one commit under the rules that hold for
changes by hand, or nothing is. What the folder does not have stays, or goes with --prune. A field
that a file leaves out is what it is in a new thing.

With --server (or PLANWRIGHT_URL) it asks a running server. Otherwise it works on the data folder
itself, which no server may be using then.";

#[derive(Args)]
pub(super) struct Arguments {
    /// The folder that `planwright export` wrote.
    folder: PathBuf,
    /// Delete what the folder does not have.
    #[arg(long)]
    prune: bool,
    /// Apply without asking.
    #[arg(long)]
    yes: bool,
    /// Show what would change, and change nothing.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Print the result as JSON; needs --yes or --dry-run.
    #[arg(long)]
    json: bool,
    /// The tenant; on a server, for operators [default: that of the token, or 'default'].
    #[arg(long, value_parser = parse_tenant)]
    tenant: Option<TenantId>,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.json && !arguments.yes && !arguments.dry_run {
        return Err("--json does not ask: add --yes or --dry-run".into());
    }
    let files = CatalogFiles::read(&arguments.folder)?;
    let put = |dry_run, if_match| {
        put(arguments, &files.document, dry_run, if_match).map_err(|failure| {
            match failure.downcast::<Declined>() {
                Ok(declined) => files.explained(&declined).into(),
                Err(failure) => failure,
            }
        })
    };
    if arguments.yes {
        let (done, _) = put(false, None)?;
        return show(&done, arguments.json);
    }
    let (would, tag) = put(true, None)?;
    show(&would, arguments.json)?;
    if arguments.dry_run || would.is_nothing() {
        return Ok(());
    }
    must_be_wanted()?;
    // What was shown is what is applied, or nothing.
    let (done, _) = put(false, Some(tag))?;
    summarise(&done)
}

/// What changes, and the entity tag of what it rests on or has become.
fn put(
    arguments: &Arguments,
    document: &CatalogDocument,
    dry_run: bool,
    if_match: Option<String>,
) -> Result<(CatalogChanges, String), Failure> {
    let prune = arguments.prune;
    match arguments.place.find()? {
        Found::Server(server) => {
            let ask = Ask {
                method: Method::PUT,
                path: &["catalog"],
                tenant: arguments.tenant.as_ref().map(TenantId::as_str),
                body: Some(serde_json::to_value(document)?),
                query: None,
            };
            let how = [("dry_run", dry_run.to_string()), ("prune", prune.to_string())];
            let how = how.each_ref().map(|(name, value)| (*name, value.as_str()));
            let (answer, tag) = server.ask_tagged(ask, &how, if_match.as_deref())?;
            // From its text, as everywhere: see `export`.
            Ok((serde_json::from_str(&answer.to_string())?, tag))
        }
        Found::Folder(folder) => {
            let tenant = arguments.tenant.clone().unwrap_or_default();
            let applied = folder.work("apply", &tenant, if_match, async |app, by| {
                catalog::put(app, by, document, Put { prune, dry_run }).await
            })?;
            Ok((applied.changes, applied.tag))
        }
    }
}

/// Asks whoever is at the terminal.
fn must_be_wanted() -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err("nobody is there to be asked: --yes applies without asking".into());
    }
    eprint!("Apply these changes? [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    if ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()) {
        return Ok(());
    }
    Err("nothing was changed".into())
}

fn show(changes: &CatalogChanges, json: bool) -> Result<(), Failure> {
    if json {
        return print_line(&serde_json::to_string_pretty(changes)?);
    }
    print(&report(changes))?;
    summarise(changes)
}

fn summarise(changes: &CatalogChanges) -> Result<(), Failure> {
    print_line(&summary(changes))
}

/// A line for each thing, and beneath it one for each field and warning.
fn report(changes: &CatalogChanges) -> String {
    let lists = [("+", &changes.created), ("~", &changes.updated), ("-", &changes.deleted)];
    let mut report = String::new();
    for (sign, list) in lists {
        for CatalogChange { kind, name, changes, warnings } in list {
            report += &format!("{sign} {} {name}\n", kind.noun());
            for (field, Change { old, new }) in changes {
                report += &format!("    {field}: {old} → {new}\n");
            }
            for warning in warnings {
                report += &format!("    Warning: {warning}\n");
            }
        }
    }
    report
}

fn summary(changes: &CatalogChanges) -> String {
    let CatalogChanges { created, updated, deleted, unchanged, dry_run } = changes;
    if changes.is_nothing() {
        return format!("Nothing to do: {unchanged} things are as they are wanted.");
    }
    let counts = [("created", created), ("updated", updated), ("deleted", deleted)];
    let counts = counts.map(|(what, list)| format!("{} {what}", list.len()));
    let dry = if *dry_run { " Nothing is changed yet." } else { "" };
    format!("{}, {unchanged} unchanged.{dry}", counts.join(", "))
}

#[cfg(test)]
mod tests {
    use planwright_domain::catalog::catalog_change::CatalogKind;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_report_has_a_line_for_each_thing_and_each_field() {
        let change = |kind, name: &str| CatalogChange {
            kind,
            name: name.to_owned(),
            changes: std::collections::BTreeMap::new(),
            warnings: Vec::new(),
        };
        let price = Change { old: json!(490), new: json!(590) };
        let changes = CatalogChanges {
            created: vec![change(CatalogKind::Region, "eu")],
            updated: vec![CatalogChange {
                changes: [("price".to_owned(), price)].into(),
                warnings: vec!["The price changes.".to_owned()],
                ..change(CatalogKind::Plan, "pro")
            }],
            unchanged: 3,
            dry_run: true,
            ..CatalogChanges::default()
        };
        assert_eq!(
            report(&changes),
            "+ region eu\n\
             ~ plan pro\n    \
                 price: 490 → 590\n    \
                 Warning: The price changes.\n"
        );
        assert_eq!(
            summary(&changes),
            "1 created, 1 updated, 0 deleted, 3 unchanged. Nothing is changed yet."
        );
        let nothing = CatalogChanges { unchanged: 2, ..CatalogChanges::default() };
        assert_eq!(summary(&nothing), "Nothing to do: 2 things are as they are wanted.");
    }
}
